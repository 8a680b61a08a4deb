//! What a notification asks for.

use serde_json::Map;
use shared::error::ApiError;
use shared::http::{ApiRequest, Fields};
use shared::ids::UserId;
use shared::store::NotificationId;

/// The one event that is acted on. Others, such as the sample that Roblox sends on request, are
/// received and answered.
const ERASURE: &str = "RightToErasureRequest";

/// A user in the payload, as an error names the field.
const USER: &str = "EventPayload.UserId";

/// A user who asks to be forgotten.
pub struct ErasureRequest {
    /// The notification's own name.
    pub notification: NotificationId,
    /// Who asks.
    pub user: UserId,
}

/// The erasure that is asked for, if it is one.
pub fn parse(request: &ApiRequest) -> Result<Option<ErasureRequest>, ApiError> {
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
