//! The answer to an outbound call, of which little is kept.

use std::str::FromStr;
use std::time::Duration;

use http_body_util::BodyExt;
use lambda_http::http::{HeaderMap, Response, header};

use bytes::Bytes;

/// The most bytes of a body that are read.
const READ: usize = 4096;

/// How long to wait for the body after the status.
const PATIENCE: Duration = Duration::from_secs(1);

/// The most characters of a body that are kept.
const KEPT: usize = 200;

/// A status, and the start of the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    pub status: u16,
    /// `retry-after` in seconds. The date format is not supported.
    pub retry_after: Option<u64>,
    /// How long the next call should wait, if this was the last that a rate limit allows, by the headers
    /// `x-ratelimit-remaining` and `x-ratelimit-reset-after`.
    pub rate_limit_pause: Option<Duration>,
    /// The first characters of the body.
    pub start: String,
}

impl HttpResponse {
    /// Whether the status is 200 to 299.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    /// Reads a little of the body. The status has arrived and counts, so a body that is missing,
    /// cut off or endless changes nothing.
    pub(super) async fn read<B>(response: Response<B>, left: Duration) -> Self
    where
        B: BodyExt<Data = Bytes> + Unpin,
    {
        let (head, mut body) = response.into_parts();
        let mut read: Vec<u8> = Vec::new();
        let reading = async {
            while let Some(Ok(frame)) = body.frame().await {
                if let Ok(data) = frame.into_data() {
                    let room = READ.saturating_sub(read.len());
                    read.extend(data.iter().take(room));
                }
                if read.len() >= READ {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(left.min(PATIENCE), reading).await;
        Self {
            status: head.status.as_u16(),
            retry_after: retry_after(&head.headers),
            rate_limit_pause: rate_limit_pause(&head.headers),
            start: start(&read),
        }
    }
}

fn retry_after(headers: &HeaderMap) -> Option<u64> {
    number(headers, header::RETRY_AFTER.as_str())
}

fn rate_limit_pause(headers: &HeaderMap) -> Option<Duration> {
    let remaining: u64 = number(headers, "x-ratelimit-remaining")?;
    let seconds = number(headers, "x-ratelimit-reset-after").filter(|_| remaining == 0)?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn number<T: FromStr>(headers: &HeaderMap, name: &str) -> Option<T> {
    let value = headers.get(name)?.to_str().ok()?;
    value.trim().parse().ok()
}

/// The first characters, with those replaced that could affect a terminal.
fn start(read: &[u8]) -> String {
    let text = String::from_utf8_lossy(read);
    let plain = |c: char| {
        if crate::domain::text::steers(c) {
            ' '
        } else {
            c
        }
    };
    text.chars().take(KEPT).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_start_of_a_body_is_kept_without_control_characters() {
        assert_eq!(start(b"ok\n\x1b[2J\xff"), "ok  [2J\u{fffd}");
        assert_eq!(
            start("\u{e4}".repeat(4000).as_bytes()).chars().count(),
            KEPT
        );
    }

    #[test]
    fn retry_after_in_seconds_is_read_and_dates_are_not() {
        let read = |value: &str| {
            let headers = HeaderMap::from_iter([(header::RETRY_AFTER, value.parse().unwrap())]);
            retry_after(&headers)
        };
        assert_eq!(read("120"), Some(120));
        assert_eq!(read(" 5 "), Some(5));
        for other in ["-1", "soon", "Wed, 21 Oct 2026 07:28:00 GMT", "1.5", ""] {
            assert_eq!(read(other), None, "{other:?}");
        }
    }

    #[test]
    fn last_call_of_a_rate_limit_asks_for_a_pause() {
        let pause = |remaining: &str, reset: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-ratelimit-remaining", remaining.parse().unwrap());
            headers.insert("x-ratelimit-reset-after", reset.parse().unwrap());
            rate_limit_pause(&headers)
        };
        assert_eq!(pause("0", "0.25"), Some(Duration::from_millis(250)));
        for (remaining, reset) in [("1", "0.25"), ("0", "-1"), ("0", "soon"), ("", "1")] {
            assert_eq!(pause(remaining, reset), None, "{remaining} {reset}");
        }
        assert_eq!(rate_limit_pause(&HeaderMap::new()), None);
    }
}
