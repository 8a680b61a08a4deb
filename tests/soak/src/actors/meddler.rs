//! One who sends cursors that no list gave out: altered, cut, made up, or those of another list.

use fastrand::Rng;
use shared::domain::ids::ExperienceId;

use super::Actor;
use crate::history::{CursorList, Outcome, What};
use crate::stage::Manner;

/// Sends cursors until the stage closes.
pub async fn meddle(mut actor: Actor<'_>) {
    let mut genuine: Option<String> = None;
    while actor.pause(300, 1_500).await {
        let Some(experience) = actor.experience() else {
            return;
        };
        if genuine.is_none() {
            genuine = cursor_of_log(&actor).await;
            continue;
        }
        let (list, cursor) = foreign(&mut actor.dice, genuine.as_deref(), experience);
        let what = What::Cursor { list, cursor };
        let manner = Manner {
            gives_up: actor.gives_up(),
            ..Manner::default()
        };
        actor
            .stage
            .call(actor.workspace, &actor.name, what, manner)
            .await;
    }
}

/// A cursor of the log.
async fn cursor_of_log(actor: &Actor<'_>) -> Option<String> {
    let what = What::Events {
        cursor: None,
        limit: 1,
    };
    let manner = Manner::default();
    let outcome = actor
        .stage
        .call(actor.workspace, &actor.name, what, manner)
        .await;
    match outcome {
        Outcome::Answered { body, .. } => body.get("nextCursor")?.as_str().map(str::to_owned),
        Outcome::Lost(_) => None,
    }
}

/// A list, and a cursor that it did not give out.
fn foreign(
    dice: &mut Rng,
    genuine: Option<&str>,
    experience: ExperienceId,
) -> (CursorList, String) {
    let genuine = genuine.unwrap_or_default();
    let other = match dice.u8(..3) {
        0 => CursorList::Bans,
        1 => CursorList::PendingBans(experience),
        _ => CursorList::PendingUnbans(experience),
    };
    let at = dice.usize(..genuine.len().max(1));
    match dice.u8(..4) {
        // Genuine, but of the log.
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
            let length = dice.usize(..80);
            let made_up = std::iter::repeat_with(|| dice.alphanumeric()).take(length);
            (other, made_up.collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cursor_is_sent_to_the_list_that_gave_it_out() {
        let mut dice = Rng::with_seed(7);
        let experience = ExperienceId::new(7).unwrap();
        for _ in 0..2_000 {
            let (list, cursor) = foreign(&mut dice, Some("AQAbBcCdD0_-"), experience);
            assert!(list != CursorList::Events || cursor != "AQAbBcCdD0_-");
        }
    }
}
