//! `adonis`: the bans in Adonis' data store, and the `Banned` list of its settings.
//!
//! The keys `SAVEDTABLE_Banned` and `SAVEDTABLE_TimeBans` (older versions: `SavedTables`) contain lists
//! of changes to its tables: `{Table, Action, Value}`, with the ban in `Value`: `{Name, UserId, Reason,
//! Moderator, EndTime}`. A lifted ban is removed from the list.
//!
//! Its settings document these forms: `"Username"`, `"Username:UserId"`, a number for a user id,
//! `"Group:GroupId:GroupRank"`, `"Group:GroupId"`, `"Item:ItemID"`, `"GamePass:GamePassID"` and
//! `"Subscription:SubscriptionId"`; its code also accepts `{Group, Rank}`. The words are compared
//! without case (`Admin.DoCheck`), so a user named `Group` cannot be banned this way.

use serde_json::Value;
use shared::domain::ids::UserId;

use super::{RowResult, wrong};
use crate::import::ImportDefaults;
use crate::import::defaults::RowDraft;
use crate::import::entries::RowError;
use crate::import::fields::columns::ColumnOptions;
use crate::import::fields::ids::is_digits;

/// Words before a colon that are not user names. The last five are not documented; they are here so that
/// no other id is ever used as a user id.
const NOT_USERS: [&str; 10] = [
    "group",
    "item",
    "gamepass",
    "subscription",
    "rank",
    "asset",
    "badge",
    "pass",
    "team",
    "place",
];

pub fn row(value: &Value, defaults: &ImportDefaults, columns: &ColumnOptions) -> RowResult {
    match ban_of(value) {
        Ok(ban) => ban_row(ban, defaults, columns),
        Err(no) => (Err(no), Vec::new()),
    }
}

/// The ban in a change to a table, or why there is none.
fn ban_of(value: &Value) -> Result<&Value, RowError> {
    let Value::Object(change) = value else {
        return Ok(value);
    };
    if let Some(key) = change.get("TableKey").and_then(Value::as_str) {
        if !key.contains("Ban") {
            return Err(RowError::NotABan(format!("it refers to the key {key}")));
        }
        let what = format!("these bans are stored under the key {key}: dump that key");
        return Err(RowError::Invalid(what));
    }
    let Some(table) = change.get("Table") else {
        return Ok(value);
    };
    let table = name_of(table);
    if !matches!(table, Some("Banned" | "TimeBans")) {
        let what = format!(
            "it changes the table {}",
            table.unwrap_or("of another kind")
        );
        return Err(RowError::NotABan(what));
    }
    match change.get("Action").and_then(Value::as_str) {
        Some("Add") => Ok(change.get("Value").unwrap_or(&Value::Null)),
        Some("Remove") => Err(removal(change.get("Value").unwrap_or(&Value::Null))),
        _ => Err(RowError::Invalid("Action must be Add or Remove".to_owned())),
    }
}

/// An entry that removes a ban. Without a user id, it is unknown which ban it removes.
fn removal(value: &Value) -> RowError {
    let name = match value {
        Value::String(text) if !text.contains(':') => Some(text.as_str()),
        Value::Object(object) if !object.contains_key("UserId") => {
            object.get("Name").and_then(Value::as_str)
        }
        _ => None,
    };
    match name {
        Some(name) => RowError::Invalid(format!(
            "it removes the ban of {name:?}, a name without an id: delete that ban from the file"
        )),
        None => RowError::NotABan("it removes a ban".to_owned()),
    }
}

/// The last part of a path to a table.
fn name_of(table: &Value) -> Option<&str> {
    match table {
        Value::Array(path) => path.last().and_then(Value::as_str),
        name => name.as_str(),
    }
}

/// The user of the earlier ban that an entry removes. Adonis itself also removes the ban from the list if
/// it finds it there.
pub fn taken_back(value: &Value) -> Option<UserId> {
    let is_of_bans = matches!(name_of(value.get("Table")?), Some("Banned" | "TimeBans"));
    if !is_of_bans || value.get("Action").and_then(Value::as_str) != Some("Remove") {
        return None;
    }
    let id = match value.get("Value")? {
        Value::String(text) => user_in(text).ok()?.parse().ok(),
        other => shared::domain::number::integer(other.get("UserId").unwrap_or(other)),
    };
    id.and_then(UserId::new)
}

fn ban_row(ban: &Value, defaults: &ImportDefaults, columns: &ColumnOptions) -> RowResult {
    match ban {
        Value::Object(object) if object.contains_key("Group") => {
            wrong("this is a group and not a user: Roblox does not ban groups")
        }
        Value::Object(object) => {
            let id = object.get("UserId").filter(|id| !id.is_null());
            if id.is_none() {
                return wrong("UserId is missing: a name may belong to another user by now");
            }
            super::objects::row(None, ban, defaults, columns)
        }
        Value::String(text) => match user_in(text) {
            Ok(id) => plain(id.into(), defaults),
            Err(what) => wrong(what),
        },
        Value::Number(_) => plain(ban.clone(), defaults),
        _ => wrong("expected an object with UserId, \"Name:UserId\" or a number"),
    }
}

