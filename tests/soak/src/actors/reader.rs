//! Another system of the studio, which follows the log of events.

use super::Actor;
use crate::history::{Outcome, What};
use crate::stage::Manner;

/// The most events that it asks for at a time.
const MOST: usize = 30;

/// Reads until the stage closes, each time from where it has come to. Now and then it has lost its
/// cursor and begins anew.
pub async fn read(mut actor: Actor<'_>) {
    let mut cursor = None;
    while actor.pause(100, 900).await {
        if actor.chance(4) {
            cursor = None;
        }
        let what = What::Events {
            cursor: cursor.clone(),
            limit: actor.dice.usize(1..MOST),
        };
        let manner = Manner {
            gives_up: actor.gives_up(),
            ..Manner::default()
        };
        let outcome = actor
            .stage
            .call(actor.workspace, &actor.name, what, manner)
            .await;
        if let Outcome::Answered {
            status: 200, body, ..
        } = outcome
        {
            let next = body.get("nextCursor").and_then(|next| next.as_str());
            cursor = next.map(str::to_owned);
        }
    }
}
