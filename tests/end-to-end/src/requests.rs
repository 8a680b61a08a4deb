//! Converts the rules' requests to API calls.

use serde_json::{Value, json};
use shared::domain::ids::{ExperienceId, ModeratorId, UserId};
use shared::domain::rules::{BanRequest, Expiry, Length, Scope, UnbanRequest};

use crate::call::Call;

/// The `/ban-async` call of a request.
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
    let call = Call::post("/ban-async").query("experienceBanCompleted", request.applied);
    let call = if appeal {
        call.query("isAppeal", true)
    } else {
        call
    };
    call.json(&body).prefer_representation()
}

/// The `/unban-async` call of a request.
pub fn unban_call(request: &UnbanRequest) -> Call {
    let mut body = json!({ "userId": request.user, "experienceId": request.experience });
    if let Some(reason) = &request.reason {
        body["reason"] = json!(reason);
    }
    if let Some(moderator) = request.moderator {
        body["moderatorId"] = json!(moderator);
    }
    let call = Call::post("/unban-async")
        .query("experienceUnbanCompleted", request.applied)
        .query("confirmOnly", request.report_only)
        .json(&body);
    if request.from_game {
        call.from_roblox()
    } else {
        call
    }
}

/// What an experience sends when it has applied a ban from a list.
pub fn report(ban: &Value, experience: ExperienceId) -> BanRequest {
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
        applied: true,
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

/// Whether a flag is set, in either format.
pub fn is_set(flag: &Value) -> bool {
    *flag == true || *flag == 1
}
