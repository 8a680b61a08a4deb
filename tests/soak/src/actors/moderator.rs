//! A moderator with a tool that repeats what was not answered.

use shared::domain::clock::UnixSeconds;
use shared::domain::ids::{ExperienceId, UserId};
use shared::domain::rules::{BanRequest, Length, Scope, UnbanRequest};

use super::{Actor, moderator};
use crate::history::{Outcome, What};
use crate::plan::millis;
use crate::stage::Manner;

/// How often a call without an answer is repeated.
const REPEATS: usize = 3;

/// Decides until the stage closes, under the moderators' numbers from `first` on.
pub async fn decide(mut actor: Actor<'_>, first: u64) {
    let mut decided: Option<What> = None;
    let mut count = 0;
    while actor.pause(150, 1_100).await {
        let again = actor.chance(8);
        let before = decided.take().filter(|_| again);
        count += u64::from(before.is_none());
        let Some(what) = before.or_else(|| decision(&mut actor, first, count)) else {
            continue;
        };
        insist(&mut actor, &what, count).await;
        decided = Some(what);
    }
}

/// Makes a call, and again if its answer was lost.
async fn insist(actor: &mut Actor<'_>, what: &What, count: u64) {
    let named = actor.chance(40);
    let key = named.then(|| {
        format!(
            "{}-{}-{count}",
            actor.workspace,
            actor.name.replace(' ', "-")
        )
    });
    // A name is for one request: what is said again later is another one.
    let key = key.map(|key| format!("{key}-{}", actor.dice.u32(..)));
    for _ in 0..REPEATS {
        let manner = Manner {
            key: key.clone(),
            gives_up: actor.gives_up(),
            from_roblox: false,
        };
        let outcome = actor
            .stage
            .call(actor.workspace, &actor.name, what.clone(), manner)
            .await;
        let is_open = match outcome {
            Outcome::Answered { status, .. } => status >= 500,
            Outcome::Lost(_) => true,
        };
        let goes_on = actor.chance(75);
        let pause = millis(&mut actor.dice, 20, 700);
        if !is_open || !goes_on || actor.stage.is_closed() {
            return;
        }
        tokio::time::sleep(pause).await;
    }
}

fn decision(actor: &mut Actor<'_>, first: u64, count: u64) -> Option<What> {
    let user = actor.user()?;
    let (what, experience) = (actor.dice.u8(..20), actor.experience()?);
    if what < 15 {
        return Some(What::Ban {
            request: ban(actor, (user, experience), first, count)?,
            appeal: what >= 13,
        });
    }
    Some(What::Unban(UnbanRequest {
        user,
        experience,
        reason: actor.chance(50).then(|| "a second look".to_owned()),
        moderator: moderator(first, count),
        completed: actor.chance(15) && !actor.is_mirrored(experience),
        confirm_only: false,
        from_game: false,
    }))
}

/// A ban, of which most run out while the run lasts.
pub(super) fn ban(
    actor: &mut Actor<'_>,
    (user, experience): (UserId, ExperienceId),
    first: u64,
    count: u64,
) -> Option<BanRequest> {
    let now = UnixSeconds(actor.stage.now() / 1_000);
    // Shortly before the end, nobody is to wait for a ban to run out.
    let longest = actor.stage.left().as_secs() + 4;
    let length = match actor.dice.u8(..10) {
        0..4 => Length::Permanent,
        4..6 => Length::For(actor.dice.u64(2..12).min(longest)),
        6..9 => Length::Until(now.plus(actor.dice.u64(4..14).min(longest))),
        _ => Length::For(7_200),
    };
    let scope = if actor.chance(45) {
        Scope::Global
    } else {
        Scope::Experience
    };
    Some(BanRequest {
        user,
        experience,
        scope,
        overwrite: actor.chance(55),
        completed: actor.chance(10) && !actor.is_mirrored(experience),
        moderator: moderator(first, count)?,
        private_reason: format!("case {count}"),
        public_reason: "Cheating".to_owned(),
        length,
        universal: [None, None, None, Some(true), Some(false)]
            .get(actor.dice.usize(..5))
            .copied()
            .flatten(),
    })
}
