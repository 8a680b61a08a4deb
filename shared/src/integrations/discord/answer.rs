//! The meaning of Discord's errors.

use std::time::Duration;

use lambda_http::http::header::RETRY_AFTER;
use serde_json::Value;

use crate::domain::error::ApiError;
use crate::integrations::secrets::SecretError;
use crate::integrations::service_client::ServiceAnswer;

/// Discord's codes for a user who is not in a guild: unknown member, unknown user.
const NO_MEMBER: [u64; 2] = [10_007, 10_013];

/// The longest pause that an answer can ask for.
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

/// Why a call failed. The texts are for the operator's log: they contain nothing that was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscordError {
    /// Secrets Manager has no usable client secret or bot token.
    #[error("{0}")]
    Secret(SecretError),
    /// 401: Discord does not accept the client secret, or the token of the bot or the user.
    #[error("Discord rejects the secret")]
    Unauthorized,
    /// The code of a sign-in is used, expired or invented.
    #[error("Discord rejects the code of the sign-in")]
    InvalidCode,
    /// There is no such member of the guild.
    #[error("not a member of the guild")]
    NoMember,
    /// 429: too many requests.
    #[error("Discord rate limit reached")]
    RateLimited {
        /// How long to wait, if Discord said so.
        retry_after: Option<Duration>,
    },
    /// Any other error, such as a guild without the bot: the same call would be refused again.
    #[error("Discord refused: {status} {code}")]
    Refused {
        status: u16,
        /// Discord's number or word for the error; empty if it gave none.
        code: String,
    },
    /// 50035: what is wrong with each field, in Discord's words. They may repeat what was sent, so only the
    /// calls of an operator return this.
    #[error("Discord refused: {0}")]
    InvalidForm(String),
    /// No answer, or an unintelligible one.
    #[error("no answer from Discord: {0}")]
    Unavailable(String),
}

impl DiscordError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Unavailable(_))
    }

    /// The failure for a caller who can try again: 503.
    #[must_use]
    pub fn unavailable(&self) -> ApiError {
        ApiError::ServiceUnavailable {
            service: "Discord",
            detail: self.to_string(),
            retry_after: 60,
        }
    }

    /// How long Discord wants no further call; none if it did not say so.
    #[must_use]
    pub const fn pause(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } => *retry_after,
            _ => None,
        }
    }
}

/// The body of a successful answer as a JSON object.
pub(super) fn object(answer: &ServiceAnswer) -> Result<Value, DiscordError> {
    let body = success(answer)?.filter(Value::is_object);
    body.ok_or_else(|| unintelligible("is not a JSON object"))
}

/// The body of a successful answer as a JSON array.
pub(super) fn list(answer: &ServiceAnswer) -> Result<Vec<Value>, DiscordError> {
    match success(answer)? {
        Some(Value::Array(list)) => Ok(list),
        _ => Err(unintelligible("is not a JSON array")),
    }
}

/// The body of a successful answer, if it is JSON.
fn success(answer: &ServiceAnswer) -> Result<Option<Value>, DiscordError> {
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    match refusal(answer, body.as_ref()) {
        Some(error) => Err(error),
        None => Ok(body),
    }
}

/// Fails unless the call succeeded, with or without a body.
pub(super) fn require_success(answer: &ServiceAnswer) -> Result<(), DiscordError> {
    success(answer).map(drop)
}

/// Fails with what is wrong with each field of the body that was sent, if Discord says so.
pub(super) fn require_valid_form(answer: &ServiceAnswer) -> Result<(), DiscordError> {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let mut said = Vec::new();
    if let (400, Some(errors)) = (answer.status.as_u16(), body.get("errors")) {
        collect(errors, "", &mut said);
    }
    if said.is_empty() {
        return Ok(());
    }
    Err(DiscordError::InvalidForm(said.join("; ")))
}

/// Collects the messages of errors that are nested like the fields.
fn collect(errors: &Value, field: &str, said: &mut Vec<String>) {
    for (name, inner) in errors.as_object().into_iter().flatten() {
        if name != "_errors" {
            let dot = if field.is_empty() { "" } else { "." };
            collect(inner, &format!("{field}{dot}{name}"), said);
            continue;
        }
        let messages = inner.as_array().into_iter().flatten();
        let messages = messages.filter_map(|error| error.get("message")?.as_str());
        said.extend(messages.map(|message| format!("{field}: {}", message.trim_end_matches('.'))));
    }
}

pub(super) fn unintelligible(why: &str) -> DiscordError {
    DiscordError::Unavailable(format!("the answer {why}"))
}

/// The error in an answer, if there is one.
fn refusal(answer: &ServiceAnswer, body: Option<&Value>) -> Option<DiscordError> {
    let field = |name: &str| body.and_then(|body| body.get(name));
    // The API numbers its errors, OAuth2 names them.
    let number = field("code").and_then(Value::as_u64);
    let word = field("error").and_then(Value::as_str);
    Some(match answer.status.as_u16() {
        200..=299 => return None,
        401 => DiscordError::Unauthorized,
        400 if word == Some("invalid_grant") => DiscordError::InvalidCode,
        404 if number.is_some_and(|number| NO_MEMBER.contains(&number)) => DiscordError::NoMember,
        429 => DiscordError::RateLimited {
            retry_after: pause(answer, field("retry_after")),
        },
        status @ (408 | 425 | 500..) => DiscordError::Unavailable(format!("status {status}")),
        status => DiscordError::Refused {
            status,
            code: number.map_or_else(|| known_word(word), |number| number.to_string()),
        },
    })
}

