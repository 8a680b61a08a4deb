//! The commands for all guilds: Discord validates them, and adds ids, versions and defaults.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::caller::new_id;
use super::demo::APPLICATION;
use super::routes::{Answer, Call};
use super::state::State;

/// How many slash commands there may be, and how many of the other types.
const SLASH_COMMANDS: usize = 100;
const MENU_COMMANDS: usize = 15;

/// How many options a command has, and choices an option.
const ENTRIES: usize = 25;

/// How many characters names, descriptions and values of a command have together.
const CHARACTERS: usize = 8_000;

/// Where something is wrong, Discord's code and its sentence.
type Invalid = (Vec<String>, &'static str, &'static str);

/// `GET` and `PUT /applications/{application}/commands`.
pub fn commands(state: &mut State, call: &Call, application: &str) -> Answer {
    if let Err(refusal) = call.as_bot() {
        return refusal;
    }
    if application != APPLICATION.to_string() {
        return Answer::error(
            403,
            20_012,
            "You are not authorized to perform this action on this application",
        );
    }
    if call.method == "PUT" {
        let sent: Option<Vec<Value>> = serde_json::from_slice(&call.body).ok();
        let Some(sent) = sent.filter(|_| call.kind == "application/json") else {
            return Answer::error(400, 50_035, "Invalid Form Body");
        };
        if let Err((path, code, message)) = validate(&sent) {
            let path: Vec<_> = path.iter().map(String::as_str).collect();
            return Answer::invalid_form(&path, code, message);
        }
        let before = std::mem::take(&mut state.registered.commands);
        state.registered.commands = sent.iter().map(|it| registered(it, &before)).collect();
    }
    Answer::json(200, &json!(state.registered.commands))
}

/// A command as Discord returns it; one of a known type and name keeps its id, and unchanged its version.
pub fn registered(sent: &Value, before: &[Value]) -> Value {
    let mut command = Map::new();
    for (name, default) in [
        ("type", json!(1)),
        ("description", json!("")),
        ("name", Value::Null),
        ("default_member_permissions", Value::Null),
        ("contexts", Value::Null),
        ("integration_types", json!([0])),
        ("nsfw", json!(false)),
    ] {
        let value = sent.get(name).cloned().unwrap_or(default);
        command.insert(name.to_owned(), value);
    }
    if let Some(options) = sent.get("options").and_then(Value::as_array)
        && !options.is_empty()
    {
        let options: Vec<_> = options.iter().map(without_defaults).collect();
        command.insert("options".to_owned(), options.into());
    }
    let fields = [
        ("application_id", json!(APPLICATION.to_string())),
        ("dm_permission", json!(false)),
        ("name_localizations", Value::Null),
        ("description_localizations", Value::Null),
    ];
    command.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    let is_same = |known: &&Value| {
        let same = |name: &str| known.get(name) == command.get(name);
        same("name") && same("type")
    };
    let known = before.iter().find(is_same).and_then(Value::as_object);
    let old = |name: &str| known.and_then(|known| known.get(name)).cloned();
    let new = || json!(new_id(Duration::ZERO).to_string());
    let (id, version) = (old("id"), old("version"));
    command.insert("id".to_owned(), id.unwrap_or_else(new));
    command.insert("version".to_owned(), version.unwrap_or_else(new));
    if known.is_some_and(|known| *known != command) {
        command.insert("version".to_owned(), new());
    }
    Value::Object(command)
}

fn without_defaults(option: &Value) -> Value {
    let mut option = option.clone();
    if let Some(fields) = option.as_object_mut() {
        fields.retain(|_, value| !matches!(value, Value::Null | Value::Bool(false)));
    }
    option
}

fn validate(all: &[Value]) -> Result<(), Invalid> {
    let of_kind = |slash: bool| all.iter().filter(|it| (kind(it) == 1) == slash).count();
    if of_kind(true) > SLASH_COMMANDS || of_kind(false) > 2 * MENU_COMMANDS {
        let message = "Maximum number of application commands reached.";
        return Err((Vec::new(), "APPLICATION_COMMANDS_MAXIMUM", message));
    }
    let mut names = BTreeSet::new();
    for (at, command) in all.iter().enumerate() {
        let at = at.to_string();
        let invalid = |field: &str, code, message| {
            let path = vec![at.clone(), field.to_owned()];
            (path, code, message)
        };
        let text = |name: &str| command[name].as_str().unwrap_or_default();
        if !names.insert((kind(command), text("name"))) {
            let message = "Application command names must be unique.";
            return Err(invalid(
                "name",
                "APPLICATION_COMMANDS_DUPLICATE_NAME",
                message,
            ));
        }
        if kind(command) == 1 {
            described(command, std::slice::from_ref(&at))?;
        }
        let bits = &command["default_member_permissions"];
        if !bits.is_null()
            && bits
                .as_str()
                .is_none_or(|bits| bits.parse::<u64>().is_err())
        {
            let message = "Permissions must be a string of bits.";
            return Err(invalid(
                "default_member_permissions",
                "PERMISSIONS_INVALID",
                message,
            ));
        }
        if characters(command) > CHARACTERS {
            let message = "Command exceeds maximum size (8000).";
            return Err(invalid("name", "APPLICATION_COMMAND_TOO_LARGE", message));
        }
        options(command, &at)?;
    }
    Ok(())
}

