//! One run over evidence that is due: uploads that were never finished, pieces beyond the workspace's
//! retention, and objects of removed pieces.

use futures::stream::{self, StreamExt};
use shared::api::invocation::{Invocation, STEP};
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::store::{EVIDENCE_SHARDS, EvidenceBucket};
use shared::telemetry::Run;

/// How many pieces of a shard are read per query.
const PAGE: u16 = 100;

/// How many pieces are processed in parallel.
const AT_ONCE: usize = 8;

/// What a run has no time for is left to the next one. Two runs that overlap do no harm.
pub async fn handle(invocation: Invocation, bucket: EvidenceBucket) {
    let (mut removed, mut error) = (0, None);
    for shard in 0..EVIDENCE_SHARDS {
        match expire_shard(&invocation, &bucket, shard).await {
            Ok(count) => removed += count,
            Err(failure) => error = Some(failure),
        }
    }
    let run = Run {
        evidence_removed: removed,
        ..Run::default()
    };
    invocation.end_run(&run, error.as_ref());
}

/// Does what is due in one shard and returns the number of pieces. A piece that fails does not keep
/// the others from their turn.
async fn expire_shard(
    invocation: &Invocation,
    bucket: &EvidenceBucket,
    shard: u64,
) -> Result<u32, ApiError> {
    let (store, ends) = (&invocation.store, invocation.ends);
    let (mut removed, mut failed) = (0, None);
    while ends.allows(STEP) {
        let now = UnixMillis::now().seconds();
        let due = store.due_evidence(shard, now, PAGE).await?;
        let is_last = due.len() < usize::from(PAGE);
        let expiring = due.into_iter().map(|piece| async move {
            if ends.allows(STEP) {
                store.expire_evidence(piece, now, bucket).await
            } else {
                Ok(false)
            }
        });
        let mut expired = stream::iter(expiring).buffer_unordered(AT_ONCE);
        let mut progress = 0;
        while let Some(outcome) = expired.next().await {
            match outcome {
                Ok(is_done) => progress += u32::from(is_done),
                Err(error) => failed = Some(error),
            }
        }
        removed += progress;
        // If the index is so far behind that a page has nothing new, the next run continues.
        if is_last || progress == 0 {
            break;
        }
    }
    match failed {
        Some(error) => Err(error),
        None => Ok(removed),
    }
}
