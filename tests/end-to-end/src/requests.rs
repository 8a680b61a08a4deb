//! Converts the rules' requests to API calls.

use serde_json::{Value, json};
use shared::domain::ids::{ExperienceId, Guid, ModeratorId, UserId};
use shared::domain::rules::{
    BanRequest, Change, ChangeReport, Expiry, Length, ReportedAttempt, Scope, UnbanRequest,
};

use crate::call::Call;

/// The `/ban-async` call of a request.
pub fn ban_call(request: &BanRequest, appeal: bool) -> Call {
    let call = Call::post("/ban-async").query("experienceBanCompleted", request.applied);
    let call = if appeal {
        call.query("isAppeal", true)
    } else {
        call
    };
    call.json(&ban_body(request)).prefer_representation()
}

fn ban_body(request: &BanRequest) -> Value {
    let (kind, length) = match request.length {
        Length::Permanent => ("Permanent", json!(false)),
        Length::Until(at) => ("Temporary", json!(at.0)),
        Length::For(seconds) => ("Temporary", json!(seconds)),
    };
    let mut body = json!({
        "overwrite": request.overwrite,
        "userId": request.user,
        "experienceId": request.place,
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
    body
}

/// The `/unban-async` call of a request.
pub fn unban_call(request: &UnbanRequest) -> Call {
    let call = Call::post("/unban-async")
        .query("experienceUnbanCompleted", request.applied)
        .query("confirmOnly", request.report_only)
        .json(&unban_body(request));
    if request.from_game {
        call.from_roblox()
    } else {
        call
    }
}

fn unban_body(request: &UnbanRequest) -> Value {
    let mut body = json!({ "userId": request.user, "experienceId": request.place });
    if let Some(reason) = &request.reason {
        body["reason"] = json!(reason);
    }
    if let Some(moderator) = request.moderator {
        body["moderatorId"] = json!(moderator);
    }
    body
}

/// The `/bans/bulk` call of requests of one experience with the same flags, at least one.
pub fn bulk_ban_call(requests: &[BanRequest], appeal: bool) -> Call {
    let users = requests.iter().map(ban_body);
    Call::post("/bans/bulk")
        .query("experienceBanCompleted", requests[0].applied)
        .query("isAppeal", appeal)
        .json(&json!({
            "experienceId": requests[0].place,
            "users": users.collect::<Vec<_>>(),
        }))
}

/// The `/unbans/bulk` call of requests of one experience with the same flags, at least one.
pub fn bulk_unban_call(requests: &[UnbanRequest]) -> Call {
    let users = requests.iter().map(unban_body);
    let call = Call::post("/unbans/bulk")
        .query("experienceUnbanCompleted", requests[0].applied)
        .query("confirmOnly", requests[0].report_only)
        .json(&json!({
            "experienceId": requests[0].place,
            "users": users.collect::<Vec<_>>(),
        }));
    if requests[0].from_game {
        call.from_roblox()
    } else {
        call
    }
}

/// The `/reports` call with one report.
pub fn reports_call(experience: ExperienceId, report: &ChangeReport) -> Call {
    let mut sent = json!({
        "userId": report.user,
        "guid": report.guid.to_string(),
        "revision": report.revision,
        "applied": if report.change == Change::Ban { "ban" } else { "unban" },
        "ok": report.attempt == ReportedAttempt::Applied,
    });
    if let ReportedAttempt::Failed { error: Some(error) } = &report.attempt {
        sent["error"] = json!(error);
    }
    Call::post("/reports").json(&json!({ "experienceId": experience, "reports": [sent] }))
}

/// The report of a listed item.
pub fn change_report(item: &Value, change: Change, attempt: ReportedAttempt) -> ChangeReport {
    let number = |name: &str| item[name].as_u64().unwrap();
    let guid: Guid = item["guid"].as_str().unwrap().parse().unwrap();
    ChangeReport {
        user: UserId::new(number("robloxId")).unwrap(),
        guid,
        revision: u32::try_from(number("revision")).unwrap(),
        change,
        attempt,
    }
}

/// What an experience sends when it has applied a ban from a list.
pub fn report(ban: &Value, experience: ExperienceId) -> BanRequest {
    let number = |name: &str| ban[name].as_u64().unwrap();
    BanRequest {
        user: UserId::new(number("robloxId")).unwrap(),
        place: experience.into(),
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
