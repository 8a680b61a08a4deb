//! Bulk calls: one call for up to 100 users, each handled like a single call.

mod body;
mod caller;

use serde::Serialize;

pub use body::BulkCall;
pub use caller::BulkCaller;

use super::Reply;
use crate::domain::bulk::BulkResult;
use crate::domain::error::ApiError;
use crate::moderation::bulk::UserResult;

#[derive(Serialize)]
struct BulkAnswer<'a> {
    status: &'static str,
    results: &'a [UserResult],
    counts: Counts,
}

/// How many users have each result.
#[derive(Default, Serialize)]
struct Counts {
    banned: u32,
    changed: u32,
    unbanned: u32,
    unchanged: u32,
    refused: u32,
    unprocessed: u32,
}

impl Counts {
    fn of(results: &[UserResult]) -> Self {
        let mut counts = Self::default();
        for user in results {
            let count = match user.outcome.result {
                BulkResult::Banned => &mut counts.banned,
                BulkResult::Changed => &mut counts.changed,
                BulkResult::Unbanned => &mut counts.unbanned,
                BulkResult::Unchanged => &mut counts.unchanged,
                BulkResult::Refused => &mut counts.refused,
                BulkResult::Unprocessed => &mut counts.unprocessed,
            };
            *count = count.saturating_add(1);
        }
        counts
    }
}

/// 200 with each user's result.
pub fn bulk_reply(results: &[UserResult]) -> Result<Reply, ApiError> {
    Reply::json(&BulkAnswer {
        status: "ok",
        results,
        counts: Counts::of(results),
    })
}
