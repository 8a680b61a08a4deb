//! How the commands that are registered with Discord differ from ours.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};
use shared::domain::discord::COMMANDS;

/// What a command or an option is. Discord adds ids, versions and defaults, today's and tomorrow's.
const FIELDS: [&str; 15] = [
    "name",
    "description",
    "name_localizations",
    "description_localizations",
    "default_member_permissions",
    "nsfw",
    "required",
    "autocomplete",
    "min_length",
    "max_length",
    "min_value",
    "max_value",
    "channel_types",
    "contexts",
    "integration_types",
];

/// Lists of options and choices, whose order people see.
const LISTS: [&str; 2] = ["options", "choices"];

/// The type of a command without one: a slash command.
const SLASH: u64 = 1;

/// The names of commands that an overwrite changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CommandChanges {
    pub added: Vec<String>,
    pub changed: Vec<String>,
    /// Commands of something else. The permissions that guilds have given them are lost with them.
    pub removed: Vec<String>,
}

impl CommandChanges {
    /// What an overwrite with our commands changes.
    pub fn to(registered: &[Value]) -> Self {
        let ours = json!(COMMANDS);
        let ours = ours.as_array().map(Vec::as_slice).unwrap_or_default();
        Self::between(registered, ours)
    }

    fn between(registered: &[Value], ours: &[Value]) -> Self {
        let (mut registered, ours) = (by_name(registered), by_name(ours));
        let mut changes = Self::default();
        for (key, command) in ours {
            match registered.remove(&key) {
                None => changes.added.push(key.1),
                Some(theirs) if theirs != command => changes.changed.push(key.1),
                Some(_) => {}
            }
        }
        changes.removed = registered.into_keys().map(|(_, name)| name).collect();
        changes
    }

    pub const fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }

    /// Such as `add ban, check; change unban`.
    pub fn shown(&self) -> String {
        let parts = [
            ("add", &self.added),
            ("change", &self.changed),
            ("remove", &self.removed),
        ];
        let parts = parts.into_iter().filter(|(_, names)| !names.is_empty());
        let parts: Vec<_> = parts
            .map(|(verb, names)| format!("{verb} {}", names.join(", ")))
            .collect();
        parts.join("; ")
    }
}

/// Discord tells commands apart by type and name.
fn by_name(commands: &[Value]) -> BTreeMap<(u64, String), Value> {
    let key = |command: &Value| {
        let name = command.get("name").and_then(Value::as_str);
        (kind(command), name.unwrap_or_default().to_owned())
    };
    let commands = commands.iter();
    commands
        .map(|command| (key(command), essence(command)))
        .collect()
}

fn kind(of: &Value) -> u64 {
    of.get("type").and_then(Value::as_u64).unwrap_or(SLASH)
}

/// What matters of a command or an option, without what means the same as nothing.
fn essence(of: &Value) -> Value {
    let mut kept = Map::new();
    kept.insert("type".to_owned(), kind(of).into());
    for name in FIELDS {
        if let Some(value) = of.get(name).filter(|value| !is_nothing(value)) {
            kept.insert(name.to_owned(), sorted(value));
        }
    }
    for name in LISTS {
        let list = of.get(name).and_then(Value::as_array);
        if let Some(list) = list.filter(|list| !list.is_empty()) {
            let list = if name == "options" {
                list.iter().map(essence).collect()
            } else {
                list.clone()
            };
            kept.insert(name.to_owned(), list.into());
        }
    }
    Value::Object(kept)
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// A set of numbers has no order.
fn sorted(value: &Value) -> Value {
    let mut value = value.clone();
    if let Value::Array(list) = &mut value {
        list.sort_by_key(Value::as_u64);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Our commands as Discord returns them.
    fn registered() -> Vec<Value> {
        let mut all = json!(COMMANDS).as_array().unwrap().clone();
        for (command, id) in all.iter_mut().zip(1_u64..) {
            let fields = command.as_object_mut().unwrap();
            for (name, value) in [
                ("id", json!(id.to_string())),
                ("application_id", json!("7")),
                ("version", json!("8")),
                ("nsfw", json!(false)),
                ("dm_permission", json!(false)),
                ("name_localizations", json!(null)),
                ("description_localizations", json!(null)),
                ("a_default_of_tomorrow", json!({ "x": 1 })),
            ] {
                fields.insert(name.to_owned(), value);
            }
            if fields.get("options") == Some(&json!([])) {
                fields.remove("options");
            }
            let options = fields.get_mut("options").and_then(Value::as_array_mut);
            for option in options.into_iter().flatten() {
                let option = option.as_object_mut().unwrap();
                if option["required"] == json!(false) {
                    option.remove("required");
                }
            }
        }
        all.reverse();
        all
    }

    fn named<'a>(all: &'a mut [Value], name: &str) -> &'a mut Value {
        let mut all = all.iter_mut();
        all.find(|command| command["name"] == name).unwrap()
    }

    #[test]
    fn what_discord_adds_is_no_change() {
        assert_eq!(CommandChanges::to(&registered()), CommandChanges::default());
        assert_eq!(CommandChanges::to(&[]).added.len(), COMMANDS.len());
    }

    #[test]
    fn everything_that_people_see_is_a_change() {
        for (path, value) in [
            ("/description", json!("Other")),
            ("/default_member_permissions", json!("0")),
            ("/default_member_permissions", json!(null)),
            ("/contexts", json!([0, 1])),
            ("/integration_types", json!([1])),
            ("/nsfw", json!(true)),
            ("/name_localizations", json!({ "de": "bannen" })),
            ("/options", json!([])),
            ("/options/0/type", json!(6)),
            ("/options/0/name", json!("player")),
            ("/options/0/required", json!(false)),
            ("/options/0/autocomplete", json!(false)),
            ("/options/1/max_length", json!(61)),
        ] {
            let mut all = registered();
            *named(&mut all, "ban").pointer_mut(path).unwrap() = value;
            let changes = CommandChanges::to(&all);
            assert_eq!(changes.changed, ["ban"], "{path}");
            assert!(changes.added.is_empty() && changes.removed.is_empty());
        }
    }

    #[test]
    fn renamed_command_is_removed_and_added() {
        let mut all = registered();
        named(&mut all, "ban")["name"] = json!("gameban");
        // A command of another type is another command.
        all.push(json!({ "type": 2, "name": "check" }));
        let changes = CommandChanges::to(&all);
        assert_eq!(changes.shown(), "add ban; remove gameban, check");
        assert!(!changes.is_empty());
    }
}
