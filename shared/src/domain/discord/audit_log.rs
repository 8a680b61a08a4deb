//! What a guild's audit log says about bans, and how far it was read.
//!
//! Discord writes an entry after the ban, and may show it late. So each reading begins some minutes before the end
//! of the previous one, and leaves out the entries that it knows.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::audit_reason::AuditReason;
use crate::domain::activity::{ActivityDetails, DiscordBanSummary};
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::members::DiscordId;

/// How much later than others an entry may appear, in milliseconds. The clocks of Discord and of the service
/// may differ by some of it.
const OVERLAP: u64 = 5 * 60 * 1_000;

/// For how many milliseconds Discord keeps entries: 45 days.
const KEPT: u64 = 45 * 86_400 * 1_000;

/// What happened to a user in a guild.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GuildBanChange {
    Banned,
    Unbanned,
}

impl GuildBanChange {
    /// What the event of the change says.
    #[must_use]
    pub const fn details(self, summary: DiscordBanSummary) -> ActivityDetails {
        match self {
            Self::Banned => ActivityDetails::DiscordBanned(summary),
            Self::Unbanned => ActivityDetails::DiscordUnbanned(summary),
        }
    }
}

/// That a user was banned or unbanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    pub id: DiscordId,
    pub change: GuildBanChange,
    /// Who did it; Discord omits it for bans of many users at once.
    pub by: Option<DiscordId>,
    pub target: DiscordId,
    pub reason: Option<String>,
}

impl AuditEntry {
    /// Whether the service has made and recorded the change itself, as the user `bot`.
    #[must_use]
    pub fn is_own(&self, bot: DiscordId) -> bool {
        let reason = self.reason.as_deref().unwrap_or_default();
        self.by == Some(bot) && AuditReason::is_marked(reason)
    }
}

/// What one reading of the log has found, of one kind of change or of all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditReading {
    pub entries: Vec<AuditEntry>,
    /// Where the reading had to stop; none if it reached the end.
    pub stopped_at: Option<DiscordId>,
}

/// Up to where a guild's audit log was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditCursor {
    /// In milliseconds: earlier entries are not of interest.
    since: u64,
    /// In milliseconds: everything before was read, apart from late entries.
    upto: u64,
    /// The entries that were read and that the next reading finds again.
    recent: BTreeSet<DiscordId>,
}

impl AuditCursor {
    /// For a log that is of interest from now on.
    #[must_use]
    pub const fn starting(now: UnixMillis) -> Self {
        Self {
            since: now.millis(),
            upto: now.millis(),
            recent: BTreeSet::new(),
        }
    }

    /// The id after which to read.
    #[must_use]
    pub fn after(&self) -> u64 {
        let from = self.upto.saturating_sub(OVERLAP).max(self.since);
        DiscordId::first_at(UnixMillis::from_millis(from)).saturating_sub(1)
    }

    /// The entries of a reading that are new, oldest first, each once.
    #[must_use]
    pub fn fresh(&self, mut entries: Vec<AuditEntry>) -> Vec<AuditEntry> {
        entries.retain(|entry| {
            entry.id.created().millis() >= self.since && !self.recent.contains(&entry.id)
        });
        entries.sort_by_key(|entry| entry.id);
        entries.dedup_by_key(|entry| entry.id);
        entries
    }

    /// The cursor after all entries of these readings, which began now, were recorded.
    #[must_use]
    pub fn advanced(&self, readings: &[AuditReading], now: UnixMillis) -> Self {
        let stops = readings.iter().filter_map(|reading| reading.stopped_at);
        let stop = stops.map(|id| id.created().millis()).min();
        // A clock that is behind must not lead back.
        let upto = stop.unwrap_or_else(|| now.millis()).max(self.upto);
        let read = readings.iter().flat_map(|reading| &reading.entries);
        let known = read
            .map(|entry| entry.id)
            .chain(self.recent.iter().copied());
        let found_again = |id: &DiscordId| id.created().millis() >= upto.saturating_sub(OVERLAP);
        Self {
            since: self.since,
            upto,
            recent: known.filter(found_again).collect(),
        }
    }

    /// Up to when everything was read.
    #[must_use]
    pub const fn complete_until(&self) -> UnixSeconds {
        UnixMillis::from_millis(self.upto).seconds()
    }

