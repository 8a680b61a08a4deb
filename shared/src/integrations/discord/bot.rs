//! What the bot of the application sees of a user in guilds, within a short time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;

use super::answer::DiscordError;
use super::client::Discord;
use crate::cache::TtlCache;
use crate::domain::clock::Reading;
use crate::domain::members::{DiscordId, GuildNeed, GuildView};
use crate::integrations::secret_text::SecretText;
use crate::integrations::secrets::SecretStore;

/// The time for all guilds together: a page waits for it.
const TIME_LIMIT: Duration = Duration::from_millis(1_500);

/// How long a guild is not asked about after a failure, unless Discord says so: pages must not each
/// wait for a Discord that is down.
const PAUSE: Duration = Duration::from_secs(10);

/// Asks about users in guilds. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct DiscordBot {
    discord: Discord,
    secrets: SecretStore,
    /// The name of the secret with the token.
    token: String,
    /// The guilds that are not asked about, and for how long.
    paused: Arc<TtlCache<DiscordId, Duration>>,
}

impl DiscordBot {
    /// The bot with the token of the stack in `STACK_NAME`.
    pub fn from_environment(
        discord: Discord,
        secrets: SecretStore,
    ) -> Result<Self, lambda_http::Error> {
        let stack = std::env::var("STACK_NAME")?;
        Ok(Self {
            discord,
            secrets,
            token: format!("portcullis/{stack}/discord-bot-token"),
            paused: Arc::default(),
        })
    }

    #[must_use]
    pub const fn discord(&self) -> &Discord {
        &self.discord
    }

    /// The token, for a call as the bot.
    pub async fn token(&self) -> Result<SecretText, DiscordError> {
        let token = self.secrets.text(&self.token).await;
        token.map_err(DiscordError::Secret)
    }

    /// What is known of a user in these guilds: each that was asked, with its answer.
    pub async fn views(
        &self,
        user: DiscordId,
        guilds: &BTreeMap<DiscordId, GuildNeed>,
    ) -> BTreeMap<DiscordId, Result<GuildView, DiscordError>> {
        let is_paused = |guild| self.paused.get(guild, |pause| *pause).is_some();
        let asked = guilds.iter().filter(|(guild, _)| !is_paused(guild));
        let views = asked.map(|(guild, need)| async {
            let asked_at = Reading::now();
            let view = tokio::time::timeout(TIME_LIMIT, self.view(user, *guild, *need)).await;
            let view = view.unwrap_or_else(|_| {
                Err(DiscordError::Unavailable(format!(
                    "timed out after {TIME_LIMIT:?}"
                )))
            });
            if let Err(error) = &view {
                let pause = error.pause().unwrap_or(PAUSE);
                self.paused.put(*guild, pause, asked_at);
            }
            (*guild, view)
        });
        join_all(views).await.into_iter().collect()
    }

    async fn view(
        &self,
        user: DiscordId,
        guild: DiscordId,
        need: GuildNeed,
    ) -> Result<GuildView, DiscordError> {
        let token = self.token().await?;
        let member = self.discord.guild_member(&token, guild, user);
        Ok(match need {
            GuildNeed::Roles => GuildView {
                member: member.await?,
                guild: None,
            },
            GuildNeed::Permissions => {
                let guild = self.discord.guild(&token, guild);
                let (member, guild) = futures::try_join!(member, guild)?;
                GuildView {
                    member,
                    guild: Some(guild),
                }
            }
        })
    }
}
