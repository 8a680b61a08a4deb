//! A game server that holds the banned users in memory: it gets a snapshot and follows `/sync` from the
//! snapshot's cursor.

use super::Client;
use crate::history::Operation;
use crate::recorder::CallOptions;

/// The largest page that it asks for.
const MOST: usize = 60;

/// How many environments of the function to end at once.
const ENDED: usize = 2;

/// Reads until the run is over. Now and then it starts over with a new snapshot.
pub async fn read(mut client: Client<'_>) {
    let mut cursor: Option<String> = None;
    while client.pause(100, 800).await {
        let starts_over = client.chance(15);
        let operation = match cursor.clone().filter(|_| !starts_over) {
            None => {
                // A warm environment uses the snapshot that it holds for a minute.
                if client.chance(50) {
                    client.recorder.end_environments("snapshot", ENDED);
                }
                Operation::Snapshot
            }
            cursor => Operation::Sync {
                cursor,
                limit: client.rng.usize(1..MOST),
            },
        };
        let options = CallOptions {
            gives_up: client.gives_up(),
            ..CallOptions::default()
        };
        let result = client.call(operation, options).await;
        cursor = result.text("cursor").or(cursor);
    }
}
