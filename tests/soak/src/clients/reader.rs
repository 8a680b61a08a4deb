//! A client that follows the event log.

use super::Client;
use crate::history::{CallResult, Operation};
use crate::recorder::CallOptions;

/// The largest page that it asks for.
const MOST: usize = 30;

/// Reads until the run is over and continues from its last cursor. Now and then it loses the cursor
/// and starts again.
pub async fn read(mut client: Client<'_>) {
    let mut cursor = None;
    while client.pause(100, 900).await {
        if client.chance(4) {
            cursor = None;
        }
        let operation = Operation::Events {
            cursor: cursor.clone(),
            limit: client.rng.usize(1..MOST),
        };
        let options = CallOptions {
            gives_up: client.gives_up(),
            ..CallOptions::default()
        };
        let result = client
            .recorder
            .call(client.workspace, &client.name, operation, options)
            .await;
        if let CallResult::Answered {
            status: 200, body, ..
        } = result
        {
            let next = body.get("nextCursor").and_then(|next| next.as_str());
            cursor = next.map(str::to_owned);
        }
    }
}
