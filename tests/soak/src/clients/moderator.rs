//! A moderator with a tool that retries unanswered calls.

mod in_bulk;

use shared::domain::clock::UnixSeconds;
use shared::domain::ids::{ExperienceId, UserId};
use shared::domain::rules::{BanRequest, Length, Scope, UnbanRequest};

use super::{Client, moderator};
use crate::history::Operation;

/// Decides until the run is over, with moderator numbers from `first`.
pub async fn decide(mut client: Client<'_>, first: u64) {
    let mut decided: Option<Operation> = None;
    let mut count = 0;
    while client.pause(150, 1_100).await {
        if client.chance(12) {
            in_bulk::decide(&mut client, first, &mut count).await;
            continue;
        }
        let again = client.chance(8);
        let before = decided.take().filter(|_| again);
        count += u64::from(before.is_none());
        let Some(operation) = before.or_else(|| decision(&mut client, first, count)) else {
            continue;
        };
        client.retry_until_answered(&operation, count).await;
        decided = Some(operation);
    }
}

fn decision(client: &mut Client<'_>, first: u64, count: u64) -> Option<Operation> {
    let user = client.user()?;
    let (operation, experience) = (client.rng.u8(..20), client.experience()?);
    if operation < 15 {
        return Some(Operation::Ban {
            request: ban(client, (user, experience), first, count)?,
            appeal: operation >= 13,
        });
    }
    Some(Operation::Unban(UnbanRequest {
        user,
        place: experience.into(),
        reason: client.chance(50).then(|| "a second look".to_owned()),
        moderator: moderator(first, count),
        applied: client.chance(15) && !client.is_mirrored(experience),
        report_only: false,
        from_game: false,
    }))
}

/// A ban; most bans expire during the run.
pub(super) fn ban(
    client: &mut Client<'_>,
    (user, experience): (UserId, ExperienceId),
    first: u64,
    count: u64,
) -> Option<BanRequest> {
    let now = UnixSeconds(client.recorder.now() / 1_000);
    // Shortly before the end no client should have to wait for an expiry.
    let longest = client.recorder.left().as_secs() + 4;
    let length = match client.rng.u8(..10) {
        0..4 => Length::Permanent,
        4..6 => Length::For(client.rng.u64(2..12).min(longest)),
        6..9 => Length::Until(now.plus(client.rng.u64(4..14).min(longest))),
        _ => Length::For(7_200),
    };
    let scope = if client.chance(45) {
        Scope::Global
    } else {
        Scope::Experience
    };
    Some(BanRequest {
        user,
        place: experience.into(),
        scope,
        overwrite: client.chance(55),
        applied: client.chance(10) && !client.is_mirrored(experience),
        moderator: moderator(first, count)?,
        private_reason: format!("case {count}"),
        public_reason: "Cheating".to_owned(),
        length,
        universal: [None, None, None, Some(true), Some(false)]
            .get(client.rng.usize(..5))
            .copied()
            .flatten(),
    })
}
