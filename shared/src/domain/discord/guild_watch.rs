//! The watch over a guild's audit log: up to where it was read, and whether that works.

use serde::{Deserialize, Serialize};

use super::audit_log::{AuditCursor, AuditReading};
use super::guild_rules::GuildRules;
use crate::domain::clock::{UnixMillis, UnixSeconds};

/// Why a guild's audit log cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum WatchFault {
    #[error("the bot is not in the guild")]
    NoBot,
    #[error("the bot lacks the permission View Audit Log")]
    NoPermission,
    #[error("Discord does not accept the bot's token")]
    NoToken,
    #[error("Discord wants fewer calls")]
    RateLimited,
    #[error("Discord does not answer")]
    NoAnswer,
    #[error("Discord refuses")]
    Refused,
}

/// A fault since this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchFailure {
    pub why: WatchFault,
    pub since: UnixSeconds,
    /// Discord wants no call before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_until: Option<UnixSeconds>,
}

/// A period of which Discord no longer had all entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchGap {
    pub from: UnixSeconds,
    pub found: UnixSeconds,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuildWatch {
    /// When it was turned on.
    pub since: UnixSeconds,
    pub cursor: AuditCursor,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<WatchFailure>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<WatchGap>,
    #[serde(default, skip_serializing_if = "GuildRules::are_off")]
    pub rules: GuildRules,
}

impl GuildWatch {
    #[must_use]
    pub fn starting(now: UnixMillis) -> Self {
        Self {
            since: now.seconds(),
            cursor: AuditCursor::starting(now),
            failure: None,
            gap: None,
            rules: GuildRules::default(),
        }
    }

    /// Whether Discord wants no call now.
    #[must_use]
    pub fn waits(&self, now: UnixSeconds) -> bool {
        let until = self.failure.and_then(|failure| failure.wait_until);
        until.is_some_and(|until| now < until)
    }

    /// After everything in these readings, which began now, was recorded.
    #[must_use]
    pub fn advanced(&self, readings: &[AuditReading], now: UnixMillis) -> Self {
        let lost = self.cursor.has_gap(now).then(|| WatchGap {
            from: self.cursor.complete_until(),
            found: now.seconds(),
        });
        Self {
            since: self.since,
            cursor: self.cursor.advanced(readings, now),
            failure: None,
            gap: lost.or(self.gap),
            rules: self.rules,
        }
    }

    /// After a failure, with the seconds that Discord wants no call.
    #[must_use]
    pub fn failed(&self, why: WatchFault, wait: Option<u64>, now: UnixSeconds) -> Self {
        let same = self.failure.filter(|failure| failure.why == why);
        Self {
            failure: Some(WatchFailure {
                why,
                since: same.map_or(now, |failure| failure.since),
                wait_until: wait.map(|seconds| now.plus(seconds)),
            }),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400_000;

    fn at(millis: u64) -> UnixMillis {
        UnixMillis::from_millis(1_800_000_000_000 + millis)
    }

    #[test]
    fn failure_keeps_its_beginning_and_ends_with_a_success() {
        let watch = GuildWatch::starting(at(0));
        let now = |seconds: u64| at(seconds * 1_000).seconds();
        let failed = watch.failed(WatchFault::NoAnswer, None, now(60));
        let again = failed.failed(WatchFault::NoAnswer, None, now(120));
        assert_eq!(again.failure.unwrap().since, now(60));
        let other = again.failed(WatchFault::RateLimited, Some(90), now(180));
        assert_eq!(other.failure.unwrap().since, now(180));
        assert!(other.waits(now(269)) && !other.waits(now(270)) && !again.waits(now(121)));
        assert_eq!(other.cursor, watch.cursor);
        assert_eq!(other.advanced(&[], at(300_000)).failure, None);
    }

    #[test]
    fn gap_is_noted_and_stays_noted() {
        let watch = GuildWatch::starting(at(0));
        assert_eq!(watch.advanced(&[], at(45 * DAY)).gap, None);
        let late = watch.advanced(&[], at(46 * DAY));
        let gap = WatchGap {
            from: at(0).seconds(),
            found: at(46 * DAY).seconds(),
        };
        assert_eq!(late.gap, Some(gap));
        assert_eq!(late.advanced(&[], at(46 * DAY + 60_000)).gap, Some(gap));
    }
}
