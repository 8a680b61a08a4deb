//! Keeps to Roblox's rate limits: the start of each change in a universe, and the messages of each
//! universe.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shared::domain::ids::{UniverseId, WorkspacePrefix};
use shared::domain::lock::lock;
use shared::domain::rules::mirror::{MessageLimiter, RobloxLimits};
use tokio::time::Instant;

/// The documented limits. In debug builds, tests may shorten the window.
pub fn roblox_limits() -> RobloxLimits {
    let documented = RobloxLimits::default();
    RobloxLimits {
        window: shared::testing::roblox_window().unwrap_or(documented.window),
    }
}

/// Spaces the starts of changes in a universe.
#[derive(Debug)]
pub struct RateLimiter(tokio::sync::Mutex<Instant>);

impl Default for RateLimiter {
    /// A limiter that counts from now: another invocation may just have started a change.
    fn default() -> Self {
        Self(tokio::sync::Mutex::new(Instant::now()))
    }
}

impl RateLimiter {
    /// Waits until the next change may start. Callers get their turns in order.
    pub async fn wait(&self) {
        let mut last = self.0.lock().await;
        tokio::time::sleep_until(*last + Duration::from_millis(RobloxLimits::SPACING)).await;
        *last = Instant::now();
    }
}

/// A message limiter for each universe, as far as this environment has published messages.
#[derive(Debug, Default)]
pub struct MessageLimiters(Mutex<HashMap<(WorkspacePrefix, UniverseId), SharedLimiter>>);

/// The message limiter of one universe.
pub type SharedLimiter = Arc<Mutex<MessageLimiter>>;

impl MessageLimiters {
    /// The limiter of a universe.
    pub fn of(&self, prefix: WorkspacePrefix, universe: UniverseId) -> SharedLimiter {
        Arc::clone(lock(&self.0).entry((prefix, universe)).or_default())
    }
}
