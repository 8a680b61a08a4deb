//! Roblox notifications, signed like Roblox signs them.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use shared::domain::ids::WorkspaceId;

use crate::call::Call;
use crate::workspace::now;

#[derive(Clone, Debug)]
pub struct Notification {
    body: Value,
    time: String,
}

impl Notification {
    /// A request to erase a user, with a unique id.
    pub fn erasure(user: u64) -> Self {
        let body = json!({
            "NotificationId": WorkspaceId::random().to_string(),
            "EventType": "RightToErasureRequest",
            "EventTime": "2026-11-21T09:30:03.000Z",
            "EventPayload": { "UserId": user, "GameIds": [1818] },
        });
        Self {
            body,
            time: now().to_string(),
        }
    }

    /// Sets a field of the body to any value.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.body[field] = value.into();
        self
    }

    /// Removes a field.
    #[must_use]
    pub fn without(mut self, field: &str) -> Self {
        self.body.as_object_mut().expect("an object").remove(field);
        self
    }

    /// Sets the time of the signature, in this spelling.
    #[must_use]
    pub fn at(mut self, time: impl ToString) -> Self {
        self.time = time.to_string();
        self
    }

    /// Its id.
    pub fn id(&self) -> &str {
        self.body["NotificationId"].as_str().expect("an id")
    }

    pub fn text(&self) -> String {
        self.body.to_string()
    }

    /// The request, signed with a secret.
    pub fn signed(&self, secret: &str) -> Call {
        let signature = sign(secret, &self.time, self.text().as_bytes());
        self.unsigned().header("roblox-signature", signature)
    }

    /// The request without a signature.
    pub fn unsigned(&self) -> Call {
        Call::post("/roblox/webhook").json(&self.body)
    }
}

/// The `roblox-signature` header of a body.
pub fn sign(secret: &str, time: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(body);
    let mac = BASE64_STANDARD.encode(mac.finalize().into_bytes());
    format!("t={time},v1={mac}")
}
