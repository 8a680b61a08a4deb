//! Bans of guilds, and their audit logs, as a bot changes and reads them.

use std::collections::btree_map::Entry;
use std::time::Duration;

use serde_json::{Value, json};

use super::caller;
use super::demo::APPLICATION;
use super::guilds::seen;
use super::routes::{Answer, Call};
use super::state::{FakeGuild, State};

/// Discord's permissions.
pub const BAN_MEMBERS: u64 = 1 << 2;
pub const VIEW_AUDIT_LOG: u64 = 1 << 7;

/// Discord's numbers for the entries of a ban and of its end.
const BANNED: u64 = 22;
const UNBANNED: u64 = 23;

/// How many entries a page has by default.
const PAGE: usize = 50;

/// An entry of a guild's audit log.
#[derive(Clone, Debug)]
pub struct FakeAuditEntry {
    pub id: u64,
    action: u64,
    by: Option<u64>,
    target: u64,
    reason: Option<String>,
    /// It appears so long after the time in its id.
    late: Duration,
    /// Discord shows it this many times.
    copies: usize,
}

impl FakeAuditEntry {
    /// That someone bans a user now.
    pub fn banned(by: Option<u64>, target: u64, reason: Option<&str>) -> Self {
        Self::new(BANNED, by, target, reason)
    }

    /// That someone lifts the ban of a user now.
    pub fn unbanned(by: Option<u64>, target: u64, reason: Option<&str>) -> Self {
        Self::new(UNBANNED, by, target, reason)
    }

    fn new(action: u64, by: Option<u64>, target: u64, reason: Option<&str>) -> Self {
        Self {
            id: caller::new_id(Duration::ZERO),
            action,
            by,
            target,
            reason: reason.filter(|it| !it.is_empty()).map(str::to_owned),
            late: Duration::ZERO,
            copies: 1,
        }
    }

    /// The same, which appears so much later.
    #[must_use]
    pub fn late(self, late: Duration) -> Self {
        Self { late, ..self }
    }

    /// The same, which Discord shows this many times.
    #[must_use]
    pub fn copies(self, copies: usize) -> Self {
        Self { copies, ..self }
    }

    fn is_visible(&self) -> bool {
        caller::age(self.id) >= self.late
    }

    fn shown(&self) -> Value {
        let id = |id: &u64| id.to_string();
        let mut entry = json!({
            "id": self.id.to_string(), "action_type": self.action,
            "user_id": self.by.as_ref().map(id), "target_id": self.target.to_string(),
        });
        if let (Some(reason), Some(entry)) = (&self.reason, entry.as_object_mut()) {
            entry.insert("reason".to_owned(), json!(reason));
        }
        entry
    }
}

/// The guild, if the bot is there and has the permission.
fn permitted<'a>(
    state: &'a mut State,
    call: &Call,
    guild: &str,
    permission: u64,
) -> Result<&'a mut FakeGuild, Answer> {
    let (id, _) = seen(state, call, guild)?;
    match state.guilds.get_mut(&id) {
        Some(guild) if guild.bot_permissions & permission != 0 => Ok(guild),
        _ => Err(Answer::error(403, 50_013, "Missing Permissions")),
    }
}

/// `GET`, `PUT` and `DELETE /guilds/{guild}/bans/{user}`.
pub fn ban(state: &mut State, call: &Call, guild: &str, user: &str) -> Answer {
    let id: u64 = user.parse().unwrap_or_default();
    let found = state.users.get(&id).cloned();
    let guild = match permitted(state, call, guild, BAN_MEMBERS) {
        Ok(guild) => guild,
        Err(refusal) => return refusal,
    };
    let Some(user) = found else {
        return Answer::error(404, 10_013, "Unknown User");
    };
    let reason = call.reason.as_str();
    let unknown = || Answer::error(404, 10_026, "Unknown Ban");
    match call.method.as_str() {
        "GET" => match guild.bans.get(&id) {
            None => unknown(),
            Some(reason) => Answer::json(
                200,
                &json!({ "reason": reason, "user": {
                    "id": id.to_string(), "username": user.username, "global_name": user.global_name,
                    "avatar": null, "discriminator": "0", "public_flags": 0, "flags": 0,
                    "primary_guild": null,
                } }),
            ),
        },
        "PUT" => {
            let roles = guild.members.get(&id).map(|member| member.roles.as_slice());
            let is_below = guild.position(roles.unwrap_or_default()) < guild.bot_position;
            if id == guild.owner || id == APPLICATION || !is_below {
                return Answer::error(403, 50_013, "Missing Permissions");
            }
            guild.members.remove(&id);
            // A second ban changes nothing, and no entry is written.
            if let Entry::Vacant(ban) = guild.bans.entry(id) {
                ban.insert(Some(reason.to_owned()));
                let entry = FakeAuditEntry::banned(Some(APPLICATION), id, Some(reason));
                guild.audit_log.push(entry);
            }
            Answer::empty(204)
        }
        _ => {
            if guild.bans.remove(&id).is_none() {
                return unknown();
            }
            let entry = FakeAuditEntry::unbanned(Some(APPLICATION), id, Some(reason));
            guild.audit_log.push(entry);
            Answer::empty(204)
        }
    }
}

/// `GET /guilds/{guild}/audit-logs`: ascending with `after`, descending without.
pub fn audit_log(state: &mut State, call: &Call, guild: &str) -> Answer {
    let guild = match permitted(state, call, guild, VIEW_AUDIT_LOG) {
        Ok(guild) => guild,
        Err(refusal) => return refusal,
    };
    let number = |name: &str| {
        call.query
            .get(name)
            .and_then(|text| text.parse::<u64>().ok())
    };
    let (action, after) = (number("action_type"), number("after"));
    let limit = number("limit").map_or(PAGE, |limit| usize::try_from(limit).unwrap_or(PAGE));
    if !(1..=100).contains(&limit) {
        return Answer::invalid_form(&["limit"], "NUMBER_TYPE_MAX", "Must be at most 100.");
    }
    let fits = |entry: &&FakeAuditEntry| {
        entry.is_visible()
            && action.is_none_or(|action| entry.action == action)
            && after.is_none_or(|after| entry.id > after)
    };
    let mut found: Vec<_> = guild.audit_log.iter().filter(fits).collect();
    found.sort_by_key(|entry| entry.id);
    if after.is_none() {
        found.reverse();
    }
    let copies = |entry: &FakeAuditEntry| vec![entry.shown(); entry.copies];
    let entries = found.into_iter().flat_map(copies).take(limit);
    Answer::json(
        200,
        &json!({
            "audit_log_entries": entries.collect::<Vec<_>>(), "users": [], "integrations": [],
            "webhooks": [], "guild_scheduled_events": [], "threads": [], "application_commands": [],
            "auto_moderation_rules": [],
        }),
    )
}

/// `GET /users/@me` with the bot's token.
pub fn bot_user() -> Answer {
    Answer::json(
        200,
        &json!({
            "id": APPLICATION.to_string(), "username": "portcullis", "global_name": null, "avatar": null,
            "discriminator": "0000", "public_flags": 0, "flags": 0, "bot": true, "mfa_enabled": true,
            "locale": "en-US", "premium_type": 0, "primary_guild": null,
        }),
    )
}
