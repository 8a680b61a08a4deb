//! An event of the log as a line.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value;
use shared::domain::ban_info::{BanPresenter, FlagFormat};
use shared::domain::clock::UnixSeconds;
use shared::domain::event::ShownEvent;
use shared::domain::history::LoggedEvent;
use shared::domain::ids::{UserId, WorkspaceId};
use shared::domain::user_name::RobloxName;

use crate::actors::{MemberNames, ShownActor};
use crate::api::ReceivedBan;
use crate::names::NamedUser;
use crate::output::{Cell, LogLine};
use crate::times::Time;

/// An event in the shape of the API, with booleans as flags.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct EventEntry(Value);

impl EventEntry {
    pub fn stored(event: &LoggedEvent, workspace: WorkspaceId) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the operator sees everything")]
        let view = BanPresenter::of_workspace(workspace, FlagFormat::Boolean, event.entry.at());
        Self(serde_json::to_value(ShownEvent::of(event, &view)).unwrap_or_default())
    }

    /// An event that the API has answered.
    pub fn received(mut event: Value) -> Self {
        if let Some(event) = event.as_object_mut() {
            for state in ["data", "previous"] {
                let ban = event.get(state).cloned().unwrap_or_default();
                // Activities have other data, without flags.
                if let Ok(ban) = serde_json::from_value::<ReceivedBan>(ban) {
                    let ban = serde_json::to_value(ban).unwrap_or_default();
                    event.insert(state.to_owned(), ban);
                }
            }
            if event.contains_key("repeated") {
                event.insert("repeated".to_owned(), true.into());
            }
        }
        Self(event)
    }

    /// Its id, under which a restore may log it again.
    pub fn id(&self) -> &str {
        self.text("id").unwrap_or_default()
    }

    /// Whether a restore has logged it again.
    pub fn is_repeated(&self) -> bool {
        self.0.get("repeated").is_some()
    }

    fn text(&self, field: &str) -> Option<&str> {
        self.0.get(field)?.as_str()
    }

    fn data(&self, field: &str) -> Option<&Value> {
        self.0.get("data")?.get(field)
    }

    fn verb(&self) -> String {
        let is_appealed = self.data("isAppealed").is_some_and(|flag| *flag == true);
        let verb = match self.text("event").unwrap_or_default() {
            "GAME_BANNED" => "banned",
            "GAME_BAN_UPDATED" => "changed",
            "GAME_UNBANNED" if self.id().ends_with("-expired") => "expired",
            "GAME_UNBANNED" if is_appealed => "appealed",
            "GAME_UNBANNED" => "unbanned",
            // Later versions have more.
            other => return other.to_lowercase().replace('_', " "),
        };
        verb.to_owned()
    }

    /// The user it is about.
    pub fn user(&self) -> Option<UserId> {
        let user = self.data("robloxId").or_else(|| self.0.get("robloxId"));
        UserId::new(user?.as_u64()?)
    }

    /// Adds the user's name, or that it is unknown.
    pub fn name_user(&mut self, names: &HashMap<UserId, RobloxName>) {
        let name = self.user().and_then(|user| names.get(&user));
        let name = name.map_or(Value::Null, |name| name.name().into());
        if let Some(event) = self.0.as_object_mut() {
            event.insert("name".to_owned(), name);
        }
    }

    /// The id of who decided.
    pub fn actor(&self) -> Option<&str> {
        self.0.get("actor")?.get("key")?.as_str()
    }

    /// Adds the name of the member who decided.
    pub fn name_actor(&mut self, members: &MemberNames) {
        let name = self.actor().and_then(|actor| members.name(actor));
        let name = name.map(str::to_owned);
        let actor = self.0.get_mut("actor").and_then(Value::as_object_mut);
        if let (Some(name), Some(actor)) = (name, actor) {
            actor.insert("name".to_owned(), name.into());
        }
    }

    fn scope(&self) -> String {
        let number = |field| self.data(field).and_then(Value::as_u64);
        let is_global = self.data("isGlobal").is_some_and(|flag| *flag == true);
        match (number("experienceId"), number("groupId")) {
            (Some(_), _) if is_global => "everywhere".to_owned(),
            (Some(experience), _) => format!("experience {experience}"),
            (None, Some(group)) => format!("group {group}"),
            (None, None) if self.data("guildId").is_some() => {
                let guild = self.data("guildId").and_then(Value::as_str);
                format!("guild {}", guild.unwrap_or_default())
            }
            (None, None) => {
                let ban = self.data("caseId").and_then(Value::as_str);
                ban.map_or_else(|| "-".to_owned(), |ban| format!("ban {ban}"))
            }
        }
    }

    fn who(&self) -> String {
        let given = self.0.get("actor").cloned().unwrap_or_default();
        let moderator = given.get("moderator").cloned();
        let moderator = moderator.and_then(|id| serde_json::from_value(id).ok());
        match serde_json::from_value::<ShownActor>(given) {
            Ok(actor) => actor.sentence(None, moderator),
            Err(_) => "-".to_owned(),
        }
    }

    fn reason(&self) -> &str {
        let of_ban = |field| self.data(field).and_then(Value::as_str);
        let given = self.text("reason").or_else(|| of_ban("privateReason"));
        given.or_else(|| of_ban("publicReason")).unwrap_or_default()
    }
}

