//! Notifications, through the function's own parser.

use serde_json::json;
use shared::domain::ids::MAX_ROBLOX_ID;

use crate::request::{assert_refused, request};

#[path = "../../../functions/roblox-webhook/src/request.rs"]
mod call;

/// Reads bytes as the body of a notification.
pub fn notification(bytes: &[u8]) {
    match call::parse(&request(bytes, &[], &[])) {
        Err(error) => assert_refused(&error),
        // An event without effect.
        Ok(None) => {}
        Ok(Some(erasure)) => {
            let (id, user) = (erasure.notification.as_str(), erasure.user.get());
            assert!((1..=100).contains(&id.len()) && id.is_ascii());
            assert!((1..=MAX_ROBLOX_ID).contains(&user));
            let written = json!({
                "EventType": "RightToErasureRequest",
                "NotificationId": id,
                "EventPayload": { "UserId": user },
            });
            let written = written.to_string();
            let again = call::parse(&request(written.as_bytes(), &[], &[]));
            let again = again.expect("the same").expect("an erasure");
            assert_eq!(again.notification, erasure.notification);
            assert_eq!(again.user, erasure.user);
        }
    }
}
