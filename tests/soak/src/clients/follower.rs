//! A client that follows `/sync`, like a game server that keeps a list of banned users.

use super::Client;
use crate::history::Operation;
use crate::recorder::CallOptions;

/// The largest page that it asks for.
const MOST: usize = 30;

/// How often it asks for its first cursor.
const ATTEMPTS: usize = 100;

/// Gets a cursor before anyone decides.
pub async fn begin(client: &Client<'_>) -> Option<String> {
    for _ in 0..ATTEMPTS {
        let operation = Operation::Sync {
            cursor: None,
            limit: MOST,
        };
        let result = client.call(operation, CallOptions::default()).await;
        if let Some(cursor) = result.text("cursor") {
            return Some(cursor);
        }
    }
    None
}

/// Continues from the last cursor until the run is over. A lost answer is asked for again.
pub async fn follow(mut client: Client<'_>, mut cursor: Option<String>) {
    while client.pause(100, 900).await {
        let operation = Operation::Sync {
            cursor: cursor.clone(),
            limit: client.rng.usize(1..MOST),
        };
        let options = CallOptions {
            gives_up: client.gives_up(),
            ..CallOptions::default()
        };
        let result = client.call(operation, options).await;
        cursor = result.text("cursor").or(cursor);
    }
}