impl LogLine for EventEntry {
    fn cells(&self) -> Vec<Cell> {
        let at = self.0.get("created").and_then(Value::as_u64);
        let at = Time(UnixSeconds(at.unwrap_or_default())).stamp();
        let user = self.user().map(|id| {
            let name = self.text("name").map(str::to_owned);
            NamedUser { id, name }.cell()
        });
        let again = if self.is_repeated() { " (again)" } else { "" };
        vec![
            Cell::plain(at),
            Cell::state(format!("{}{again}", self.verb())),
            Cell::plain(user.unwrap_or_else(|| "-".to_owned())),
            Cell::plain(self.scope()),
            Cell::plain(self.who()),
            Cell::plain(self.reason().to_owned()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cells(event: Value) -> Vec<String> {
        let cells = EventEntry::received(event).cells();
        cells.into_iter().skip(1).map(|cell| cell.text).collect()
    }

    #[test]
    fn events_of_all_kinds_are_lines() {
        let ban = json!({
            "isBanned": false, "guid": "5", "workspaceGuid": "w", "isGlobal": 1, "isActive": 0,
            "privateReason": "see #42", "publicReason": "Cheating", "robloxId": 156, "moderatorId": 1,
            "created": 1, "updated": 2, "experienceId": 7, "expires": 0, "isAppealed": 1,
            "experienceUniversal": 1, "uid": 1, "experienceBanCompleted": 0,
        });
        let event = json!({
            "id": "5-2", "event": "GAME_UNBANNED", "created": 9, "workspaceGuid": "w", "data": ban,
            "previous": null, "actor": { "key": "k", "moderator": 1 },
        });
        let shown = EventEntry::received(event.clone());
        assert_eq!(shown.0["data"]["isGlobal"], true);
        assert_eq!(
            cells(event),
            ["appealed", "156", "everywhere", "k, moderator 1", "see #42"]
        );
        let role = json!({
            "id": "act_1", "event": "GROUP_ROLE_CHANGED", "created": 9, "robloxId": 156, "repeated": 1,
            "data": { "groupId": 3 }, "actor": { "key": "k", "moderator": null }, "reason": "promoted",
        });
        assert_eq!(
            cells(role),
            [
                "group role changed (again)",
                "156",
                "group 3",
                "k",
                "promoted"
            ]
        );
        let banned = json!({
            "id": "act_2", "event": "DISCORD_BANNED", "created": 9, "actor": { "key": "discord" },
            "data": { "guildId": "613425648685547541", "discordId": "80351110224678912" },
        });
        let cells_of_ban = cells(banned);
        assert_eq!(
            cells_of_ban[..3],
            ["discord banned", "-", "guild 613425648685547541"]
        );
        let later = json!({ "id": "x", "event": "SOMETHING_NEW", "created": 9 });
        assert_eq!(cells(later), ["something new", "-", "-", "-", ""]);
    }
}
