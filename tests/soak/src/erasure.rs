//! Erasures: nothing of the users may remain, and everything of the others. At the end most users are
//! erased, and small pages of the event log must give exactly the remaining events.

use std::time::Duration;

use end_to_end::{Call, Workspace, age_log, audit};
use serde_json::Value;
use shared::domain::ids::UserId;
use shared::store::ErasureSource;

use crate::bucket;
use crate::clients::{Fate, Subject};
use crate::history::{CallResult, ErasureRequest, EvidenceCall, Operation};
use crate::plan::ERASING;
use crate::recorder::{CallOptions, Recorder};

const PAGE: usize = 3;

/// How often to look whether the list of bans has caught up.
const LOOKS: usize = 50;

/// Erases three of four users and reads the rest of `bans` and `log`. Returns what is wrong.
pub async fn erase_most_users(
    workspace: &Workspace<'_>,
    users: impl Iterator<Item = UserId>,
    bans: &[Value],
    log: &[Value],
) -> Vec<String> {
    let erased: Vec<_> = users.filter(|user| is_erased(user.get())).collect();
    if let Err(error) = erase(workspace, &erased).await {
        return vec![error];
    }
    let mut problems = bucket::empty(workspace).await;
    problems.extend(audit::problems(workspace).await);
    problems.extend(traces(workspace, &erased).await);
    problems.extend(remaining_bans(workspace, bans).await);
    problems.extend(remaining_events(workspace, log).await);
    problems
}

/// Erases the subjects who are to be erased, and returns what is wrong with any of them.
pub async fn settle(recorder: &Recorder<'_>, subjects: &[Subject], secret: &str) -> Vec<String> {
    let Some(workspace) = recorder.workspaces.get(ERASING) else {
        return Vec::new();
    };
    let call = async |operation: Operation| {
        let options = CallOptions::default();
        let called = recorder.call(ERASING, "the auditor", operation, options);
        matches!(called.await, CallResult::Answered { status: 200, .. })
    };
    let mut problems = audit::problems(workspace).await;
    for subject in subjects.iter().filter(|it| it.fate == Fate::ToBeErased) {
        let request = ErasureRequest::new(subject.user, secret);
        if !call(Operation::Erase(request)).await {
            problems.push(format!("{} cannot be erased", subject.user));
        }
    }
    problems.extend(bucket::empty(workspace).await);
    let mut erased = Vec::new();
    for Subject { user, fate } in subjects {
        let Fate::Kept(pieces) = fate else {
            erased.push(*user);
            continue;
        };
        for guid in pieces {
            let get = Operation::Evidence(EvidenceCall::Get(guid.clone()));
            if !call(get).await {
                problems.push(format!("the piece {guid} about {user} is lost"));
            }
        }
    }
    problems.extend(traces(workspace, &erased).await);
    problems.extend(audit::problems(workspace).await);
    problems
}

async fn erase(workspace: &Workspace<'_>, users: &[UserId]) -> Result<(), String> {
    let store = workspace.app().store();
    for &user in users {
        let erased = store.erase_user(workspace.id().prefix(), user, ErasureSource::Operator);
        if let Err(error) = erased.await {
            return Err(format!("cannot erase {user}: {error}"));
        }
    }
    Ok(())
}

/// Items that still name an erased user.
async fn traces(workspace: &Workspace<'_>, erased: &[UserId]) -> Vec<String> {
    let items = workspace.stored().await;
    let items: Vec<_> = items.iter().map(Value::to_string).collect();
    let traces = erased.iter().flat_map(|user| {
        let names = [format!("\"{user}\""), format!("#U#{user}\"")];
        let traces = items
            .iter()
            .filter(move |item| names.iter().any(|name| item.contains(name)));
        traces.map(move |item| format!("after the erasure of {user}, there is {item}"))
    });
    traces.collect()
}

/// The list of bans must be `bans` without those of erased users.
async fn remaining_bans(workspace: &Workspace<'_>, bans: &[Value]) -> Option<String> {
    let user = |ban: &Value| ban.get("robloxId").and_then(Value::as_u64);
    let kept = |ban: &&Value| user(ban).is_none_or(|user| !is_erased(user));
    let kept: Vec<_> = bans.iter().filter(kept).cloned().collect();
    for _ in 0..LOOKS {
        if workspace.listed_bans().await == kept {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (kept, all) = (kept.len(), bans.len());
    Some(format!(
        "after the erasure, {kept} of {all} bans remain, but others are listed"
    ))
}

/// The event log must be `log` without the events of erased users.
async fn remaining_events(workspace: &Workspace<'_>, log: &[Value]) -> Option<String> {
    age_log(workspace).await;
    let is_left = |event: &&Value| {
        let user = ["/data/robloxId", "/robloxId"];
        let user = user.iter().find_map(|at| event.pointer(at)?.as_u64());
        user.is_none_or(|user| !is_erased(user))
    };
    let left: Vec<_> = log.iter().filter(is_left).cloned().collect();
    let mut read = Vec::new();
    let mut request = Call::get("/events").query("limit", PAGE);
    loop {
        let answer = workspace.send(request).await;
        if answer.status != 200 {
            return Some(format!("after the erasure, the event log answers {answer}"));
        }
        let page = answer.list();
        let Some(cursor) = answer.next_cursor().filter(|_| !page.is_empty()) else {
            break;
        };
        read.extend(page);
        request = Call::get("/events")
            .query("limit", PAGE)
            .query("cursor", cursor);
    }
    if read == left {
        return None;
    }
    let (read, left) = (read.len(), left.len());
    Some(format!(
        "after the erasure, {left} of {} events remain, but {read} or others were read",
        log.len()
    ))
}

const fn is_erased(user: u64) -> bool {
    !user.is_multiple_of(4)
}
