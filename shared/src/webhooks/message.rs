//! What is sent: a body, and the headers that vouch for it.

use bytes::Bytes;
use lambda_http::http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::Serialize;
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP};

use super::secret::Secrets;
use crate::ban_info::{FlagStyle, View};
use crate::clock::Timestamp;
use crate::error::ApiError;
use crate::event::Event;
use crate::ids::WorkspaceId;
use crate::store::PastDecision;

/// Who calls.
const USER_AGENT: &str = concat!("Portcullis/", env!("CARGO_PKG_VERSION"));

/// The name of a test, where an event has its own.
pub const TEST: &str = "TEST";

/// The body of a test.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Test<'a> {
    id: &'a str,
    event: &'static str,
    created: Timestamp,
    workspace_guid: WorkspaceId,
}

/// A message: the same for every attempt, but for its timestamp and signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The id by which a receiver tells a repetition: that of the event.
    pub id: String,
    /// JSON.
    pub body: Bytes,
}

impl Message {
    /// The message of an event, with all that the workspace's own systems may know.
    pub fn of(workspace: WorkspaceId, decision: &PastDecision) -> Result<Self, ApiError> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the workspace chose the receiver"
        )]
        let view = View::of_workspace(workspace, FlagStyle::Integer, decision.at);
        Self::new(decision.id(), &Event::of(decision, &view))
    }

    /// The message of a test that was asked for at this time.
    pub fn test(workspace: WorkspaceId, id: &str, created: Timestamp) -> Result<Self, ApiError> {
        let test = Test {
            id,
            event: TEST,
            created,
            workspace_guid: workspace,
        };
        Self::new(id.to_owned(), &test)
    }

    fn new(id: String, body: &impl Serialize) -> Result<Self, ApiError> {
        let body = serde_json::to_vec(body);
        let body = body.map_err(|error| ApiError::Internal(error.to_string()))?;
        Ok(Self {
            id,
            body: body.into(),
        })
    }

    /// The headers of an attempt that is made now; `None` for an id that no header can hold.
    #[must_use]
    pub fn headers(&self, secrets: &Secrets, now: Timestamp) -> Option<HeaderMap> {
        let signatures = secrets.sign(&self.id, now, &self.body)?;
        let mut headers = HeaderMap::new();
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        for (name, value) in [
            (HEADER_WEBHOOK_ID, self.id.clone()),
            (HEADER_WEBHOOK_TIMESTAMP, now.to_string()),
            (HEADER_WEBHOOK_SIGNATURE, signatures),
        ] {
            headers.insert(HeaderName::from_static(name), value.parse().ok()?);
        }
        Some(headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Moment;

    #[test]
    fn a_receiver_verifies_a_message_and_no_altered_one() {
        let secrets = Secrets::random();
        let message = Message {
            id: "633197862920433664-1".to_owned(),
            body: Bytes::from_static(br#"{"event":"GAME_BANNED"}"#),
        };
        let headers = message.headers(&secrets, Moment::now().seconds()).unwrap();
        let receiver = standardwebhooks::Webhook::new(secrets.current().reveal()).unwrap();
        assert!(receiver.verify(&message.body, &headers).is_ok());
        assert!(receiver.verify(b"{}", &headers).is_err());
        for name in [HEADER_WEBHOOK_ID, HEADER_WEBHOOK_TIMESTAMP] {
            let mut altered = headers.clone();
            altered.insert(name, HeaderValue::from_static("1800000000"));
            assert!(receiver.verify(&message.body, &altered).is_err(), "{name}");
        }
    }
}
