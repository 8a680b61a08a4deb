//! The approximate cap on a key's checks per minute.
//!
//! Each environment counts the checks that it answers. Every few seconds it adds them to the key's
//! total of the minute, which all environments share, and reads what the others have added. The
//! cost does not grow with the calls, and a check never waits for it. The price is accuracy: a key
//! can exceed its cap by what all environments answer between two reports.

use std::num::NonZeroU32;

use crate::domain::clock::UnixMillis;

/// The length of a counting window in seconds.
const WINDOW: u64 = 60;

/// The minimum time between two reports of an environment, in milliseconds.
const INTERVAL: u64 = 3000;

/// After this time without an answer, in milliseconds, a report counts as lost. The database client
/// gives up sooner.
const LOST: u64 = 10_000;

/// An environment reports once it has this fraction of the cap to report, so a rarely used key
/// costs no writes.
const SHARE: u32 = 1000;

/// The checks of one key in the current minute, as one environment counts them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckRate {
    /// The number of the minute since 1970.
    minute: u64,
    /// Checks answered by this environment.
    answered: u32,
    /// Those included in the total, now or when the report in progress arrives.
    reported: u32,
    /// Those whose report failed: they are in no total, because a second report might count them
    /// twice.
    dropped: u32,
    /// Checks that other environments had reported by the last answer.
    elsewhere: u32,
    /// The start of the last report.
    last_report: Option<UnixMillis>,
    /// Whether a report is in progress.
    is_reporting: bool,
}

/// Checks to add to the total of a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckReport {
    /// The number of the minute since 1970.
    pub minute: u64,
    pub checks: u32,
}

impl CheckReport {
    /// After this many seconds a minute's total no longer matters.
    pub const MATTERS: u64 = 2 * WINDOW;
}

impl CheckRate {
    /// Counts checks that are about to be answered. If the cap is reached they are not counted, and
    /// the error is the number of seconds after which to retry. In both cases there may be
    /// something to report.
    pub fn count(
        &mut self,
        cap: NonZeroU32,
        checks: u32,
        now: UnixMillis,
    ) -> (Result<(), u64>, Option<CheckReport>) {
        self.begin(now);
        let so_far = self.answered.saturating_add(self.elsewhere);
        let verdict = if so_far < cap.get() {
            self.answered = self.answered.saturating_add(checks);
            Ok(())
        } else {
            Err(WINDOW.saturating_sub(now.seconds().0 % WINDOW))
        };
        (verdict, self.report(cap, now))
    }

    /// Takes in the total of a minute that contains a report.
    pub fn reported(&mut self, report: CheckReport, total: u32) {
        if self.minute == report.minute {
            self.is_reporting = false;
            let elsewhere = total.saturating_sub(self.reported);
            self.elsewhere = self.elsewhere.max(elsewhere);
        }
    }

    pub fn failed(&mut self, report: CheckReport) {
        if self.minute == report.minute {
            self.is_reporting = false;
            self.reported = self.reported.saturating_sub(report.checks);
            self.dropped = self.dropped.saturating_add(report.checks);
        }
    }

    fn begin(&mut self, now: UnixMillis) {
        let minute = now.seconds().0 / WINDOW;
        if self.minute != minute {
            *self = Self {
                minute,
                ..Self::default()
            };
        }
    }

