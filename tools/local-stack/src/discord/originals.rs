//! The answers that Discord shows, which an application edits by the token of the interaction.

use std::time::Duration;

use serde_json::{Value, json};

use super::caller::{TOKEN, age};
use super::demo::APPLICATION;
use super::routes::{Answer, Call};
use super::state::State;

/// How long Discord accepts a token.
const VALID: Duration = Duration::from_mins(15);

/// Edits or returns the answer of an interaction.
pub fn original(state: &mut State, call: &Call, application: &str, token: &str) -> Answer {
    if application != APPLICATION.to_string() {
        return Answer::error(404, 10_015, "Unknown Webhook");
    }
    let id = token.strip_prefix(TOKEN).and_then(|id| id.parse().ok());
    let Some(id) = id else {
        return Answer::error(401, 50_027, "Invalid Webhook Token");
    };
    if age(id) >= VALID {
        return Answer::error(401, 50_027, "Invalid Webhook Token");
    }
    if call.method == "GET" {
        return match state.originals.get(token) {
            Some(message) => Answer::json(200, message),
            None => Answer::error(404, 10_008, "Unknown Message"),
        };
    }
    let Ok(sent) = serde_json::from_slice::<Value>(&call.body) else {
        return Answer::error(400, 50_109, "The request body contains invalid JSON.");
    };
    if call.kind != "application/json" || !sent.is_object() {
        return Answer::error(400, 50_035, "Invalid Form Body");
    }
    let mut message = json!({
        "id": id.to_string(), "channel_id": "613425648685547900", "flags": 64, "type": 20,
        "author": { "id": APPLICATION.to_string(), "username": "portcullis", "bot": true },
    });
    if let Some(message) = message.as_object_mut() {
        for name in ["content", "embeds", "components"] {
            let part = sent.get(name).cloned();
            message.extend(part.map(|part| (name.to_owned(), part)));
        }
    }
    state.originals.insert(token.to_owned(), message.clone());
    Answer::json(200, &message)
}
