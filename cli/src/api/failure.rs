//! What to do about a call of the API that failed.

use std::time::Duration;

use serde::Deserialize;
use ureq::Body;
use ureq::http::Response;

use super::{ApiAddress, ApiKey};
use crate::connection::ALREADY_BANNED;

/// A longer wait is left to the user, in seconds.
const LONGEST_WAIT: u64 = 20;

/// Why a call failed, in a sentence that names the wrong fields.
#[derive(Debug, thiserror::Error)]
#[error("{said}")]
pub struct ApiFailure {
    said: String,
    /// Empty without an answer.
    code: String,
    /// Whether there was no answer.
    is_unreachable: bool,
    /// Whether the same call may succeed later.
    is_transient: bool,
    /// In seconds.
    retry_after: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorAnswer {
    code: String,
    message: String,
    errors: Vec<WrongField>,
}

#[derive(Deserialize)]
struct WrongField {
    field: String,
    message: String,
}

impl ApiFailure {
    pub(super) fn read(answer: Response<Body>, key: &ApiKey) -> Self {
        let status = answer.status().as_u16();
        let retry_after = answer.headers().get("retry-after");
        let retry_after = retry_after.and_then(|wait| wait.to_str().ok()?.parse().ok());
        let text = answer.into_body().read_to_string().unwrap_or_default();
        let answer: ErrorAnswer = serde_json::from_str(&text).unwrap_or_default();
        Self {
            said: sentence(status, &answer, key, retry_after),
            is_unreachable: false,
            // The gateway answers 500 without a code when it loses a function.
            is_transient: matches!(status, 429 | 502 | 503 | 504)
                || (status == 500 && answer.code.is_empty()),
            code: answer.code,
            retry_after,
        }
    }

    pub(super) fn unreachable(address: &ApiAddress, error: &ureq::Error) -> Self {
        Self {
            said: format!("could not reach the API at {address} ({error})"),
            code: String::new(),
            is_unreachable: true,
            is_transient: true,
            retry_after: None,
        }
    }

    /// The API's code, such as `forbidden`.
    pub fn code(&self) -> &str {
        &self.code
    }

    pub const fn is_unreachable(&self) -> bool {
        self.is_unreachable
    }

    pub const fn is_transient(&self) -> bool {
        self.is_transient
    }

    /// How long to wait after this many attempts; `None` if the call would fail again, or if that is too
    /// long to wait for.
    pub fn wait(&self, attempts: u32) -> Option<Duration> {
        if !self.is_transient {
            return None;
        }
        let growing = 1_u64.checked_shl(attempts.saturating_sub(1));
        let wait = self.retry_after.or(growing)?;
        (wait <= LONGEST_WAIT).then(|| Duration::from_secs(wait))
    }
}

fn sentence(status: u16, answer: &ErrorAnswer, key: &ApiKey, retry_after: Option<u64>) -> String {
    let message = &answer.message;
    match (answer.code.as_str(), answer.errors.as_slice()) {
        ("already_banned", _) => ALREADY_BANNED.to_owned(),
        ("unauthorized", _) => format!(
            "the API does not accept the key from {}: it is unknown, revoked or expired",
            key.origin()
        ),
        ("forbidden", _) => format!(
            "the API answered {status} to the key from {}: {message}",
            key.origin()
        ),
        ("rate_limited", _) => match retry_after {
            Some(wait) => format!("{message}: try again in {wait} s"),
            None => message.clone(),
        },
        (_, [_, ..]) => {
            let fields = answer.errors.iter();
            let fields: Vec<_> = fields
                .map(|it| format!("{}: {}", it.field, it.message))
                .collect();
            format!("the API refused the call: {}", fields.join("; "))
        }
        _ if message.is_empty() => format!("the API answered {status}"),
        _ => format!("the API answered {status}: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(is_transient: bool, retry_after: Option<u64>) -> ApiFailure {
        ApiFailure {
            said: String::new(),
            code: String::new(),
            is_unreachable: false,
            is_transient,
            retry_after,
        }
    }

    #[test]
    fn waits_follow_the_api_and_are_bounded() {
        let seconds =
            |failure: ApiFailure, attempts| failure.wait(attempts).map(|wait| wait.as_secs());
        assert_eq!(seconds(failure(true, Some(7)), 1), Some(7));
        assert_eq!(seconds(failure(true, Some(1800)), 1), None);
        assert_eq!(seconds(failure(true, None), 1), Some(1));
        assert_eq!(seconds(failure(true, None), 3), Some(4));
        assert_eq!(seconds(failure(true, None), 99), None);
        assert_eq!(seconds(failure(false, Some(7)), 1), None);
    }
}
