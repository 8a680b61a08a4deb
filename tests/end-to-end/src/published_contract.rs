//! Validates calls to Roblox and Discord, and what the fakes answer, against the published descriptions.
//!
//! `fixtures/roblox-cloud.json` is cut from `Roblox/creator-docs` (b0bf2f1, 2026-08-22), and
//! `fixtures/discord.json`, `fixtures/discord-interactions.json` and `fixtures/discord-guilds.json` from
//! `discord/discord-api-spec` (74fda0f, 2026-07-18): the calls of interest, without prose and examples; a webhook's
//! message without components, files and polls; an audit log's entries alone. The first does not describe introspection and the universe of a place, the
//! second no sign-in.

use std::sync::LazyLock;

use jsonschema::Draft;
use local_stack::exchange::Exchange;
use serde_json::{Value, json};

/// A published description.
#[derive(Debug)]
pub struct PublishedContract {
    document: Value,
    /// The part of each path before what is described.
    base: &'static str,
    /// Calls that the description leaves out, by how their paths begin.
    undescribed: &'static [&'static str],
}

pub fn roblox_contract() -> &'static PublishedContract {
    static CONTRACT: LazyLock<PublishedContract> = LazyLock::new(|| {
        let text = include_str!("../fixtures/roblox-cloud.json");
        PublishedContract {
            document: serde_json::from_str(text).expect("roblox-cloud.json"),
            base: "",
            undescribed: &["/api-keys/v1/introspect", "/universes/v1/places/"],
        }
    });
    &CONTRACT
}

pub fn discord_contract() -> &'static PublishedContract {
    static CONTRACT: LazyLock<PublishedContract> = LazyLock::new(|| {
        let text = include_str!("../fixtures/discord.json");
        PublishedContract {
            document: serde_json::from_str(text).expect("discord.json"),
            base: "/api/v10",
            undescribed: &["/oauth2/", "/api/v10/oauth2/"],
        }
    });
    &CONTRACT
}

/// What an application sends for interactions: answers, edits of them, and its commands.
pub fn interactions_contract() -> &'static PublishedContract {
    static CONTRACT: LazyLock<PublishedContract> = LazyLock::new(|| {
        let text = include_str!("../fixtures/discord-interactions.json");
        PublishedContract {
            document: serde_json::from_str(text).expect("discord-interactions.json"),
            base: "/api/v10",
            undescribed: &[],
        }
    });
    &CONTRACT
}

/// Bans of guilds and their audit logs, as the bot changes and reads them.
pub fn guild_bans_contract() -> &'static PublishedContract {
    static CONTRACT: LazyLock<PublishedContract> = LazyLock::new(|| {
        let text = include_str!("../fixtures/discord-guilds.json");
        PublishedContract {
            document: serde_json::from_str(text).expect("discord-guilds.json"),
            base: "/api/v10",
            undescribed: &[],
        }
    });
    &CONTRACT
}

impl PublishedContract {
    /// All differences between an exchange and its description.
    pub fn problems(&self, exchange: &Exchange) -> Vec<String> {
        let is_undescribed = |path: &&str| exchange.path.starts_with(*path);
        if self.undescribed.iter().any(is_undescribed) {
            return Vec::new();
        }
        let path = exchange.path.strip_prefix(self.base).unwrap_or_default();
        let method = exchange.method.to_ascii_lowercase();
        let paths = self.document["paths"].as_object().expect("paths");
        let described = paths.iter().find_map(|(pattern, methods)| {
            let operation = methods.get(&method)?;
            fits(pattern, path).then_some(operation)
        });
        let Some(operation) = described else {
            return vec![format!(
                "{} {} is not described",
                exchange.method, exchange.path
            )];
        };
        let parameters = operation["parameters"].as_array();
        let names: Vec<_> = parameters
            .into_iter()
            .flatten()
            .map(|it| &it["name"])
            .collect();
        let unknown = |name: &&String| !names.iter().any(|known| **known == name.as_str());
        let mut problems: Vec<_> = exchange
            .query
            .keys()
            .filter(unknown)
            .map(|name| format!("the parameter {name} is not described"))
            .collect();
        let sent = &operation["requestBody"]["content"]["application/json"]["schema"];
        match (sent.is_null(), exchange.body.is_empty()) {
            (true, true) => {}
            (false, _) => problems.extend(self.body_problems("request", sent, &exchange.body)),
            (true, false) => problems.push("a body is not described".to_owned()),
        }
        let status = exchange.status.to_string();
        let class = format!("{}XX", &status[..1]);
        let answers = [status, class].map(|status| self.resolved(&operation["responses"][status]));
        let mut answers = answers.into_iter().filter(|answer| !answer.is_null());
        let answer = answers.next().unwrap_or(&Value::Null);
        let answer = &answer["content"]["application/json"]["schema"];
        if !answer.is_null() {
            problems.extend(self.body_problems("answer", answer, &exchange.answer));
        }
        problems
    }

    /// What a part of the description refers to, or the part itself.
    fn resolved<'a>(&'a self, part: &'a Value) -> &'a Value {
        let pointer = part["$ref"].as_str().and_then(|it| it.strip_prefix('#'));
        let referred = pointer.and_then(|pointer| self.document.pointer(pointer));
        referred.unwrap_or(part)
    }

    fn body_problems(&self, what: &str, schema: &Value, body: &[u8]) -> Vec<String> {
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            return vec![format!("the {what} is not JSON")];
        };
        let whole = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "allOf": [schema],
            "components": self.document["components"],
        });
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .with_format("duration", is_duration)
            .build(&whole)
            .expect("a schema");
        let invalid = validator.iter_errors(&value);
        let mut problems: Vec<_> = invalid
            .map(|error| format!("{what}: {error} at {}", error.instance_path()))
            .collect();
        self.undescribed(what, schema, &value, &mut problems);
        problems
    }

    /// The description allows other members, but no other member has a meaning.
    fn undescribed(&self, at: &str, schema: &Value, value: &Value, problems: &mut Vec<String>) {
        let schema = self.resolved(schema);
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    match schema["properties"].get(name) {
                        Some(known) => {
                            self.undescribed(&format!("{at}.{name}"), known, member, problems);
                        }
                        None if schema.get("properties").is_none() => {}
                        None => problems.push(format!("{at}.{name} is not described")),
                    }
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.undescribed(at, &schema["items"], item, problems);
                }
            }
            _ => {}
        }
    }
}

/// Whether a path matches a pattern such as `/groups/{group_id}/memberships/{id}:assignRole`.
fn fits(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<_>, Vec<_>) =
        (pattern.split('/').collect(), path.split('/').collect());
    let mut pairs = pattern.iter().zip(&path);
    pattern.len() == path.len()
        && pairs.all(|(pattern, part)| match pattern.strip_prefix('{') {
            None => pattern == part,
            Some(rest) => {
                let action = rest.split_once('}').map_or("", |(_, action)| action);
                let id = part.strip_suffix(action).unwrap_or_default();
                !id.is_empty() && !id.contains(':')
            }
        })
}

/// Roblox writes durations as Protocol Buffers do in JSON, such as `604800s`; the format otherwise means
/// ISO 8601.
fn is_duration(text: &str) -> bool {
    let seconds = text.strip_suffix('s').unwrap_or_default();
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit());
    seconds.split('.').count() <= 2 && seconds.split('.').all(is_number)
}
