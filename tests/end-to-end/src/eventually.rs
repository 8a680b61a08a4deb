//! Waits for eventually consistent results, and for the clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::workspace::now;

/// How long lists and polls may lag before that is a failure.
const PATIENCE: Duration = Duration::from_secs(20);

/// Calls `look` until it returns a value. `what` names the condition in the panic message.
pub async fn eventually<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    eventually_within(PATIENCE, what, look).await
}

/// The same with another limit, for work that takes long.
pub async fn eventually_within<T>(
    patience: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let started = Instant::now();
    let mut pause = Duration::from_millis(5);
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(
            started.elapsed() < patience,
            "not within {patience:?}: {what}"
        );
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

/// Waits until this Unix second has begun.
pub async fn until(second: u64) {
    let begin = UNIX_EPOCH + Duration::from_secs(second);
    while let Ok(left) = begin.duration_since(SystemTime::now()) {
        tokio::time::sleep(left + Duration::from_millis(1)).await;
    }
}

/// Waits until the current second is over, and with it a ban or key with a length of one second.
pub async fn next_second() {
    until(now() + 1).await;
}
