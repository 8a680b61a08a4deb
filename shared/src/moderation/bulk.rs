//! Runs the users of a bulk call side by side. Each is a call of its own, with its own transaction.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream;
use serde::Serialize;

use crate::domain::bulk::{BulkOutcome, BulkResult};
use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::ids::UserId;
use crate::domain::rules::DecisionKind;
use crate::store::{Committed, Shows, Store};

/// How many users run at once.
pub const AT_ONCE: usize = 16;

/// After this many failures of the database no further user starts, as more calls would only add load.
const FAILURES: usize = 3;

/// The time limit of each user, that of a single call. [`crate::domain::places`] relies on it: a user's
/// place is resolved at the beginning.
const USER: Duration = Duration::from_secs(5);

/// Time reserved for the answer.
const ANSWER: Duration = Duration::from_millis(300);

/// One user of a bulk call.
#[derive(Debug)]
pub struct UserCall<F> {
    pub user: UserId,
    /// The ban whose guid the result names.
    pub shows: Shows,
    /// Judges and writes the user's call, with a store that ends in time.
    pub decide: F,
}

/// The result for one user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserResult {
    pub user_id: UserId,
    #[serde(flatten)]
    pub outcome: BulkOutcome,
}

/// Runs the calls, at most `at_once` of them at the same time, and returns their results in order.
///
/// 503 if the database failed or time ran out before any user was done: then the call as a whole has
/// done nothing. 500 for a bug.
pub async fn run<F, Fut>(
    store: &Store,
    at_once: usize,
    calls: Vec<UserCall<F>>,
) -> Result<Vec<UserResult>, ApiError>
where
    F: FnOnce(Store) -> Fut,
    Fut: Future<Output = Result<Committed, ApiError>>,
{
    let failures = AtomicUsize::new(0);
    let calls = calls.into_iter();
    let running = calls.map(|call| run_one(store, &failures, call));
    let ended: Vec<_> = stream::iter(running).buffered(at_once).collect().await;

    let (mut results, mut failure) = (Vec::with_capacity(ended.len()), None);
    for one in ended {
        let (result, error) = one?;
        results.push(result);
        failure = failure.or(error);
    }
    match failure {
        Some(error) if results.iter().all(UserResult::is_unprocessed) => Err(error),
        _ => Ok(results),
    }
}

impl UserResult {
    #[must_use]
    pub fn is_unprocessed(&self) -> bool {
        self.outcome.result == BulkResult::Unprocessed
    }
}

/// The user's result, and why they are unprocessed.
async fn run_one<F, Fut>(
    store: &Store,
    failures: &AtomicUsize,
    call: UserCall<F>,
) -> Result<(UserResult, Option<ApiError>), ApiError>
where
    F: FnOnce(Store) -> Fut,
    Fut: Future<Output = Result<Committed, ApiError>>,
{
    let UserCall {
        user,
        shows,
        decide,
    } = call;
    let has_failed = failures.load(Ordering::Relaxed) >= FAILURES;
    let decided = if has_failed {
        Err(ApiError::Unavailable("other users failed".to_owned()))
    } else if store.has_time(USER.saturating_add(ANSWER)) {
        let ends = Instant::now() + USER;
        // No write is in progress then: a write ends earlier, so that it can be looked up.
        tokio::time::timeout_at(ends.into(), decide(store.answering_by(ends)))
            .await
            .unwrap_or_else(|_| Err(out_of_time()))
    } else {
        Err(out_of_time())
    };
    let (outcome, failure) = match decided {
        Ok(committed) => (done(&committed, shows), None),
        Err(error @ ApiError::Internal(_)) => return Err(error),
        Err(error @ ApiError::Unavailable(_)) => {
            failures.fetch_add(1, Ordering::Relaxed);
            (BulkOutcome::UNPROCESSED, Some(error))
        }
        Err(error) => (refused(&error), None),
    };
    let user_id = user;
    Ok((UserResult { user_id, outcome }, failure))
}

fn out_of_time() -> ApiError {
    ApiError::Unavailable("too little time was left for another user".to_owned())
}

fn done(committed: &Committed, shows: Shows) -> BulkOutcome {
    let effect = committed.effect(shows, UnixMillis::now().seconds());
    let result = match effect.decided {
        Some(DecisionKind::Made) => BulkResult::Banned,
        Some(DecisionKind::Changed) => BulkResult::Changed,
        Some(DecisionKind::Lifted | DecisionKind::Appealed) => BulkResult::Unbanned,
        _ => BulkResult::Unchanged,
    };
    let has_no_guid_yet = committed.is_rehearsed() && result == BulkResult::Banned;
    let guid = effect.guid.filter(|_| !has_no_guid_yet);
    BulkOutcome {
        result,
        guid: guid.map(|guid| guid.to_string()),
        code: None,
    }
}

fn refused(error: &ApiError) -> BulkOutcome {
    BulkOutcome {
        result: BulkResult::Refused,
        guid: match error {
            ApiError::AlreadyBanned { ban, .. } => Some(ban.guid().to_owned()),
            _ => None,
        },
        code: Some(error.code().into()),
    }
}
