//! What Discord's answer to a message means.

use std::time::Duration;

use serde_json::Value;

/// Discord's codes for a webhook that no longer exists: unknown webhook, invalid token.
const DELETED: [(u16, u64); 2] = [(404, 10_015), (401, 50_027)];

/// Discord's code for a body that it does not accept.
const INVALID_FORM: &str = "50035";

/// The pause after a 429 that names none.
const PAUSE: Duration = Duration::from_secs(1);

/// The longest pause that an answer can ask for.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// The meaning of a status and a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookAnswer {
    /// The message is in the channel.
    Accepted,
    /// A rate limit: nothing was sent, and the same message is accepted after this pause.
    Limited(Duration),
    /// The webhook was deleted in Discord: no further message will be accepted.
    Deleted,
    /// Discord does not accept this very message.
    Malformed,
    /// Any other answer.
    Failed,
}

impl WebhookAnswer {
    /// The meaning of an answer, by the start of its body and the seconds in its header `retry-after`.
    #[must_use]
    pub fn of(status: u16, retry_after: Option<u64>, start: &str) -> Self {
        let body: Value = serde_json::from_str(start).unwrap_or_default();
        let code = body.get("code").and_then(Value::as_u64);
        match status {
            200..=299 => Self::Accepted,
            // The start of a long body is no JSON.
            400 if start.contains(INVALID_FORM) => Self::Malformed,
            429 => Self::Limited(pause(body.get("retry_after"), retry_after)),
            _ if code.is_some_and(|code| DELETED.contains(&(status, code))) => Self::Deleted,
            _ => Self::Failed,
        }
    }
}

/// The body has fractions of a second, and a block by the network in front of Discord has only the header.
fn pause(in_body: Option<&Value>, in_header: Option<u64>) -> Duration {
    let in_body = in_body.and_then(Value::as_f64);
    let in_body = in_body.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let pause = in_body.or(in_header.map(Duration::from_secs));
    pause.unwrap_or(PAUSE).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_have_their_meaning() {
        use WebhookAnswer::{Accepted, Deleted, Failed, Malformed};
        for (status, body, meaning) in [
            (204, "", Accepted),
            (200, r#"{"id":"1"}"#, Accepted),
            (
                404,
                r#"{"message":"Unknown Webhook","code":10015}"#,
                Deleted,
            ),
            (
                401,
                r#"{"message":"Invalid Webhook Token","code":50027}"#,
                Deleted,
            ),
            // A deleted thread, and a token without a code.
            (404, r#"{"message":"Unknown Channel","code":10003}"#, Failed),
            (401, r#"{"message":"401: Unauthorized","code":0}"#, Failed),
            (404, "<html>", Failed),
            (
                400,
                r#"{"code":50035,"message":"Invalid Form Bo"#,
                Malformed,
            ),
            // A forum takes posts with a title only.
            (400, r#"{"message":"...","code":220001}"#, Failed),
            (403, "error code: 1010", Failed),
            (500, "", Failed),
            (503, "", Failed),
        ] {
            assert_eq!(
                WebhookAnswer::of(status, None, body),
                meaning,
                "{status} {body}"
            );
        }
    }

    #[test]
    fn pause_is_that_of_the_body_or_else_of_the_header() {
        for (header, body, millis) in [
            (Some(1), r#"{"retry_after":0.529,"global":false}"#, 529),
            (Some(65), r#"{"retry_after":64.57,"global":true}"#, 64_570),
            (Some(3), "<html>", 3_000),
            (Some(3), r#"{"retry_after":-1}"#, 3_000),
            (None, "", 1_000),
            (Some(86_400), "", 3_600_000),
            (None, r#"{"retry_after":1e300}"#, 1_000),
        ] {
            let expected = WebhookAnswer::Limited(Duration::from_millis(millis));
            assert_eq!(WebhookAnswer::of(429, header, body), expected, "{body}");
        }
    }
}