fn plain(id: Value, defaults: &ImportDefaults) -> RowResult {
    let draft = RowDraft::default().with("robloxId", id);
    (draft.row(defaults, super::plain::name), Vec::new())
}

/// The id in `Name:UserId`.
fn user_in(text: &str) -> Result<&str, String> {
    let text = text.trim();
    let Some((name, id)) = text.split_once(':') else {
        let hint = if is_digits(text) {
            ", or write the number without quotes if it is an id"
        } else {
            ""
        };
        return Err(format!(
            "{text:?} is a name without an id, and may belong to another user by now: write \
             \"{text}:UserId\"{hint}"
        ));
    };
    let (name, id) = (name.trim(), id.trim());
    if NOT_USERS.contains(&name.to_lowercase().as_str()) {
        return Err(format!(
            "{text:?} is a {name} and not a user: only users can be banned"
        ));
    }
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_name || !is_digits(id) {
        return Err(format!("{text:?} must be \"Name:UserId\""));
    }
    Ok(id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Result<u64, String> {
        let defaults = ImportDefaults::sample();
        match row(value, &defaults, &ColumnOptions::default()).0 {
            Ok(row) => Ok(row.user.get()),
            Err(RowError::Invalid(what)) => Err(what),
            Err(RowError::NotABan(what)) => Err(format!("no ban: {what}")),
        }
    }

    #[test]
    fn documented_forms_are_users_or_refused_with_a_reason() {
        for (value, user) in [
            (json!("Mallory:5001001"), 5_001_001),
            (json!("mallory_7: 5001001 "), 5_001_001),
            (json!(5_001_002), 5_001_002),
            (
                json!({ "Name": "Mallory", "UserId": 5_001_001, "Moderator": "@Alice (5001)" }),
                5_001_001,
            ),
            (
                json!({ "Table": "Banned", "Action": "Add", "Value": "Mallory:5001001" }),
                5_001_001,
            ),
        ] {
            assert_eq!(read(&value), Ok(user), "{value}");
        }
        for (value, says) in [
            (json!("Group:7700123:50"), "is a Group and not a user"),
            (json!("Group:7700123"), "and not a user"),
            (json!("group:7700123:-50"), "and not a user"),
            (json!("Item:8800123"), "is a Item and not a user"),
            (json!("GamePass:8800123"), "and not a user"),
            (json!("Subscription:EXP-8800123"), "and not a user"),
            (json!("Badge:8800123"), "and not a user"),
            (json!("Mallory"), "is a name without an id"),
            (json!("5001001"), "write the number without quotes"),
            (json!("Mallory:5001001:7"), "must be \"Name:UserId\""),
            (json!("My group:5001001"), "must be \"Name:UserId\""),
            (json!(":5001001"), "must be \"Name:UserId\""),
            (json!("Mallory:-1"), "must be \"Name:UserId\""),
            (json!({ "Group": 7_700_123, "Rank": 50 }), "this is a group"),
            (json!({ "Name": "Mallory" }), "UserId is missing"),
            (json!(["Mallory"]), "expected an object with UserId"),
            (json!(null), "expected an object with UserId"),
            (json!(-1), "must be an integer"),
            (json!({ "TableKey": "SAVEDTABLE_Banned" }), "dump that key"),
            (json!({ "TableKey": "SAVEDTABLE_Admins" }), "no ban: "),
            (
                json!({ "Table": ["Settings", "Admins"], "Action": "Add", "Value": "Alice:1" }),
                "no ban: ",
            ),
            (
                json!({ "Table": "Banned", "Action": "Remove", "Value": "Alice:1" }),
                "no ban: ",
            ),
            (
                json!({ "Table": "Banned", "Action": "Remove", "Value": "Alice" }),
                "it removes the ban of \"Alice\"",
            ),
            (
                json!({ "Table": "Banned", "Action": "Remove", "Value": { "Name": "Alice" } }),
                "it removes the ban of \"Alice\"",
            ),
            (
                json!({ "Table": "Banned", "Value": "Alice:1" }),
                "Action must be",
            ),
        ] {
            let wrong = read(&value).unwrap_err();
            assert!(wrong.contains(says), "{value}: {wrong}");
        }
    }

    #[test]
    fn removal_names_its_user() {
        let change = |table: Value, action: &str, value: Value| json!({ "Table": table, "Action": action, "Value": value });
        for (entry, user) in [
            (
                change(json!("Banned"), "Remove", json!({ "UserId": 7 })),
                Some(7),
            ),
            (
                change(json!(["Settings", "Banned"]), "Remove", json!("Mallory:7")),
                Some(7),
            ),
            (change(json!("Banned"), "Remove", json!(7)), Some(7)),
            (change(json!("Banned"), "Remove", json!("Group:7")), None),
            (change(json!("Banned"), "Add", json!(7)), None),
            (change(json!("Admins"), "Remove", json!(7)), None),
            (json!(7), None),
        ] {
            assert_eq!(taken_back(&entry).map(UserId::get), user, "{entry}");
        }
    }
}
