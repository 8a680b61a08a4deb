//! Gives and takes roles of guild members. The bot needs *Manage Roles* there, and a role of its own above
//! those that it gives.

use lambda_http::http::Method;
use serde_json::Value;

use super::answer::{DiscordError, unintelligible};
use super::client::Discord;
use crate::domain::discord::AuditReason;
use crate::domain::members::DiscordId;
use crate::domain::role_rules::RoleVerb;
use crate::integrations::secret_text::SecretText;

/// A role as the one who manages roles sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedRole {
    pub id: DiscordId,
    pub name: String,
    /// Bits, as Discord numbers them.
    pub permissions: u64,
    /// Higher ones manage lower ones; of two with the same position, the one with the smaller id is higher.
    pub position: u64,
    /// Whether it belongs to a bot, to boosters or to another integration, and nobody can give it.
    pub is_managed: bool,
}

impl Discord {
    /// Gives a role to a member or takes it. A change that was made already succeeds again.
    pub async fn change_role(
        &self,
        bot: &SecretText,
        (guild, user): (DiscordId, DiscordId),
        (verb, role): (RoleVerb, DiscordId),
        reason: &AuditReason,
    ) -> Result<(), DiscordError> {
        let method = match verb {
            RoleVerb::Give => Method::PUT,
            RoleVerb::Take => Method::DELETE,
        };
        let path = format!("guilds/{guild}/members/{user}/roles/{role}");
        self.change_guild(method, &path, bot, reason, None).await
    }

    /// The user that the bot is, which is not the application in old ones.
    pub async fn bot_user(&self, bot: &SecretText) -> Result<DiscordId, DiscordError> {
        let answer = self.get("users/@me", bot.after("Bot")).await?;
        let id = answer.get("id").and_then(Value::as_str);
        let id = id.and_then(|id| id.parse().ok());
        id.ok_or_else(|| unintelligible("has no id"))
    }

    /// The roles of a guild.
    pub async fn managed_roles(
        &self,
        bot: &SecretText,
        guild: DiscordId,
    ) -> Result<Vec<ManagedRole>, DiscordError> {
        let answer = self
            .get(&format!("guilds/{guild}"), bot.after("Bot"))
            .await?;
        let roles = answer.get("roles").and_then(Value::as_array);
        let roles = roles.map(|roles| roles.iter().map(read_role).collect::<Option<_>>());
        roles
            .flatten()
            .ok_or_else(|| unintelligible("has no roles"))
    }
}

fn read_role(role: &Value) -> Option<ManagedRole> {
    let text = |name: &str| role.get(name)?.as_str();
    Some(ManagedRole {
        id: text("id")?.parse().ok()?,
        name: text("name").unwrap_or_default().to_owned(),
        permissions: text("permissions")?.parse().ok()?,
        position: role.get("position").and_then(Value::as_u64)?,
        is_managed: role
            .get("managed")
            .and_then(Value::as_bool)
            .unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn role_has_a_position() {
        let id = "80351110224678912";
        let role = json!({ "id": id, "name": "Staff", "permissions": "8", "position": 3, "managed": true });
        let expected = ManagedRole {
            id: id.parse().unwrap(),
            name: "Staff".to_owned(),
            permissions: 8,
            position: 3,
            is_managed: true,
        };
        assert_eq!(read_role(&role), Some(expected));
        assert_eq!(read_role(&json!({ "id": id, "permissions": "8" })), None);
    }
}
