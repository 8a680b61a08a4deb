//! One run over the watched guilds. A guild whose log cannot be read keeps no other from its turn.

use std::time::Duration;

use futures::stream::{self, StreamExt};
use shared::api::invocation::{Invocation, STEP};
use shared::domain::account_links::LinkSide;
use shared::domain::activity::{Activity, ActivityId, DiscordBanSource, DiscordBanSummary};
use shared::domain::actor::Channel;
use shared::domain::clock::UnixMillis;
use shared::domain::discord::AuditEntry;
use shared::domain::error::ApiError;
use shared::store::{DiscordAct, WatchedGuild};
use shared::telemetry::Run;

use crate::reading::GuildReader;
use crate::rules::{self, RuleCounts};

/// How many guilds are read in parallel.
const AT_ONCE: usize = 8;

/// The time for reading a guild's log: all pages, of 2 s at most each.
pub const READING: Duration = Duration::from_secs(25);

/// What became of a guild.
struct Watched {
    recorded: u32,
    is_read: bool,
}

/// Reads each guild, those that were read the longest ago first. What a run has no time for is left to the
/// next one.
pub async fn handle(invocation: Invocation, reader: &GuildReader) {
    let (mut run, mut error) = (Run::default(), None);
    match invocation.store.watched_guilds().await {
        Err(failure) => error = Some(failure),
        Ok(mut guilds) => {
            guilds.sort_by_key(|watched| watched.watch.cursor.complete_until());
            let watching = guilds
                .iter()
                .map(|watched| visit(&invocation, reader, watched.clone()));
            let mut watching = stream::iter(watching).buffer_unordered(AT_ONCE);
            while let Some(outcome) = watching.next().await {
                let (watched, rules, failure) = outcome;
                run.guild_rules_followed += rules.followed;
                run.guild_rules_skipped += rules.skipped;
                error = failure.or(error);
                match watched {
                    Ok(Some(watched)) => {
                        run.guild_bans_recorded += watched.recorded;
                        run.guilds_read += u32::from(watched.is_read);
                        run.guilds_failed += u32::from(!watched.is_read);
                    }
                    Ok(None) => {}
                    Err(failure) => error = Some(failure),
                }
            }
        }
    }
    invocation.end_run(&run, error.as_ref());
}

/// Follows the rules of a guild, and then reads its log: the rules need not be able to read it.
async fn visit(
    invocation: &Invocation,
    reader: &GuildReader,
    mut watched: WatchedGuild,
) -> (
    Result<Option<Watched>, ApiError>,
    RuleCounts,
    Option<ApiError>,
) {
    let mut counts = RuleCounts::default();
    let mut now = watched.watch.rules;
    let failure = rules::apply(invocation, reader.bot(), &watched, &mut now, &mut counts).await;
    let is_moved = now != watched.watch.rules;
    watched.watch.rules = now;
    let read = watch(invocation, reader, &watched).await;
    let mut failure = failure.err().or(counts.failure.take());
    // Otherwise the reading has stored it.
    if is_moved && !matches!(read, Ok(Some(_))) {
        let saving = invocation.store.save_watch(&watched, watched.watch.clone());
        failure = saving.await.err().or(failure);
    }
    (read, counts, failure)
}

/// Reads one guild and records what is new; none if it is not its turn. Only then is the reading's end
/// stored: an interrupted run is repeated, and records nothing twice.
async fn watch(
    invocation: &Invocation,
    reader: &GuildReader,
    watched: &WatchedGuild,
) -> Result<Option<Watched>, ApiError> {
    let (store, now) = (&invocation.store, UnixMillis::now());
    if watched.watch.waits(now.seconds()) || !invocation.ends.allows(READING) {
        return Ok(None);
    }
    let log = match reader.read(watched).await {
        Ok(log) => log,
        Err(failure) => {
            let why = format!("guild {}: {failure}", watched.guild);
            invocation.trace().note_discord(&why);
            let failed = failure.noted(&watched.watch, now.seconds());
            store.save_watch(watched, failed).await?;
            return Ok(Some(Watched {
                recorded: 0,
                is_read: false,
            }));
        }
    };
    let mut recorded = 0;
    for entry in &log.fresh {
        if !invocation.ends.allows(STEP) {
            return Ok(None);
        }
        recorded += u32::from(record(invocation, watched, entry).await?);
    }
    let advanced = watched.watch.advanced(&log.readings, now);
    store.save_watch(watched, advanced).await?;
    Ok(Some(Watched {
        recorded,
        is_read: true,
    }))
}

/// Records an entry; `false` if it was recorded before.
async fn record(
    invocation: &Invocation,
    watched: &WatchedGuild,
    entry: &AuditEntry,
) -> Result<bool, ApiError> {
    let (store, prefix) = (&invocation.store, watched.workspace);
    let link = store
        .account_link(prefix, LinkSide::Discord(entry.target))
        .await?;
    let summary = DiscordBanSummary {
        guild_id: watched.guild,
        discord_id: entry.target,
        by_discord_id: entry.by,
        source: DiscordBanSource::AuditLog,
    };
    let activity = Activity {
        id: ActivityId::of(&["discord-audit-entry", &entry.id.to_string()]),
        moment: entry.id.created(),
        user: link.map(|link| link.pair.roblox),
        key_id: "discord".to_owned(),
        channel: Some(Channel::Discord),
        moderator: None,
        principal: None,
        reason: entry.reason.clone(),
        details: entry.change.details(summary),
    };
    let act = DiscordAct::AuditEntry(entry.id);
    store.record_act(prefix, act, &activity).await
}