    /// Whether Discord no longer has all entries since then.
    #[must_use]
    pub const fn has_gap(&self, now: UnixMillis) -> bool {
        self.upto.saturating_add(KEPT) < now.millis()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: u64 = 1_800_000_000_000;

    const fn at(millis: u64) -> UnixMillis {
        UnixMillis::from_millis(START + millis)
    }

    /// The entry of this moment.
    fn entry(millis: u64) -> AuditEntry {
        let id = DiscordId::new(DiscordId::first_at(at(millis))).unwrap();
        AuditEntry {
            id,
            change: GuildBanChange::Banned,
            by: None,
            target: id,
            reason: None,
        }
    }

    fn read(entries: &[AuditEntry]) -> AuditReading {
        AuditReading {
            entries: entries.to_vec(),
            stopped_at: None,
        }
    }

    #[test]
    fn entries_from_before_the_start_are_of_no_interest() {
        let cursor = AuditCursor::starting(at(0));
        assert_eq!(cursor.after(), DiscordId::first_at(at(0)) - 1);
        let before = DiscordId::first_at(at(0)) - 1;
        let old = AuditEntry {
            id: DiscordId::new(before).unwrap(),
            ..entry(0)
        };
        assert_eq!(cursor.fresh(vec![entry(0), old]), [entry(0)]);
    }

    #[test]
    fn late_entry_is_found_and_no_entry_twice() {
        let cursor = AuditCursor::starting(at(0));
        let first = read(&[entry(1_000), entry(2_000)]);
        assert_eq!(cursor.fresh(first.entries.clone()).len(), 2);
        let cursor = cursor.advanced(&[first], at(60_000));
        assert!(cursor.after() < entry(1_000).id.get());
        let again = vec![entry(2_000), entry(1_500), entry(1_000), entry(1_500)];
        assert_eq!(cursor.fresh(again), [entry(1_500)]);
    }

    #[test]
    fn reading_that_stopped_continues_there() {
        let cursor = AuditCursor::starting(at(0));
        let stopped = AuditReading {
            entries: vec![entry(400_000)],
            stopped_at: Some(entry(400_000).id),
        };
        let cursor = cursor.advanced(&[stopped, read(&[entry(500_000)])], at(900_000));
        assert_eq!(cursor.complete_until(), at(400_000).seconds());
        assert_eq!(cursor.fresh(vec![entry(400_000), entry(500_000)]), []);
        assert_eq!(cursor.fresh(vec![entry(450_000)]), [entry(450_000)]);
    }

    #[test]
    fn clock_that_is_behind_does_not_lead_back() {
        let cursor = AuditCursor::starting(at(0)).advanced(&[], at(60_000));
        assert_eq!(cursor.advanced(&[], at(30_000)), cursor);
    }

    #[test]
    fn gap_is_what_discord_no_longer_keeps() {
        let cursor = AuditCursor::starting(at(0));
        assert!(!cursor.has_gap(at(KEPT)));
        assert!(cursor.has_gap(at(KEPT + 1)));
    }

    #[test]
    fn own_entries_have_the_mark_and_the_bot() {
        let bot: DiscordId = "613425648685547001".parse().unwrap();
        let with = |by, reason: Option<&str>| AuditEntry {
            by,
            reason: reason.map(str::to_owned),
            ..entry(0)
        };
        let mark = Some("x [portcullis 1]");
        assert!(with(Some(bot), mark).is_own(bot));
        assert!(!with(Some(bot), Some("x")).is_own(bot));
        assert!(!with(Some(entry(0).id), mark).is_own(bot));
        assert!(!with(None, mark).is_own(bot) && !with(Some(bot), None).is_own(bot));
    }

    proptest! {
        /// Entries that appear within the overlap are each found once, whatever the times of the readings.
        #[test]
        fn every_entry_is_found_once(
            entries in prop::collection::btree_map(1_u64..3_600, 0_u64..290, 0..40),
            pauses in prop::collection::vec(1_u64..900, 1..20),
        ) {
            let (mut now, mut cursor) = (0, AuditCursor::starting(at(0)));
            let mut found = Vec::new();
            for pause in pauses.into_iter().chain([4_000]) {
                now += pause;
                let visible = entries.iter().filter(|(made, late)| **made + **late <= now);
                let visible = visible.map(|(made, _)| entry(made * 1_000));
                let asked: Vec<_> = visible.filter(|it| it.id.get() > cursor.after()).collect();
                found.extend(cursor.fresh(asked.clone()).into_iter().map(|it| it.id));
                cursor = cursor.advanced(&[read(&asked)], at(now * 1_000));
            }
            found.sort();
            let expected: Vec<_> = entries.keys().map(|made| entry(made * 1_000).id).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
