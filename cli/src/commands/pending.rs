//! `portcullis pending`.

use anyhow::Result;
use clap::Args;
use serde::{Deserialize, Serialize};
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::ids::{ExperienceId, PlaceId, WorkspaceId};
use shared::domain::rules::FailedAttempts;
use shared::domain::text::printable;
use shared::store::{Pending, Store};

use super::experience::require_linked;
use super::workspace;
use crate::api::{ApiClient, ReceivedBan};
use crate::arguments::ExperienceArgs;
use crate::ban_summary::BanSummary;
use crate::names::UserNames;
use crate::output::{Output, Printable};
use crate::times::Time;

const EXAMPLES: &str = "\
Examples:
  portcullis pending --experience 7
  portcullis pending --experience 7 --output json | jq length";

/// How many changes are read per query.
const PAGE: usize = 100;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct PendingArgs {
    #[command(flatten)]
    place: ExperienceArgs,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PendingChange {
    /// `ban` or `unban`.
    pending: &'static str,
    #[serde(flatten)]
    ban: BanSummary,
    #[serde(flatten)]
    failing: Option<Failing>,
}

/// The experience's failed attempts, as it reported them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failing {
    failures: u32,
    error: Option<String>,
    not_before: u64,
    not_before_at: Time,
}

impl Failing {
    fn new(failures: FailedAttempts) -> Self {
        Self {
            failures: failures.count,
            error: failures.error,
            not_before: failures.not_before.0,
            not_before_at: Time(failures.not_before),
        }
    }

    fn line(&self) -> String {
        let error = self.error.as_deref().unwrap_or("no error was sent");
        let next = self.not_before_at.shown();
        format!("{}: {}; again from {next}", self.failures, printable(error))
    }
}

impl Printable for PendingChange {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![("pending", self.pending.to_owned())];
        fields.extend(self.ban.fields());
        fields.push((
            "failed",
            self.failing
                .as_ref()
                .map_or_else(String::new, Failing::line),
        ));
        fields
    }
}

/// An item of a pending list of the API.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReceivedItem {
    #[serde(flatten)]
    ban: ReceivedBan,
    failures: Option<u32>,
    error: Option<String>,
    not_before: Option<u64>,
}

impl ReceivedItem {
    fn failing(&self) -> Option<Failing> {
        let not_before = UnixSeconds(self.not_before?);
        Some(Failing {
            failures: self.failures?,
            error: self.error.clone(),
            not_before: not_before.0,
            not_before_at: Time(not_before),
        })
    }
}

/// Lists what is pending through the API. The call counts as a poll of the experience.
pub async fn run_remote(
    args: &PendingArgs,
    api: &ApiClient,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    let experience = args.place.named;
    let query = vec![
        ("experienceId", experience.to_string()),
        ("limit", PAGE.to_string()),
    ];
    let now = UnixMillis::now().seconds();
    let mut list = Vec::new();
    for (pending, path) in [("ban", "pending-bans"), ("unban", "pending-unbans")] {
        let items: Vec<ReceivedItem> = api.all(path, &query)?;
        list.extend(items.into_iter().map(|item| PendingChange {
            pending,
            failing: item.failing(),
            ban: BanSummary::received(item.ban, now),
        }));
    }
    let users = list.iter_mut().map(|row| &mut row.ban.user);
    names.complete_remote(users).await;
    output.list(&list, &nothing_in(experience))
}

fn nothing_in(experience: PlaceId) -> String {
    format!("nothing is pending in experience {experience}")
}

pub async fn run(
    args: PendingArgs,
    store: &Store,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    let ExperienceArgs { place, named } = args.place;
    let workspace = workspace::find(store, place).await?;
    let place = require_linked(store, &workspace, named).await?;
    let experience = place.experience;
    let now = UnixMillis::now().seconds();
    let mut list = all(store, Pending::Bans, workspace.guid, experience, now).await?;
    list.extend(all(store, Pending::Unbans, workspace.guid, experience, now).await?);
    names
        .complete(
            store,
            workspace.guid.prefix(),
            list.iter_mut().map(|row| &mut row.ban.user),
        )
        .await;
    output.list(&list, &nothing_in(experience.into()))
}

async fn all(
    store: &Store,
    pending: Pending,
    workspace: WorkspaceId,
    experience: ExperienceId,
    now: UnixSeconds,
) -> Result<Vec<PendingChange>> {
    let (name, applied) = match pending {
        Pending::Bans => ("ban", false),
        Pending::Unbans => ("unban", true),
    };
    let prefix = workspace.prefix();
    let mut list = Vec::new();
    let mut after = None;
    loop {
        let (items, next) = store
            .pending(pending, prefix, experience, after.as_ref(), PAGE, now)
            .await?;
        list.extend(items.into_iter().map(|item| PendingChange {
            pending: name,
            ban: BanSummary::new(workspace, &item.ban, applied, now),
            failing: item.failures.map(Failing::new),
        }));
        after = next;
        if after.is_none() {
            return Ok(list);
        }
    }
}
