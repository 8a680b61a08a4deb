//! `portcullis discord ban-rule`.

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use shared::domain::discord::GuildRule;
use shared::store::Store;

use super::guilds::NamedGuild;
use super::watches::{self, OnOff};
use crate::commands::workspace;
use crate::output::Output;

#[derive(Clone, Copy, Debug, Args)]
pub struct BanRuleArgs {
    #[command(flatten)]
    named: NamedGuild,

    /// What a ban also does.
    #[arg(value_name = "in-game|in-guild")]
    rule: NamedRule,

    /// Whether the rule applies to what happens from now on.
    #[arg(value_name = "on|off")]
    state: OnOff,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum NamedRule {
    /// A ban in the guild, by any person or bot, also bans the proven linked player in every experience, permanently.
    /// Its end lifts that ban, unless a moderator has changed it.
    InGame,
    /// A Global ban in game also bans the proven linked Discord user in the guild. Its end lifts that ban, if
    /// the rule made it.
    InGuild,
}

impl From<NamedRule> for GuildRule {
    fn from(named: NamedRule) -> Self {
        match named {
            NamedRule::InGame => Self::BansInGame,
            NamedRule::InGuild => Self::BansInGuild,
        }
    }
}

pub async fn run(args: BanRuleArgs, store: &Store, output: Output) -> Result<()> {
    let workspace = workspace::find(store, args.named.place).await?.guid;
    let (prefix, guild) = (workspace.prefix(), args.named.guild);
    let is_on = args.state == OnOff::On;
    let turned = store
        .turn_guild_rule(prefix, guild, args.rule.into(), is_on)
        .await?;
    if !turned {
        bail!("guild {guild} is not watched: `portcullis discord watch {guild} on` comes first");
    }
    watches::show(guild, workspace, store, output).await
}
