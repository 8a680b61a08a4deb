//! The application as its bot's token sees it: its keys, its endpoint and its commands. Setting up needs it; no
//! function does.

use lambda_http::http::Method;
use serde_json::{Value, json};
use url::Url;

use super::answer::{self, DiscordError, unintelligible};
use super::client::Discord;
use crate::domain::discord::COMMANDS;
use crate::domain::members::DiscordId;
use crate::integrations::secret_text::SecretText;

/// The bits of what the bot may do in a guild: it reads members and roles, which needs none.
const BOT_PERMISSIONS: &str = "0";

/// What Discord stores about the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredApplication {
    pub id: DiscordId,
    pub name: String,
    /// The public key in hex, with which Discord's signatures are verified.
    pub verify_key: String,
    /// Where Discord sends interactions; none if they go to the gateway.
    pub endpoint: Option<String>,
}

impl Discord {
    /// The application to which the token belongs, which may be another one.
    pub async fn registered_application(
        &self,
        bot: &SecretText,
    ) -> Result<RegisteredApplication, DiscordError> {
        let answer = self.get("applications/@me", bot.after("Bot")).await?;
        read_application(&answer).ok_or_else(|| unintelligible("is not an application"))
    }

    /// Sets where Discord sends interactions. Discord tries the address during the call, and refuses one that
    /// does not verify signatures.
    pub async fn set_endpoint(&self, bot: &SecretText, url: &str) -> Result<(), DiscordError> {
        let change = json!({ "interactions_endpoint_url": url });
        let sending = self.send_as_bot(Method::PATCH, "applications/@me", bot, &change);
        let answer = sending.await?;
        answer::require_valid_form(&answer)?;
        answer::object(&answer).map(drop)
    }

    /// The commands that are registered for all guilds, in Discord's form.
    pub async fn registered_commands(&self, bot: &SecretText) -> Result<Vec<Value>, DiscordError> {
        let answer = self.read(&self.commands_path(), bot.after("Bot")).await?;
        answer::list(&answer)
    }

    /// Replaces all of them by ours. Those with another name lose the permissions that guilds have given them.
    pub async fn register_commands(&self, bot: &SecretText) -> Result<(), DiscordError> {
        let (path, commands) = (self.commands_path(), json!(COMMANDS));
        let sending = self.send_as_bot(Method::PUT, &path, bot, &commands);
        let answer = sending.await?;
        answer::require_valid_form(&answer)?;
        answer::list(&answer).map(drop)
    }

    /// The page on which an administrator adds the application to a guild.
    #[must_use]
    pub fn install_link(&self) -> Url {
        let mut url = self.page("oauth2/authorize");
        url.query_pairs_mut()
            .append_pair("client_id", &self.application.to_string())
            .append_pair("scope", "bot applications.commands")
            .append_pair("permissions", BOT_PERMISSIONS);
        url
    }

    fn commands_path(&self) -> String {
        format!("applications/{}/commands", self.application)
    }
}

fn read_application(answer: &Value) -> Option<RegisteredApplication> {
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    let endpoint = text("interactions_endpoint_url").filter(|url| !url.is_empty());
    Some(RegisteredApplication {
        id: text("id")?.parse().ok()?,
        name: text("name").unwrap_or_default().to_owned(),
        verify_key: text("verify_key")?.to_owned(),
        endpoint: endpoint.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integrations::discord::DISCORD_URL;

    const ID: &str = "80351110224678912";

    #[test]
    fn application_may_have_no_endpoint() {
        for (endpoint, expected) in [
            (json!(null), None),
            (json!(""), None),
            (json!("https://a.example/x"), Some("https://a.example/x")),
        ] {
            let answer =
                json!({ "id": ID, "verify_key": "ab", "interactions_endpoint_url": endpoint });
            let read = read_application(&answer).unwrap();
            assert_eq!(read.endpoint.as_deref(), expected);
        }
        assert_eq!(read_application(&json!({ "id": ID })), None);
    }

    #[test]
    fn install_link_asks_for_no_permission() {
        let discord = Discord::at(DISCORD_URL, ID.parse().unwrap()).unwrap();
        assert_eq!(
            discord.install_link().as_str(),
            "https://discord.com/oauth2/authorize?client_id=80351110224678912\
             &scope=bot+applications.commands&permissions=0"
        );
    }
}
