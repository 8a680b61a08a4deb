//! Waiting for what may trail.

use std::time::{Duration, Instant};

/// How long lists and polls may trail before that is a failure.
const PATIENCE: Duration = Duration::from_secs(20);

/// Looks again and again until there is something to see.
///
/// `what` names it when it never comes.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    let mut pause = Duration::from_millis(5);
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(
            started.elapsed() < PATIENCE,
            "in {PATIENCE:?} it never came about that {what}"
        );
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}
