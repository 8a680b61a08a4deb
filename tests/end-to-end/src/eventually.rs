//! Waits for eventually consistent results.

use std::time::{Duration, Instant};

/// How long lists and polls may lag before that is a failure.
const PATIENCE: Duration = Duration::from_secs(20);

/// Calls `look` until it returns a value. `what` names the condition in the panic message.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    let mut pause = Duration::from_millis(5);
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(
            started.elapsed() < PATIENCE,
            "not within {PATIENCE:?}: {what}"
        );
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}
