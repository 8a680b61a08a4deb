//! Routes calls, checks their keys and answers them.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Value, json};

use super::answer::{self, Answer};
use super::groups;
use super::restrictions;
use super::state::{Key, Message, State};
use super::users;
use crate::gateway::decode;

#[derive(Debug)]
pub struct Call {
    pub method: String,
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub key: Option<String>,
    pub body: Bytes,
}

impl Call {
    pub fn of(parts: &hyper::http::request::Parts, body: &Bytes) -> Self {
        let key = parts.headers.get("x-api-key");
        let query = parts.uri.query().unwrap_or_default();
        Self {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: query.split('&').filter_map(pair).collect(),
            key: key.and_then(|key| key.to_str().ok()).map(str::to_owned),
            body: body.clone(),
        }
    }

    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

fn pair(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    (!name.is_empty()).then(|| (decode(name, true), decode(value, true)))
}

pub fn answer(state: &mut State, call: &Call) -> Answer {
    let segments: Vec<&str> = call.path.trim_matches('/').split('/').collect();
    match (call.method.as_str(), segments.as_slice()) {
        ("GET", ["universes", "v1", "places", place, "universe"]) => {
            let universe = place.parse().ok().and_then(|id: u64| state.places.get(&id));
            Answer::json(200, &json!({ "universeId": universe }))
        }
        ("POST", ["api-keys", "v1", "introspect"]) => introspect(state, call),
        ("POST", ["v1", "users"]) => users::by_id(&state.users, call),
        ("POST", ["v1", "usernames", "users"]) => users::by_name(&state.users, call),
        ("GET", ["v1", "users", user, "groups", "roles"]) => groups::of_user(state, user),
        (_, ["cloud", "v2", "groups", rest @ ..]) => groups::answer(state, call, rest),
        (_, ["cloud", "v2", "universes", rest @ ..]) => cloud(state, call, rest),
        _ => answer::gateway(404, "Not Found"),
    }
    .with("x-ratelimit-limit", "3000, 3000;w=60")
    .with("x-ratelimit-remaining", 2_999)
    .with("x-ratelimit-reset", 20)
}

fn cloud(state: &mut State, call: &Call, path: &[&str]) -> Answer {
    if let (&[last], "POST") = (path, call.method.as_str())
        && let Some((universe, "publishMessage")) = last.rsplit_once(':')
    {
        return publish(state, call, universe);
    }
    let (level, rest) = match path {
        [universe, "places", place, rest @ ..] => ((universe, Some(place)), rest),
        [universe, rest @ ..] => ((universe, None), rest),
        [] => return answer::gateway(404, "Not Found"),
    };
    let (Ok(universe), Ok(place)) = (
        level.0.parse::<u64>(),
        level.1.map(|place| place.parse::<u64>()).transpose(),
    ) else {
        return answer::invalid("The universe or place is not a number.");
    };
    if let ("GET", Some(place), []) = (call.method.as_str(), place, rest) {
        return describe_place(state, call, universe, place);
    }
    let scope = match call.method.as_str() {
        "GET" => "universe.user-restriction:read",
        "PATCH" => "universe.user-restriction:write",
        _ => return answer::gateway(405, "Method Not Allowed"),
    };
    let owner = match allowed(state, call, universe, scope) {
        Ok(key) => key.owner,
        Err(refusal) => return refusal,
    };
    if let Some(place) = place
        && state.places.get(&place) != Some(&universe)
    {
        return answer::refusal(
            404,
            "NOT_FOUND",
            "The place does not belong to the universe.",
        );
    }
    match (call.method.as_str(), rest) {
        ("GET", ["user-restrictions"]) => restrictions::list(state, call, universe, place),
        ("GET", ["user-restrictions", user]) => restrictions::get(state, universe, place, user),
        ("PATCH", ["user-restrictions", user]) => {
            restrictions::update(state, call, (universe, place), user, owner)
        }
        _ => answer::gateway(404, "Not Found"),
    }
}

/// Any valid key may read a place.
fn describe_place(state: &State, call: &Call, universe: u64, place: u64) -> Answer {
    let key = call.key.as_ref().and_then(|key| state.keys.get(key));
    if key.is_none_or(|key| !key.alive) {
        return answer::gateway(401, "Invalid API Key");
    }
    if state.places.get(&place) != Some(&universe) {
        return answer::refusal(
            404,
            "NOT_FOUND",
            "The place does not belong to the universe.",
        );
    }
    let path = format!("universes/{universe}/places/{place}");
    Answer::json(200, &json!({ "path": path, "displayName": "A place" }))
}

/// The key of a call if it has a scope for a universe.
fn allowed<'a>(
    state: &'a State,
    call: &Call,
    universe: u64,
    scope: &str,
) -> Result<&'a Key, Answer> {
    let key = call.key.as_ref().and_then(|key| state.keys.get(key));
    let Some(key) = key.filter(|key| key.alive) else {
        return Err(answer::gateway(401, "Invalid API Key"));
    };
    if key.scopes.contains(scope) && key.reaches(universe) {
        Ok(key)
    } else {
        let text = "The caller does not have permission to execute the specified operation.";
        Err(answer::refusal(403, "PERMISSION_DENIED", text))
    }
}

fn publish(state: &mut State, call: &Call, universe: &str) -> Answer {
    let Ok(universe) = universe.parse() else {
        return answer::invalid("The universe is not a number.");
    };
    if let Err(refusal) = allowed(state, call, universe, "universe-messaging-service:publish") {
        return refusal;
    }
    let body = call.json().unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let (Some(topic), Some(message)) = (text("topic"), text("message")) else {
        return answer::invalid("topic and message are required.");
    };
    if !(1..=80).contains(&topic.chars().count()) {
        return answer::invalid("The topic must have 1 to 80 characters.");
    }
    if message.len() > 1024 {
        return answer::invalid("The message must have at most 1024 characters.");
    }
    let (topic, message) = (topic.to_owned(), message.to_owned());
    state.publish(Message {
        universe,
        topic,
        message,
    });
    Answer::empty()
}

fn introspect(state: &State, call: &Call) -> Answer {
    let body = call.json().unwrap_or_default();
    let secret = body.get("apiKey").and_then(Value::as_str);
    let Some(key) = secret.and_then(|secret| state.keys.get(secret)) else {
        return answer::gateway(401, "Invalid API Key");
    };
    let universes: Vec<String> = if key.universes.is_empty() {
        vec!["*".to_owned()]
    } else {
        key.universes.iter().map(u64::to_string).collect()
    };
    let mut scopes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for scope in &key.scopes {
        if let Some((name, operation)) = scope.rsplit_once(':') {
            scopes.entry(name).or_default().push(operation);
        }
    }
    let groups: Vec<String> = if key.groups.is_empty() {
        vec!["*".to_owned()]
    } else {
        key.groups.iter().map(u64::to_string).collect()
    };
    let scopes: Vec<_> = scopes
        .into_iter()
        .map(|(name, operations)| match name {
            "group" => json!({ "name": name, "operations": operations, "groupIds": groups }),
            _ => json!({ "name": name, "operations": operations, "universeIds": universes }),
        })
        .collect();
    let answer = json!({
        "name": "fake key",
        "authorizedUserId": key.owner,
        "scopes": scopes,
        "enabled": key.alive,
        "expired": !key.alive,
        "expirationTimeUtc": null,
    });
    Answer::json(200, &answer)
}
