//! Signing in with Discord: the application that the operator has set up, its secrets and its bot.

mod joining;
mod state;

use std::time::Duration;

use lambda_http::Error;
use shared::api::{App, PageRequest};
use shared::integrations::discord::{Discord, DiscordBot, DiscordError, DiscordUser};
use shared::integrations::roblox::GroupRanks;
use shared::integrations::secrets::SecretStore;
use url::Url;

pub use self::joining::{JoinedWorkspaces, join};
pub use self::state::{COOKIE as STATE_COOKIE, SignInState};

/// The time to learn from Discord who signs in. It leaves the page time for the database and for
/// roles.
const TIME_LIMIT: Duration = Duration::from_millis(2_500);

/// Where Discord sends people back to.
const CALLBACK: &str = "/console/discord/callback";

/// The application.
#[derive(Debug)]
pub struct DiscordApplication {
    discord: Discord,
    secrets: SecretStore,
    /// The name of the secret with the client secret.
    client_secret: String,
    pub bot: DiscordBot,
    pub ranks: GroupRanks,
}

impl DiscordApplication {
    /// The application in `DISCORD_APPLICATION_ID`; none if that is empty.
    pub fn from_environment(app: &App, ranks: GroupRanks) -> Result<Option<Self>, Error> {
        let id = std::env::var("DISCORD_APPLICATION_ID").unwrap_or_default();
        if id.is_empty() {
            return Ok(None);
        }
        let discord = Discord::from_environment(id.parse()?)?;
        let secrets = SecretStore::new(app.config());
        let stack = std::env::var("STACK_NAME")?;
        let name = |secret| format!("portcullis/{stack}/{secret}");
        Ok(Some(Self {
            bot: DiscordBot::from_environment(discord.clone(), secrets.clone())?,
            client_secret: name("discord-client-secret"),
            discord,
            secrets,
            ranks,
        }))
    }

    /// Discord's page on which a person agrees to sign in.
    pub fn authorize_url(&self, redirect_uri: &str, state: &SignInState) -> Url {
        self.discord.authorize_url(redirect_uri, state.as_str())
    }

    /// Who has signed in, by the code with which Discord sent them back.
    pub async fn identify(
        &self,
        code: &str,
        redirect_uri: &str,
    ) -> Result<DiscordUser, DiscordError> {
        let asking = async {
            let secret = self.secrets.text(&self.client_secret).await;
            let secret = secret.map_err(DiscordError::Secret)?;
            let token = self
                .discord
                .exchange_code(&secret, code, redirect_uri)
                .await?;
            self.discord.current_user(token).await
        };
        tokio::time::timeout(TIME_LIMIT, asking)
            .await
            .unwrap_or_else(|_| {
                Err(DiscordError::Unavailable(format!(
                    "timed out after {TIME_LIMIT:?}"
                )))
            })
    }
}

/// The address to which Discord sends people back: on the host that their browser asked for, where
/// it keeps its cookie. Discord refuses one that the application has not registered.
pub fn redirect_uri(request: &PageRequest) -> String {
    on_host(request.host().unwrap_or_default())
}

fn on_host(host: &str) -> String {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_here = matches!(name, "localhost" | "127.0.0.1" | "[::1]");
    let scheme = if is_here { "http" } else { "https" };
    format!("{scheme}://{host}{CALLBACK}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_come_back_to_the_host_that_they_left() {
        for (host, address) in [
            (
                "bans.example",
                "https://bans.example/console/discord/callback",
            ),
            (
                "127.0.0.1:9000",
                "http://127.0.0.1:9000/console/discord/callback",
            ),
            (
                "localhost:9000",
                "http://localhost:9000/console/discord/callback",
            ),
            (
                "localhost.example:443",
                "https://localhost.example:443/console/discord/callback",
            ),
        ] {
            assert_eq!(on_host(host), address);
        }
    }
}
