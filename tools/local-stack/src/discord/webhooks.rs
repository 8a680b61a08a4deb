//! Webhooks of channels: they refuse what Discord refuses, and print what people would read.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::routes::{Answer, Call};
use super::state::State;

/// How many messages a webhook accepts within a window.
const LIMIT: usize = 5;

const WINDOW: Duration = Duration::from_secs(2);

/// The most embeds of a message, and characters of all of them.
const EMBEDS: usize = 10;
const CHARACTERS: usize = 6_000;

#[derive(Clone, Debug)]
pub struct FakeWebhook {
    token: String,
    /// The messages that it has accepted.
    pub messages: Vec<Value>,
    /// The calls within the last window.
    recent: Vec<Instant>,
}

impl FakeWebhook {
    pub fn new(token: &str) -> Self {
        Self {
            token: token.to_owned(),
            messages: Vec::new(),
            recent: Vec::new(),
        }
    }

    /// How many more messages fit into the window, and when it has room for one more.
    fn room(&mut self, now: Instant) -> (usize, f64) {
        self.recent.retain(|at| now.duration_since(*at) < WINDOW);
        let oldest = self.recent.first().copied().unwrap_or(now);
        let free = WINDOW.saturating_sub(now.duration_since(oldest));
        let left = LIMIT.saturating_sub(self.recent.len());
        (left, free.as_secs_f64())
    }
}

/// `POST /webhooks/{webhook}/{token}`, which answers 204: nobody asks for the message.
pub fn post(state: &mut State, call: &Call, webhook: &str, token: &str) -> Answer {
    let prints = state.prints;
    let id = webhook.parse().unwrap_or_default();
    let Some(known) = state.webhooks.get_mut(&id) else {
        return Answer::error(404, 10_015, "Unknown Webhook");
    };
    if known.token != token {
        return Answer::error(401, 50_027, "Invalid Webhook Token");
    }
    let now = Instant::now();
    let (left, free) = known.room(now);
    if left == 0 {
        return Answer::too_many(free).with("x-ratelimit-scope", "user");
    }
    known.recent.push(now);
    let (left, free) = known.room(now);
    let answer = match accepted(call) {
        Ok(message) => {
            if prints {
                print(id, &message);
            }
            known.messages.push(message);
            Answer::empty(204)
        }
        Err(refusal) => refusal,
    };
    answer
        .with("x-ratelimit-limit", &LIMIT)
        .with("x-ratelimit-remaining", &left)
        .with("x-ratelimit-reset-after", &format!("{:.3}", free + 0.001))
        .with("x-ratelimit-bucket", "webhook")
}

fn print(webhook: u64, message: &Value) {
    for embed in message["embeds"].as_array().into_iter().flatten() {
        let rows = embed["fields"].as_array().into_iter().flatten();
        let rows = rows.filter_map(|row| Some((row["name"].as_str()?, row["value"].as_str()?)));
        let rows: Vec<_> = rows
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        let title = embed["title"].as_str().unwrap_or_default();
        println!("discord: {webhook}: {title} | {}", rows.join(" | "));
    }
}

/// The message, if Discord accepts it.
fn accepted(call: &Call) -> Result<Value, Answer> {
    let message: Option<Value> = serde_json::from_slice(&call.body).ok();
    let message = message.filter(|_| call.kind == "application/json");
    let Some(message) = message.filter(Value::is_object) else {
        return Err(invalid("", "CONTENT_TYPE_INVALID", "Expected JSON."));
    };
    let embeds = message
        .get("embeds")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let content = message.get("content").and_then(Value::as_str);
    if embeds.is_empty() && content.unwrap_or_default().is_empty() {
        return Err(Answer::error(400, 50_006, "Cannot send an empty message"));
    }
    if embeds.len() > EMBEDS {
        let text = format!("Must be {EMBEDS} or fewer in length.");
        return Err(invalid("embeds", "BASE_TYPE_MAX_LENGTH", &text));
    }
    let mut all = 0;
    for (at, embed) in embeds.iter().enumerate() {
        for (path, text, most, required) in texts(embed) {
            // Discord ignores white space around a text.
            let length = text.trim().encode_utf16().count();
            let path = format!("embeds.{at}.{path}");
            if required && length == 0 {
                let text = "This field is required";
                return Err(invalid(&path, "BASE_TYPE_REQUIRED", text));
            }
            if length > most {
                let text = format!("Must be {most} or fewer in length.");
                return Err(invalid(&path, "BASE_TYPE_MAX_LENGTH", &text));
            }
            all += length;
        }
        if embed["fields"]
            .as_array()
            .is_some_and(|fields| fields.len() > 25)
        {
            let path = format!("embeds.{at}.fields");
            let text = "Must be 25 or fewer in length.";
            return Err(invalid(&path, "BASE_TYPE_MAX_LENGTH", text));
        }
    }
    if all > CHARACTERS {
        let text = "Embed size exceeds maximum size of 6000";
        return Err(invalid("embeds", "MAX_EMBED_SIZE_EXCEEDED", text));
    }
    Ok(message)
}

/// The texts of an embed, each with its path, its limit, and whether it is required.
fn texts(embed: &Value) -> Vec<(String, String, usize, bool)> {
    let mut texts = Vec::new();
    let mut add = |path: String, most: usize, required: bool| {
        let pointer = format!("/{}", path.replace('.', "/"));
        let text = embed.pointer(&pointer).and_then(Value::as_str);
        if text.is_some() || required {
            texts.push((path, text.unwrap_or_default().to_owned(), most, required));
        }
    };
    for (path, most) in [
        ("title", 256),
        ("description", 4_096),
        ("footer.text", 2_048),
        ("author.name", 256),
    ] {
        add(path.to_owned(), most, false);
    }
    let fields = embed.get("fields").and_then(Value::as_array);
    for at in 0..fields.map_or(0, Vec::len) {
        add(format!("fields.{at}.name"), 256, true);
        add(format!("fields.{at}.value"), 1_024, true);
    }
    texts
}

/// Discord's error for a body, nested by the path to what is wrong.
fn invalid(path: &str, code: &str, text: &str) -> Answer {
    let wrong = json!({ "_errors": [{ "code": code, "message": text }] });
    let names = path.split('.').filter(|name| !name.is_empty());
    let errors = names
        .rev()
        .fold(wrong, |inner, name| json!({ name: inner }));
    Answer::json(
        400,
        &json!({ "message": "Invalid Form Body", "code": 50_035, "errors": errors }),
    )
}
