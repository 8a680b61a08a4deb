//! `portcullis ban`.

mod preview;
mod remote;

use anyhow::{Context, Result};
use clap::Args;
use shared::domain::ban_info::{BanPresenter, FlagFormat};
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::ids::{ModeratorId, UserId, WorkspaceId};
use shared::domain::rules::{BanRequest, Decision, DecisionKind, Length, Scope, Terms};
use shared::moderation::{self, Authority, Intent};
use shared::store::{Actor, CallerLimits, Committed, WriteContext};

use super::{experience, workspace};
use crate::arguments::{ExperienceArgs, SafetyArgs, ban_length, moderator, reason, scope, user};
use crate::ban_summary::{BanSummary, in_place, lasting};
use crate::confirm::confirm;
use crate::connection::OperatorSession;
use crate::output::Output;
use preview::BanPreview;
pub use remote::{Decided, expiry, received_place, run_remote};

const EXAMPLES: &str = "\
Examples:
  portcullis ban 156 --experience 7 --moderator 1 --length 7d --public-reason \"Be kind\"
  portcullis ban 156 --experience 7 --moderator 1 --permanent --scope global \\
    --public-reason \"Stole accounts\" --overwrite
  portcullis ban 156 --experience 7 --moderator 1 --appeal

Asks for confirmation before it changes a ban in force, bans permanently in every experience, or bans \
for less than an hour.";

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent flag")]
#[command(after_help = EXAMPLES)]
#[group(id = "how_long", required = true, multiple = false, args = ["length", "permanent", "appeal"])]
pub struct BanArgs {
    /// The Roblox user id to ban.
    #[arg(value_name = "USER", value_parser = user)]
    user: UserId,
    #[command(flatten)]
    place: ExperienceArgs,
    /// Where the user is banned: `experience` (this one) or `global` (every experience of the workspace).
    #[arg(long, default_value = "experience", value_name = "SCOPE", value_parser = scope)]
    scope: Scope,
    /// How long the ban lasts (90s, 30m, 12h, 7d, 1mo), or when it ends: a date (2027-01-31, which means
    /// 00:00 UTC) or a time (RFC 3339).
    #[arg(long, value_name = "LENGTH", value_parser = ban_length)]
    length: Option<Length>,
    /// Make the ban permanent.
    #[arg(long)]
    permanent: bool,
    /// The reason shown to the player, at most 400 bytes.
    #[arg(
        long,
        visible_alias = "reason",
        value_name = "TEXT",
        allow_hyphen_values = true
    )]
    #[arg(value_parser = reason(Terms::LONGEST_PUBLIC_REASON))]
    #[arg(required_unless_present = "appeal")]
    public_reason: Option<String>,
    /// The reason shown to moderators, at most 1,000 bytes [default: the public reason].
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    #[arg(value_parser = reason(Terms::LONGEST_PRIVATE_REASON))]
    private_reason: Option<String>,
    /// The Roblox user id of the moderator.
    #[arg(long, env = "PORTCULLIS_MODERATOR", value_name = "USER", value_parser = moderator)]
    moderator: ModeratorId,
    /// Change the ban in force. Without this option, a ban in force is an error.
    #[arg(long)]
    overwrite: bool,
    /// The experience has already applied the ban. With --overwrite and the same terms as the ban in
    /// force, this only reports that ban as applied.
    #[arg(long)]
    applied: bool,
    /// End the ban in force for an accepted appeal; length and reasons are ignored.
    #[arg(long, conflicts_with = "overwrite")]
    appeal: bool,
    #[command(flatten)]
    safety: SafetyArgs,
}

impl BanArgs {
    fn request(&self) -> BanRequest {
        let public_reason = self.public_reason.clone().unwrap_or_default();
        let private_reason = self.private_reason.clone();
        BanRequest {
            user: self.user,
            place: self.place.named,
            scope: self.scope,
            overwrite: self.overwrite,
            applied: self.applied,
            moderator: self.moderator,
            private_reason: private_reason.unwrap_or_else(|| public_reason.clone()),
            public_reason,
            length: self.length.unwrap_or(Length::Permanent),
            universal: None,
        }
    }

    const fn intent(&self) -> Intent {
        if self.appeal {
            Intent::Appeal
        } else {
            Intent::Ban
        }
    }
}

pub async fn run(args: BanArgs, session: &OperatorSession, output: Output) -> Result<()> {
    let store = &session.store;
    let workspace = workspace::find(store, args.place.place).await?;
    let place = experience::require_linked(store, &workspace, args.place.named).await?;
    let (request, intent) = (args.request(), args.intent());
    let preview = BanPreview::of(store, &workspace, &request, place, intent).await?;
    if args.safety.dry_run {
        preview.refuse()?;
        return output.one(&preview);
    }
    if let Some(question) = preview.question() {
        confirm(&question, args.safety.yes)?;
    }
    let moderator = Some(args.moderator);
    let context = operator_call(session, workspace.guid, args.user, args.place, moderator).await?;
    let authority = authority(workspace.guid, UnixMillis::now().seconds());
    let committed = moderation::ban(store, &context, &request, intent, &authority, None).await?;

    note!("{}", echo(&committed, &request));
    let standing = &committed.standing;
    let ban = standing.latest_in(args.scope);
    let ban = ban.context("the ban was created, but changed before it could be shown")?;
    let applied = standing.here.report == Some(ban.current());
    let now = UnixMillis::now().seconds();
    output.one(&BanSummary::new(workspace.guid, ban, applied, now))
}

/// The result in a sentence.
fn echo(committed: &Committed, request: &BanRequest) -> String {
    match committed.decisions.first() {
        Some(decision) => sentence(decision),
        None if request.applied => format!(
            "Recorded that experience {} has applied the ban.",
            request.place
        ),
        None => "Nothing changed: the ban in force already has these terms.".to_owned(),
    }
}

fn sentence(decision: &Decision) -> String {
    let ban = &decision.ban;
    let (user, place) = (ban.user, in_place(ban));
    let lasting = lasting(ban.terms.expires, ban.updated);
    match decision.kind {
        DecisionKind::Changed => {
            format!("Changed the ban of {user} {place}: it now lasts {lasting}.")
        }
        DecisionKind::Appealed => format!("Ended the ban of {user} {place}: appeal accepted."),
        _ => format!("Banned {user} {place} {lasting}."),
    }
}

/// The context of a decision by the operator.
pub async fn operator_call(
    session: &OperatorSession,
    workspace: WorkspaceId,
    user: UserId,
    place: ExperienceArgs,
    moderator: Option<ModeratorId>,
) -> Result<WriteContext> {
    let prefix = workspace.prefix();
    Ok(WriteContext {
        user,
        prefix,
        link: session.store.link_of(prefix, place.named).await?,
        actor: Actor {
            key_id: "operator".to_owned(),
            moderator,
            principal: Some(session.principal.clone()),
            request_id: uuid::Uuid::new_v4().to_string(),
        },
        limits: CallerLimits::Operator,
        idempotency: None,
        digest: None,
        dry_run: None,
    })
}

/// The operator may do everything but ban protected users.
pub const fn authority(workspace: WorkspaceId, now: UnixSeconds) -> Authority {
    Authority {
        may_decide_globally: true,
        limits: CallerLimits::Operator,
        #[expect(clippy::disallowed_methods, reason = "the operator sees everything")]
        presenter: BanPresenter::of_workspace(workspace, FlagFormat::Boolean, now),
        needs_vary_header: false,
    }
}
