//! The state of one user's restrictions in a universe: which request to send next, and what each
//! answer changes.

use std::time::Duration;

use super::{
    AppliedRestriction, Level, MirrorPlan, MirrorStep, MirroredPlace, RobloxLimits,
    UnconfirmedChange, plan, stale_changes,
};
use crate::domain::clock::UnixMillis;
use crate::domain::rules::RevisionRef;

/// How long retries reuse one idempotency key, in milliseconds: long enough to outlive a crashed
/// worker's lease, and to reach the sweep after it. A retry also repeats the duration, so a restriction
/// may end that much after its ban; the mirror then lifts it as it lifts any expired one.
const KEY_REUSE: u64 = 150_000;

/// A user's back-off after the first failure, in milliseconds. Each further failure doubles it.
const FIRST_BACKOFF: u64 = 2_000;

/// A user's longest back-off, in milliseconds.
const LONGEST_BACKOFF: u64 = 15 * 60_000;

/// What the mirror knows of a user's restrictions in a universe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestrictionSync {
    /// Changes that were requested and that no place has reported yet, at most one per level.
    pub requested: Vec<RequestedChange>,
    /// Restrictions that the mirror has set and not lifted since, at most one per level.
    pub applied: Vec<AppliedRestriction>,
    /// The times of the last requests that count against Roblox's limit per user, oldest first.
    pub updates: Vec<UnixMillis>,
    /// Consecutive failures.
    pub failures: u32,
    /// The last failure, for the operator.
    pub error: Option<String>,
    /// The user backs off until then.
    pub retry_at: Option<UnixMillis>,
}

/// A change that was requested from Roblox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedChange {
    /// The level that it changes.
    pub level: Level,
    /// The revision to set; absent for a lift.
    pub content: Option<RevisionRef>,
    /// The key by which Roblox recognises a retry.
    pub idempotency_key: String,
    /// When it was first sent.
    pub first_sent: UnixMillis,
    /// Whether Roblox answered that it made the change.
    pub done: bool,
}

/// Why Roblox did not make a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RobloxFailure {
    /// The key is not accepted.
    KeyRefused,
    /// Too many requests, with the pause that Roblox asked for, if any.
    RateLimited(Option<Duration>),
    /// No usable answer: the change may have been made.
    Unavailable,
    /// Roblox refuses the change with this status.
    Refused(u16),
}

/// What a user needs now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserWork {
    /// Nothing: the index that named the user is eventually consistent.
    Nothing,
    /// Nothing is pending, but earlier work has to be closed.
    Close,
    /// Roblox's limit per user allows the next change at this time.
    BackOff(UnixMillis),
    /// Changes and reports.
    Apply(MirrorPlan),
}

impl RequestedChange {
    /// The change as the rules see it.
    #[must_use]
    pub const fn unconfirmed(&self) -> UnconfirmedChange {
        UnconfirmedChange {
            level: self.level,
            content: self.content,
            done: self.done,
        }
    }
}

impl RobloxFailure {
    /// Whether the request may count against Roblox's limit per user.
    #[must_use]
    pub const fn may_count(self) -> bool {
        matches!(self, Self::Unavailable)
    }
}

impl RestrictionSync {
    /// The end of the user's back-off, if it lies ahead.
    #[must_use]
    pub fn backs_off_until(&self, now: UnixMillis) -> Option<UnixMillis> {
        self.retry_at.filter(|until| *until > now)
    }

    /// What the user needs now. `is_recheck` says that a saved sync was due for another look, while
    /// nothing pending led to it.
    #[must_use]
    pub fn next_work(
        &self,
        places: &[MirroredPlace],
        is_recheck: bool,
        limits: RobloxLimits,
        now: UnixMillis,
    ) -> UserWork {
        let mut unconfirmed: Vec<_> = self
            .requested
            .iter()
            .map(RequestedChange::unconfirmed)
            .collect();
        let stale = stale_changes(&self.applied, &unconfirmed, places, now.seconds());
        unconfirmed.extend(stale);
        let plan = plan(places, &unconfirmed, now.seconds());
        if plan.is_empty() {
            let is_open = !self.requested.is_empty() || self.retry_at.is_some() || is_recheck;
            return if is_open {
                UserWork::Close
            } else {
                UserWork::Nothing
            };
        }
        let next = limits.next_change(&self.updates, now);
        if next > now && !plan.steps.is_empty() {
            return UserWork::BackOff(next);
        }
        UserWork::Apply(plan)
    }

    /// The request for a step, which is recorded. It repeats the last one, with its idempotency key, if
    /// that asked for the same, is unanswered, and is recent.
    pub fn request(
        &mut self,
        step: &MirrorStep,
        new_key: impl FnOnce() -> String,
        now: UnixMillis,
    ) -> RequestedChange {
        let at = self.requested.iter().position(|it| it.level == step.level);
        let last = at.map(|at| self.requested.swap_remove(at));
        let repeated = last.filter(|last| {
            let is_recent = last.first_sent.plus(KEY_REUSE) > now;
            last.content == step.content() && !last.done && is_recent
        });
        let request = repeated.unwrap_or_else(|| RequestedChange {
            level: step.level,
            content: step.content(),
            idempotency_key: new_key(),
            first_sent: now,
            done: false,
        });
        self.requested.push(request.clone());
        request
    }

    /// Records that Roblox made the change of a step.
    pub fn record_success(&mut self, step: &MirrorStep) {
        let level = step.level;
        for request in &mut self.requested {
            request.done |= request.level == level;
        }
        self.applied.retain(|applied| applied.level != level);
        let content = step.content();
        let applied = content.map(|content| AppliedRestriction { level, content });
        self.applied.extend(applied);
    }

    /// Records a failure, with a text for the operator. Returns when to retry.
    pub fn record_failure(
        &mut self,
        failure: RobloxFailure,
        detail: String,
        now: UnixMillis,
    ) -> UnixMillis {
        self.error = Some(detail);
        let backoff = FIRST_BACKOFF.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        match failure {
            // The key's mirrors stop. Another key may be accepted, so the user is retried at once.
            RobloxFailure::KeyRefused => {
                self.failures = 0;
                now
            }
            // Roblox refuses the same request again, unless it was a write conflict.
            RobloxFailure::Refused(status) if status != 409 => now.plus(LONGEST_BACKOFF),
            _ => now.plus(backoff.min(LONGEST_BACKOFF)),
        }
    }

    /// What remains once nothing is pending: the restrictions, and the times of the last requests.
    #[must_use]
    pub fn closed(self) -> Self {
        Self {
            applied: self.applied,
            updates: self.updates,
            ..Self::default()
        }
    }
}

/// When to retry a user whose work failed for a reason other than Roblox.
#[must_use]
pub const fn retry_after_error(now: UnixMillis) -> UnixMillis {
    now.plus(FIRST_BACKOFF)
}

#[cfg(test)]
mod tests;
