//! `portcullis discord`: sets up the commands on Discord, and links guilds to workspaces.

mod ban_rule;
mod commands;
mod context;
mod guilds;
mod role;
mod setup;
mod watches;

use anyhow::Result;
use clap::Subcommand;

use crate::arguments::SafetyArgs;
use crate::connection::{self, ConnectionArgs};
use crate::output::Output;

pub use commands::CommandChanges;
pub use context::{CLIENT_SECRET, DiscordContext, is_temporary};

const EXAMPLES: &str = "\
Examples:
  portcullis discord setup --dry-run
  portcullis discord setup --yes
  portcullis discord link 613425648685547541 --workspace \"My studio\"
  portcullis discord watch 613425648685547541 on
  portcullis discord ban-rule 613425648685547541 in-game on
  portcullis discord list
  portcullis discord unlink 613425648685547541
  portcullis discord role add 613425648685547541/613425648685547601 --linked

Store the bot's token as plain text in AWS Secrets Manager, under the name \
portcullis/STACK/discord-bot-token, where STACK is the name of the deployed stack. \
docs/discord.md has all steps.";

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum DiscordCommand {
    /// Check the application, register the commands and set the endpoint URL, where they differ. Running it
    /// again changes nothing.
    Setup(SafetyArgs),
    /// Link a guild (a Discord server) to a workspace. A guild belongs to one workspace.
    Link(guilds::NamedGuild),
    /// End the link of a guild: commands there no longer work.
    Unlink(guilds::NamedGuild),
    /// Record bans and unbans in a guild, also those made without Portcullis: its audit log is read every minute
    /// from now on.
    Watch(watches::WatchArgs),
    /// Carry bans over between a watched guild and the game, from now on. Off by default.
    BanRule(ban_rule::BanRuleArgs),
    /// List the guilds of a workspace, whether their audit logs are read, and their rules.
    List(crate::arguments::WorkspaceArg),
    /// Rules that give roles in guilds to linked people.
    #[command(subcommand)]
    Role(role::RoleCommand),
}

pub async fn run(
    command: DiscordCommand,
    connection: &ConnectionArgs,
    output: Output,
) -> Result<()> {
    let located = connection::connect(connection).await?;
    match command {
        DiscordCommand::Setup(safety) => {
            let context = DiscordContext::open(&located, setup::TIME_LIMIT).await?;
            setup::run(safety, &context, output).await
        }
        DiscordCommand::Link(named) => guilds::link(named, &located, output).await,
        DiscordCommand::Unlink(named) => guilds::unlink(named, &located.store(), output).await,
        DiscordCommand::Role(command) => role::run(command, &located, output).await,
        DiscordCommand::Watch(args) => watches::watch(args, &located.store(), output).await,
        DiscordCommand::BanRule(args) => ban_rule::run(args, &located.store(), output).await,
        DiscordCommand::List(place) => watches::list(place, &located.store(), output).await,
    }
}
