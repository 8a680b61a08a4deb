//! Discord as the caller: what people do there, as signed interactions.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use hyper::Request;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

use super::demo::APPLICATION;
use super::state::FakeGuild;
use crate::Error;

/// The seed of the application's key. It is in the repository, so it exists only locally.
const SEED: [u8; 32] = *b"portcullis: local Discord seed 1";

/// From when Discord's ids count, in Unix milliseconds.
const EPOCH: u64 = 1_420_070_400_000;

/// The bits of an owner.
const EVERYTHING: u64 = (1 << 53) - 1;

/// How tokens begin; then follows the interaction's id.
pub(super) const TOKEN: &str = "aW50ZXJhY3Rpb24.";

/// What a person does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Ping,
    Command,
    Press,
    Typing,
    Submit,
}

impl Act {
    const fn number(self) -> u8 {
        match self {
            Self::Ping => 1,
            Self::Command => 2,
            Self::Press => 3,
            Self::Typing => 4,
            Self::Submit => 5,
        }
    }
}

/// The application's key, which signs interactions.
pub fn signing_key() -> Result<Ed25519KeyPair, Error> {
    let pair = Ed25519KeyPair::from_seed_unchecked(&SEED);
    pair.map_err(|_| Error::Tool("the seed makes no key".to_owned()))
}

/// The public half in hex, as Discord shows it.
pub fn public_key() -> Result<String, Error> {
    Ok(hex(signing_key()?.public_key().as_ref()))
}

