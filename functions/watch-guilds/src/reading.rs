//! Reads the audit log of one guild.

use std::fmt;
use std::sync::Mutex;

use shared::domain::clock::UnixSeconds;
use shared::domain::discord::{AuditEntry, AuditReading, GuildBanChange, GuildWatch, WatchFault};
use shared::domain::lock::lock;
use shared::domain::members::DiscordId;
use shared::integrations::discord::{DiscordBot, DiscordError};
use shared::integrations::secret_text::SecretText;
use shared::store::WatchedGuild;

/// The bot, and which user it is.
#[derive(Debug)]
pub struct GuildReader {
    bot: DiscordBot,
    user: Mutex<Option<DiscordId>>,
}

/// What a guild's log has that was not recorded yet, and all that was read.
pub struct AuditLog {
    pub fresh: Vec<AuditEntry>,
    pub readings: Vec<AuditReading>,
}

/// Why a guild's log could not be read.
pub struct UnreadLog {
    why: WatchFault,
    /// The seconds for which Discord wants no call.
    wait: Option<u64>,
}

impl GuildReader {
    pub const fn new(bot: DiscordBot) -> Self {
        Self {
            bot,
            user: Mutex::new(None),
        }
    }

    pub const fn bot(&self) -> &DiscordBot {
        &self.bot
    }

    /// The entries that are new, without those of the service itself.
    pub async fn read(&self, watched: &WatchedGuild) -> Result<AuditLog, UnreadLog> {
        let (discord, cursor) = (self.bot.discord(), &watched.watch.cursor);
        let token = self.bot.token().await?;
        let bot = self.bot_user(&token).await?;
        let mut readings = Vec::new();
        for change in [GuildBanChange::Banned, GuildBanChange::Unbanned] {
            let after = cursor.after();
            let reading = discord.audit_entries(&token, watched.guild, change, after);
            readings.push(reading.await?);
        }
        let entries = readings.iter().flat_map(|reading| &reading.entries);
        let mut fresh = cursor.fresh(entries.cloned().collect());
        fresh.retain(|entry| !entry.is_own(bot));
        Ok(AuditLog { fresh, readings })
    }

    /// The user that the bot is. It does not change.
    async fn bot_user(&self, token: &SecretText) -> Result<DiscordId, DiscordError> {
        if let Some(known) = *lock(&self.user) {
            return Ok(known);
        }
        let user = self.bot.discord().bot_user(token).await?;
        *lock(&self.user) = Some(user);
        Ok(user)
    }
}

impl fmt::Display for UnreadLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.why.fmt(f)
    }
}

impl UnreadLog {
    /// The watch with this failure.
    pub fn noted(&self, watch: &GuildWatch, now: UnixSeconds) -> GuildWatch {
        watch.failed(self.why, self.wait, now)
    }
}

impl From<DiscordError> for UnreadLog {
    fn from(error: DiscordError) -> Self {
        let why = match &error {
            DiscordError::RateLimited { .. } => WatchFault::RateLimited,
            DiscordError::Unavailable(_) => WatchFault::NoAnswer,
            DiscordError::Unauthorized | DiscordError::Secret(_) => WatchFault::NoToken,
            DiscordError::Refused { code, .. } => match code.as_str() {
                "50013" => WatchFault::NoPermission,
                "50001" | "10004" => WatchFault::NoBot,
                _ => WatchFault::Refused,
            },
            _ => WatchFault::Refused,
        };
        let wait = error.pause().map(|pause| pause.as_secs().saturating_add(1));
        Self { why, wait }
    }
}
