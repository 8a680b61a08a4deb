//! One run over expired bans.

use futures::stream::{self, StreamExt};
use shared::api::invocation::{Invocation, STEP};
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::store::EXPIRY_SHARDS;
use shared::telemetry::Run;

/// How many bans of a shard are read per query.
const PAGE: u16 = 100;

/// How many bans are processed in parallel.
const AT_ONCE: usize = 8;

/// Records every expiry. Each is recorded once, even if two runs overlap. What a run has no time
/// for is left to the next one.
pub async fn handle(invocation: Invocation) {
    let tick = invocation.store.tick(UnixMillis::now().seconds());
    let (mut expired, mut error) = (0, tick.await.err());
    for shard in 0..EXPIRY_SHARDS {
        match expire_shard(&invocation, shard).await {
            Ok(count) => expired += count,
            Err(failure) => error = Some(failure),
        }
    }
    let run = Run {
        bans_expired: expired,
        ..Run::default()
    };
    invocation.end_run(&run, error.as_ref());
}

/// Records the expiries of one shard and returns their number.
async fn expire_shard(invocation: &Invocation, shard: u64) -> Result<u32, ApiError> {
    let (store, ends) = (&invocation.store, invocation.ends);
    let mut expired = 0;
    while ends.allows(STEP) {
        let now = UnixMillis::now();
        let due = store.expiring(shard, now.seconds(), PAGE).await?;
        let is_last = due.len() < usize::from(PAGE);
        let recording = due.iter().map(|ban| async move {
            if ends.allows(STEP) {
                store.record_expiry(ban, now).await
            } else {
                Ok(false)
            }
        });
        let mut recorded = stream::iter(recording).buffer_unordered(AT_ONCE);
        let mut progress = 0;
        while let Some(outcome) = recorded.next().await {
            progress += u32::from(outcome?);
        }
        expired += progress;
        // If the index is so far behind that a page has nothing new, the next run continues.
        if is_last || progress == 0 {
            break;
        }
    }
    Ok(expired)
}
