//! `portcullis pending`.

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::ids::WorkspaceId;
use shared::store::{Pending, Store};

use super::experience::require_linked;
use super::workspace;
use crate::arguments::ExperienceArgs;
use crate::ban_summary::BanSummary;
use crate::output::{Output, Printable};

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
}

impl Printable for PendingChange {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![("pending", self.pending.to_owned())];
        fields.extend(self.ban.fields());
        fields
    }
}

pub async fn run(args: PendingArgs, store: &Store, output: Output) -> Result<()> {
    let ExperienceArgs { place, experience } = args.place;
    let workspace = workspace::find(store, place.workspace).await?;
    require_linked(store, &workspace, experience).await?;
    let now = UnixMillis::now().seconds();
    let mut list = all(store, Pending::Bans, workspace.guid, args.place, now).await?;
    list.extend(all(store, Pending::Unbans, workspace.guid, args.place, now).await?);
    output.list(
        &list,
        &format!("nothing is pending in experience {experience}"),
    )
}

async fn all(
    store: &Store,
    pending: Pending,
    workspace: WorkspaceId,
    place: ExperienceArgs,
    now: UnixSeconds,
) -> Result<Vec<PendingChange>> {
    let (name, applied) = match pending {
        Pending::Bans => ("ban", false),
        Pending::Unbans => ("unban", true),
    };
    let (prefix, experience) = (workspace.prefix(), place.experience);
    let mut list = Vec::new();
    let mut after = None;
    loop {
        let (bans, next) = store
            .pending(pending, prefix, experience, after.as_ref(), PAGE, now)
            .await?;
        list.extend(bans.iter().map(|(ban, _)| PendingChange {
            pending: name,
            ban: BanSummary::new(workspace, ban, applied, now),
        }));
        after = next;
        if after.is_none() {
            return Ok(list);
        }
    }
}