fn options(command: &Value, at: &str) -> Result<(), Invalid> {
    let none = Vec::new();
    let options = command["options"].as_array().unwrap_or(&none);
    let (mut names, mut is_optional) = (BTreeSet::new(), false);
    for (index, option) in options.iter().enumerate() {
        let path = vec![at.to_owned(), "options".to_owned(), index.to_string()];
        described(option, &path)?;
        let is_required = option["required"] == true;
        let (code, message) = if index >= ENTRIES {
            ("BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
        } else if !names.insert(option["name"].as_str().unwrap_or_default()) {
            let message = "Option name already exists.";
            ("APPLICATION_COMMAND_OPTIONS_NAME_DUPLICATE", message)
        } else if is_required && is_optional {
            let message = "Required options must be placed before non-required options.";
            ("APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message)
        } else if !(1..=11).contains(&option["type"].as_u64().unwrap_or_default()) {
            ("BASE_TYPE_CHOICES", "Value must be one of (1..11).")
        } else if option["max_length"]
            .as_u64()
            .is_some_and(|most| most > 6_000)
        {
            (
                "NUMBER_TYPE_MAX",
                "int value should be less than or equal to 6000.",
            )
        } else if option["autocomplete"] == true && option["choices"].is_array() {
            let message = "Choices and autocomplete exclude each other.";
            ("APPLICATION_COMMAND_OPTIONS_CHOICES_INVALID", message)
        } else {
            is_optional |= !is_required;
            continue;
        };
        return Err((path, code, message));
    }
    Ok(())
}

/// Checks name and description.
fn described(of: &Value, path: &[String]) -> Result<(), Invalid> {
    let text = |name: &str| of[name].as_str().unwrap_or_default();
    let fits = |c: char| (c.is_alphanumeric() && !c.is_uppercase()) || "-_'".contains(c);
    let length = text("name").chars().count();
    let field = |name: &str| [path, &[name.to_owned()]].concat();
    if !(1..=32).contains(&length) || !text("name").chars().all(fits) {
        let message = "Command name is invalid.";
        return Err((field("name"), "APPLICATION_COMMAND_INVALID_NAME", message));
    }
    if !(1..=100).contains(&text("description").chars().count()) {
        let message = "Must be between 1 and 100 in length.";
        return Err((field("description"), "BASE_TYPE_BAD_LENGTH", message));
    }
    Ok(())
}

fn kind(command: &Value) -> u64 {
    command["type"].as_u64().unwrap_or(1)
}

fn characters(of: &Value) -> usize {
    let length = |name: &str| of[name].as_str().map_or(0, |text| text.chars().count());
    let options = of["options"].as_array().into_iter().flatten();
    length("name") + length("description") + options.map(characters).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(name: &str) -> Value {
        json!({ "name": name, "description": "A command" })
    }

    #[test]
    fn invalid_commands_are_refused_where_they_are_wrong() {
        let option = |name: &str, required: bool| json!({ "type": 3, "name": name, "description": "An option", "required": required });
        let with = |options: Value| {
            let mut command = command("ban");
            command["options"] = options;
            command
        };
        let long = "x".repeat(33);
        for (commands, path) in [
            (vec![command("Ban")], "0.name"),
            (vec![command("")], "0.name"),
            (vec![command(&long)], "0.name"),
            (vec![command("ban"), command("ban")], "1.name"),
            (vec![json!({ "name": "ban" })], "0.description"),
            (
                vec![with(json!([option("a", false), option("b", true)]))],
                "0.options.1",
            ),
            (
                vec![with(json!([option("a", true), option("a", true)]))],
                "0.options.1",
            ),
            (vec![with(json!([option("A", true)]))], "0.options.0.name"),
            ((0..101).map(|at| command(&format!("c{at}"))).collect(), ""),
        ] {
            assert_eq!(validate(&commands).unwrap_err().0.join("."), path);
        }
        let menu = json!({ "type": 2, "name": "Ban in game" });
        assert_eq!(validate(&[command("ban"), menu]), Ok(()));
    }

    #[test]
    fn known_commands_keep_their_ids() {
        let first = registered(&command("ban"), &[]);
        let again = registered(&command("ban"), std::slice::from_ref(&first));
        assert_eq!(again, first);
        let mut other = command("ban");
        other["nsfw"] = json!(true);
        let changed = registered(&other, std::slice::from_ref(&first));
        assert_eq!(changed["id"], first["id"]);
        assert_ne!(changed["version"], first["version"]);
        assert_ne!(
            registered(&command("check"), std::slice::from_ref(&first))["id"],
            first["id"]
        );
    }
}
