//! A user has asked Roblox to be forgotten: their data here is erased, or put before the operator.

use serde_json::{Map, json};
use shared::auth::RobloxNotification;
use shared::clock::Moment;
use shared::error::ApiError;
use shared::http::{ApiRequest, Fields, Reply};
use shared::ids::UserId;
use shared::store::{NotificationId, Store};

/// The one event that is acted on. Others, such as the sample that Roblox sends on request, are
/// received and answered.
const ERASURE: &str = "RightToErasureRequest";

/// A user in the payload, as an error names the field.
const USER: &str = "EventPayload.UserId";

struct ErasureRequest {
    notification: NotificationId,
    user: UserId,
}

/// Carries out what a notification asks for, once however often it is sent.
pub async fn handle(
    notification: RobloxNotification,
    request: ApiRequest,
    store: Store,
) -> Result<Reply, ApiError> {
    if let Some(erasure) = parse(&request)? {
        let now = Moment::now().seconds();
        for intake in notification.intakes() {
            // If one fails, the log names it.
            request
                .trace()
                .identify(intake.guid, RobloxNotification::KEY_ID);
            store
                .take_in_erasure(intake, &erasure.notification, erasure.user, now)
                .await?;
        }
    }
    Reply::json(&json!({ "status": "ok" }))
}

/// The erasure that is asked for, if it is one.
fn parse(request: &ApiRequest) -> Result<Option<ErasureRequest>, ApiError> {
    let mut body = request.body()?;
    let event = body.token("EventType", 100);
    if event.as_deref().is_some_and(|event| event != ERASURE) {
        return Ok(None);
    }
    let id = body.token("NotificationId", NotificationId::LONGEST);
    let sent = body
        .value("EventPayload")
        .and_then(|payload| payload.get("UserId"));
    let sent = sent.map(|user| (USER.to_owned(), user.clone()));
    let mut payload = Fields::new(Map::from_iter(sent));
    let user = payload.id(USER);
    body.take_errors_of(payload);
    body.build(|| {
        Some(Some(ErasureRequest {
            notification: NotificationId::new(&id?)?,
            user: user?,
        }))
    })
}
