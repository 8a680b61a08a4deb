//! `portcullis discord link` and `unlink`.

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use serde::Serialize;
use shared::domain::clock::UnixMillis;
use shared::domain::ids::WorkspaceId;
use shared::domain::members::DiscordId;
use shared::integrations::discord::DiscordError;
use shared::store::Store;

use super::DiscordContext;
use crate::arguments::WorkspaceArg;
use crate::commands::workspace;
use crate::connection::Connection;
use crate::output::{Output, Printable};

/// The time for asking whether the bot is in a guild.
const TIME_LIMIT: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, Args)]
pub struct NamedGuild {
    /// The guild's id. *Developer Mode* on Discord adds *Copy Server ID* to its menu.
    #[arg(value_name = "GUILD", value_parser = guild)]
    pub guild: DiscordId,

    #[command(flatten)]
    pub place: WorkspaceArg,
}

fn guild(text: &str) -> Result<DiscordId, String> {
    let wrong = |_| "expected the id of a guild, a number of 17 to 19 digits".to_owned();
    text.parse().map_err(wrong)
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkedGuild {
    pub guild_id: DiscordId,
    pub workspace: WorkspaceId,
}

impl Printable for LinkedGuild {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("guild", self.guild_id.to_string()),
            ("workspace", self.workspace.to_string()),
        ]
    }
}

pub async fn link(named: NamedGuild, located: &Connection, output: Output) -> Result<()> {
    let (store, guild) = (located.store(), named.guild);
    let workspace = workspace::find(&store, named.place).await?.guid;
    let now = UnixMillis::now().seconds();
    if store
        .link_guild(workspace.prefix(), guild, now)
        .await?
        .is_err()
    {
        return Err(taken(&store, guild).await);
    }
    if let Err(why) = look_for_bot(located, guild).await {
        warning!("{why:#}");
    }
    output.one(&LinkedGuild {
        guild_id: guild,
        workspace,
    })
}

/// The other workspace is named by its id alone.
async fn taken(store: &Store, guild: DiscordId) -> anyhow::Error {
    let owner = async {
        let prefix = store.workspace_of_guild(guild).await?;
        match prefix {
            Some(prefix) => store.workspace(prefix).await,
            None => Ok(None),
        }
    };
    match owner.await {
        Ok(Some(owner)) => anyhow::anyhow!(
            "guild {guild} belongs to workspace {0}: `portcullis discord unlink {guild} --workspace {0}` ends \
             that",
            owner.guid
        ),
        Ok(None) => anyhow::anyhow!("the link of guild {guild} has just changed: try again"),
        Err(error) => error.into(),
    }
}

/// Fails if the bot is not in the guild, or if that is unknown.
async fn look_for_bot(located: &Connection, guild: DiscordId) -> Result<()> {
    let Some(context) = DiscordContext::find(located, TIME_LIMIT).await? else {
        bail!(
            "not checked whether the bot is in the guild: the application is a parameter of the stack, so use \
             --stack"
        );
    };
    let token = context.token().await?;
    match context.discord.guild(&token, guild).await {
        Ok(_) => Ok(()),
        Err(DiscordError::Refused { .. }) => bail!(
            "the bot is not in guild {guild}: an administrator of the guild adds it with {}",
            context.discord.install_link()
        ),
        Err(error) => Err(context.explained(error)),
    }
}

pub async fn unlink(named: NamedGuild, store: &Store, output: Output) -> Result<()> {
    let guid = workspace::find(store, named.place).await?.guid;
    if !store.unlink_guild(guid.prefix(), named.guild).await? {
        bail!(
            "guild {} is not linked to the workspace: `portcullis discord list -w {}` shows those that are",
            named.guild,
            named.place
        );
    }
    output.one(&LinkedGuild {
        guild_id: named.guild,
        workspace: guid,
    })
}
