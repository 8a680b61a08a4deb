//! One invocation of a function without a route: a stream batch, a schedule, or a job.
//!
//! Lambda stops a function at its timeout, whatever is in progress. The database or Roblox would
//! still apply an interrupted write, and nothing would record it. So a write starts only if it can
//! end in time, and the rest stays queued in the stream or in the index of due work.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lambda_http::lambda_runtime::{LambdaEvent, run, service_fn};
use lambda_http::{Context, Error};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::api::App;
use crate::domain::error::ApiError;
use crate::store::{Meter, Store};
use crate::telemetry::{Batch, Environment, RequestLog, Run};

pub use crate::store::STEP;

/// The `Timeout` of these functions in `template.yaml`. A test compares the two.
pub const TIMEOUT: Duration = Duration::from_mins(1);

/// The duration of a lease in seconds: longer than an invocation can run, so that no other works on
/// the same thing, even if the clocks of two environments differ by a few seconds.
pub const LEASE: u64 = 70;

/// Time reserved at the end of an invocation for its log line and answer.
const ANSWER: Duration = Duration::from_millis(500);

/// The deadline of an invocation.
#[derive(Clone, Copy, Debug)]
pub struct Ends(Instant);

impl Ends {
    /// The deadline in this context.
    fn of(context: &Context) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let left = left(
            Duration::from_millis(context.deadline),
            now.unwrap_or_default(),
        );
        let now = Instant::now();
        Self(now.checked_add(left).unwrap_or(now))
    }

    /// Whether this much time is left.
    #[must_use]
    pub fn allows(self, time: Duration) -> bool {
        self.0.saturating_duration_since(Instant::now()) >= time
    }

    /// This long before the deadline.
    #[must_use]
    pub fn minus(self, time: Duration) -> Instant {
        self.0.checked_sub(time).unwrap_or_else(Instant::now)
    }
}

/// The time left at `now` before `deadline`, both since 1970. Emulators of Lambda send deadlines
/// that have passed; then the template's timeout applies.
fn left(deadline: Duration, now: Duration) -> Duration {
    let left = deadline.saturating_sub(now);
    let left = if left.is_zero() { TIMEOUT } else { left };
    left.saturating_sub(ANSWER)
}

/// What an invocation works with.
#[derive(Debug)]
pub struct Invocation {
    /// The tables. A write starts only if there is time for it.
    pub store: Store,
    pub ends: Ends,
    trace: RequestLog,
    meter: Arc<Meter>,
}

impl Invocation {
    fn begin(
        name: &'static str,
        context: &Context,
        store: &Store,
        environment: &Environment,
    ) -> Self {
        let ends = Ends::of(context);
        let meter = Arc::new(Meter::default());
        Self {
            store: store.metered(Arc::clone(&meter)).answering_by(ends.0),
            ends,
            trace: RequestLog::begin_batch(name, context, environment),
            meter,
        }
    }

    /// The log of this invocation.
    #[must_use]
    pub const fn trace(&self) -> &RequestLog {
        &self.trace
    }

    /// Writes the log line of a batch, with the error that stopped it.
    pub fn end_batch(&self, batch: Batch, error: Option<&ApiError>) {
        self.trace.end_batch(batch, error, self.meter.consumed());
    }

    /// Writes the log line of a run, with the error that stopped it.
    pub fn end_run(&self, run: &Run, error: Option<&ApiError>) {
        self.trace.end_run(run, error, self.meter.consumed());
    }
}

impl App {
    /// Handles invocations until the environment ends.
    pub async fn handle<E, T, F, Fut>(&self, name: &'static str, handler: F) -> Result<(), Error>
    where
        E: DeserializeOwned,
        T: Serialize,
        F: Fn(Invocation, E) -> Fut,
        Fut: Future<Output = T>,
    {
        let handler = &handler;
        self.handle_or_fail(name, move |invocation, event| async move {
            Ok(handler(invocation, event).await)
        })
        .await
    }

    /// Handles invocations until the environment ends. Lambda retries one that fails.
    pub async fn handle_or_fail<E, T, F, Fut>(
        &self,
        name: &'static str,
        handler: F,
    ) -> Result<(), Error>
    where
        E: DeserializeOwned,
        T: Serialize,
        F: Fn(Invocation, E) -> Fut,
        Fut: Future<Output = Result<T, ApiError>>,
    {
        let (store, handler, environment) = (self.store(), &handler, &self.ready());
        run(service_fn(move |event: LambdaEvent<E>| async move {
            let invocation = Invocation::begin(name, &event.context, store, environment);
            Ok::<_, Error>(handler(invocation, event.payload).await?)
        }))
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_hours(500_000);

    #[test]
    fn time_left_excludes_the_answer() {
        let second = Duration::from_secs(1);
        assert_eq!(left(NOW + second, NOW) + ANSWER, second);
        assert_eq!(left(NOW + ANSWER / 2, NOW), Duration::ZERO);
        // An emulator's deadline.
        assert_eq!(left(Duration::from_mins(10), NOW) + ANSWER, TIMEOUT);
    }

    #[test]
    fn nothing_starts_that_the_timeout_would_interrupt() {
        let minute = Duration::from_mins(1);
        let ends = Ends(Instant::now() + minute);
        assert!(ends.allows(minute / 2));
        assert!(!ends.allows(minute * 2));
        assert_eq!(ends.minus(minute / 2) + minute / 2, ends.0);
        let over = Ends(Instant::now());
        assert!(!over.allows(Duration::from_millis(1)));
    }

    #[test]
    fn lease_outlives_every_invocation() {
        assert!(Duration::from_secs(LEASE) >= TIMEOUT + STEP);
    }
}
