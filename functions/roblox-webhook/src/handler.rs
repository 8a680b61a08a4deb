//! Erases a user's data at Roblox's request, or queues the request for the operator.

use serde_json::json;
use shared::api::auth::RobloxNotification;
use shared::api::{ApiRequest, Reply};
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::store::Store;

use crate::request::parse;

/// Processes a notification once, however often it is sent.
pub async fn handle(
    notification: RobloxNotification,
    request: ApiRequest,
    store: Store,
) -> Result<Reply, ApiError> {
    if let Some(erasure) = parse(&request)? {
        let now = UnixMillis::now().seconds();
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