/// The signature in hex of a body and its time.
pub fn signature(time: &str, body: &[u8]) -> Result<String, Error> {
    let signed = [time.as_bytes(), body].concat();
    Ok(hex(signing_key()?.sign(&signed).as_ref()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The time, as Discord signs it.
pub fn signing_time() -> String {
    (since_1970().as_secs()).to_string()
}

fn since_1970() -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default()
}

/// An id that Discord would assign now, or this long ago.
pub fn new_id(ago: Duration) -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let millis = since_1970().saturating_sub(ago).as_millis();
    let millis = u64::try_from(millis).unwrap_or_default();
    // Processes that run at once differ in the middle bits.
    let process = u64::from(std::process::id() % 1024) << 12;
    let count = COUNT.fetch_add(1, Ordering::Relaxed) % 4096;
    (millis.saturating_sub(EPOCH) << 22) | process | count
}

/// When an id was assigned, as the time since 1970.
pub(super) fn assigned(id: u64) -> Duration {
    Duration::from_millis((id >> 22).saturating_add(EPOCH))
}

/// How old an id is.
pub(super) fn age(id: u64) -> Duration {
    since_1970().saturating_sub(assigned(id))
}

/// What Discord sends when a member of a guild does something, with all fields of today and one of tomorrow.
pub fn interaction(guild: (u64, &FakeGuild), user: u64, act: Act, data: &Value) -> Value {
    let (guild_id, guild) = guild;
    let id = new_id(Duration::ZERO);
    let member = guild.members.get(&user);
    let roles = member
        .map(|member| member.roles.clone())
        .unwrap_or_default();
    let everyone = guild.roles.get(&guild_id).map_or(0, |(_, bits)| *bits);
    let held = roles.iter().filter_map(|role| guild.roles.get(role));
    let bits = held.fold(everyone, |all, (_, bits)| all | bits);
    let bits = if guild.owner == user {
        EVERYTHING
    } else {
        bits
    };
    let timeout = member.and_then(|member| member.timed_out_until.clone());
    let roles: Vec<_> = roles.iter().map(u64::to_string).collect();
    let channel = "613425648685547900";
    json!({
        "version": 1,
        "type": act.number(),
        "id": id.to_string(),
        "application_id": APPLICATION.to_string(),
        "token": format!("{TOKEN}{id}"),
        "data": data,
        "guild_id": guild_id.to_string(),
        "guild": { "id": guild_id.to_string(), "locale": "en-US", "features": ["COMMUNITY"] },
        "guild_locale": "en-US",
        "locale": "de",
        "channel_id": channel,
        "channel": { "id": channel, "type": 0, "name": "moderation", "a_field_of_tomorrow": [1] },
        "context": 0,
        "app_permissions": "562949953601536",
        "authorizing_integration_owners": { "0": guild_id.to_string() },
        "entitlements": [],
        "entitlement_sku_ids": [],
        "attachment_size_limit": 10_485_760,
        "a_field_of_tomorrow": { "type": 99 },
        "member": {
            "user": {
                "id": user.to_string(), "username": format!("user{user}"), "discriminator": "0",
                "global_name": null, "avatar": null, "public_flags": 0, "clan": null,
            },
            "roles": roles,
            "permissions": bits.to_string(),
            "communication_disabled_until": timeout,
            "nick": null, "avatar": null, "deaf": false, "mute": false, "pending": false, "flags": 0,
            "joined_at": "2026-01-01T00:00:00+00:00", "premium_since": null,
        },
    })
}

/// The data of a command with these options. One named `member` is a user of Discord.
pub fn command_data(name: &str, options: &[(&str, Value)]) -> Value {
    let option = |(name, value): &(&str, Value)| {
        let kind = match *name {
            "member" => 6,
            _ if value.is_boolean() => 5,
            _ => 3,
        };
        json!({ "name": name, "type": kind, "value": value })
    };
    let options: Vec<_> = options.iter().map(option).collect();
    json!({ "id": "613425648685548000", "name": name, "type": 1, "options": options })
}

/// The data of a command that is chosen in the menu of a user.
pub fn user_menu_data(name: &str, target: u64) -> Value {
    let target = target.to_string();
    json!({
        "id": "613425648685548000", "name": name, "type": 2, "target_id": target,
        "resolved": { "users": { target.as_str(): { "id": target, "username": "someone" } } },
    })
}

/// The data of a command in the menu of a message with these files.
pub fn message_menu_data(name: &str, files: &[Value]) -> Value {
    let id = new_id(Duration::ZERO).to_string();
    let message = json!({
        "id": id, "channel_id": "613425648685547900", "type": 0, "content": "Look at this",
        "attachments": files, "embeds": [], "mentions": [], "mention_roles": [], "components": [],
        "author": { "id": "80351110224678914", "username": "noor", "discriminator": "0", "avatar": null },
        "timestamp": "2026-11-29T12:00:00.000000+00:00", "edited_timestamp": null, "flags": 0,
        "pinned": false, "mention_everyone": false, "tts": false, "a_field_of_tomorrow": [1],
    });
    json!({
        "id": "613425648685548001", "name": name, "type": 3, "target_id": id,
        "resolved": { "messages": { id: message } },
    })
}

/// The data of a form with these fields.
pub fn form_data(custom_id: &str, fields: &[(&str, &str)]) -> Value {
    let field = |(at, (name, value)): (usize, &(&str, &str))| {
        let input = json!({ "type": 4, "id": at + 100, "custom_id": name, "value": value });
        json!({ "type": 18, "id": at + 1, "component": input })
    };
    let fields: Vec<_> = fields.iter().enumerate().map(field).collect();
    json!({ "custom_id": custom_id, "components": fields, "resolved": {} })
}

/// A signed request for the endpoint of the API at this address.
pub fn request(address: &str, body: &Value) -> Result<Request<Bytes>, Error> {
    request_to(&format!("{address}/discord/interactions"), body)
}

/// The same for any URL.
pub fn request_to(url: &str, body: &Value) -> Result<Request<Bytes>, Error> {
    let (time, body) = (signing_time(), body.to_string());
    let signed = signature(&time, body.as_bytes())?;
    Request::post(url)
        .header("content-type", "application/json")
        .header(
            "user-agent",
            "Discord-Interactions/1.0 (+https://discord.com)",
        )
        .header("x-signature-ed25519", signed)
        .header("x-signature-timestamp", time)
        .body(Bytes::from(body))
        .map_err(|error| Error::Tool(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_new_and_have_their_time() {
        let (old, new) = (new_id(Duration::from_mins(15)), new_id(Duration::ZERO));
        assert_ne!(new_id(Duration::ZERO), new);
        assert!(age(new) < Duration::from_secs(5));
        assert!(age(old) >= Duration::from_mins(15));
    }
}
