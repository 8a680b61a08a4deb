//! Bans and unbans the Discord user behind a player in a guild.
//!
//! As with a command, the change at Discord comes first and its event second, and a note says how far it has come.

use std::time::Duration;

use shared::domain::account_links::{LinkProof, LinkSide};
use shared::domain::activity::{Activity, ActivityId, DiscordBanSource, DiscordBanSummary};
use shared::domain::actor::Channel;
use shared::domain::discord::{AuditReason, GameCause, GuildBanChange, GuildRules, RuleFault};
use shared::domain::error::ApiError;
use shared::domain::history::LoggedEvent;
use shared::domain::members::DiscordId;
use shared::integrations::discord::{DiscordBot, DiscordError};
use shared::store::{ActProgress, DiscordAct, Store, WatchedGuild};

use crate::rules::Followed;

const BANNED: &str = "Banned in game.";
const UNBANNED: &str = "The ban in game has ended.";

/// Why a change was not made.
enum Unchanged {
    Discord(DiscordError),
    Store(ApiError),
}

/// A change that a rule makes.
struct RuledChange<'a> {
    store: &'a Store,
    bot: &'a DiscordBot,
    watched: &'a WatchedGuild,
    cause: GameCause,
    target: DiscordId,
    act: DiscordAct,
    /// Whether an earlier run may have made it.
    is_begun: bool,
}

/// Does what a decision about a player demands; twice for one event has no second effect.
pub async fn carry(
    store: &Store,
    bot: &DiscordBot,
    watched: &WatchedGuild,
    cause: GameCause,
    event: &LoggedEvent,
) -> Result<Followed, ApiError> {
    let side = LinkSide::Roblox(cause.player);
    let link = store.account_link(watched.workspace, side).await?;
    let Some(link) = link.filter(|link| link.proof == LinkProof::Code) else {
        return Ok(Followed::Nothing);
    };
    let act = DiscordAct::Rule(watched.guild, cause);
    let progress = store.act_progress(watched.workspace, act).await?;
    if progress == Some(ActProgress::Recorded) {
        return Ok(Followed::Nothing);
    }
    let change = RuledChange {
        store,
        bot,
        watched,
        cause,
        target: link.pair.discord,
        act,
        is_begun: progress.is_some(),
    };
    match change.make().await {
        Ok(true) => {}
        Ok(false) => return Ok(Followed::Nothing),
        Err(Unchanged::Discord(error)) => return Ok(followed(&error)),
        Err(Unchanged::Store(error)) => return Err(error),
    }
    let activity = change.activity(event);
    store.record_act(watched.workspace, act, &activity).await?;
    Ok(Followed::Done)
}

impl RuledChange<'_> {
    /// Makes the change at Discord; `false` if there is nothing to change.
    async fn make(&self) -> Result<bool, Unchanged> {
        let (discord, guild, target) = (self.bot.discord(), self.watched.guild, self.target);
        let token = self.bot.token().await?;
        let found = discord.ban_reason_in_guild(&token, guild, target).await?;
        let ban = AuditReason::of_rule(BANNED, self.cause.ban);
        let is_own = found.as_deref().is_some_and(|reason| ban.is(reason));
        let is_made = match self.cause.change {
            GuildBanChange::Banned => found.is_some(),
            GuildBanChange::Unbanned => !is_own,
        };
        if is_made {
            // By an earlier run, or by others: then it is not the rule's.
            let is_unban = self.cause.change == GuildBanChange::Unbanned;
            return Ok(self.is_begun && (is_own || is_unban));
        }
        let beginning = self.store.begin_act(self.watched.workspace, self.act);
        beginning.await.map_err(Unchanged::Store)?;
        match self.cause.change {
            GuildBanChange::Banned => {
                discord.ban_in_guild(&token, guild, target, 0, &ban).await?;
            }
            GuildBanChange::Unbanned => {
                let reason = AuditReason::of_rule(UNBANNED, self.cause.ban);
                discord
                    .unban_in_guild(&token, guild, target, &reason)
                    .await?;
            }
        }
        Ok(true)
    }

    fn activity(&self, event: &LoggedEvent) -> Activity {
        let actor = GuildRules::actor(self.watched.guild);
        let summary = DiscordBanSummary {
            guild_id: self.watched.guild,
            discord_id: self.target,
            by_discord_id: None,
            source: DiscordBanSource::Rule,
        };
        let reason = match self.cause.change {
            GuildBanChange::Banned => BANNED,
            GuildBanChange::Unbanned => UNBANNED,
        };
        Activity {
            id: ActivityId::of(&[&actor, &event.entry.id()]),
            moment: event.logged,
            user: Some(self.cause.player),
            key_id: actor,
            channel: Some(Channel::Discord),
            moderator: None,
            principal: None,
            reason: Some(reason.to_owned()),
            details: self.cause.change.details(summary),
        }
    }
}

/// What an error means for the event: it waits for what passes by itself, or what the operator can end.
fn followed(error: &DiscordError) -> Followed {
    let pause = error
        .pause()
        .map(|pause| pause.saturating_add(Duration::from_secs(1)));
    match error {
        DiscordError::RateLimited { .. } | DiscordError::Unavailable(_) => {
            Followed::Waits(RuleFault::NoAnswer, pause)
        }
        DiscordError::Unauthorized | DiscordError::Secret(_) => {
            Followed::Waits(RuleFault::NoToken, None)
        }
        DiscordError::NoMember => Followed::Skipped(RuleFault::NoUser),
        DiscordError::Refused { code, .. } => Followed::Skipped(match code.as_str() {
            "50013" => RuleFault::NoPermission,
            "50001" | "10004" => RuleFault::NoBot,
            _ => RuleFault::DiscordRefused,
        }),
        _ => Followed::Skipped(RuleFault::DiscordRefused),
    }
}

impl From<DiscordError> for Unchanged {
    fn from(error: DiscordError) -> Self {
        Self::Discord(error)
    }
}
