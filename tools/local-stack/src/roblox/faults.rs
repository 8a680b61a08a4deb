//! Faults of Roblox.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;

use super::answer::{self, Answer};
use super::cut;
use crate::Result;
use crate::faults::Rule;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call fails with this status and changes nothing.
    Status(u16),
    /// The call fails with 429 and, if given, this `retry-after` in seconds.
    TooMany(Option<u64>),
    /// The answer comes this much later.
    Delay(Duration),
    /// The connection is cut and nothing changes.
    Drop,
    /// The change is made, and the connection is cut before the answer.
    DropAnswer,
    /// The call fails with this status and an HTML page.
    Html(u16),
    /// The change is made, and the answer has no body.
    Empty,
    /// The change is made, and the answer is cut in half.
    Truncated,
}

/// A fault, and the calls it hits: by method or by a part of the path.
pub type FaultRule = Rule<Fault>;

impl FaultRule {
    /// Hits the next calls.
    pub fn next(times: usize, fault: Fault) -> Self {
        Self::from(fault).times(times)
    }

    /// Hits the next changes of restrictions.
    pub fn updates(times: usize, fault: Fault) -> Self {
        Self::next(times, fault).on("PATCH")
    }
}

impl Fault {
    /// The answer of a fault that prevents the call. An error cuts the connection.
    pub fn instead(&self) -> Result<Option<Response<Full<Bytes>>>> {
        Ok(match self {
            Self::Status(status) => {
                let code = match status {
                    400 => "INVALID_ARGUMENT",
                    403 => "PERMISSION_DENIED",
                    404 => "NOT_FOUND",
                    409 => "ABORTED",
                    503 => "UNAVAILABLE",
                    _ => "INTERNAL",
                };
                let refusal = match status {
                    401 => answer::gateway(401, "Invalid API Key"),
                    status => answer::refusal(*status, code, "injected fault"),
                };
                Some(refusal.into_response())
            }
            Self::TooMany(after) => Some(too_many(*after).into_response()),
            Self::Drop => return Err(cut()),
            Self::Html(status) => {
                let page = "<!DOCTYPE html><html><body>We are making improvements</body></html>";
                let mut answer = Answer::empty();
                answer.status = *status;
                answer.kind = "text/html";
                answer.body = Bytes::from_static(page.as_bytes());
                Some(answer.into_response())
            }
            Self::Delay(_) | Self::DropAnswer | Self::Empty | Self::Truncated => None,
        })
    }

    /// The answer of a call after the fault. An error cuts the connection.
    pub fn spoil(&self, mut answer: Answer) -> Result<Response<Full<Bytes>>> {
        match self {
            Self::DropAnswer => return Err(cut()),
            Self::Empty => answer.body = Bytes::new(),
            Self::Truncated => answer.body.truncate(answer.body.len() / 2),
            _ => {}
        }
        Ok(answer.into_response())
    }
}

/// The answer to a call over a rate limit.
pub fn too_many(after: Option<u64>) -> Answer {
    let refusal = answer::refusal(429, "RESOURCE_EXHAUSTED", "Too many requests");
    match after {
        Some(seconds) => refusal.with("retry-after", seconds),
        None => refusal,
    }
}
