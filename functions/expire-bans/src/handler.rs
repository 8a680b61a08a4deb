//! One run over the bans that have run out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt};
use lambda_http::{Context, Error};
use shared::clock::Moment;
use shared::error::ApiError;
use shared::store::{EXPIRY_SHARDS, Meter, Store};
use shared::telemetry::{Environment, Run, Trace};

/// How many bans of a shard are read at a time.
const PAGE: u16 = 100;

/// How many of them are worked on at a time.
const AT_A_TIME: usize = 8;

/// After this time nothing new is begun; what is left waits for the next run.
const TIME: Duration = Duration::from_secs(45);

/// Records every ban that has run out. Done twice, or by two at once, each is recorded once.
pub async fn handle(
    context: Context,
    store: Store,
    environment: &Environment,
) -> Result<(), Error> {
    let trace = Trace::begin_batch("expire-bans", &context, environment);
    let meter = Arc::new(Meter::default());
    let store = store.metered(Arc::clone(&meter));
    let begun = Instant::now();
    let (mut expired, mut error) = (0, None);
    for shard in 0..EXPIRY_SHARDS {
        match expire_shard(&store, shard, begun).await {
            Ok(count) => expired += count,
            Err(failure) => error = Some(failure),
        }
    }
    let run = Run {
        counts: vec![("bansExpired", expired)],
        waited: None,
    };
    trace.end_run(&run, error.as_ref(), meter.consumed());
    Ok(())
}

/// Records the bans of one shard and says how many.
async fn expire_shard(store: &Store, shard: u64, begun: Instant) -> Result<u32, ApiError> {
    let mut expired = 0;
    while begun.elapsed() < TIME {
        let now = Moment::now();
        let due = store.expiring(shard, now.seconds(), PAGE).await?;
        let is_last = due.len() < usize::from(PAGE);
        let recording = due.iter().map(|ban| store.record_expiry(ban, now));
        let mut recorded = stream::iter(recording).buffer_unordered(AT_A_TIME);
        let mut progress = 0;
        while let Some(outcome) = recorded.next().await {
            progress += u32::from(outcome?);
        }
        expired += progress;
        // Where the index trails so far that a page holds nothing new, the next run goes on.
        if is_last || progress == 0 {
            break;
        }
    }
    Ok(expired)
}
