//! Applies one user's restrictions through Roblox and records what each place reports.

use std::sync::Arc;

use shared::api::invocation::{LEASE, STEP};
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::ids::UserId;
use shared::domain::lock::lock;
use shared::domain::rules::mirror::{
    KeyCheck, Level, MirrorStep, RobloxFailure, retry_after_error,
};
use shared::integrations::roblox::{
    RestrictionChange, RestrictionRequest, RobloxError, TIME_LIMIT,
};
use tokio::time::Instant;

use crate::kick;
use crate::universe::Universe;
use crate::user::ReadyUser;

/// Actor name for the mirror's reports. Reports are not decisions, so no history shows it.
const ACTOR: &str = "enforcement";

/// The result of one user's work.
#[derive(Debug)]
pub struct Applied {
    pub user: UserId,
    /// When to retry the user, if there is more to do.
    pub retry_at: Option<UnixMillis>,
}

/// Makes a user's changes and reports, as far as Roblox allows now. The caller has waited for the start
/// of the first change.
pub async fn apply(universe: Arc<Universe>, ready: ReadyUser, ends: Instant) -> Applied {
    let user = ready.user;
    let mut worker = Worker {
        universe: &universe,
        ready,
        made: Vec::new(),
    };
    let retry_at = match worker.run(ends).await {
        Ok(retry_at) => retry_at,
        Err(error) => {
            universe.stats.record_error(error);
            Some(retry_after_error(UnixMillis::now()))
        }
    };
    Applied { user, retry_at }
}

struct Worker<'a> {
    universe: &'a Universe,
    ready: ReadyUser,
    /// The levels at which Roblox holds what is wanted.
    made: Vec<Level>,
}

impl Worker<'_> {
    async fn run(&mut self, ends: Instant) -> Result<Option<UnixMillis>, ApiError> {
        let universe = self.universe;
        let steps = self.ready.plan.steps.clone();
        let mut retry_at = None;
        for (number, step) in steps.iter().enumerate() {
            if number > 0 {
                let updates = &self.ready.sync.updates;
                let next = universe.limits.next_change(updates, UnixMillis::now());
                if next > UnixMillis::now() || Instant::now() > ends {
                    retry_at = Some(next);
                    break;
                }
                universe.starts.wait().await;
            }
            retry_at = self.change(step).await?;
            if retry_at.is_some() {
                break;
            }
            self.made.push(step.level);
        }
        let reported = self.report().await?;
        if retry_at.is_none() && reported == self.ready.plan.reports.len() {
            if self.ready.is_saved || !steps.is_empty() {
                self.ready.close(universe).await?;
            }
        } else {
            self.ready.sync.retry_at = retry_at;
            self.ready.save(universe, retry_at).await?;
        }
        for step in steps.iter().filter(|it| self.made.contains(&it.level)) {
            kick::kick(universe, &self.ready, step).await;
        }
        Ok(retry_at)
    }

    /// Requests one change from Roblox. Returns when to retry if it was not made.
    async fn change(&mut self, step: &MirrorStep) -> Result<Option<UnixMillis>, ApiError> {
        let universe = self.universe;
        let Some(secret) = universe.secret_for(step.level, &self.ready.plan) else {
            return Ok(Some(UnixMillis::now()));
        };
        let Some(key) = universe.key(&secret).await? else {
            return Ok(Some(UnixMillis::now()));
        };
        // A change starts only if it can end, and be saved, before the function is stopped.
        if !universe.ends.allows(STEP.saturating_add(TIME_LIMIT)) {
            return Ok(Some(UnixMillis::now()));
        }
        let (sync, limits) = (&mut self.ready.sync, universe.limits);
        let new_key = || uuid::Uuid::new_v4().to_string();
        let requested = sync.request(step, new_key, UnixMillis::now());
        let before = sync.updates.clone();
        sync.updates = limits.with_change(&before, UnixMillis::now());
        sync.retry_at = None;
        // The request is saved before it is sent. If this worker dies, the next one looks at the user
        // once its lease is over.
        let lease_over = UnixMillis::now().plus((LEASE + 5) * 1000);
        self.ready.save(universe, Some(lease_over)).await?;
        let request = RestrictionRequest {
            level: step.level,
            change: match &step.ban {
                Some(ban) => RestrictionChange::Set(ban.terms.clone()),
                None => RestrictionChange::Lift,
            },
            idempotency_key: requested.idempotency_key,
            first_sent: requested.first_sent,
        };
        let (roblox, user) = (&universe.roblox, self.ready.user);
        let answer = roblox.change(&key, universe.id, user, &request).await;
        let now = UnixMillis::now();
        let sync = &mut self.ready.sync;
        // Roblox counted the request at some time before it answered.
        sync.updates = limits.with_change(&before, now);
        let Err(error) = answer else {
            lock(&universe.breaker).record_success();
            sync.record_success(step);
            universe.stats.count(|counts| match step.ban {
                Some(_) => counts.set += 1,
                None => counts.lifted += 1,
            });
            return Ok(None);
        };
        let failure = failure(&error);
        if !failure.may_count() {
            sync.updates = before;
        }
        let retry_at = sync.record_failure(failure, error.to_string(), now);
        self.record_failure(&secret, failure, error, now).await?;
        Ok(Some(retry_at))
    }

    /// Records a failure for the universe: its counts, its pause, and its key.
    async fn record_failure(
        &self,
        secret: &str,
        failure: RobloxFailure,
        error: RobloxError,
        now: UnixMillis,
    ) -> Result<(), ApiError> {
        let universe = self.universe;
        let kind = error.kind();
        if let RobloxError::Unauthorized { status, message } = error {
            let refused = KeyCheck::Refused { status, message };
            return universe.record_check(secret, &refused).await;
        }
        universe.stats.count(|counts| counts.failed += 1);
        if !matches!(failure, RobloxFailure::RateLimited(_)) {
            universe
                .stats
                .record_roblox_error(format!("Roblox: {kind}"));
        }
        universe.record_failure(failure, now).await
    }

    /// Makes the reports whose levels are as they should be. Returns how many.
    async fn report(&self) -> Result<usize, ApiError> {
        let (universe, ready) = (self.universe, &self.ready);
        let mut reported = 0;
        for report in ready.plan.ready_reports(&self.made) {
            let (store, place) = (&universe.store, report.experience);
            let reporting =
                store.report_applied(universe.prefix, ready.user, place, report.state, ACTOR);
            reporting.await?;
            reported += 1;
        }
        if let Some(since) = ready.since.filter(|_| reported > 0) {
            let now = UnixMillis::now().seconds();
            universe.stats.record_lag(now.0.saturating_sub(since.0));
        }
        Ok(reported)
    }
}

fn failure(error: &RobloxError) -> RobloxFailure {
    match error {
        RobloxError::Unauthorized { .. } => RobloxFailure::KeyRefused,
        RobloxError::RateLimited { retry_after } => RobloxFailure::RateLimited(*retry_after),
        RobloxError::Unavailable(_) => RobloxFailure::Unavailable,
        RobloxError::Refused { status, .. } => RobloxFailure::Refused(*status),
    }
}
