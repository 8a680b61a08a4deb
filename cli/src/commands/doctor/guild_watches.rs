//! Checks the watches over the audit logs of Discord guilds.

use std::time::Duration;

use anyhow::Result;
use futures::stream::{self, StreamExt};
use shared::domain::clock::UnixMillis;
use shared::integrations::discord::DiscordError;
use shared::integrations::secret_text::SecretText;
use shared::store::{Store, WatchedGuild};

use super::finding::Finding;
use crate::commands::discord::{DiscordContext, is_temporary};
use crate::times::Time;

/// How many guilds are asked about at once.
const AT_ONCE: usize = 10;

/// A watch is late when it was not read for this long: its schedule runs every minute.
const LATE: Duration = Duration::from_mins(10);

const GRANT: &str = "give the bot's role the permission View Audit Log under Server Settings, Roles, or use \
                     `portcullis discord watch GUILD off`";

/// Whether the audit log of each watched guild can be read, and is read.
pub async fn examine(
    store: &Store,
    context: &DiscordContext,
    token: &SecretText,
) -> Result<Vec<Finding>> {
    let watched = store.watched_guilds().await?;
    let asked = stream::iter(watched).map(|watched| examine_one(watched, context, token));
    Ok(asked.buffered(AT_ONCE).collect().await)
}

async fn examine_one(
    watched: WatchedGuild,
    context: &DiscordContext,
    token: &SecretText,
) -> Finding {
    let check = format!("Discord audit log of guild {}", watched.guild);
    match context
        .discord
        .look_at_audit_log(token, watched.guild)
        .await
    {
        Ok(()) => {}
        Err(DiscordError::Refused { .. }) => {
            return Finding::failed(check, "the bot may not read it", GRANT);
        }
        Err(error) if is_temporary(&error) => {
            return Finding::warning(check, error.to_string(), "try again");
        }
        Err(error) => return Finding::of_error(&check, &context.explained(error)),
    }
    let watch = &watched.watch;
    let (read, now) = (watch.cursor.complete_until(), UnixMillis::now().seconds());
    if read.plus(LATE.as_secs()) < now {
        let why = watch
            .failure
            .map(|failure| format!(", because {}", failure.why));
        return Finding::failed(
            check,
            format!(
                "read until {} only{}",
                Time(read).shown(),
                why.unwrap_or_default()
            ),
            "look at the log lines of watch-guilds",
        );
    }
    if let Some(gap) = watch.gap {
        let from = Time(gap.from).shown();
        return Finding::warning(
            check,
            format!(
                "it was not read for over 45 days from {from}, so events of that time may be missing"
            ),
            "`portcullis discord watch GUILD off`, then `on`, once you know what is missing",
        );
    }
    Finding::ok(check, format!("read until {}", Time(read).shown()))
}
