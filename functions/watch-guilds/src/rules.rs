//! Follows the event log for the rules of a guild.

use std::time::Duration;

use shared::api::invocation::{Invocation, STEP};
use shared::domain::clock::UnixMillis;
use shared::domain::discord::{GuildCause, GuildRule, GuildRules, RuleFault, SkippedCause};
use shared::domain::error::ApiError;
use shared::domain::history::LoggedEvent;
use shared::store::WatchedGuild;

use crate::handler::READING;
use crate::in_game;

/// How many events are read at once.
const PAGE: usize = 100;

/// The time for what one event causes.
const CAUSE: Duration = STEP.saturating_mul(2);

/// What became of an event.
#[derive(Clone, Copy, Debug)]
pub enum Followed {
    /// It is no cause, or nothing is left to do.
    Nothing,
    Done,
    Skipped(RuleFault),
}

/// What the rules of a guild did.
#[derive(Clone, Copy, Debug, Default)]
pub struct RuleCounts {
    pub followed: u32,
    pub skipped: u32,
}

/// Does what the rules of a guild demand because of new events. How far each came is in `rules`, also after an
/// error; what is followed again after a crash has no second effect.
pub async fn apply(
    invocation: &Invocation,
    watched: &WatchedGuild,
    rules: &mut GuildRules,
    counts: &mut RuleCounts,
) -> Result<(), ApiError> {
    follow(invocation, watched, GuildRule::BansInGame, rules, counts).await
}

async fn follow(
    invocation: &Invocation,
    watched: &WatchedGuild,
    rule: GuildRule,
    rules: &mut GuildRules,
    counts: &mut RuleCounts,
) -> Result<(), ApiError> {
    let Some(progress) = rules.progress_mut(rule) else {
        return Ok(());
    };
    let (store, prefix) = (&invocation.store, watched.workspace);
    let head = store.log_head(prefix, false).await?;
    if head.epoch > progress.reached.epoch {
        // The log was restored. What happened before has had its effect, or is too old for one.
        progress.reached = head;
    }
    while progress.reached < head {
        let page = store
            .events_after(prefix, progress.reached.position, PAGE, UnixMillis::now())
            .await?;
        if page.reached == progress.reached.position {
            break;
        }
        for event in &page.events {
            if !invocation.ends.allows(READING.saturating_add(CAUSE)) {
                return Ok(());
            }
            match carry(invocation, watched, rule, event).await? {
                Followed::Nothing => {}
                Followed::Done => counts.followed = counts.followed.saturating_add(1),
                Followed::Skipped(why) => {
                    counts.skipped = counts.skipped.saturating_add(1);
                    let note = format!("guild {}: {}: {why}", watched.guild, event.entry.id());
                    invocation.trace().note_discord(&note);
                    let at = UnixMillis::now().seconds();
                    progress.skipped = Some(SkippedCause { why, at });
                }
            }
            progress.pass(event.position);
        }
        progress.pass(page.reached);
    }
    Ok(())
}

/// Does what a rule demands because of one event.
async fn carry(
    invocation: &Invocation,
    watched: &WatchedGuild,
    rule: GuildRule,
    event: &LoggedEvent,
) -> Result<Followed, ApiError> {
    match rule {
        GuildRule::BansInGame => match GuildCause::of(&event.entry, watched.guild) {
            Some(cause) => in_game::carry(&invocation.store, watched, cause, &event.entry).await,
            None => Ok(Followed::Nothing),
        },
    }
}
