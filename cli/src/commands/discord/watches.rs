//! `portcullis discord watch` and `list`.

use std::fmt::Write as _;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use serde::Serialize;
use shared::domain::clock::UnixMillis;
use shared::domain::discord::{GuildWatch, RuleFault, RuleProgress, WatchFault};
use shared::domain::ids::WorkspaceId;
use shared::domain::members::DiscordId;
use shared::store::{Store, WatchedGuild};

use super::guilds::{LinkedGuild, NamedGuild};
use crate::arguments::WorkspaceArg;
use crate::commands::workspace;
use crate::output::{Output, Printable};
use crate::times::Time;

const NONE_LINKED: &str = "no guild is linked: see `portcullis discord link`";

#[derive(Clone, Copy, Debug, Args)]
pub struct WatchArgs {
    #[command(flatten)]
    named: NamedGuild,

    /// Whether bans and unbans in the guild's audit log become events. `off` also turns its rules off.
    #[arg(value_name = "on|off")]
    state: OnOff,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnOff {
    On,
    Off,
}

/// A guild with the watch over its audit log.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedGuild {
    #[serde(flatten)]
    guild: LinkedGuild,
    #[serde(skip_serializing_if = "Option::is_none")]
    watch: Option<ListedWatch>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedWatch {
    since: Time,
    /// Everything before was read.
    read_until: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    failing: Option<FailingWatch>,
    /// From then on, entries may be missing: they were not read within Discord's 45 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    gap_from: Option<Time>,
    /// Bans in the guild also ban in game.
    #[serde(skip_serializing_if = "Option::is_none")]
    bans_in_game: Option<ListedRule>,
    /// Global bans in game also ban in the guild.
    #[serde(skip_serializing_if = "Option::is_none")]
    bans_in_guild: Option<ListedRule>,
}

/// A rule that is on.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedRule {
    /// Why it has not followed the next event yet, and since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<ListedFault>,
    /// What it left out last.
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<ListedFault>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedFault {
    why: RuleFault,
    at: Time,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FailingWatch {
    why: WatchFault,
    since: Time,
}

impl ListedRule {
    fn of(progress: RuleProgress) -> Self {
        let fault = |why, at| ListedFault { why, at: Time(at) };
        Self {
            waiting: progress.waiting.map(|it| fault(it.why, it.since)),
            skipped: progress.skipped.map(|it| fault(it.why, it.at)),
        }
    }

    fn shown(&self) -> String {
        let mut shown = "on".to_owned();
        for (what, fault) in [
            ("waits since", &self.waiting),
            ("left out at", &self.skipped),
        ] {
            if let Some(ListedFault { why, at }) = fault {
                let _ = write!(shown, "; {what} {}: {why}", at.brief());
            }
        }
        shown
    }
}

impl ListedWatch {
    fn of(watch: &GuildWatch) -> Self {
        Self {
            since: Time(watch.since),
            read_until: Time(watch.cursor.complete_until()),
            failing: watch.failure.map(|failure| FailingWatch {
                why: failure.why,
                since: Time(failure.since),
            }),
            gap_from: watch.gap.map(|gap| Time(gap.from)),
            bans_in_game: watch.rules.bans_in_game.map(ListedRule::of),
            bans_in_guild: watch.rules.bans_in_guild.map(ListedRule::of),
        }
    }

    fn shown(&self) -> String {
        let read = self.read_until.brief();
        match &self.failing {
            Some(failing) => format!("{}; read until {read}", failing.why),
            None => format!("read until {read}"),
        }
    }
}

impl ListedGuild {
    fn of(guild: LinkedGuild, watched: &[WatchedGuild]) -> Self {
        let watch = watched.iter().find(|it| it.guild == guild.guild_id);
        Self {
            guild,
            watch: watch.map(|it| ListedWatch::of(&it.watch)),
        }
    }
}

impl Printable for ListedGuild {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = self.guild.fields();
        let watch = self.watch.as_ref();
        let shown = watch.map_or_else(|| "no".to_owned(), ListedWatch::shown);
        fields.push(("watched", shown));
        let rules = [
            (
                "also bans in game",
                watch.and_then(|it| it.bans_in_game.as_ref()),
            ),
            (
                "also bans in guild",
                watch.and_then(|it| it.bans_in_guild.as_ref()),
            ),
        ];
        fields.extend(rules.map(|(name, rule)| {
            (
                name,
                rule.map_or_else(|| "no".to_owned(), ListedRule::shown),
            )
        }));
        fields
    }
}

pub async fn watch(args: WatchArgs, store: &Store, output: Output) -> Result<()> {
    let workspace = workspace::find(store, args.named.place).await?.guid;
    let (prefix, guild) = (workspace.prefix(), args.named.guild);
    match args.state {
        OnOff::On => {
            if !store.watch_guild(prefix, guild, UnixMillis::now()).await? {
                bail!(
                    "guild {guild} is not linked to the workspace: `portcullis discord link {guild}` links it"
                );
            }
        }
        OnOff::Off => {
            store.stop_watching(prefix, guild).await?;
        }
    }
    show(guild, workspace, store, output).await
}

/// Prints a guild with its watch.
pub async fn show(
    guild: DiscordId,
    workspace: WorkspaceId,
    store: &Store,
    output: Output,
) -> Result<()> {
    let watched = store.watched_guilds_of(workspace.prefix()).await?;
    output.one(&ListedGuild::of(linked(guild, workspace), &watched))
}

pub async fn list(place: WorkspaceArg, store: &Store, output: Output) -> Result<()> {
    let workspace = workspace::find(store, place).await?.guid;
    let watched = store.watched_guilds_of(workspace.prefix()).await?;
    let guilds = store.guilds(workspace.prefix()).await?.into_iter();
    let shown: Vec<_> = guilds
        .map(|guild| ListedGuild::of(linked(guild, workspace), &watched))
        .collect();
    output.list(&shown, NONE_LINKED)
}

const fn linked(guild_id: DiscordId, workspace: WorkspaceId) -> LinkedGuild {
    LinkedGuild {
        guild_id,
        workspace,
    }
}
