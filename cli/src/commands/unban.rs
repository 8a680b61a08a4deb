//! `portcullis unban`.

mod remote;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use serde::Serialize;
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::ids::{Guid, ModeratorId};
use shared::domain::rules::{Ban, Scope, Standing, Terms, UnbanRequest};
use shared::domain::user_reference::UserReference;
use shared::moderation;
use shared::store::Workspace;

use super::{ban, experience, workspace};
use crate::arguments::{ExperienceArgs, SafetyArgs, reason, user};
use crate::ban_summary::{BanSummary, in_place, lasting};
use crate::confirm::confirm;
use crate::connection::OperatorSession;
use crate::names::{NamedUser, UserNames};
use crate::output::{Output, Printable};
pub use remote::run_remote;

const EXAMPLES: &str = "\
Examples:
  portcullis unban @builderman --experience 7 --reason \"Mistaken identity\"
  portcullis unban 156 --experience 7 --scope experience --dry-run
  portcullis unban 156 --experience 7 --applied

Lifting a Global ban unbans the user in every experience of the workspace, so it asks for confirmation.";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum LiftScope {
    /// The ban in this experience.
    Experience,
    /// The Global ban.
    Global,
    /// Both.
    #[default]
    All,
}

impl LiftScope {
    const fn holds(self, scope: Scope) -> bool {
        matches!(
            (self, scope),
            (Self::All, _) | (Self::Experience, Scope::Experience) | (Self::Global, Scope::Global)
        )
    }
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct UnbanArgs {
    /// The Roblox user to unban: an id, a name (@builderman) or a link to a profile.
    #[arg(value_name = "USER", value_parser = user)]
    user: UserReference,
    #[command(flatten)]
    place: ExperienceArgs,
    /// Which bans to lift.
    #[arg(long, value_enum, default_value_t, value_name = "SCOPE")]
    scope: LiftScope,
    /// The reason shown to moderators, at most 1,000 bytes.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    #[arg(value_parser = reason(Terms::LONGEST_PRIVATE_REASON))]
    reason: Option<String>,
    /// The moderator, a Roblox user.
    #[arg(long, env = "PORTCULLIS_MODERATOR", value_name = "USER", value_parser = user)]
    moderator: Option<UserReference>,
    /// The experience has already lifted the ban. With no ban in force, this only reports the pending
    /// unban as applied.
    #[arg(long)]
    applied: bool,
    #[command(flatten)]
    safety: SafetyArgs,
}

/// A ban that was or would be lifted.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LiftedBan {
    dry_run: bool,
    unban_reason: Option<String>,
    unban_moderator_id: Option<ModeratorId>,
    /// Who ran the command. The API's history has its key instead.
    principal: Option<String>,
    #[serde(flatten)]
    ban: BanSummary,
    #[serde(skip)]
    before: BanSummary,
}

impl Printable for LiftedBan {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let dash = || "-".to_owned();
        let moderator = self.unban_moderator_id.map(|id| format!("moderator {id}"));
        let by: Vec<_> = moderator
            .into_iter()
            .chain(self.principal.clone())
            .collect();
        let state = if self.dry_run {
            "would be lifted"
        } else {
            "lifted"
        };
        vec![
            ("guid", self.before.guid().to_owned()),
            ("user", self.ban.user.cell()),
            ("scope", self.before.place().to_owned()),
            ("state", state.to_owned()),
            ("would have ended", self.before.until()),
            ("ban reason", self.before.reason().to_owned()),
            (
                "unban reason",
                self.unban_reason.clone().unwrap_or_else(dash),
            ),
            ("by", by.join(", ")),
        ]
    }
}

/// The users of the call, found at Roblox if they were named.
struct UnbanUsers {
    user: NamedUser,
    moderator: Option<ModeratorId>,
}

