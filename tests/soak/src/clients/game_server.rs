//! A game server that calls like the published SDK: it polls, applies what is pending, reports it
//! immediately or late, and checks every player who joins.

use std::collections::VecDeque;

use end_to_end::requests::{change_report, is_set, report};
use serde_json::Value;
use shared::domain::ids::{ExperienceId, UserId};
use shared::domain::rules::{Change, ReportedAttempt, UnbanRequest};

use super::Client;
use crate::history::{CallResult, Millis, Operation};
use crate::plan::millis;
use crate::recorder::CallOptions;

/// Applied changes that are still to be reported, with the time to do so.
type Late = VecDeque<(Millis, Operation)>;

pub async fn play(mut client: Client<'_>, experience: ExperienceId) {
    let mut late = Late::new();
    while client.pause(200, 900).await {
        while let Some(at) = late
            .iter()
            .position(|(due, _)| *due <= client.recorder.now())
        {
            if let Some((_, operation)) = late.remove(at) {
                call(&mut client, operation).await;
            }
        }
        match client.rng.u8(..10) {
            0..3 => {
                let poll = Operation::PendingBans(experience);
                apply(&mut client, experience, poll, &mut late).await;
            }
            3..6 => {
                let poll = Operation::PendingUnbans(experience);
                apply(&mut client, experience, poll, &mut late).await;
            }
            _ => join(&mut client, experience).await,
        }
    }
}

async fn call(client: &mut Client<'_>, operation: Operation) -> Option<Value> {
    let options = CallOptions {
        key: None,
        gives_up: client.gives_up(),
        from_roblox: true,
        ..CallOptions::default()
    };
    let result = client
        .recorder
        .call(client.workspace, &client.name, operation, options)
        .await;
    match result {
        CallResult::Answered {
            status: 200, body, ..
        } => Some(body),
        _ => None,
    }
}

/// Works through a list: it reports some entries immediately, some later, and some never.
async fn apply(
    client: &mut Client<'_>,
    experience: ExperienceId,
    poll: Operation,
    late: &mut Late,
) {
    let is_unban = matches!(poll, Operation::PendingUnbans(_));
    let Some(answer) = call(client, poll).await else {
        return;
    };
    if client.is_mirrored(experience) {
        return;
    }
    let list = answer.get("list").and_then(Value::as_array);
    for item in list.into_iter().flatten().take(4) {
        let operation = if client.chance(50) {
            Some(named(client, item, is_unban, experience))
        } else if is_unban {
            lifted(client, item, experience)
        } else {
            Some(Operation::Ban {
                request: report(item, experience),
                appeal: false,
            })
        };
        let Some(operation) = operation else { continue };
        match client.rng.u8(..10) {
            0..5 => drop(call(client, operation).await),
            5..8 => {
                let wait = millis(&mut client.rng, 300, 6_000);
                let due =
                    client.recorder.now() + u64::try_from(wait.as_millis()).unwrap_or_default();
                late.push_back((due, operation));
            }
            _ => {}
        }
    }
}

/// Reports an entry by guid and revision; one in five as failed.
fn named(
    client: &mut Client<'_>,
    item: &Value,
    is_unban: bool,
    experience: ExperienceId,
) -> Operation {
    let change = if is_unban { Change::Unban } else { Change::Ban };
    let attempt = if client.chance(20) {
        let error = Some("HTTP 500".to_owned());
        ReportedAttempt::Failed { error }
    } else {
        ReportedAttempt::Applied
    };
    Operation::Report(experience, change_report(item, change, attempt))
}

/// Reports that a user is unbanned, in one of the forms that servers use.
fn lifted(client: &mut Client<'_>, item: &Value, experience: ExperienceId) -> Option<Operation> {
    let user = UserId::new(item.get("robloxId")?.as_u64()?)?;
    let (reason, report_only, applied) = match client.rng.u8(..10) {
        0..5 => (Some("[luauCRON]: unbanned by the server"), false, false),
        5..7 => (None, true, false),
        7 => (Some("Ban was appealed."), false, true),
        8 => (Some("Ban automatically expired."), false, true),
        // A bare call: a decision if a ban holds by then.
        _ => (None, false, true),
    };
    Some(Operation::Unban(UnbanRequest {
        user,
        place: experience.into(),
        reason: reason.map(str::to_owned),
        moderator: None,
        applied,
        report_only,
        from_game: true,
    }))
}

/// A player joins. A banned player is kicked, and their ban reported again.
async fn join(client: &mut Client<'_>, experience: ExperienceId) {
    let Some(user) = client.user() else { return };
    let repeats = client.chance(50) && !client.is_mirrored(experience);
    let Some(ban) = call(client, Operation::Check(user, experience)).await else {
        return;
    };
    if ban.get("guid").is_none() || !repeats {
        return;
    }
    if ban.get("isBanned").is_some_and(is_set) {
        let request = report(&ban, experience);
        let operation = Operation::Ban {
            request,
            appeal: false,
        };
        call(client, operation).await;
    } else {
        let request = UnbanRequest {
            user,
            place: experience.into(),
            reason: Some("Ban automatically expired.".to_owned()),
            moderator: None,
            applied: false,
            report_only: false,
            from_game: true,
        };
        call(client, Operation::Unban(request)).await;
    }
}
