//! A game server, calling as the published SDK does: it polls, applies what is pending, confirms it
//! now or late, and asks about every player who joins.

use std::collections::VecDeque;

use end_to_end::requests::{confirmation, is_set};
use serde_json::Value;
use shared::domain::ids::{ExperienceId, UserId};
use shared::domain::rules::UnbanRequest;

use super::Actor;
use crate::history::{Millis, Outcome, What};
use crate::plan::millis;
use crate::stage::Manner;

/// What it has applied and not yet confirmed, with the time to do so.
type Late = VecDeque<(Millis, What)>;

/// Plays until the stage closes.
pub async fn play(mut actor: Actor<'_>, experience: ExperienceId) {
    let mut late = Late::new();
    while actor.pause(200, 900).await {
        while let Some(at) = late.iter().position(|(due, _)| *due <= actor.stage.now()) {
            if let Some((_, what)) = late.remove(at) {
                call(&mut actor, what).await;
            }
        }
        match actor.dice.u8(..10) {
            0..3 => {
                let poll = What::PendingBans(experience);
                apply(&mut actor, experience, poll, &mut late).await;
            }
            3..6 => {
                let poll = What::PendingUnbans(experience);
                apply(&mut actor, experience, poll, &mut late).await;
            }
            _ => join(&mut actor, experience).await,
        }
    }
}

async fn call(actor: &mut Actor<'_>, what: What) -> Option<Value> {
    let manner = Manner {
        key: None,
        gives_up: actor.gives_up(),
        from_roblox: true,
    };
    let outcome = actor
        .stage
        .call(actor.workspace, &actor.name, what, manner)
        .await;
    match outcome {
        Outcome::Answered {
            status: 200, body, ..
        } => Some(body),
        _ => None,
    }
}

/// Works through a list: some it confirms at once, some later, some it never gets round to.
async fn apply(actor: &mut Actor<'_>, experience: ExperienceId, poll: What, late: &mut Late) {
    let is_unban = matches!(poll, What::PendingUnbans(_));
    let Some(answer) = call(actor, poll).await else {
        return;
    };
    if actor.is_mirrored(experience) {
        return;
    }
    let list = answer.get("list").and_then(Value::as_array);
    for item in list.into_iter().flatten().take(4) {
        let what = if is_unban {
            lifted(actor, item, experience)
        } else {
            Some(What::Ban {
                request: confirmation(item, experience),
                appeal: false,
            })
        };
        let Some(what) = what else { continue };
        match actor.dice.u8(..10) {
            0..5 => drop(call(actor, what).await),
            5..8 => {
                let wait = millis(&mut actor.dice, 300, 6_000);
                let due = actor.stage.now() + u64::try_from(wait.as_millis()).unwrap_or_default();
                late.push_back((due, what));
            }
            _ => {}
        }
    }
}

/// The report that a user is free again, in one of the ways in which servers say it.
fn lifted(actor: &mut Actor<'_>, item: &Value, experience: ExperienceId) -> Option<What> {
    let user = UserId::new(item.get("robloxId")?.as_u64()?)?;
    let (reason, confirm_only, completed) = match actor.dice.u8(..10) {
        0..5 => (Some("[luauCRON]: unbanned by the server"), false, false),
        5..7 => (None, true, false),
        7 => (Some("Ban was appealed."), false, true),
        8 => (Some("Ban automatically expired."), false, true),
        // A bare call: a decision, should a ban hold by then.
        _ => (None, false, true),
    };
    Some(What::Unban(UnbanRequest {
        user,
        experience,
        reason: reason.map(str::to_owned),
        moderator: None,
        completed,
        confirm_only,
        from_game: true,
    }))
}

/// Somebody joins. A banned player is kicked, and his ban reported once more.
async fn join(actor: &mut Actor<'_>, experience: ExperienceId) {
    let Some(user) = actor.user() else { return };
    let repeats = actor.chance(50) && !actor.is_mirrored(experience);
    let Some(ban) = call(actor, What::Check(user, experience)).await else {
        return;
    };
    if ban.get("guid").is_none() || !repeats {
        return;
    }
    if ban.get("isBanned").is_some_and(is_set) {
        let request = confirmation(&ban, experience);
        let what = What::Ban {
            request,
            appeal: false,
        };
        call(actor, what).await;
    } else {
        let request = UnbanRequest {
            user,
            experience,
            reason: Some("Ban automatically expired.".to_owned()),
            moderator: None,
            completed: false,
            confirm_only: false,
            from_game: true,
        };
        call(actor, What::Unban(request)).await;
    }
}
