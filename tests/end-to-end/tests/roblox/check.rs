//! What must hold at the end of each test.

use std::time::Duration;

use roblox_engine::{End, Stay};

use super::game::{Game, NOTE, Period};

/// Requests of a server in any minute: far below Roblox's limit of 500.
const MOST_REQUESTS: u64 = 120;

impl Game<'_> {
    /// No banned player stays longer than `limit` after the ban or the join, or the end of an
    /// outage in which they were banned; no legitimate player is kicked; nothing raises; the
    /// budgets hold; and nobody has read a private reason.
    #[track_caller]
    pub fn check(&self, limit: Duration) {
        self.check_scripts();
        for stay in self.universe.stays().all() {
            self.check_banned(&stay, limit);
            self.check_legitimate(&stay, limit);
        }
        for listed in self.universe.bans().list().values() {
            assert!(!listed.display_reason.contains(NOTE), "{listed:?}");
        }
    }

    /// Nothing raises, and the budgets hold.
    #[track_caller]
    pub fn check_scripts(&self) {
        assert_eq!(self.universe.errors(), [""; 0]);
        for server in self.universe.servers() {
            assert_eq!(server.new_globals(), [""; 0]);
            let most = server.busiest_minute();
            assert!(
                most <= MOST_REQUESTS,
                "{server:?}: {most} requests in a minute"
            );
            let log = server.log();
            assert!(!log.iter().any(|line| line.contains(NOTE)), "{log:?}");
            let key = self.workspace.secret_key();
            assert!(!log.iter().any(|line| line.contains(key)), "{log:?}");
        }
        assert_eq!(self.universe.memory().refused(), 0, "memory store limits");
        assert_eq!(self.universe.data().refused(), 0, "data store limits");
        assert_eq!(self.universe.messaging().dropped(), 0, "message limits");
    }

    fn check_banned(&self, stay: &Stay, limit: Duration) {
        let now = self.universe.elapsed();
        let banned = self.banned.borrow();
        for period in banned.iter().filter(|period| period.user == stay.user) {
            let from = period.from.max(stay.from);
            let end = stay.until(now).min(period.until.unwrap_or(now));
            let allowed = self.known_from(period, from, limit) + limit;
            assert!(
                end <= allowed.max(from),
                "{stay:?} lasts until {end:?}, but {period:?} must end it by {allowed:?}"
            );
        }
    }

    /// From when on a server could know of a ban.
    fn known_from(&self, period: &Period, from: Duration, limit: Duration) -> Duration {
        let outages = self.outages.borrow();
        let unknown = |outage: &&(Duration, Duration)| {
            // Banned before the last successful sync: known during the outage.
            period.from + limit > outage.0 && from <= outage.1
        };
        outages
            .iter()
            .filter(unknown)
            .map(|outage| outage.1)
            .fold(from, Duration::max)
    }

    fn check_legitimate(&self, stay: &Stay, limit: Duration) {
        let Some((at, end)) = &stay.end else {
            return;
        };
        let text = match end {
            End::Left | End::ServerClosed => return,
            End::Kicked(text) | End::Banned(text) | End::Refused(text) => text,
        };
        assert!(!text.contains(NOTE), "{stay:?}");
        let banned = self.banned.borrow();
        let justified = banned.iter().any(|period| {
            let over = period.until.map(|until| until + limit);
            period.user == stay.user && period.from <= *at && over.is_none_or(|over| *at < over)
        });
        assert!(justified, "{stay:?} of a legitimate player");
    }
}
