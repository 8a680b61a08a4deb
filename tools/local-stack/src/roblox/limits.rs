//! The rate limits on changes of restrictions: per user and minute, and per universe and second.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Changes of one user in a universe per `user_window`.
    pub per_user: usize,
    /// Within how long.
    pub user_window: Duration,
    /// Changes in a universe per `universe_window`.
    pub per_universe: usize,
    /// Within how long.
    pub universe_window: Duration,
    /// Whether a 429 carries `retry-after`.
    pub says_when: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_user: 2,
            user_window: Duration::from_mins(1),
            per_universe: 10,
            universe_window: Duration::from_secs(1),
            says_when: true,
        }
    }
}

/// A call over a rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation {
    pub universe: u64,
    /// The user, if their own limit was exceeded.
    pub user: Option<u64>,
}

#[derive(Debug, Default)]
pub struct Windows {
    limits: Limits,
    users: HashMap<(u64, u64), VecDeque<Instant>>,
    universes: HashMap<u64, VecDeque<Instant>>,
    violations: Vec<Violation>,
}

pub enum Verdict {
    /// Allowed; this many changes are left in the universe's window.
    Room(usize),
    /// Not allowed, with the seconds for `retry-after`.
    Full(Option<u64>),
}

impl Windows {
    pub fn set(&mut self, limits: Limits) {
        self.limits = limits;
    }

    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Counts a change if it is allowed.
    pub fn change(&mut self, universe: u64, user: u64) -> Verdict {
        let (now, limits) = (Instant::now(), self.limits);
        let of_user = self.users.entry((universe, user)).or_default();
        let of_universe = self.universes.entry(universe).or_default();
        leave(of_user, now, limits.user_window);
        leave(of_universe, now, limits.universe_window);
        let (full, window, user) = if of_user.len() >= limits.per_user {
            (&*of_user, limits.user_window, Some(user))
        } else if of_universe.len() >= limits.per_universe {
            (&*of_universe, limits.universe_window, None)
        } else {
            of_user.push_back(now);
            of_universe.push_back(now);
            return Verdict::Room(limits.per_universe.saturating_sub(of_universe.len()));
        };
        let since = full.front().map_or(Duration::ZERO, Instant::elapsed);
        let left = window.saturating_sub(since).as_secs_f64().ceil();
        self.violations.push(Violation { universe, user });
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most a window, and not negative"
        )]
        let seconds = (left as u64).max(1);
        Verdict::Full(limits.says_when.then_some(seconds))
    }
}

fn leave(times: &mut VecDeque<Instant>, now: Instant, window: Duration) {
    while times
        .front()
        .is_some_and(|time| now.duration_since(*time) >= window)
    {
        times.pop_front();
    }
}
