//! `portcullis unban` through the API, which lifts every ban that keeps the user out.

use anyhow::{Result, bail};
use serde_json::json;
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::ids::UserId;

use super::{LiftScope, LiftedBan, UnbanArgs, UnbanUsers};
use crate::api::{ApiClient, ApiFailure, Query, ReceivedBan};
use crate::arguments::UsageError;
use crate::ban_summary::{BanSummary, lasting};
use crate::commands::ban::{Decided, expiry, received_place};
use crate::commands::check;
use crate::confirm::confirm;
use crate::names::{NO_TABLES, UserNames};
use crate::output::Output;

/// The bans that a call would lift.
struct InForce {
    bans: Vec<ReceivedBan>,
    /// Whether there may be others, since the key may not list bans.
    may_be_more: bool,
}

pub async fn run_remote(
    args: &UnbanArgs,
    api: &ApiClient,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    if args.scope != LiftScope::All {
        let said =
            "--scope does not work through the API, which lifts every ban that keeps the user out";
        return Err(UsageError(said.to_owned()).into());
    }
    let finding = names.find_with_moderator(NO_TABLES, &args.user, args.moderator.as_ref());
    let (user, moderator) = finding.await?;
    let mut users = UnbanUsers { user, moderator };
    let found = args.in_force(api, users.user.id)?;
    let now = UnixMillis::now().seconds();
    if found.bans.is_empty() {
        return args.report(api, &users);
    }
    names.complete_remote([&mut users.user]).await;
    if args.safety.dry_run {
        let would = found
            .bans
            .iter()
            .map(|ban| args.lifted(&users, ban, ban.clone(), now));
        return output.list(&would.collect::<Vec<_>>(), "");
    }
    if found.may_be_more || found.bans.iter().any(|ban| ban.is_global) {
        let lines: Vec<_> = found.bans.iter().map(|ban| line(ban, now)).collect();
        let lines = lines.join("\n  ");
        let question = format!(
            "  {lines}\nLift every ban that keeps {} out of experience {}? A Global one ends in every \
             experience.",
            users.user, args.place.named
        );
        confirm(&question, args.safety.yes)?;
    }
    let latest = args.send(api, &users, "experienceUnbanCompleted")?;
    let now = UnixMillis::now().seconds();
    let mut lifted = Vec::new();
    for before in &found.bans {
        note!("Lifted: {}", line(before, now));
        let latest = latest.clone().filter(|ban| ban.guid == before.guid);
        let after = latest.unwrap_or_else(|| before.clone().lifted());
        lifted.push(args.lifted(&users, before, after, now));
    }
    output.list(&lifted, "")
}

/// A ban in one line.
fn line(ban: &ReceivedBan, now: UnixSeconds) -> String {
    let lasting = lasting(expiry(ban), now);
    let why = ban.private_reason.as_ref().unwrap_or(&ban.public_reason);
    format!(
        "ban {} {} {lasting}: {why:?}",
        ban.guid,
        received_place(ban)
    )
}

impl UnbanArgs {
    /// What `/is-banned` shows, and what the list of bans has besides.
    fn in_force(&self, api: &ApiClient, user: UserId) -> Result<InForce> {
        let checked = check::ask(api, user, self.place.named)?;
        let Some(shown) = checked.filter(|ban| ban.is_banned) else {
            return Ok(InForce {
                bans: Vec::new(),
                may_be_more: false,
            });
        };
        let mut found = InForce {
            bans: vec![shown],
            may_be_more: false,
        };
        let here = ("experienceId", self.place.named.to_string());
        for (scope, place) in [("Global", None), ("Experience", Some(here))] {
            let mut query: Query<'_> = vec![
                ("userId", user.to_string()),
                ("isActive", "true".to_owned()),
                ("banType", scope.to_owned()),
            ];
            query.extend(place);
            match api.all::<ReceivedBan>("bans", &query) {
                Ok(bans) => found.add(bans),
                Err(error) if is_forbidden(&error) => found.may_be_more = true,
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// There is no ban to lift. With `--applied`, reports that; else fails.
    fn report(&self, api: &ApiClient, users: &UnbanUsers) -> Result<()> {
        let (user, place) = (&users.user, self.place.named);
        if !self.applied {
            bail!(
                "{user} has no ban in force in experience {place}; if the experience has lifted the last \
                 one, record that with --applied"
            );
        }
        if self.safety.dry_run {
            note!("Would record that experience {place} has lifted the ban of {user}.");
            return Ok(());
        }
        self.send(api, users, "confirmOnly")?;
        note!("Recorded that experience {place} has lifted the ban of {user}.");
        Ok(())
    }

    /// Calls the API; `flag` is set if the experience has applied the change. Returns what `/is-banned`
    /// then shows.
    fn send(
        &self,
        api: &ApiClient,
        users: &UnbanUsers,
        flag: &'static str,
    ) -> Result<Option<ReceivedBan>> {
        let request = self.request(users);
        let query = self.applied.then(|| (flag, "true".to_owned()));
        let body = json!({
            "userId": request.user,
            "experienceId": request.place,
            "reason": request.reason,
            "moderatorId": request.moderator,
        });
        let decided: Decided = api.post("unban-async", &query.into_iter().collect(), &body)?;
        Ok(decided.ban)
    }

    fn lifted(
        &self,
        users: &UnbanUsers,
        before: &ReceivedBan,
        after: ReceivedBan,
        now: UnixSeconds,
    ) -> LiftedBan {
        LiftedBan {
            dry_run: self.safety.dry_run,
            unban_reason: self.reason.clone(),
            unban_moderator_id: users.moderator,
            principal: None,
            ban: BanSummary::received(after, now).of(&users.user),
            before: BanSummary::received(before.clone(), now),
        }
    }
}

impl InForce {
    fn add(&mut self, bans: Vec<ReceivedBan>) {
        for ban in bans {
            if self.bans.iter().all(|known| known.guid != ban.guid) {
                self.bans.push(ban);
            }
        }
    }
}

fn is_forbidden(error: &anyhow::Error) -> bool {
    let failure = error.downcast_ref::<ApiFailure>();
    failure.is_some_and(|failure| failure.code() == "forbidden")
}
