//! Why a call got no answer.

use std::error::Error;
use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};

/// Why a call got no answer: one of a few words, which contain neither the address nor what was
/// sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// The URL may not be called from here.
    RefusedUrl,
    /// The host is, or resolves to, an address that is not public.
    RefusedAddress,
    /// The host's name has no address.
    NameNotFound,
    /// No answer within the time limit.
    TimedOut,
    /// The certificate is not valid for the host, or there is no TLS.
    Tls,
    /// No connection, or it broke.
    Connection,
    /// The connection was closed without an answer, or the answer is not HTTP.
    NoAnswer,
}

impl Failure {
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::RefusedUrl => "refused url",
            Self::RefusedAddress => "refused address",
            Self::NameNotFound => "name not found",
            Self::TimedOut => "timed out",
            Self::Tls => "tls",
            Self::Connection => "connection",
            Self::NoAnswer => "no valid answer",
        }
    }

    /// The meaning of a client error, met while connecting or afterwards.
    pub(crate) fn of(error: &(dyn Error + 'static), connecting: bool) -> Self {
        let mut cause = Some(error);
        let mut broke = false;
        while let Some(error) = cause {
            if let Some(known) = error.downcast_ref::<Self>() {
                return *known;
            }
            broke |= error.is::<io::Error>();
            cause = error.source();
        }
        match (connecting, broke) {
            // The guard reports its own failures, so this happened after it.
            (true, _) => Self::Tls,
            (false, true) => Self::Connection,
            (false, false) => Self::NoAnswer,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl Error for Failure {}