    fn report(&mut self, cap: NonZeroU32, now: UnixMillis) -> Option<CheckReport> {
        let counted = self.reported.saturating_add(self.dropped);
        let checks = self.answered.saturating_sub(counted);
        // The last ones before the cap are reported whatever their number, so that all environments
        // learn of them.
        let is_at_cap = self.answered.saturating_add(self.elsewhere) >= cap.get();
        let is_worth_it = checks >= (cap.get() / SHARE).max(1) || (is_at_cap && checks > 0);
        let pause = if self.is_reporting { LOST } else { INTERVAL };
        let is_time = self
            .last_report
            .is_none_or(|last| now.millis() >= last.millis().saturating_add(pause));
        if !is_worth_it || !is_time {
            return None;
        }
        self.last_report = Some(now);
        self.is_reporting = true;
        self.reported = self.reported.saturating_add(checks);
        Some(CheckReport {
            minute: self.minute,
            checks,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The first millisecond of a minute.
    const BEGIN: u64 = 1_800_000_000_000;

    fn cap(checks: u32) -> NonZeroU32 {
        NonZeroU32::new(checks).unwrap()
    }

    fn at(millis: u64) -> UnixMillis {
        UnixMillis::from_millis(BEGIN + millis)
    }

    #[test]
    fn single_environment_enforces_the_cap_exactly() {
        let mut rate = CheckRate::default();
        for millis in 0..5 {
            assert_eq!(rate.count(cap(5), 1, at(millis)).0, Ok(()));
        }
        assert_eq!(rate.count(cap(5), 1, at(10_000)).0, Err(50));
        assert_eq!(rate.count(cap(5), 1, at(59_999)).0, Err(1));
        assert_eq!(rate.count(cap(5), 1, at(60_000)).0, Ok(()));
    }

    #[test]
    fn rarely_used_key_is_never_reported() {
        let mut rate = CheckRate::default();
        for call in 0..5 {
            assert_eq!(rate.count(cap(6000), 1, at(call * 9000)), (Ok(()), None));
        }
    }

    #[test]
    fn last_checks_before_the_cap_are_reported() {
        let mut rate = CheckRate::default();
        let report = |checks| {
            Some(CheckReport {
                minute: BEGIN / 60_000,
                checks,
            })
        };
        assert_eq!(rate.count(cap(3), 1, at(0)), (Ok(()), report(1)));
        rate.reported(report(1).unwrap(), 1);
        assert_eq!(rate.count(cap(3), 2, at(1)), (Ok(()), None));
        assert_eq!(rate.count(cap(3), 1, at(3000)), (Err(57), report(2)));
        rate.reported(report(2).unwrap(), 3);
        assert_eq!(rate.count(cap(3), 1, at(6000)), (Err(54), None));
    }

    #[test]
    fn total_of_another_minute_is_ignored() {
        let mut rate = CheckRate::default();
        let (_, report) = rate.count(cap(3), 1, at(59_999));
        rate.count(cap(3), 1, at(60_000)).0.unwrap();
        rate.reported(report.unwrap(), 1000);
        assert_eq!(rate.count(cap(3), 1, at(60_001)).0, Ok(()));
    }

    #[test]
    fn lost_report_does_not_stop_reporting() {
        let mut rate = CheckRate::default();
        assert!(rate.count(cap(2000), 2, at(0)).1.is_some());
        assert!(rate.count(cap(2000), 2, at(9999)).1.is_none());
        assert!(rate.count(cap(2000), 2, at(10_000)).1.is_some());
    }

    /// The fate of an environment's reports.
    #[derive(Clone, Copy, Debug)]
    enum Fate {
        Arrives,
        Fails,
    }

    proptest! {
        /// Environments that are called in any order and at any pace, with reports that arrive at
        /// once or fail.
        #[test]
        fn checks_exceed_the_cap_by_no_more_than_is_answered_between_reports(
            most in 1..4000_u32,
            calls in prop::collection::vec((0..6_usize, 0..400_u64, 1..20_u32), 1..400),
            fate in prop::sample::select(vec![Fate::Arrives, Fate::Fails]),
        ) {
            let (mut millis, mut total, mut answered) = (0, 0_u32, 0_u32);
            let mut rates: Vec<CheckRate> = vec![CheckRate::default(); 6];
            let (mut unreported, mut reports) = ([0_u32; 6], [0_u64; 6]);
            // When the cap was reached, and what was answered after every environment could know.
            let (mut reached, mut late) = (None, 0_u32);
            for (environment, pause, checks) in calls {
                millis += pause;
                if millis >= 60_000 {
                    break;
                }
                let rate = &mut rates[environment];
                let before = rate.clone();
                let (verdict, report) = rate.count(cap(most), checks, at(millis));
                match verdict {
                    Ok(()) => {
                        answered += checks;
                        if answered >= most {
                            let reached = *reached.get_or_insert(millis);
                            late += if millis > reached + INTERVAL { checks } else { 0 };
                        }
                        unreported[environment] += checks;
                        // What this environment knows of is below the cap.
                        prop_assert!(before.answered + before.elsewhere < most);
                    }
                    // No check is refused without reason: the cap was reached by then.
                    Err(_) => prop_assert!(answered >= most),
                }
                if let Some(report) = report {
                    reports[environment] += 1;
                    prop_assert_eq!(report.checks, unreported[environment]);
                    unreported[environment] = 0;
                    match fate {
                        Fate::Arrives => {
                            total += report.checks;
                            rate.reported(report, total);
                        }
                        Fate::Fails => rate.failed(report),
                    }
                }
                // What each environment keeps to itself, and the call by which it learns the total.
                if matches!(fate, Fate::Arrives) {
                    prop_assert!(late <= 6 * (most / SHARE + 2 * 20), "{late}");
                }
                // The cost: one report per three seconds, whatever the calls.
                prop_assert!(reports[environment] <= 1 + millis / INTERVAL);
            }
        }
    }
}
