//! `portcullis unban`.

use anyhow::{Context, Result};
use clap::Args;
use shared::calls;
use shared::clock::Moment;
use shared::ids::{ModeratorId, UserId};
use shared::rules::{Terms, UnbanRequest};
use shared::store::Store;

use super::{ban, workspace};
use crate::arguments::{InExperience, moderator, reason, user};
use crate::ban_record::ShownBan;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  portcullis unban 156 --experience 7 --reason \"Mistaken for somebody else\"
  portcullis unban 156 --experience 7 --applied";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct UnbanArgs {
    /// Whose bans are lifted, the Global one and that of the experience.
    #[arg(value_name = "USER", value_parser = user)]
    user: UserId,
    #[command(flatten)]
    place: InExperience,
    /// Why.
    #[arg(long, value_name = "TEXT", value_parser = reason(Terms::LONGEST_PRIVATE_REASON))]
    reason: Option<String>,
    /// The Roblox user who decides it.
    #[arg(long, env = "PORTCULLIS_MODERATOR", value_name = "USER", value_parser = moderator)]
    moderator: Option<ModeratorId>,
    /// The experience has lifted it already; with no ban in force, this confirms the pending unban.
    #[arg(long)]
    applied: bool,
}

pub async fn run(args: UnbanArgs, store: &Store, output: Output) -> Result<()> {
    let workspace = workspace::find(store, args.place.place.workspace).await?;
    let call = ban::by_hand(store, workspace.guid, args.user, args.place, args.moderator).await?;
    let request = UnbanRequest {
        user: args.user,
        experience: args.place.experience,
        reason: args.reason.filter(|reason| !reason.is_empty()),
        moderator: args.moderator,
        completed: args.applied,
        confirm_only: false,
        from_game: false,
    };
    let now = Moment::now().seconds();
    let authority = ban::authority(workspace.guid, now);
    let mut settled = calls::unban(store, &call, &request, &authority).await?;
    // Where nothing was in force, it is a report.
    let is_pending = settled.decisions.is_empty() && settled.standing.here.report.is_some();
    if request.completed && is_pending {
        let report = UnbanRequest {
            confirm_only: true,
            ..request
        };
        settled = calls::unban(store, &call, &report, &authority).await?;
    }

    let now = Moment::now().seconds();
    let shown = settled.standing.shown(now);
    let shown = shown.context("the ban was lifted, but changed before it could be shown")?;
    let completed = settled.standing.here.report == Some(shown.current());
    output.one(&ShownBan::new(workspace.guid, shown, completed, now))
}
