//! The model's answers in the API's format.

pub use end_to_end::requests::report;

use end_to_end::requests::{ban_call, reports_call, unban_call};
use end_to_end::{Call, Workspace};
use serde_json::{Value, json};
use shared::domain::clock::UnixSeconds;
use shared::domain::ids::{Guid, Uid};
use shared::domain::rules::model::{Action, Answer, BanState};
use shared::domain::rules::{Identity, Scope};

/// The flag format of a route.
#[derive(Clone, Copy)]
pub enum Flags {
    Integer,
    Boolean,
    /// Integers, in a list of what is pending.
    Pending,
}

/// A ban as a route must show it.
pub fn shown(ban: &BanState, applied: bool, workspace: &Workspace<'_>, flags: Flags) -> Value {
    let flag = |set: bool| match flags {
        Flags::Integer | Flags::Pending => json!(u8::from(set)),
        Flags::Boolean => json!(set),
    };
    let mut shown = json!({
        "isBanned": ban.active,
        "guid": ban.guid.to_string(),
        "workspaceGuid": workspace.guid(),
        "isGlobal": flag(ban.scope == Scope::Global),
        "isActive": flag(ban.active),
        "privateReason": ban.terms.private_reason,
        "publicReason": ban.terms.public_reason,
        "robloxId": ban.user,
        "moderatorId": ban.terms.moderator,
        "created": ban.created,
        "updated": ban.updated,
        "experienceId": ban.made_in,
        "expires": ban.terms.expires.seconds(),
        "isAppealed": flag(ban.appealed),
        "experienceUniversal": flag(ban.terms.universal),
        "uid": ban.uid,
        "experienceBanCompleted": flag(applied),
    });
    if matches!(flags, Flags::Pending) {
        shown["revision"] = json!(ban.revision);
        if let Some((count, not_before)) = ban.failures {
            shown["failures"] = json!(count);
            shown["notBefore"] = json!(not_before);
        }
    }
    shown
}

/// Whether a route answered as expected. A propagation may skip a moment in which a change that
/// failed before was not pending, so failures may be listed that the model has forgotten.
pub fn agrees(expected: &[Value], answer: &[Value]) -> bool {
    let pairs = expected.iter().zip(answer);
    expected.len() == answer.len()
        && pairs.into_iter().all(|(expected, ban)| {
            let mut ban = ban.clone();
            if let Some(fields) = ban.as_object_mut()
                && expected.get("failures").is_none()
            {
                fields.remove("failures");
                fields.remove("notBefore");
            }
            ban == *expected
        })
}

/// The API call of an action.
pub fn call(action: &Action) -> Call {
    match action {
        Action::Ban(request) => ban_call(request, false),
        Action::Appeal(request) => ban_call(request, true),
        Action::Unban(request) => unban_call(request),
        Action::Report(experience, report) => reports_call(*experience, report),
        Action::Poll(experience) => Call::get("/pending-bans").query("experienceId", experience),
    }
}

/// The name of a new ban; irrelevant for a call that made none.
pub fn identity(answer: &end_to_end::ApiResponse) -> Identity {
    let ban = &answer.json()["ban"];
    let guid = ban["guid"].as_str().map_or(0, |guid| guid.parse().unwrap());
    Identity {
        guid: Guid::from(guid),
        uid: Uid(ban["uid"].as_u64().unwrap_or_default()),
    }
}

/// Whether the product answered what the model says.
pub fn is_answer(
    answer: &end_to_end::ApiResponse,
    model: &Answer,
    workspace: &Workspace<'_>,
) -> bool {
    match model {
        Answer::Ok => answer.status == 200,
        Answer::NotFound => answer.status == 404,
        Answer::ExpiryPassed => answer.status == 400,
        Answer::Reported(status) => {
            answer.status == 200 && answer.json()["results"][0]["status"] == status.as_str()
        }
        Answer::AlreadyBanned(ban) => {
            let shown = shown(ban, ban.applied, workspace, Flags::Integer);
            answer.status == 409 && answer.json()["ban"] == shown
        }
    }
}

/// The current second.
pub fn second() -> UnixSeconds {
    UnixSeconds(end_to_end::now())
}
