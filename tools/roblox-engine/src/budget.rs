//! Counts what Roblox limits per minute.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// Units used within the last minute, and the most in any minute.
#[derive(Debug, Default)]
pub(crate) struct Window(RefCell<Used>);

#[derive(Debug, Default)]
struct Used {
    recent: VecDeque<(Duration, u64)>,
    sum: u64,
    most: u64,
}

impl Window {
    /// Takes units if the limit allows it.
    pub fn take(&self, now: Duration, units: u64, limit: u64) -> bool {
        let mut used = self.0.borrow_mut();
        while let Some((at, units)) = used.recent.front().copied() {
            if now.saturating_sub(at) < MINUTE {
                break;
            }
            used.recent.pop_front();
            used.sum -= units;
        }
        if used.sum + units > limit {
            return false;
        }
        used.recent.push_back((now, units));
        used.sum += units;
        used.most = used.most.max(used.sum);
        true
    }

    /// The most units in any minute.
    pub fn most(&self) -> u64 {
        self.0.borrow().most
    }
}
