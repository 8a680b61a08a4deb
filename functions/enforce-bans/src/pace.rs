//! How fast Roblox is asked within one call of the function, and when it is left alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shared::api::invocation::LEASE;
use shared::domain::clock::UnixMillis;
use shared::domain::ids::{UniverseId, WorkspacePrefix};
use shared::domain::rules::enforcing::{MessagePace, Pacing};
use tokio::time::Instant;

/// How many failures in a row make a universe be left alone.
const IN_A_ROW: u32 = 5;

/// For how many milliseconds it is left alone then at first, and at most.
const REST: u64 = 5_000;
const LONGEST_REST: u64 = 60_000;

/// How long Roblox is left alone that says "too often" and not until when, at first, in
/// milliseconds.
const UNSAID: u64 = 1_000;

/// What Roblox documents. A debug build can be told that its minute is shorter, for tests.
pub fn pacing() -> Pacing {
    #[cfg(debug_assertions)]
    if let Some(window) = std::env::var("ROBLOX_WINDOW_MS")
        .ok()
        .and_then(|text| text.parse().ok())
    {
        return Pacing { window };
    }
    Pacing::default()
}

/// Spaces the starts of changes.
#[derive(Debug)]
pub struct Starts(tokio::sync::Mutex<Instant>);

impl Default for Starts {
    /// The one before may have been made by somebody else a moment ago.
    fn default() -> Self {
        Self(tokio::sync::Mutex::new(Instant::now()))
    }
}

impl Starts {
    /// Waits until another change may be started. Those who wait get their turns in order.
    pub async fn turn(&self) {
        let mut last = self.0.lock().await;
        tokio::time::sleep_until(*last + Duration::from_millis(Pacing::SPACING)).await;
        *last = Instant::now();
    }
}

/// When the last messages of each universe were published, as far as this environment knows.
#[derive(Debug, Default)]
pub struct MessagePaces(Mutex<HashMap<(WorkspacePrefix, UniverseId), SharedPace>>);

/// The pace of one universe.
pub type SharedPace = Arc<Mutex<MessagePace>>;

impl MessagePaces {
    /// That of a universe.
    pub fn of(&self, prefix: WorkspacePrefix, universe: UniverseId) -> SharedPace {
        Arc::clone(lock(&self.0).entry((prefix, universe)).or_default())
    }
}

/// How Roblox is doing.
#[derive(Debug, Default)]
pub struct Trouble(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    limited: u32,
    until: Option<UnixMillis>,
}

impl Trouble {
    /// It answered.
    pub fn is_over(&self) {
        let mut state = lock(&self.0);
        (state.failures, state.limited) = (0, 0);
    }

    /// It did not answer; tells until when it is left alone, if that is decided now.
    pub fn failed(&self, now: UnixMillis) -> Option<UnixMillis> {
        let mut state = lock(&self.0);
        state.failures = state.failures.saturating_add(1);
        let rests = state.failures.checked_sub(IN_A_ROW)?;
        let rest = REST.saturating_mul(1 << rests.min(8)).min(LONGEST_REST);
        state.pause(now, rest)
    }

    /// It says "too often"; tells until when it is left alone.
    pub fn limited(&self, now: UnixMillis, said: Option<Duration>) -> Option<UnixMillis> {
        let mut state = lock(&self.0);
        let doubled = UNSAID.saturating_mul(1 << state.limited.min(5));
        state.limited = state.limited.saturating_add(1);
        let said = said.and_then(|said| u64::try_from(said.as_millis()).ok());
        state.pause(now, said.unwrap_or(doubled))
    }

    /// Leaves it alone until then.
    pub fn pause(&self, until: UnixMillis) {
        lock(&self.0).until = Some(until);
    }

    /// Until when it is to be left alone, if it is.
    pub fn paused(&self, now: UnixMillis) -> Option<UnixMillis> {
        lock(&self.0).until.filter(|until| *until > now)
    }
}

impl State {
    fn pause(&mut self, now: UnixMillis, millis: u64) -> Option<UnixMillis> {
        let until = later(now, millis);
        self.until = self.until.max(Some(until));
        self.until
    }
}

/// When to look again at what is under way now: by then this lease is over.
pub const fn abandoned(now: UnixMillis) -> UnixMillis {
    later(now, (LEASE + 5) * 1000)
}

/// So many milliseconds later.
pub const fn later(now: UnixMillis, millis: u64) -> UnixMillis {
    UnixMillis::from_millis(now.millis().saturating_add(millis))
}

/// A lock whose holder cannot panic.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
