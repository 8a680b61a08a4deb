//! `portcullis experience link` and `unlink`.

use anyhow::{Context, Result, anyhow, bail};
use serde::Serialize;
use shared::domain::clock::UnixMillis;
use shared::domain::ids::{ExperienceId, WorkspacePrefix};
use shared::store::admin::LinkedExperience;
use shared::store::{BackfillPosition, Linking, Pending, Store, Workspace};

use super::NamedExperience;
use super::list::ExperienceSummary;
use crate::arguments::SafetyArgs;
use crate::commands::workspace;
use crate::confirm::confirm;
use crate::output::{Output, Printable};
use crate::progress::Progress;

/// What unlinking dropped or would drop.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Unlinked {
    experience_id: ExperienceId,
    dry_run: bool,
    dropped_bans: u64,
    /// Pending unbans, including those of bans that have not expired yet.
    dropped_unbans: u64,
}

impl Printable for Unlinked {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let (link, dropped) = if self.dry_run {
            ("would be unlinked", "would be dropped")
        } else {
            ("unlinked", "dropped")
        };
        vec![
            ("experience", format!("{} {link}", self.experience_id)),
            ("pending bans", format!("{} {dropped}", self.dropped_bans)),
            (
                "pending unbans",
                format!("{} {dropped}", self.dropped_unbans),
            ),
        ]
    }
}

pub async fn link(named: NamedExperience, store: &Store, output: Output) -> Result<()> {
    let NamedExperience { experience, place } = named;
    let prefix = workspace::find(store, place).await?.guid.prefix();
    let now = UnixMillis::now().seconds();
    store.link_experience(prefix, experience, now).await?;
    let linked = || async {
        let link = store.linked(prefix, experience).await?;
        link.context("the experience was unlinked in the meantime")
    };
    if !linked().await?.is_filled {
        backfill(store, prefix, experience).await?;
    }
    let polls = store.last_polls(prefix).await?;
    output.one(&ExperienceSummary::of(store, prefix, linked().await?, &polls).await?)
}

/// Makes the bans in force pending for the experience. The stream's function does the same; both are
/// idempotent.
async fn backfill(store: &Store, prefix: WorkspacePrefix, experience: ExperienceId) -> Result<()> {
    let total = store.count_backfill(prefix, experience).await?;
    let mut progress = Progress::begin("users synced", Some(total));
    let mut position = Some(BackfillPosition::default());
    while let Some(at) = position {
        let (looked_at, next) = store.backfill_some(prefix, experience, &at).await?;
        progress.advance(looked_at);
        position = next;
    }
    store.end_backfill(prefix, experience).await?;
    progress.finish();
    Ok(())
}

pub async fn unlink(
    named: NamedExperience,
    safety: SafetyArgs,
    store: &Store,
    output: Output,
) -> Result<()> {
    let NamedExperience { experience, place } = named;
    let workspace = workspace::find(store, place).await?;
    let prefix = workspace.guid.prefix();
    let bans = store
        .count_pending(Pending::Bans, prefix, experience, None)
        .await?;
    let unbans = store
        .count_pending(Pending::Unbans, prefix, experience, None)
        .await?;
    let links = store.links(prefix).await?;
    let link = LinkedExperience::unlinkable(&links, experience).map_err(|joined| {
        let part = joined.part();
        anyhow!("{joined}: run `portcullis experience leave {part}` first")
    })?;
    let is_linked = link.is_some();
    if !is_linked && bans == 0 && unbans == 0 {
        bail!(
            "experience {experience} is not linked; `portcullis experience list -w {}` shows the \
             linked ones",
            workspace.guid
        );
    }
    let mut shown = Unlinked {
        experience_id: experience,
        dry_run: safety.dry_run,
        dropped_bans: bans,
        dropped_unbans: unbans,
    };
    if !safety.dry_run {
        let question = format!(
            "Unlink experience {experience}? This drops its {bans} pending bans and {unbans} pending \
             unbans, and Global bans no longer reach it."
        );
        confirm(&question, safety.yes)?;
        store.unlink_experience(prefix, experience).await?;
        shown.dropped_bans = drop(store, Pending::Bans, prefix, experience, bans).await?;
        shown.dropped_unbans = drop(store, Pending::Unbans, prefix, experience, unbans).await?;
        advise(&workspace);
    }
    output.one(&shown)
}

async fn drop(
    store: &Store,
    pending: Pending,
    prefix: WorkspacePrefix,
    experience: ExperienceId,
    expected: u64,
) -> Result<u64> {
    let mut progress = Progress::begin("pending entries dropped", Some(expected));
    let (mut after, mut total) = (None, 0_u64);
    loop {
        let dropped = store
            .drop_pending(pending, prefix, experience, &mut after)
            .await?;
        progress.advance(dropped);
        total = total.saturating_add(dropped);
        if after.is_none() {
            progress.finish();
            return Ok(total);
        }
    }
}

fn advise(workspace: &Workspace) {
    note!(
        "It may take 60 s to take effect. Run this again then to drop anything queued meanwhile."
    );
    if workspace.linking == Linking::Automatic {
        note!(
            "Linking is automatic in this workspace, so the experience's next call with a secret key \
             links it again. To prevent that, remove the key from the experience, or run \
             `portcullis workspace set {} --linking strict`.",
            workspace.guid
        );
    }
}
