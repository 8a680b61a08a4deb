//! The rules' own types as they go over the wire, both ways.

use end_to_end::{Call, Workspace};
use serde_json::{Value, json};
use shared::clock::Timestamp;
use shared::ids::{ExperienceId, Guid, ModeratorId, Uid, UserId};
use shared::rules::model::{Answer, BanState};
use shared::rules::{BanRequest, Expiry, Identity, Length, Scope, UnbanRequest};

/// The call of `/ban-async` that says this.
pub fn ban_call(request: &BanRequest, appeal: bool) -> Call {
    let (kind, length) = match request.length {
        Length::Permanent => ("Permanent", json!(false)),
        Length::Until(at) => ("Temporary", json!(at.0)),
        Length::For(seconds) => ("Temporary", json!(seconds)),
    };
    let mut body = json!({
        "overwrite": request.overwrite,
        "userId": request.user,
        "experienceId": request.experience,
        "banModerator": request.moderator,
        "banType": if request.scope == Scope::Global { "Global" } else { "Experience" },
        "banLengthType": kind,
        "banLength": length,
        "banPrivateReason": request.private_reason,
        "banPublicReason": request.public_reason,
    });
    if let Some(universal) = request.universal {
        body["experienceUniversal"] = json!(universal);
    }
    let call = Call::post("/ban-async").query("experienceBanCompleted", request.completed);
    let call = if appeal {
        call.query("isAppeal", true)
    } else {
        call
    };
    call.json(&body).prefer_representation()
}

/// The call of `/unban-async` that says this.
pub fn unban_call(request: &UnbanRequest) -> Call {
    let mut body = json!({ "userId": request.user, "experienceId": request.experience });
    if let Some(reason) = &request.reason {
        body["reason"] = json!(reason);
    }
    Call::post("/unban-async")
        .query("experienceUnbanCompleted", request.completed)
        .query("confirmOnly", request.confirm_only)
        .json(&body)
}

/// What an experience sends when it has applied a ban that it was shown.
pub fn confirmation(ban: &Value, experience: ExperienceId) -> BanRequest {
    let number = |name: &str| ban[name].as_u64().unwrap();
    BanRequest {
        user: UserId::new(number("robloxId")).unwrap(),
        experience,
        scope: if is_set(&ban["isGlobal"]) {
            Scope::Global
        } else {
            Scope::Experience
        },
        overwrite: true,
        completed: true,
        moderator: ModeratorId::new(number("moderatorId")).unwrap(),
        private_reason: ban["privateReason"].as_str().unwrap().to_owned(),
        public_reason: ban["publicReason"].as_str().unwrap().to_owned(),
        length: match Expiry::from_seconds(number("expires")) {
            Expiry::At(at) => Length::Until(at),
            Expiry::Never => Length::Permanent,
        },
        universal: Some(is_set(&ban["experienceUniversal"])),
    }
}

/// How flags are written on a route.
#[derive(Clone, Copy)]
pub enum Flags {
    Integer,
    Boolean,
}

/// A ban as a route must show it.
pub fn shown(ban: &BanState, completed: bool, workspace: &Workspace<'_>, flags: Flags) -> Value {
    let flag = |set: bool| match flags {
        Flags::Integer => json!(u8::from(set)),
        Flags::Boolean => json!(set),
    };
    json!({
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
        "experienceBanCompleted": flag(completed),
    })
}

/// The names that a new ban was given; of a call that made none it does not matter.
pub fn identity(answer: &end_to_end::Answer) -> Identity {
    let ban = &answer.json()["ban"];
    let guid = ban["guid"].as_str().map_or(0, |guid| guid.parse().unwrap());
    Identity {
        guid: Guid::from(guid),
        uid: Uid(ban["uid"].as_u64().unwrap_or_default()),
    }
}

/// Whether the product answered what the model says.
pub fn is_answer(answer: &end_to_end::Answer, model: &Answer, workspace: &Workspace<'_>) -> bool {
    match model {
        Answer::Ok => answer.status == 200,
        Answer::NotFound => answer.status == 404,
        Answer::ExpiryPassed => answer.status == 400,
        Answer::AlreadyBanned(ban) => {
            let shown = shown(ban, ban.completed, workspace, Flags::Integer);
            answer.status == 409 && answer.json()["ban"] == shown
        }
    }
}

pub fn is_set(flag: &Value) -> bool {
    *flag == true || *flag == 1
}

/// The present second.
pub fn second() -> Timestamp {
    Timestamp(end_to_end::now())
}
