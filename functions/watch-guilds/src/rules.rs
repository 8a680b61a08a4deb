//! Follows the event log for the rules of a guild.

use std::time::Duration;

use shared::api::invocation::{Invocation, STEP};
use shared::domain::clock::UnixMillis;
use shared::domain::discord::{
    GameCause, GuildCause, GuildRule, GuildRules, RuleFault, RuleProgress, SkippedCause,
};
use shared::domain::error::ApiError;
use shared::domain::history::LoggedEvent;
use shared::integrations::discord::DiscordBot;
use shared::store::WatchedGuild;

use crate::handler::READING;
use crate::{in_game, in_guild};

/// How many events are read at once.
const PAGE: usize = 100;

/// The time for what one event causes.
const CAUSE: Duration = STEP.saturating_mul(3);

/// What became of an event.
#[derive(Clone, Copy, Debug)]
pub enum Followed {
    /// It is no cause, or nothing is left to do.
    Nothing,
    Done,
    Skipped(RuleFault),
    /// It is tried again later, after this pause if Discord asks for one.
    Waits(RuleFault, Option<Duration>),
}

/// What the rules of a guild did.
#[derive(Debug, Default)]
pub struct RuleCounts {
    pub followed: u32,
    pub skipped: u32,
    /// Why an event was skipped that nothing refused.
    pub failure: Option<ApiError>,
}

/// Does what the rules of a guild demand because of new events. How far each came is in `rules`, also after an
/// error; what is followed again after a crash has no second effect.
pub async fn apply(
    invocation: &Invocation,
    bot: &DiscordBot,
    watched: &WatchedGuild,
    rules: &mut GuildRules,
    counts: &mut RuleCounts,
) -> Result<(), ApiError> {
    let mut followed = Ok(());
    for rule in [GuildRule::BansInGame, GuildRule::BansInGuild] {
        if let Some(progress) = rules.progress_mut(rule) {
            let following = Following {
                invocation,
                bot,
                watched,
                rule,
            };
            followed = followed.and(following.follow(progress, counts).await);
        }
    }
    followed
}

/// One rule of a guild in one run.
struct Following<'a> {
    invocation: &'a Invocation,
    bot: &'a DiscordBot,
    watched: &'a WatchedGuild,
    rule: GuildRule,
}

impl Following<'_> {
    async fn follow(
        &self,
        progress: &mut RuleProgress,
        counts: &mut RuleCounts,
    ) -> Result<(), ApiError> {
        let (store, prefix) = (&self.invocation.store, self.watched.workspace);
        let now = UnixMillis::now().seconds();
        let asks_discord = self.rule == GuildRule::BansInGuild;
        if progress.is_paused(now) || (asks_discord && self.watched.watch.waits(now)) {
            return Ok(());
        }
        let head = store.log_head(prefix, false).await?;
        if head.epoch > progress.reached.epoch {
            // The log was restored. What happened before has had its effect, or is too old for one.
            progress.reached = head;
            progress.waiting = None;
        }
        while progress.reached < head {
            let page = store
                .events_after(prefix, progress.reached.position, PAGE, UnixMillis::now())
                .await?;
            if page.reached == progress.reached.position {
                break;
            }
            for event in &page.events {
                if !self.invocation.ends.allows(READING.saturating_add(CAUSE))
                    || !self.settle(event, progress, counts).await?
                {
                    return Ok(());
                }
                progress.pass(event.position);
            }
            progress.pass(page.reached);
        }
        Ok(())
    }

    /// Does what one event demands; `false` if it has to be tried again later.
    async fn settle(
        &self,
        event: &LoggedEvent,
        progress: &mut RuleProgress,
        counts: &mut RuleCounts,
    ) -> Result<bool, ApiError> {
        let followed = match self.carry(event).await {
            // The database does not answer: the next run repeats it.
            Err(error) if error.status() == 503 => return Err(error),
            Err(error) => {
                counts.failure = Some(error);
                Followed::Skipped(RuleFault::Failed)
            }
            Ok(followed) => followed,
        };
        let at = UnixMillis::now().seconds();
        let why = match followed {
            Followed::Nothing => return Ok(true),
            Followed::Done => {
                counts.followed = counts.followed.saturating_add(1);
                return Ok(true);
            }
            Followed::Skipped(why) | Followed::Waits(why, _) => why,
        };
        let note = format!("guild {}: {}: {why}", self.watched.guild, event.entry.id());
        self.invocation.trace().note_discord(&note);
        if let Followed::Waits(_, pause) = followed
            && progress.wait(why, pause.map(|pause| pause.as_secs()), at)
        {
            return Ok(false);
        }
        counts.skipped = counts.skipped.saturating_add(1);
        progress.skipped = Some(SkippedCause { why, at });
        Ok(true)
    }

    async fn carry(&self, event: &LoggedEvent) -> Result<Followed, ApiError> {
        let (store, watched) = (&self.invocation.store, self.watched);
        match self.rule {
            GuildRule::BansInGame => match GuildCause::of(&event.entry, watched.guild) {
                Some(cause) => in_game::carry(store, watched, cause, &event.entry).await,
                None => Ok(Followed::Nothing),
            },
            GuildRule::BansInGuild => match GameCause::of(&event.entry) {
                Some(cause) => in_guild::carry(store, self.bot, watched, cause, event).await,
                None => Ok(Followed::Nothing),
            },
        }
    }
}
