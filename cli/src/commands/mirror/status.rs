//! `portcullis mirror status`.

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::ids::ExperienceId;
use shared::store::{Mirror, Pending, Queue};

use super::{MirrorSummary, NONE_MIRRORED, NamedMirror, OpenCloudContext};
use crate::arguments::{WorkspaceArg, experience};
use crate::commands::workspace;
use crate::names::{NamedUser, UserNames};
use crate::output::{Output, Printable};
use crate::times::{Time, duration, or_dash};

/// How many changes per second a mirror makes in a universe.
const PER_SECOND: u64 = 9;

/// For how many users at the head of the queue errors are shown.
const FIRST: usize = 10;

#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The experience's place id [default: all mirrored experiences].
    #[arg(value_name = "EXPERIENCE", value_parser = experience)]
    experience: Option<ExperienceId>,

    #[command(flatten)]
    place: WorkspaceArg,
}

/// A mirror and its pending changes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct MirrorStatus {
    #[serde(flatten)]
    mirror: MirrorSummary,
    pending_bans: u64,
    pending_unbans: u64,
    oldest: Option<Time>,
    /// How long the pending changes take at Roblox's rate limit, in seconds.
    estimated_seconds: u64,
    /// Until when the mirror sends nothing to Roblox.
    paused_until: Option<Time>,
    held_up: Vec<FailingUser>,
}

/// A user whose last change failed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FailingUser {
    #[serde(flatten)]
    user: NamedUser,
    failures: u32,
    error: Option<String>,
    retry_at: Option<Time>,
}

impl Printable for MirrorStatus {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = self.mirror.fields();
        let first = self.held_up.first();
        let errors = first.map_or("-".to_owned(), |first| {
            let error = first.error.as_deref().unwrap_or("Roblox's rate limit");
            match self.held_up.len() {
                1 => format!("user {}: {error}", first.user.cell()),
                count => format!("{count} users, such as {}: {error}", first.user.cell()),
            }
        });
        fields.extend([
            ("pending bans", self.pending_bans.to_string()),
            ("pending unbans", self.pending_unbans.to_string()),
            ("oldest", or_dash(self.oldest)),
            ("done in about", duration(self.estimated_seconds)),
            ("paused until", or_dash(self.paused_until)),
            ("failing", errors),
        ]);
        fields
    }
}

pub async fn status(
    args: StatusArgs,
    tools: &OpenCloudContext,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    let all = if let Some(experience) = args.experience {
        let place = args.place;
        vec![tools.mirror(NamedMirror { experience, place }).await?]
    } else {
        let workspace = workspace::find(&tools.store, args.place).await?;
        tools.store.mirrors_of(workspace.guid.prefix()).await?
    };
    let now = UnixMillis::now();
    let mut shown = Vec::new();
    for mirror in &all {
        shown.push(status_of(mirror, tools, now).await?);
    }
    if let Some(mirror) = all.first() {
        let failing = shown.iter_mut().flat_map(|mirror| &mut mirror.held_up);
        let failing = failing.map(|row| &mut row.user);
        names
            .complete(&tools.store, mirror.workspace, failing)
            .await;
    }
    output.list(&shown, NONE_MIRRORED)
}

async fn status_of(
    mirror: &Mirror,
    tools: &OpenCloudContext,
    now: UnixMillis,
) -> Result<MirrorStatus> {
    let (store, prefix, place) = (&tools.store, mirror.workspace, mirror.experience);
    let universe = mirror.settings.universe;
    let count = |pending| store.count_pending(pending, prefix, place, Some(now.seconds()));
    let (bans, unbans) = (count(Pending::Bans).await?, count(Pending::Unbans).await?);
    let sources = [(Pending::Bans, place), (Pending::Unbans, place)];
    let mut queue = Queue::new(prefix, &sources, now);
    let (mut oldest, mut held_up) = (None::<UnixSeconds>, Vec::new());
    for _ in 0..FIRST {
        let Some((since, user)) = queue.next(store).await? else {
            break;
        };
        oldest = Some(oldest.map_or(since, |oldest| oldest.min(since)));
        let sync = store.restriction_sync(prefix, user, universe).await?;
        let Some(sync) = sync.filter(|it| it.failures > 0 || it.retry_at.is_some()) else {
            continue;
        };
        held_up.push(FailingUser {
            user: user.into(),
            failures: sync.failures,
            error: sync.error,
            retry_at: sync.retry_at.map(|at| Time(at.seconds())),
        });
    }
    let paused = store.universe_pause(prefix, universe).await?;
    Ok(MirrorStatus {
        mirror: MirrorSummary::from(mirror),
        pending_bans: bans,
        pending_unbans: unbans,
        oldest: oldest.map(Time),
        estimated_seconds: bans.saturating_add(unbans).div_ceil(PER_SECOND),
        paused_until: paused
            .filter(|until| *until > now)
            .map(|until| Time(until.seconds())),
        held_up,
    })
}
