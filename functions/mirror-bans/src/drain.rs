//! Applies a universe's pending changes in order until none is left or time is up.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use shared::api::invocation::LEASE;
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::ids::UserId;
use shared::domain::rules::mirror::{BackOffs, is_in_time, until};
use shared::integrations::invoker::{Job, WorkerInvoker};
use shared::store::Queue;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use crate::apply::{self, Applied};
use crate::universe::Universe;
use crate::user::{self, Prepared};

/// No new user is started with less time left: Secrets Manager may take 2.3 s and Roblox 5 s, and the
/// results have to be reported.
pub const RESERVED: Duration = Duration::from_millis(14_500);

/// How many users are worked on at the same time.
const CONCURRENT_USERS: usize = 10;

/// How many users are due for a retry in one round.
const RETRIES: u16 = 100;

/// Works on a universe. Returns at once if another invocation holds its lease.
pub async fn run(universe: Arc<Universe>, invoker: &WorkerInvoker) -> Result<(), ApiError> {
    let (store, prefix) = (&universe.store, universe.prefix);
    let taking = store.take_universe_lease(prefix, universe.id, LEASE, UnixMillis::now());
    let Some(lease) = taking.await? else {
        return Ok(());
    };
    let mut drain = Drain {
        universe: Arc::clone(&universe),
        ends: universe.ends.minus(RESERVED).into(),
        backoffs: BackOffs::default(),
    };
    let is_unfinished = drain.work().await;
    store.release(lease).await?;
    // An invocation that found the lease taken has returned, so look at the queue again.
    if is_unfinished? || drain.finds_more().await? {
        let job = Job::Mirror {
            workspace: prefix,
            universe: universe.id.get(),
        };
        invoker.invoke(&job).await?;
    }
    Ok(())
}

struct Drain {
    universe: Arc<Universe>,
    /// No new user is started after this.
    ends: Instant,
    backoffs: BackOffs,
}

impl Drain {
    /// Works until there is nothing to do now or time is up; returns whether it is.
    async fn work(&mut self) -> Result<bool, ApiError> {
        let universe = Arc::clone(&self.universe);
        universe.load().await?;
        let mut looks = 0;
        while Instant::now() < self.ends {
            if universe.is_stopped() {
                return Ok(false);
            }
            let now = UnixMillis::now();
            if let Some(end) = universe.paused_until() {
                if !is_in_time(end, self.time_left(), now) {
                    // The schedule wakes the universe after its pause.
                    return Ok(false);
                }
                tokio::time::sleep(until(end, now)).await;
                continue;
            }
            if self.round().await? {
                looks = 0;
                continue;
            }
            looks += 1;
            let idle = self
                .backoffs
                .idle(looks, self.time_left(), UnixMillis::now());
            match idle {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Goes through the queue once; returns whether there was anything to do.
    async fn round(&mut self) -> Result<bool, ApiError> {
        let universe = Arc::clone(&self.universe);
        let (store, now) = (&universe.store, UnixMillis::now());
        let retries = store.due_syncs(universe.prefix, universe.id, now, RETRIES);
        let mut retries = retries.await?.into_iter();
        let mut queue = Queue::new(universe.prefix, &universe.sources(), now);
        let (mut seen, mut worked) = (HashSet::new(), false);
        let mut running = JoinSet::new();
        while Instant::now() < self.ends && universe.paused_until().is_none() {
            while let Some(finished) = running.try_join_next() {
                self.finish(finished);
            }
            let (since, user) = match retries.next() {
                Some(user) => (None, user),
                None => match queue.next(store).await? {
                    Some((since, user)) => (Some(since), user),
                    None => break,
                },
            };
            if !seen.insert(user) || self.backoffs.contains(user, UnixMillis::now()) {
                continue;
            }
            match user::prepare(&universe, user, since).await? {
                Prepared::Nothing => {}
                Prepared::BackOff(until) => self.back_off(user, until),
                Prepared::Ready(ready) => {
                    worked = true;
                    while running.len() >= CONCURRENT_USERS {
                        self.join_next(&mut running).await;
                    }
                    if !ready.plan.steps.is_empty() {
                        universe.starts.wait().await;
                    }
                    running.spawn(apply::apply(Arc::clone(&universe), *ready, self.ends));
                }
            }
        }
        while !running.is_empty() {
            self.join_next(&mut running).await;
        }
        Ok(worked)
    }

    async fn join_next(&mut self, running: &mut JoinSet<Applied>) {
        if let Some(finished) = running.join_next().await {
            self.finish(finished);
        }
    }

    fn finish(&mut self, finished: Result<Applied, JoinError>) {
        let Ok(applied) = finished else {
            let detail = "a user's work panicked".to_owned();
            self.universe.stats.record_error(ApiError::Internal(detail));
            return;
        };
        if let Some(until) = applied.retry_at {
            self.back_off(applied.user, until);
        }
    }

    fn back_off(&mut self, user: UserId, until: UnixMillis) {
        let stats = &self.universe.stats;
        stats.count(|counts| counts.backed_off += 1);
        self.backoffs.add(user, until);
    }

    fn time_left(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }

    /// Whether anyone in the queue is ready for work.
    async fn finds_more(&mut self) -> Result<bool, ApiError> {
        let universe = Arc::clone(&self.universe);
        if universe.paused_until().is_some() {
            return Ok(false);
        }
        let mut queue = Queue::new(universe.prefix, &universe.sources(), UnixMillis::now());
        while let Some((_, user)) = queue.next(&universe.store).await? {
            if !self.backoffs.contains(user, UnixMillis::now()) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
