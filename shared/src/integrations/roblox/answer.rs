//! Roblox's answers, and the meaning of its errors.

use std::time::Duration;

use bytes::Bytes;
use lambda_http::http::{HeaderMap, StatusCode};
use serde_json::Value;

/// The longest pause that an answer can ask for.
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

/// How many characters of an error's text are kept.
const KEPT: usize = 200;

/// Why a call failed. The texts may repeat what was sent, so they are for the operator and not for
/// a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RobloxError {
    /// 401 or 403: the key is not accepted, or lacks the permission.
    #[error("Roblox rejects the key: {status} {message}")]
    Unauthorized {
        status: u16,
        /// Roblox's text.
        message: String,
    },
    /// 429: too many requests.
    #[error("Roblox rate limit reached")]
    RateLimited {
        /// How long to wait, if Roblox said so.
        retry_after: Option<Duration>,
    },
    /// Any other error: the same call would be refused again.
    #[error("Roblox refused: {status} {message}")]
    Refused {
        status: u16,
        /// Roblox's text.
        message: String,
    },
    /// No answer, or an unintelligible one: the call may or may not have taken effect.
    #[error("no answer from Roblox: {0}")]
    Unavailable(String),
}

impl RobloxError {
    /// The kind in one word and the status, for a log.
    #[must_use]
    pub fn kind(&self) -> String {
        match self {
            Self::Unauthorized { status, .. } => format!("unauthorized {status}"),
            Self::RateLimited { .. } => "rate limited".to_owned(),
            Self::Refused { status, .. } => format!("refused {status}"),
            Self::Unavailable(_) => "unavailable".to_owned(),
        }
    }
}

/// The error in an answer, if there is one.
pub(super) fn refusal(
    status: StatusCode,
    headers: &HeaderMap,
    body: &Bytes,
) -> Option<RobloxError> {
    let message = || message(body);
    Some(match status.as_u16() {
        200..=299 => return None,
        status @ (401 | 403) => RobloxError::Unauthorized {
            status,
            message: message(),
        },
        429 => RobloxError::RateLimited {
            retry_after: pause(headers),
        },
        status @ (408 | 425 | 500..) => RobloxError::Unavailable(format!("{status} {}", message())),
        status => RobloxError::Refused {
            status,
            message: message(),
        },
    })
}

/// How long to wait: `retry-after`, else `x-ratelimit-reset`, both in seconds.
fn pause(headers: &HeaderMap) -> Option<Duration> {
    let seconds = |name: &str| {
        let text = headers.get(name)?.to_str().ok()?;
        let seconds: f64 = text.split([',', ';']).next()?.trim().parse().ok()?;
        Duration::try_from_secs_f64(seconds.max(0.0)).ok()
    };
    let pause = seconds("retry-after").or_else(|| seconds("x-ratelimit-reset"))?;
    Some(pause.min(LONGEST_PAUSE))
}

/// The text of an error in any of its formats; empty for an HTML page.
fn message(body: &Bytes) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let texts = [
        body.get("message"),
        body.pointer("/errors/0/message"),
        body.get("error"),
        body.get("title"),
    ];
    let text = texts.into_iter().flatten().find_map(Value::as_str);
    text.unwrap_or_default().chars().take(KEPT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, headers: &[(&'static str, &str)], body: &str) -> Option<RobloxError> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let status = StatusCode::from_u16(status).unwrap();
        refusal(status, &map, &Bytes::from(body.to_owned()))
    }

    #[test]
    fn refusal_has_its_status_and_text() {
        let by_gateway = r#"{"errors":[{"code":0,"message":"Invalid API Key"}]}"#;
        let message = "Invalid API Key".to_owned();
        assert_eq!(
            refused(401, &[], by_gateway),
            Some(RobloxError::Unauthorized {
                status: 401,
                message
            })
        );
        let error = refused(400, &[], r#"{"code":"INVALID_ARGUMENT","message":"bad"}"#);
        assert_eq!(error.unwrap().to_string(), "Roblox refused: 400 bad");
        for (status, body) in [(500, "<html>"), (502, ""), (503, "{"), (504, "[]")] {
            let error = refused(status, &[], body).unwrap();
            assert!(matches!(error, RobloxError::Unavailable(_)), "{error:?}");
        }
        assert_eq!(refused(200, &[], ""), None);
    }

    #[test]
    fn pause_is_what_the_answer_asks_for_up_to_ten_minutes() {
        for (headers, expected) in [
            (&[][..], None),
            (&[("retry-after", "3")], Some(3)),
            (&[("x-ratelimit-reset", "7, 9")], Some(7)),
            (&[("retry-after", "3"), ("x-ratelimit-reset", "7")], Some(3)),
            (&[("retry-after", "99999")], Some(600)),
            (&[("retry-after", "-1")], Some(0)),
            (&[("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")], None),
            (&[("retry-after", "inf")], None),
        ] {
            let expected = expected.map(Duration::from_secs);
            let error = refused(429, headers, "");
            let retry_after = expected;
            assert_eq!(
                error,
                Some(RobloxError::RateLimited { retry_after }),
                "{headers:?}"
            );
        }
    }
}
