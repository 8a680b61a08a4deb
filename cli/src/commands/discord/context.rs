//! The Discord application of an installation, and the access to it.

use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use shared::domain::members::DiscordId;
use shared::integrations::discord::{DISCORD_URL, Discord, DiscordError, RegisteredApplication};
use shared::integrations::secret_text::SecretText;
use shared::integrations::secrets::{SecretError, SecretStore};

use crate::connection::{Connection, Stack};

/// The last parts of the names of both secrets.
const BOT_TOKEN: &str = "discord-bot-token";
pub const CLIENT_SECRET: &str = "discord-client-secret";

/// What the stack was deployed with, or what the local stack has.
#[derive(Clone, Debug)]
struct Deployed {
    application: DiscordId,
    /// The key with which the functions verify signatures.
    public_key: Option<String>,
    /// The URL that answers interactions; without a public key there is none.
    endpoint: Option<String>,
    /// `portcullis/STACK`, the beginning of the secrets' names.
    secrets: String,
}

#[derive(Debug)]
pub struct DiscordContext {
    pub discord: Discord,
    secrets: SecretStore,
    region: String,
    deployed: Deployed,
}

impl DiscordContext {
    /// Fails if the installation has no application.
    pub async fn open(located: &Connection, time_limit: Duration) -> Result<Self> {
        let found = Self::find(located, time_limit).await?;
        found.ok_or_else(|| match &located.stack {
            Some(stack) => anyhow!(
                "stack {name} has no Discord application: create one (docs/discord.md), and deploy the stack \
                 with its id, `portcullis --stack {name} deploy --parameter Console=true --parameter \
                 DiscordApplicationId=ID`",
                name = stack.name()
            ),
            None => anyhow!("the Discord application is a parameter of the stack: use --stack"),
        })
    }

    /// The application, if the installation has one; each call to Discord ends within the time limit.
    pub async fn find(located: &Connection, time_limit: Duration) -> Result<Option<Self>> {
        let local = located.local_stack().await.and_then(|local| {
            let discord = local.discord?;
            Some((discord, local.api))
        });
        let address = std::env::var("DISCORD_API_URL").ok();
        let address = address.filter(|text| !text.is_empty());
        let address = address.or_else(|| Some(local.as_ref()?.0.url.clone()));
        let deployed = match (&located.stack, local) {
            (Some(stack), _) => of_stack(stack)?,
            (None, Some((discord, api))) => Some(Deployed {
                application: discord.application,
                public_key: Some(discord.public_key),
                endpoint: api
                    .strip_suffix("/api/v1")
                    .map(|api| format!("{api}/discord/interactions")),
                secrets: "portcullis/local".to_owned(),
            }),
            (None, None) => None,
        };
        let Some(deployed) = deployed else {
            return Ok(None);
        };
        let address = address.as_deref().unwrap_or(DISCORD_URL);
        let discord = Discord::within(address, deployed.application, time_limit);
        let region = located.sdk.region().map(ToString::to_string);
        Ok(Some(Self {
            discord: discord.map_err(|error| anyhow!("Discord: {error}"))?,
            secrets: located.secrets().await,
            region: region.unwrap_or_default(),
            deployed,
        }))
    }

    /// The URL that answers interactions; fails if none is deployed.
    pub fn endpoint(&self) -> Result<&str> {
        let endpoint = self.deployed.endpoint.as_deref();
        endpoint.ok_or_else(|| {
            anyhow!(
                "the stack has no output DiscordInteractionsUrl: deploy the current version with Console=true \
                 and DiscordPublicKey"
            )
        })
    }

    pub async fn token(&self) -> Result<SecretText> {
        self.secret(BOT_TOKEN, "the bot's token").await
    }

    /// Reads a secret; `what` says in words what it contains.
    pub async fn secret(&self, part: &str, what: &str) -> Result<SecretText> {
        let name = self.secret_name(part);
        match self.secrets.fresh_text(&name).await {
            Ok(text) => Ok(text),
            Err(SecretError::Unusable(why)) => bail!(
                "secret {name}, {why}: store {what} with `aws secretsmanager create-secret --region {} --name \
                 {name} --secret-string file:///dev/stdin`, paste it, and press Enter and Ctrl-D, so that no \
                 history of a shell has it; for a secret that exists, {}",
                self.region,
                self.replacement(part)
            ),
            Err(error) => Err(error.into()),
        }
    }

    fn secret_name(&self, part: &str) -> String {
        format!("{}/{part}", self.deployed.secrets)
    }

    fn replacement(&self, part: &str) -> String {
        format!(
            "`aws secretsmanager put-secret-value --region {} --secret-id {} --secret-string \
             file:///dev/stdin`",
            self.region,
            self.secret_name(part)
        )
    }

    /// Fails with the parameter to set if the token's application is not what was deployed.
    pub fn check(&self, found: &RegisteredApplication) -> Result<()> {
        let deployed = &self.deployed;
        if found.id != deployed.application {
            bail!(
                "the bot's token belongs to application {}, and DiscordApplicationId is {}: deploy with \
                 `--parameter DiscordApplicationId={}`, or store the token of the deployed application",
                found.id,
                deployed.application,
                found.id
            );
        }
        match &deployed.public_key {
            Some(ours) if !ours.eq_ignore_ascii_case(&found.verify_key) => bail!(
                "DiscordPublicKey is {ours}, and the application's public key is another: {}",
                deploy_with(found)
            ),
            _ => Ok(()),
        }
    }

    /// Fails with the parameter to set if no commands are deployed.
    pub fn require_commands(&self, found: &RegisteredApplication) -> Result<()> {
        if self.has_commands() {
            return Ok(());
        }
        bail!("DiscordPublicKey is not set: {}", deploy_with(found))
    }

    /// Whether commands are deployed. Without them, members only sign in with Discord.
    pub const fn has_commands(&self) -> bool {
        self.deployed.public_key.is_some()
    }

    /// What to do about an answer of Discord.
    pub fn explained(&self, error: DiscordError) -> anyhow::Error {
        match error {
            DiscordError::Unauthorized => anyhow!(
                "Discord does not accept the bot's token: reset it on the application's page Bot, and store it \
                 with {}",
                self.replacement(BOT_TOKEN)
            ),
            DiscordError::RateLimited { retry_after } => {
                let seconds = retry_after.unwrap_or(Duration::from_mins(1)).as_secs_f64();
                anyhow!(
                    "Discord allows no more calls now: try again in {} s",
                    seconds.ceil()
                )
            }
            other => other.into(),
        }
    }
}

/// Whether a later call may succeed without any change.
pub const fn is_temporary(error: &DiscordError) -> bool {
    matches!(
        error,
        DiscordError::RateLimited { .. } | DiscordError::Unavailable(_)
    )
}

fn deploy_with(found: &RegisteredApplication) -> String {
    let key = &found.verify_key;
    format!("deploy with `--parameter DiscordPublicKey={key}`")
}

fn of_stack(stack: &Stack) -> Result<Option<Deployed>> {
    let parameter = |name| stack.parameter(name).filter(|value| !value.is_empty());
    let Some(application) = parameter("DiscordApplicationId") else {
        return Ok(None);
    };
    let application = application.parse();
    Ok(Some(Deployed {
        application: application.map_err(|_| {
            anyhow!("DiscordApplicationId is not an id: deploy with the one on General Information")
        })?,
        public_key: parameter("DiscordPublicKey").map(str::to_owned),
        endpoint: stack
            .output("DiscordInteractionsUrl")
            .ok()
            .map(str::to_owned),
        secrets: format!("portcullis/{}", stack.name()),
    }))
}
