//! Members and roles of a guild, which the bot of the application may read without any permission.

use serde_json::Value;

use super::answer::{DiscordError, unintelligible};
use super::client::Discord;
use crate::domain::clock::UnixSeconds;
use crate::domain::members::{DiscordId, Guild, GuildMember, GuildRole};
use crate::integrations::secret_text::SecretText;

impl Discord {
    /// A user as a member of a guild, if they are one.
    pub async fn guild_member(
        &self,
        bot: &SecretText,
        guild: DiscordId,
        user: DiscordId,
    ) -> Result<Option<GuildMember>, DiscordError> {
        let path = format!("guilds/{guild}/members/{user}");
        match self.get(&path, bot.after("Bot")).await {
            Ok(answer) => read_member(&answer)
                .map(Some)
                .ok_or_else(|| unintelligible("has no roles")),
            Err(DiscordError::NoMember) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The owner of a guild, and what its roles may do.
    pub async fn guild(&self, bot: &SecretText, guild: DiscordId) -> Result<Guild, DiscordError> {
        let path = format!("guilds/{guild}");
        let answer = self.get(&path, bot.after("Bot")).await?;
        read_guild(&answer).ok_or_else(|| unintelligible("has no roles"))
    }
}

fn read_id(value: &Value) -> Option<DiscordId> {
    value.as_str()?.parse().ok()
}

fn read_member(answer: &Value) -> Option<GuildMember> {
    let roles = answer.get("roles")?.as_array()?.iter();
    let timeout = answer.get("communication_disabled_until");
    let until = timeout.and_then(Value::as_str).map(|time| {
        let time: Option<jiff::Timestamp> = time.parse().ok();
        let seconds = time.and_then(|time| u64::try_from(time.as_second()).ok());
        // A time that cannot be read must not end early.
        UnixSeconds(seconds.unwrap_or(u64::MAX))
    });
    Some(GuildMember {
        roles: roles.map(read_id).collect::<Option<_>>()?,
        timed_out_until: until,
    })
}

fn read_guild(answer: &Value) -> Option<Guild> {
    let roles = answer.get("roles")?.as_array()?.iter();
    Some(Guild {
        owner: read_id(answer.get("owner_id")?)?,
        roles: roles.map(read_role).collect::<Option<_>>()?,
    })
}

fn read_role(role: &Value) -> Option<GuildRole> {
    Some(GuildRole {
        id: read_id(role.get("id")?)?,
        permissions: role.get("permissions")?.as_str()?.parse().ok()?,
        position: u32::try_from(role.get("position")?.as_u64()?).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn member_has_roles_and_perhaps_a_timeout() {
        let id = "80351110224678912";
        let read = |answer| read_member(&answer);
        let member = read(json!({ "roles": [id], "communication_disabled_until": null }));
        assert_eq!(
            member,
            Some(GuildMember {
                roles: vec![id.parse().unwrap()],
                timed_out_until: None
            })
        );
        for (time, seconds) in [("1970-01-01T00:01:00.5+00:00", 60), ("soon", u64::MAX)] {
            let member = read(json!({ "roles": [], "communication_disabled_until": time }));
            assert_eq!(member.unwrap().timed_out_until, Some(UnixSeconds(seconds)));
        }
        for other in [json!({}), json!({ "roles": [7] }), json!({ "roles": null })] {
            assert_eq!(read(other.clone()), None, "{other}");
        }
    }

    #[test]
    fn permissions_of_roles_may_exceed_a_double() {
        let role =
            json!({ "id": "80351110224678912", "permissions": "9007199254740993", "position": 3 });
        let guild = read_guild(&json!({ "owner_id": "80351110224678912", "roles": [role] }));
        let permissions = guild.unwrap().roles.first().map(|role| role.permissions);
        assert_eq!(permissions, Some(9_007_199_254_740_993));
        assert_eq!(read_guild(&json!({ "roles": [] })), None);
    }
}
