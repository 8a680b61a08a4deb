//! `portcullis ban`.

use anyhow::{Context, Result};
use clap::Args;
use shared::ban_info::{FlagStyle, View};
use shared::calls::{self, Authority, Intent};
use shared::clock::{Moment, Timestamp};
use shared::ids::{ModeratorId, UserId, WorkspaceId};
use shared::rules::{BanRequest, Length, Scope, Terms};
use shared::store::{Actor, Bounds, Call, Store};

use super::workspace;
use crate::arguments::{InExperience, ban_length, moderator, reason, scope, user};
use crate::ban_record::ShownBan;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  portcullis ban 156 --experience 7 --moderator 1 --length 7d --public-reason \"Be kind\"
  portcullis ban 156 --experience 7 --moderator 1 --permanent --scope global \\
    --public-reason \"Stole accounts\" --overwrite
  portcullis ban 156 --experience 7 --moderator 1 --appeal";

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(after_help = EXAMPLES)]
pub struct BanArgs {
    /// Who is banned: a Roblox user id.
    #[arg(value_name = "USER", value_parser = user)]
    user: UserId,
    #[command(flatten)]
    place: InExperience,
    /// Where it holds: in the experience, or `global`, in all of the workspace.
    #[arg(long, default_value = "experience", value_name = "WHERE", value_parser = scope)]
    scope: Scope,
    /// How long it holds: 7d, 12h, P1M, or until an instant (RFC 3339).
    #[arg(long, value_name = "LENGTH", value_parser = ban_length)]
    #[arg(required_unless_present_any = ["permanent", "appeal"], conflicts_with = "permanent")]
    length: Option<Length>,
    /// It holds until it is lifted.
    #[arg(long)]
    permanent: bool,
    /// Why, for the player.
    #[arg(long, value_name = "TEXT", value_parser = reason(Terms::LONGEST_PUBLIC_REASON))]
    #[arg(required_unless_present = "appeal")]
    public_reason: Option<String>,
    /// Why, for moderators [default: as for the player].
    #[arg(long, value_name = "TEXT", value_parser = reason(Terms::LONGEST_PRIVATE_REASON))]
    private_reason: Option<String>,
    /// The Roblox user who decides it.
    #[arg(long, env = "PORTCULLIS_MODERATOR", value_name = "USER", value_parser = moderator)]
    moderator: ModeratorId,
    /// Change a ban that is in force; without it, such a ban is an error.
    #[arg(long)]
    overwrite: bool,
    /// The experience has applied it already; with --overwrite and the terms of a ban in force,
    /// this confirms that ban.
    #[arg(long)]
    applied: bool,
    /// End the ban in force for an accepted appeal; its terms are not looked at.
    #[arg(long, conflicts_with_all = ["length", "permanent", "overwrite"])]
    appeal: bool,
}

pub async fn run(args: BanArgs, store: &Store, output: Output) -> Result<()> {
    let workspace = workspace::find(store, args.place.place.workspace).await?;
    let now = Moment::now().seconds();
    let call = by_hand(
        store,
        workspace.guid,
        args.user,
        args.place,
        Some(args.moderator),
    )
    .await?;
    let public_reason = args.public_reason.unwrap_or_default();
    let request = BanRequest {
        user: args.user,
        experience: args.place.experience,
        scope: args.scope,
        overwrite: args.overwrite,
        completed: args.applied,
        moderator: args.moderator,
        private_reason: args.private_reason.unwrap_or(public_reason.clone()),
        public_reason,
        length: args.length.unwrap_or(Length::Permanent),
        universal: None,
    };
    let intent = if args.appeal {
        Intent::Appeal
    } else {
        Intent::Ban
    };
    let authority = authority(workspace.guid, now);
    let settled = calls::ban(store, &call, &request, intent, &authority).await?;

    let standing = &settled.standing;
    let ban = standing.latest_in(args.scope);
    let ban = ban.context("the ban was made, but changed before it could be shown")?;
    let completed = standing.here.report == Some(ban.current());
    let now = Moment::now().seconds();
    output.one(&ShownBan::new(workspace.guid, ban, completed, now))
}

/// A call that the operator makes by hand.
pub async fn by_hand(
    store: &Store,
    workspace: WorkspaceId,
    user: UserId,
    place: InExperience,
    moderator: Option<ModeratorId>,
) -> Result<Call> {
    let tag = workspace.tag();
    Ok(Call {
        user,
        tag,
        link: store.link_of(tag, place.experience).await?,
        actor: Actor {
            key_id: "operator".to_owned(),
            moderator,
            request_id: uuid::Uuid::new_v4().to_string(),
        },
        bounds: Bounds::Operator,
        idempotency: None,
        digest: None,
    })
}

/// The operator may decide everything, but bans no protected user.
pub const fn authority(workspace: WorkspaceId, now: Timestamp) -> Authority {
    Authority {
        may_decide_globally: true,
        bounds: Bounds::Operator,
        #[expect(clippy::disallowed_methods, reason = "the operator sees everything")]
        view: View::of_workspace(workspace, FlagStyle::Boolean, now),
        view_varies: false,
    }
}
