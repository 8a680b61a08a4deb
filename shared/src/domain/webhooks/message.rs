//! Messages: a body, and the headers that authenticate it.

use bytes::Bytes;
use lambda_http::http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::Serialize;
use serde_json::Value;
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP};

use super::secret::SigningSecrets;
use crate::domain::ban_info::{BanPresenter, FlagFormat};
use crate::domain::clock::UnixSeconds;
use crate::domain::error::ApiError;
use crate::domain::event::ShownEvent;
use crate::domain::history::LoggedEvent;
use crate::domain::ids::WorkspaceId;

const USER_AGENT: &str = concat!("Portcullis/", env!("CARGO_PKG_VERSION"));

/// The event name of a test.
pub const TEST: &str = "TEST";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Test<'a> {
    id: &'a str,
    event: &'static str,
    created: UnixSeconds,
    workspace_guid: WorkspaceId,
}

/// A message: the same for every attempt, except for its timestamp and signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The event's id, by which a receiver detects duplicates.
    pub id: String,
    pub body: Bytes,
}

impl Message {
    /// The message of an event, unrestricted: it goes to the workspace's own systems.
    pub fn of(workspace: WorkspaceId, event: &LoggedEvent) -> Result<Self, ApiError> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the workspace chose the receiver"
        )]
        let presenter =
            BanPresenter::of_workspace(workspace, FlagFormat::Integer, event.entry.at());
        Self::new(event.entry.id(), &ShownEvent::of(event, &presenter))
    }

    /// The message of a test that was requested at this time.
    pub fn test(workspace: WorkspaceId, id: &str, created: UnixSeconds) -> Result<Self, ApiError> {
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

    /// Whether an answer repeats the user or the reason. Such an answer must not be stored: it
    /// would outlive the user's erasure.
    #[must_use]
    pub fn is_repeated_in(&self, answer: &str) -> bool {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let bans = ["data", "previous"].map(|name| body.get(name).unwrap_or(&Value::Null));
        let texts = bans.iter().flat_map(|ban| {
            let names = [
                "guid",
                "privateReason",
                "publicReason",
                "caseId",
                "evidenceGuid",
                "fileName",
            ];
            names.map(|name| ban.get(name))
        });
        let repeats_text = texts
            .chain([body.get("reason")])
            .filter_map(|text| text?.as_str())
            .any(|text| repeats(answer, text));
        let named = bans.into_iter().chain([&body]);
        let mut users = named.filter_map(|part| part.get("robloxId")?.as_u64());
        repeats_text || users.any(|user| names(answer, user))
    }

    /// The headers of an attempt made now; `None` for an id that is not a valid header value.
    #[must_use]
    pub fn headers(&self, secrets: &SigningSecrets, now: UnixSeconds) -> Option<HeaderMap> {
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

/// How many characters of a text prove that it is repeated, because answers are cut off.
const PROOF: usize = 12;

/// Whether an answer contains the beginning of a text, plain or as JSON.
fn repeats(answer: &str, text: &str) -> bool {
    let start: String = text.chars().take(PROOF).collect();
    let escaped = serde_json::to_string(&start).unwrap_or_default();
    let escaped = escaped.trim_matches('"');
    !start.trim().is_empty() && (answer.contains(&start) || answer.contains(escaped))
}

/// Whether an answer contains a number that is not part of a longer one.
fn names(answer: &str, number: u64) -> bool {
    let number = number.to_string();
    answer
        .split(|letter: char| !letter.is_ascii_digit())
        .any(|digits| digits == number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::UnixMillis;

    #[test]
    fn answer_that_names_the_user_or_the_reasons_is_recognized() {
        let body = serde_json::json!({
            "event": "GAME_UNBANNED",
            "data": {
                "guid": "633197862920433664",
                "robloxId": 156,
                "privateReason": "said \"no\" to a moderator",
                "publicReason": "Cheating",
            },
            "previous": null,
            "reason": "mistaken for another",
        });
        let message = Message::new("id".to_owned(), &body).unwrap();
        for answer in [
            "user 156 is unknown",
            "{\"robloxId\":156}",
            "bad reason: Cheating!",
            "{\"privateReason\":\"said \\\"no\\\" to a mod",
            "no ban 633197862920433664",
            "mistaken for ",
        ] {
            assert!(message.is_repeated_in(answer), "{answer}");
        }
        for answer in [
            "",
            "ok",
            "1560",
            "error 15",
            "{\"error\":\"unauthorized\"}",
            "said",
        ] {
            assert!(!message.is_repeated_in(answer), "{answer}");
        }
    }

    #[test]
    fn answer_that_repeats_an_activity_is_recognized() {
        let body = serde_json::json!({
            "event": "EVIDENCE_ADDED",
            "robloxId": 156,
            "data": { "evidenceGuid": "5f2a9c01d7e4", "caseId": "633197862920433664",
                      "fileName": "exploit.mp4" },
            "reason": "as discussed",
        });
        let message = Message::new("id".to_owned(), &body).unwrap();
        for answer in [
            "156",
            "exploit.mp4",
            "633197862920433664",
            "5f2a9c01d7e4",
            "as discussed",
        ] {
            assert!(message.is_repeated_in(answer), "{answer}");
        }
        assert!(!message.is_repeated_in("EVIDENCE_ADDED"));
    }

    #[test]
    fn receiver_verifies_only_unaltered_messages() {
        let secrets = SigningSecrets::random();
        let message = Message {
            id: "633197862920433664-1".to_owned(),
            body: Bytes::from_static(br#"{"event":"GAME_BANNED"}"#),
        };
        let headers = message
            .headers(&secrets, UnixMillis::now().seconds())
            .unwrap();
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
