//! Guilds and their members, as a bot reads them.

use serde_json::{Value, json};

use super::demo::APPLICATION;
use super::routes::{Answer, Call};
use super::state::{FakeGuild, FakeMember, State, User};

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
    if id == APPLICATION {
        let bot = FakeMember {
            roles: guild.bot_roles.clone(),
            timed_out_until: None,
        };
        let user = User {
            username: "portcullis".to_owned(),
            global_name: None,
        };
        return described(id, &user, &bot);
    }
    let Some(user) = state.users.get(&id) else {
        return Answer::error(404, 10_013, "Unknown User");
    };
    let Some(member) = guild.members.get(&id) else {
        return Answer::error(404, 10_007, "Unknown Member");
    };
    described(id, user, member)
}

fn described(id: u64, user: &User, member: &FakeMember) -> Answer {
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

/// `PUT` and `DELETE /guilds/{guild}/members/{user}/roles/{role}`.
pub fn change_role(
    state: &mut State,
    call: &Call,
    guild: &str,
    (user, role): (&str, &str),
) -> Answer {
    if let Err(refusal) = seen(state, call, guild) {
        return refusal;
    }
    let [guild, user, role]: [u64; 3] =
        [guild, user, role].map(|id| id.parse().unwrap_or_default());
    if !state.users.contains_key(&user) {
        return Answer::error(404, 10_013, "Unknown User");
    }
    let Some(guild) = state.guilds.get_mut(&guild) else {
        return Answer::error(404, 10_004, "Unknown Guild");
    };
    if !guild.members.contains_key(&user) {
        return Answer::error(404, 10_007, "Unknown Member");
    }
    if !guild.roles.contains_key(&role) {
        return Answer::error(404, 10_011, "Unknown Role");
    }
    let of_bot = guild.bot_roles.iter().filter_map(|id| guild.roles.get(id));
    let granted = of_bot.fold(0, |all, (_, bits)| all | bits);
    let highest = guild
        .bot_roles
        .iter()
        .map(|id| guild.position(&[*id]))
        .max();
    let may = granted & (1 << 28 | 1 << 3) != 0;
    if !may || highest <= Some(guild.position(&[role])) || guild.managed.contains(&role) {
        return Answer::error(403, 50_013, "Missing Permissions");
    }
    if let Some(member) = guild.members.get_mut(&user) {
        member.roles.retain(|held| *held != role);
        if call.method == "PUT" {
            member.roles.push(role);
        }
    }
    state.audit.push(call.reason.clone());
    Answer::empty(204)
}

/// `GET /guilds/{guild}`.
pub fn guild(state: &State, call: &Call, guild: &str) -> Answer {
    let (id, guild) = match seen(state, call, guild) {
        Ok(found) => found,
        Err(refusal) => return refusal,
    };
    let everyone = role(id, "@everyone", 1 << 10, (0, false));
    let others = guild.roles.iter().map(|(id, (name, permissions))| {
        let place = (guild.position(&[*id]), guild.managed.contains(id));
        role(*id, name, *permissions, place)
    });
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

fn role(id: u64, name: &str, permissions: u64, (position, managed): (usize, bool)) -> Value {
    json!({
        "id": id.to_string(), "name": name, "permissions": permissions.to_string(), "position": position,
        "color": 0, "hoist": false, "managed": managed, "mentionable": false, "icon": null,
        "unicode_emoji": null, "flags": 0,
        "colors": { "primary_color": 0, "secondary_color": null, "tertiary_color": null },
    })
}
