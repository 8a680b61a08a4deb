//! `portcullis ban`.

mod preview;
mod remote;

use anyhow::{Context, Result};
use clap::Args;
use shared::domain::actor::Channel;
use shared::domain::ban_info::{BanPresenter, FlagFormat};
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::ids::{ModeratorId, UserId, WorkspaceId};
use shared::domain::rules::{BanRequest, Decision, DecisionKind, Length, Scope, Terms};
use shared::domain::user_reference::UserReference;
use shared::moderation::{self, Authority, Intent};
use shared::store::{Actor, CallerLimits, Committed, WriteContext};

use super::{experience, workspace};
use crate::arguments::{ExperienceArgs, SafetyArgs, ban_length, reason, scope, user};
use crate::ban_summary::{BanSummary, in_place, lasting};
use crate::confirm::confirm;
use crate::connection::OperatorSession;
use crate::names::{NamedUser, UserNames};
use crate::output::Output;
use preview::BanPreview;
pub use remote::{Decided, expiry, received_place, run_remote};

const EXAMPLES: &str = "\
Examples:
  portcullis ban @builderman --experience 7 --moderator 1 --length 7d --public-reason \"Be kind\"
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
    /// The Roblox user to ban: an id, a name (@builderman) or a link to a profile.
    #[arg(value_name = "USER", value_parser = user)]
    user: UserReference,
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
    /// The moderator, a Roblox user.
    #[arg(long, env = "PORTCULLIS_MODERATOR", value_name = "USER", value_parser = user)]
    moderator: UserReference,
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
    fn request(&self, user: UserId, moderator: ModeratorId) -> BanRequest {
        let public_reason = self.public_reason.clone().unwrap_or_default();
        let private_reason = self.private_reason.clone();
        BanRequest {
            user,
            place: self.place.named,
            scope: self.scope,
            overwrite: self.overwrite,
            applied: self.applied,
            moderator,
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

pub async fn run(
    args: BanArgs,
    session: &OperatorSession,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    let store = &session.store;
    let workspace = workspace::find(store, args.place.place).await?;
    let place = experience::require_linked(store, &workspace, args.place.named).await?;
    let finding = names.find_with_moderator(store, &args.user, Some(&args.moderator));
    let (user, moderator) = finding.await?;
    let request = args.request(user.id, moderator.context("no moderator given")?);
    let (intent, prefix) = (args.intent(), workspace.guid.prefix());
    let mut preview = BanPreview::of(store, &workspace, &request, place, intent).await?;
    preview.user = user;
    if args.safety.dry_run || preview.question().is_some() {
        names.complete(store, prefix, [&mut preview.user]).await;
    }
    if args.safety.dry_run {
        preview.refuse()?;
        return output.one(&preview);
    }
    if let Some(question) = preview.question() {
        confirm(&question, args.safety.yes)?;
    }
    let mut user = preview.user;
    let context = operator_call(session, workspace.guid, user.id, args.place, moderator).await?;
    let authority = authority(workspace.guid, UnixMillis::now().seconds());
    let committed = moderation::ban(store, &context, &request, intent, &authority, None).await?;

    names.complete(store, prefix, [&mut user]).await;
    note!("{}", echo(&committed, &request, &user));
    let standing = &committed.standing;
    let ban = standing.latest_in(args.scope);
    let ban = ban.context("the ban was created, but changed before it could be shown")?;
    let applied = standing.here.report == Some(ban.current());
    let now = UnixMillis::now().seconds();
    output.one(&BanSummary::new(workspace.guid, ban, applied, now).of(&user))
}

/// The result in a sentence.
fn echo(committed: &Committed, request: &BanRequest, user: &NamedUser) -> String {
    match committed.decisions.first() {
        Some(decision) => sentence(decision, user),
        None if request.applied => format!(
            "Recorded that experience {} has applied the ban.",
            request.place
        ),
        None => "Nothing changed: the ban in force already has these terms.".to_owned(),
    }
}

fn sentence(decision: &Decision, user: &NamedUser) -> String {
    let ban = &decision.ban;
    let place = in_place(ban);
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
            channel: Channel::Cli,
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
