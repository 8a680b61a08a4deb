//! `portcullis workspace delete`.

use anyhow::{Result, bail};
use serde::Serialize;
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::keys::KeyRecord;
use shared::store::admin::RemovalPosition;
use shared::store::{Store, Workspace};

use super::overview::WorkspaceCounts;
use crate::confirm::confirm_name;
use crate::output::{Output, Printable};
use crate::progress::Progress;

/// How long functions cache a key, in seconds: they may accept it that long after its revocation.
const KEY_CACHE_TTL: u64 = 60;

/// What was or would be deleted.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DeletedWorkspace {
    guid: String,
    name: String,
    dry_run: bool,
    #[serde(flatten)]
    counts: WorkspaceCounts,
    experiences: usize,
}

impl Printable for DeletedWorkspace {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let what = if self.dry_run {
            "would be deleted"
        } else {
            "deleted"
        };
        let mut fields = vec![("workspace", format!("{} {:?} {what}", self.guid, self.name))];
        fields.extend(self.counts.fields());
        fields.push(("experiences", self.experiences.to_string()));
        fields
    }
}

pub async fn delete(
    workspace: &Workspace,
    name: Option<&str>,
    dry_run: bool,
    store: &Store,
    output: Output,
) -> Result<()> {
    let prefix = workspace.guid.prefix();
    let deleted = DeletedWorkspace {
        guid: workspace.guid.to_string(),
        name: workspace.name.clone(),
        dry_run,
        counts: WorkspaceCounts::of(store, workspace).await?,
        experiences: store.links(prefix).await?.len(),
    };
    let keys = store.keys(prefix).await?;
    let refusal = objection(&keys, workspace, UnixMillis::now().seconds());
    if dry_run {
        if let Some(refusal) = refusal {
            note!("Cannot be deleted yet: {refusal}.");
        }
        return output.one(&deleted);
    }
    if let Some(refusal) = refusal {
        bail!("{refusal}");
    }
    if let Some(name) = name {
        if name != workspace.name {
            bail!(
                "Cancelled: workspace {} is named {:?}, not {name:?}.",
                workspace.guid,
                workspace.name
            );
        }
    } else {
        let question = format!(
            "This deletes workspace {:?} with its {} bans, their history and its {} keys. It cannot \
             be undone.",
            workspace.name, deleted.counts.bans_on_record, deleted.counts.keys
        );
        confirm_name(&question, &workspace.name)?;
    }

    let mut progress = Progress::begin("bans deleted", Some(deleted.counts.bans_on_record));
    store.remove_global(prefix).await?;
    let mut position = RemovalPosition::default();
    while let Some(bans) = store.remove_some_users(prefix, &mut position).await? {
        progress.advance(bans);
    }
    store.remove_rest(prefix).await?;
    progress.finish();
    output.one(&deleted)
}

/// Why the workspace cannot be deleted yet: items that its keys write meanwhile would remain.
fn objection(keys: &[KeyRecord], workspace: &Workspace, now: UnixSeconds) -> Option<String> {
    if let Some(live) = keys.iter().find(|key| key.is_live(now)) {
        return Some(format!(
            "key {:?} is live; revoke every key first, with `portcullis key revoke -w {} {}`",
            live.name, workspace.guid, live.key_id
        ));
    }
    let revoked = keys.iter().filter_map(|key| key.revoked).max()?;
    let since = now.0.saturating_sub(revoked.0);
    (since < KEY_CACHE_TTL).then(|| {
        format!(
            "a key was revoked {since} s ago and may be accepted for {KEY_CACHE_TTL} s; try again in {} s",
            KEY_CACHE_TTL.saturating_sub(since)
        )
    })
}
