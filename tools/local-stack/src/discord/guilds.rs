//! Guilds and their members, as a bot reads them.

use serde_json::{Value, json};

use super::routes::{Answer, Call};
use super::state::{FakeGuild, State};

/// The guild, if the call has the bot's token and the bot is there.
pub(super) fn seen<'a>(
    state: &'a State,
    call: &Call,
    guild: &str,
) -> Result<(u64, &'a FakeGuild), Answer> {
    call.as_bot()?;
    let id = guild.parse().unwrap_or_default();
    match state.guilds.get(&id) {
        Some(guild) if guild.has_bot => Ok((id, guild)),
        Some(_) => Err(Answer::error(403, 50_001, "Missing Access")),
        None => Err(Answer::error(404, 10_004, "Unknown Guild")),
    }
}

/// `GET /guilds/{guild}/members/{user}`.
pub fn member(state: &State, call: &Call, guild: &str, user: &str) -> Answer {
    let guild = match seen(state, call, guild) {
        Ok((_, guild)) => guild,
        Err(refusal) => return refusal,
    };
    let id: u64 = user.parse().unwrap_or_default();
    let Some(user) = state.users.get(&id) else {
        return Answer::error(404, 10_013, "Unknown User");
    };
    let Some(member) = guild.members.get(&id) else {
        return Answer::error(404, 10_007, "Unknown Member");
    };
    let roles: Vec<_> = member.roles.iter().map(u64::to_string).collect();
    Answer::json(
        200,
        &json!({
            "avatar": null, "banner": null, "flags": 0, "joined_at": "2024-01-01T00:00:00.000000+00:00",
            "nick": null, "pending": false, "premium_since": null, "mute": false, "deaf": false,
            "communication_disabled_until": member.timed_out_until, "roles": roles,
            "user": {
                "id": id.to_string(), "username": user.username, "global_name": user.global_name,
                "avatar": null, "discriminator": "0", "public_flags": 0, "flags": 0, "primary_guild": null,
            },
        }),
    )
}

/// `GET /guilds/{guild}`.
pub fn guild(state: &State, call: &Call, guild: &str) -> Answer {
    let (id, guild) = match seen(state, call, guild) {
        Ok(found) => found,
        Err(refusal) => return refusal,
    };
    let everyone = role(id, "@everyone", 1 << 10, 0);
    let others = guild.roles.iter().zip(1..);
    let others = others.map(|((id, (name, permissions)), at)| role(*id, name, *permissions, at));
    let roles: Vec<_> = std::iter::once(everyone).chain(others).collect();
    let mut body = json!({
        "id": id.to_string(), "name": "A guild", "owner_id": guild.owner.to_string(), "roles": roles,
        "features": [], "region": "deprecated", "afk_timeout": 300, "system_channel_flags": 0,
        "widget_enabled": false, "verification_level": 1, "default_message_notifications": 1,
        "mfa_level": 1, "explicit_content_filter": 2, "max_members": 500_000,
        "max_stage_video_channel_users": 50, "max_video_channel_users": 25, "premium_tier": 0,
        "premium_subscription_count": 0, "preferred_locale": "en-US",
        "premium_progress_bar_enabled": false, "nsfw": false, "nsfw_level": 0, "emojis": [], "stickers": [],
    });
    let absent = [
        "icon",
        "description",
        "home_header",
        "splash",
        "discovery_splash",
        "banner",
        "application_id",
        "afk_channel_id",
        "system_channel_id",
        "widget_channel_id",
        "max_presences",
        "vanity_url_code",
        "rules_channel_id",
        "safety_alerts_channel_id",
        "public_updates_channel_id",
        "incidents_data",
    ];
    if let Some(body) = body.as_object_mut() {
        body.extend(absent.map(|name| (name.to_owned(), Value::Null)));
    }
    Answer::json(200, &body)
}

fn role(id: u64, name: &str, permissions: u64, position: u32) -> Value {
    json!({
        "id": id.to_string(), "name": name, "permissions": permissions.to_string(), "position": position,
        "color": 0, "hoist": false, "managed": false, "mentionable": false, "icon": null,
        "unicode_emoji": null, "flags": 0,
        "colors": { "primary_color": 0, "secondary_color": null, "tertiary_color": null },
    })
}
