//! A client that sends cursors no list issued: altered, truncated, made up, or from another list.

use fastrand::Rng;
use shared::domain::ids::ExperienceId;

use super::Client;
use crate::history::{CallResult, CursorList, Operation};
use crate::recorder::CallOptions;

/// Sends cursors until the run is over.
pub async fn tamper(mut client: Client<'_>) {
    let mut genuine: Option<String> = None;
    while client.pause(300, 1_500).await {
        let Some(experience) = client.experience() else {
            return;
        };
        if genuine.is_none() {
            genuine = cursor_of_log(&client).await;
            continue;
        }
        let (list, cursor) = foreign(&mut client.rng, genuine.as_deref(), experience);
        let operation = Operation::Cursor { list, cursor };
        let options = CallOptions {
            gives_up: client.gives_up(),
            ..CallOptions::default()
        };
        client
            .recorder
            .call(client.workspace, &client.name, operation, options)
            .await;
    }
}

/// A cursor of the event log.
async fn cursor_of_log(client: &Client<'_>) -> Option<String> {
    let operation = Operation::Events {
        cursor: None,
        limit: 1,
    };
    let options = CallOptions::default();
    let result = client
        .recorder
        .call(client.workspace, &client.name, operation, options)
        .await;
    match result {
        CallResult::Answered { body, .. } => body.get("nextCursor")?.as_str().map(str::to_owned),
        CallResult::Lost(_) => None,
    }
}

/// A list, and a cursor that it did not issue.
fn foreign(rng: &mut Rng, genuine: Option<&str>, experience: ExperienceId) -> (CursorList, String) {
    let genuine = genuine.unwrap_or_default();
    let other = match rng.u8(..3) {
        0 => CursorList::Bans,
        1 => CursorList::PendingBans(experience),
        _ => CursorList::PendingUnbans(experience),
    };
    let at = rng.usize(..genuine.len().max(1));
    match rng.u8(..4) {
        // Genuine, but from the event log.
        0 => (other, genuine.to_owned()),
        1 => {
            let altered = genuine.char_indices().map(|(place, letter)| match letter {
                'A' if place == at => 'B',
                _ if place == at => 'A',
                letter => letter,
            });
            (CursorList::Events, altered.collect())
        }
        2 => (
            CursorList::Events,
            genuine.get(..at).unwrap_or_default().to_owned(),
        ),
        _ => {
            let length = rng.usize(..80);
            let made_up = std::iter::repeat_with(|| rng.alphanumeric()).take(length);
            (other, made_up.collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tampered_cursors_never_go_back_to_their_own_list() {
        let mut rng = Rng::with_seed(7);
        let experience = ExperienceId::new(7).unwrap();
        for _ in 0..2_000 {
            let (list, cursor) = foreign(&mut rng, Some("AQAbBcCdD0_-"), experience);
            assert!(list != CursorList::Events || cursor != "AQAbBcCdD0_-");
        }
    }
}
