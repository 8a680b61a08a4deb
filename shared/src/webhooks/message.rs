//! What is sent: a body, and the headers that vouch for it.

use bytes::Bytes;
use lambda_http::http::{HeaderMap, HeaderName, HeaderValue, header};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP};

use super::secret::Secrets;
use crate::clock::Timestamp;

/// Who calls.
const USER_AGENT: &str = concat!("Portcullis/", env!("CARGO_PKG_VERSION"));

/// A message: the same for every attempt, but for its timestamp and signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The id by which a receiver tells a repetition: that of the event.
    pub id: String,
    /// JSON.
    pub body: Bytes,
}

impl Message {
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