pub async fn run(
    args: UnbanArgs,
    session: &OperatorSession,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    let store = &session.store;
    let workspace = workspace::find(store, args.place.place).await?;
    let place = experience::require_linked(store, &workspace, args.place.named).await?;
    let prefix = workspace.guid.prefix();
    let finding = names.find_with_moderator(store, &args.user, args.moderator.as_ref());
    let (user, moderator) = finding.await?;
    let mut users = UnbanUsers { user, moderator };
    if let Some((part, join)) = place.settling().filter(|_| !args.safety.dry_run) {
        let joining = session.joining(prefix, part, join);
        store.carry_over(&joining, users.user.id).await?;
    }
    let standing = store.steady_standing(prefix, users.user.id, place).await?;
    let now = UnixMillis::now().seconds();
    let found: Vec<_> = [Scope::Experience, Scope::Global]
        .into_iter()
        .filter(|scope| args.scope.holds(*scope))
        .filter_map(|scope| standing.in_force(scope, now))
        .cloned()
        .collect();
    if found.is_empty() {
        let said = args
            .without_ban(&users, &standing, now, &workspace, session)
            .await?;
        return output.list(&Vec::<LiftedBan>::new(), &said);
    }
    let is_global = found.iter().any(|ban| ban.scope == Scope::Global);
    if args.safety.dry_run || is_global {
        names.complete(store, prefix, [&mut users.user]).await;
    }
    if args.safety.dry_run {
        let would = found
            .iter()
            .map(|ban| args.shown(&users, ban, ban, session, &workspace, now));
        return output.list(&would.collect::<Vec<_>>(), "");
    }
    if is_global {
        let lines = found.iter().map(|ban| format!("  {}\n", line(ban, now)));
        let lines: String = lines.collect();
        let question = match found.as_slice() {
            [_] => format!(
                "Lift the Global ban of {} in {:?}? This ends it in every experience.",
                users.user, workspace.name
            ),
            _ => format!(
                "Lift both bans of {} in {:?}? The Global one ends in every experience; --scope \
                 experience keeps it.",
                users.user, workspace.name
            ),
        };
        confirm(&format!("{lines}{question}"), args.safety.yes)?;
    }
    let context = ban::operator_call(
        session,
        workspace.guid,
        users.user.id,
        args.place,
        users.moderator,
    )
    .await?;
    let guids: Vec<Guid> = found.iter().map(|ban| ban.guid).collect();
    let authority = ban::authority(workspace.guid, now);
    let committed =
        moderation::lift(store, &context, &args.request(&users), &guids, &authority).await?;

    names.complete(store, prefix, [&mut users.user]).await;
    let now = UnixMillis::now().seconds();
    let mut lifted = Vec::new();
    for decision in &committed.decisions {
        let before = decision.previous.as_ref().unwrap_or(&decision.ban);
        note!("Lifted: {}", line(before, now));
        lifted.push(args.shown(&users, before, &decision.ban, session, &workspace, now));
    }
    if let Some(ban) = committed.standing.counting(now) {
        note!(
            "{} is still banned: {}. Use --scope all to lift that ban too.",
            users.user,
            line(ban, now)
        );
    }
    output.list(&lifted, "")
}

/// A ban in one line.
fn line(ban: &Ban, now: UnixSeconds) -> String {
    format!(
        "ban {} {} {}, by moderator {}: {:?}",
        ban.guid,
        in_place(ban),
        lasting(ban.terms.expires, now),
        ban.terms.moderator,
        ban.terms.private_reason
    )
}

impl UnbanArgs {
    fn request(&self, users: &UnbanUsers) -> UnbanRequest {
        UnbanRequest {
            user: users.user.id,
            place: self.place.named,
            reason: self.reason.clone().filter(|reason| !reason.is_empty()),
            moderator: users.moderator,
            applied: self.applied,
            report_only: false,
            from_game: false,
        }
    }

    fn shown(
        &self,
        users: &UnbanUsers,
        before: &Ban,
        ban: &Ban,
        session: &OperatorSession,
        workspace: &Workspace,
        now: UnixSeconds,
    ) -> LiftedBan {
        LiftedBan {
            dry_run: self.safety.dry_run,
            unban_reason: self.reason.clone(),
            unban_moderator_id: users.moderator,
            principal: Some(session.principal.clone()),
            ban: BanSummary::new(workspace.guid, ban, self.applied, now).of(&users.user),
            before: BanSummary::new(workspace.guid, before, self.applied, now),
        }
    }

    /// There is no ban to lift. With `--applied`, records the report of the experience; else fails.
    async fn without_ban(
        &self,
        users: &UnbanUsers,
        standing: &Standing,
        now: UnixSeconds,
        workspace: &Workspace,
        session: &OperatorSession,
    ) -> Result<String> {
        let (user, here) = (&users.user, self.place.named);
        if standing.is_blank() {
            bail!("{user} was never banned in experience {here} or globally");
        }
        if let Some(other) = standing.counting(now) {
            bail!(
                "{user} has no ban in this scope; there is {}",
                line(other, now)
            );
        }
        if !self.applied {
            bail!(
                "{user} has no ban in force in experience {here}; if the experience has lifted the \
                 last one, record that with --applied"
            );
        }
        if self.safety.dry_run {
            return Ok(format!(
                "Would record that experience {here} has lifted the ban of {user}."
            ));
        }
        let moderator = users.moderator;
        let context =
            ban::operator_call(session, workspace.guid, user.id, self.place, moderator).await?;
        let authority = ban::authority(workspace.guid, now);
        let report = UnbanRequest {
            report_only: true,
            ..self.request(users)
        };
        moderation::unban(&session.store, &context, &report, &authority).await?;
        Ok(format!(
            "Recorded that experience {here} has lifted the ban of {user}."
        ))
    }
}
