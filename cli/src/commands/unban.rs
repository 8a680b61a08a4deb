//! `portcullis unban`.

mod remote;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use serde::Serialize;
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::ids::{Guid, ModeratorId, UserId};
use shared::domain::rules::{Ban, Scope, Standing, Terms, UnbanRequest};
use shared::moderation;
use shared::store::Workspace;

use super::{ban, experience, workspace};
use crate::arguments::{ExperienceArgs, SafetyArgs, moderator, reason, user};
use crate::ban_summary::{BanSummary, in_place, lasting};
use crate::confirm::confirm;
use crate::connection::OperatorSession;
use crate::output::{Output, Printable};
pub use remote::run_remote;

const EXAMPLES: &str = "\
Examples:
  portcullis unban 156 --experience 7 --reason \"Mistaken identity\"
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
    /// The Roblox user id to unban.
    #[arg(value_name = "USER", value_parser = user)]
    user: UserId,
    #[command(flatten)]
    place: ExperienceArgs,
    /// Which bans to lift.
    #[arg(long, value_enum, default_value_t, value_name = "SCOPE")]
    scope: LiftScope,
    /// The reason shown to moderators, at most 1,000 bytes.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    #[arg(value_parser = reason(Terms::LONGEST_PRIVATE_REASON))]
    reason: Option<String>,
    /// The Roblox user id of the moderator.
    #[arg(long, env = "PORTCULLIS_MODERATOR", value_name = "USER", value_parser = moderator)]
    moderator: Option<ModeratorId>,
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
            ("user", self.before.user().to_string()),
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

pub async fn run(args: UnbanArgs, session: &OperatorSession, output: Output) -> Result<()> {
    let store = &session.store;
    let workspace = workspace::find(store, args.place.place).await?;
    let place = experience::require_linked(store, &workspace, args.place.named).await?;
    let prefix = workspace.guid.prefix();
    if let Some((part, join)) = place.settling().filter(|_| !args.safety.dry_run) {
        let joining = session.joining(prefix, part, join);
        store.carry_over(&joining, args.user).await?;
    }
    let standing = store.steady_standing(prefix, args.user, place).await?;
    let now = UnixMillis::now().seconds();
    let found: Vec<_> = [Scope::Experience, Scope::Global]
        .into_iter()
        .filter(|scope| args.scope.holds(*scope))
        .filter_map(|scope| standing.in_force(scope, now))
        .cloned()
        .collect();
    if found.is_empty() {
        let said = args
            .without_ban(&standing, now, &workspace, session)
            .await?;
        return output.list(&Vec::<LiftedBan>::new(), &said);
    }
    if args.safety.dry_run {
        let would = found
            .iter()
            .map(|ban| args.shown(ban, ban, session, &workspace, now));
        return output.list(&would.collect::<Vec<_>>(), "");
    }
    if found.iter().any(|ban| ban.scope == Scope::Global) {
        let lines = found.iter().map(|ban| format!("  {}\n", line(ban, now)));
        let lines: String = lines.collect();
        let question = match found.as_slice() {
            [_] => format!(
                "Lift the Global ban of {} in {:?}? This ends it in every experience.",
                args.user, workspace.name
            ),
            _ => format!(
                "Lift both bans of {} in {:?}? The Global one ends in every experience; --scope \
                 experience keeps it.",
                args.user, workspace.name
            ),
        };
        confirm(&format!("{lines}{question}"), args.safety.yes)?;
    }
    let context = ban::operator_call(
        session,
        workspace.guid,
        args.user,
        args.place,
        args.moderator,
    )
    .await?;
    let guids: Vec<Guid> = found.iter().map(|ban| ban.guid).collect();
    let authority = ban::authority(workspace.guid, now);
    let committed = moderation::lift(store, &context, &args.request(), &guids, &authority).await?;

    let now = UnixMillis::now().seconds();
    let mut lifted = Vec::new();
    for decision in &committed.decisions {
        let before = decision.previous.as_ref().unwrap_or(&decision.ban);
        note!("Lifted: {}", line(before, now));
        lifted.push(args.shown(before, &decision.ban, session, &workspace, now));
    }
    if let Some(ban) = committed.standing.counting(now) {
        note!(
            "{} is still banned: {}. Use --scope all to lift that ban too.",
            args.user,
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
    fn request(&self) -> UnbanRequest {
        UnbanRequest {
            user: self.user,
            place: self.place.named,
            reason: self.reason.clone().filter(|reason| !reason.is_empty()),
            moderator: self.moderator,
            applied: self.applied,
            report_only: false,
            from_game: false,
        }
    }

    fn shown(
        &self,
        before: &Ban,
        ban: &Ban,
        session: &OperatorSession,
        workspace: &Workspace,
        now: UnixSeconds,
    ) -> LiftedBan {
        LiftedBan {
            dry_run: self.safety.dry_run,
            unban_reason: self.reason.clone(),
            unban_moderator_id: self.moderator,
            principal: Some(session.principal.clone()),
            ban: BanSummary::new(workspace.guid, ban, self.applied, now),
            before: BanSummary::new(workspace.guid, before, self.applied, now),
        }
    }

    /// There is no ban to lift. With `--applied`, records the report of the experience; else fails.
    async fn without_ban(
        &self,
        standing: &Standing,
        now: UnixSeconds,
        workspace: &Workspace,
        session: &OperatorSession,
    ) -> Result<String> {
        let (user, here) = (self.user, self.place.named);
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
        let context =
            ban::operator_call(session, workspace.guid, user, self.place, self.moderator).await?;
        let authority = ban::authority(workspace.guid, now);
        let report = UnbanRequest {
            report_only: true,
            ..self.request()
        };
        moderation::unban(&session.store, &context, &report, &authority).await?;
        Ok(format!(
            "Recorded that experience {here} has lifted the ban of {user}."
        ))
    }
}
