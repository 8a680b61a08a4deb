//! Bad days: what goes wrong with some of the calls.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;

use super::answer::{self, Answer};
use super::cut;
use super::routes::Call;
use crate::Result;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call is refused with this status and nothing happens.
    Status(u16),
    /// It is refused with 429, with or without the seconds after which to come back.
    TooMany(Option<u64>),
    /// The answer comes so much later.
    Delay(Duration),
    /// The connection is dropped and nothing happens.
    Drop,
    /// The call is carried out, and the connection dropped before it is answered.
    DropAnswer,
    /// The call is not carried out; a page for people is answered with this status.
    Html(u16),
    /// The call is carried out, and answered with nothing.
    Empty,
    /// The call is carried out, and its answer breaks off.
    Truncated,
}

/// A fault, and which calls it strikes.
#[derive(Clone, Debug)]
pub struct FaultRule {
    /// What goes wrong.
    pub fault: Fault,
    /// How many calls it strikes; none for all.
    pub times: Option<u32>,
    /// The method, if only calls of one.
    pub method: Option<&'static str>,
    /// A part of the path, if only such calls.
    pub path: Option<String>,
}

impl FaultRule {
    /// The next calls, whatever they are.
    #[must_use]
    pub const fn next(times: u32, fault: Fault) -> Self {
        Self {
            fault,
            times: Some(times),
            method: None,
            path: None,
        }
    }

    /// The next changes of restrictions.
    #[must_use]
    pub const fn updates(times: u32, fault: Fault) -> Self {
        let mut rule = Self::next(times, fault);
        rule.method = Some("PATCH");
        rule
    }

    /// Only calls whose path has this in it.
    #[must_use]
    pub fn on(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    fn fits(&self, call: &Call) -> bool {
        self.method.is_none_or(|method| call.method == method)
            && (self.path.as_ref()).is_none_or(|part| call.path.contains(part.as_str()))
    }
}

/// All faults that are set.
#[derive(Debug, Default)]
pub struct Faults(Vec<FaultRule>);

impl Faults {
    pub fn push(&mut self, rule: FaultRule) {
        self.0.push(rule);
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The fault that strikes this call; it is used up by one.
    pub fn strike(&mut self, call: &Call) -> Option<Fault> {
        let at = self.0.iter().position(|rule| rule.fits(call))?;
        let rule = self.0.get_mut(at)?;
        let fault = rule.fault.clone();
        if let Some(left) = &mut rule.times {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.0.remove(at);
            }
        }
        Some(fault)
    }
}

impl Fault {
    /// What is answered instead of carrying the call out; an error drops the connection.
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

    /// What becomes of the answer; an error drops the connection.
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

/// The refusal of a call over a limit.
pub fn too_many(after: Option<u64>) -> Answer {
    let refusal = answer::refusal(429, "RESOURCE_EXHAUSTED", "Too many requests");
    match after {
        Some(seconds) => refusal.with("retry-after", seconds),
        None => refusal,
    }
}