/// How long to wait in seconds: by the body, which has fractions, else by the header.
fn pause(answer: &ServiceAnswer, in_body: Option<&Value>) -> Option<Duration> {
    let header = answer.headers.get(RETRY_AFTER);
    let header = || header?.to_str().ok()?.trim().parse().ok();
    let seconds: f64 = in_body.and_then(Value::as_f64).or_else(header)?;
    let pause = Duration::try_from_secs_f64(seconds.max(0.0)).ok()?;
    Some(pause.min(LONGEST_PAUSE))
}

/// A word as `OAuth2` defines them; empty for anything else, which may repeat what was sent.
fn known_word(word: Option<&str>) -> String {
    let is_word = |word: &&str| {
        let mut bytes = word.bytes();
        word.len() <= 40 && bytes.all(|c| c.is_ascii_lowercase() || c == b'_')
    };
    word.filter(is_word).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use lambda_http::http::{HeaderMap, StatusCode};

    use super::*;

    fn answer(status: u16, retry_after: Option<&str>, body: &str) -> ServiceAnswer {
        let mut headers = HeaderMap::new();
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, seconds.parse().unwrap());
        }
        ServiceAnswer {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: Bytes::from(body.to_owned()),
        }
    }

    fn error(status: u16, body: &str) -> DiscordError {
        object(&answer(status, None, body)).unwrap_err()
    }

    #[test]
    fn errors_have_their_meaning() {
        let refused = |status, code: &str| DiscordError::Refused {
            status,
            code: code.to_owned(),
        };
        for (status, body, expected) in [
            (
                401,
                r#"{"message":"401: Unauthorized","code":0}"#,
                DiscordError::Unauthorized,
            ),
            (
                401,
                r#"{"error":"invalid_client"}"#,
                DiscordError::Unauthorized,
            ),
            (
                400,
                r#"{"error":"invalid_grant"}"#,
                DiscordError::InvalidCode,
            ),
            (
                400,
                r#"{"error":"invalid_request"}"#,
                refused(400, "invalid_request"),
            ),
            (400, r#"{"error":"<secret code>"}"#, refused(400, "")),
            (
                404,
                r#"{"code":10007,"message":"Unknown Member"}"#,
                DiscordError::NoMember,
            ),
            (
                404,
                r#"{"code":10013,"message":"Unknown User"}"#,
                DiscordError::NoMember,
            ),
            (
                404,
                r#"{"code":10004,"message":"Unknown Guild"}"#,
                refused(404, "10004"),
            ),
            (
                403,
                r#"{"code":50001,"message":"Missing Access"}"#,
                refused(403, "50001"),
            ),
            (403, "<html>", refused(403, "")),
        ] {
            assert_eq!(error(status, body), expected, "{body}");
        }
    }

    #[test]
    fn answers_that_say_nothing_count_as_none() {
        for (status, body) in [
            (500, ""),
            (502, "<html>"),
            (200, ""),
            (200, "[]"),
            (200, "{"),
        ] {
            let error = error(status, body);
            assert!(matches!(error, DiscordError::Unavailable(_)), "{error:?}");
        }
    }

    #[test]
    fn each_field_of_a_form_has_its_errors() {
        let body = r#"{"code":50035,"message":"Invalid Form Body","errors":{
            "url":{"_errors":[{"code":"URL_INVALID","message":"It could not be verified."}]},
            "2":{"options":{"0":{"name":{"_errors":[{"message":"Bad name"},{"message":"Too long"}]}}}}}}"#;
        let refused = require_valid_form(&answer(400, None, body));
        let said =
            "2.options.0.name: Bad name; 2.options.0.name: Too long; url: It could not be verified";
        assert_eq!(refused, Err(DiscordError::InvalidForm(said.to_owned())));
        for (status, body) in [
            (200, r#"{"errors":{"a":{"_errors":[{"message":"x"}]}}}"#),
            (400, r#"{"code":50035}"#),
            (400, r#"{"errors":{"a":{"_errors":"x"}}}"#),
            (502, "<html>"),
        ] {
            assert_eq!(require_valid_form(&answer(status, None, body)), Ok(()));
        }
    }

    #[test]
    fn pause_is_what_discord_asks_for_up_to_ten_minutes() {
        for (header, body, millis) in [
            (None, "{}", None),
            (Some("3"), "{}", Some(3_000)),
            (Some("3"), r#"{"retry_after":0.75}"#, Some(750)),
            (None, r#"{"retry_after":86400}"#, Some(600_000)),
            (None, r#"{"retry_after":-1}"#, Some(0)),
            (Some("soon"), "<html>", None),
        ] {
            let error = object(&answer(429, header, body)).unwrap_err();
            let expected = millis.map(Duration::from_millis);
            assert_eq!(error.pause(), expected, "{body}");
            assert!(matches!(error, DiscordError::RateLimited { .. }));
        }
    }
}
