//! The validated notification.

use serde_json::Map;
use shared::api::{ApiRequest, Fields};
use shared::domain::error::ApiError;
use shared::domain::ids::UserId;
use shared::store::NotificationId;

/// The one event that has an effect. Others, such as Roblox's sample, are answered with 200.
const ERASURE: &str = "RightToErasureRequest";

/// The user in the payload, as an error names the field.
const USER: &str = "EventPayload.UserId";

/// A user's request for erasure.
pub struct ErasureRequest {
    pub notification: NotificationId,
    pub user: UserId,
}

/// The erasure request, if the notification is one.
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
