//! The results of a bulk call.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// What a bulk call did about a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BulkResult {
    Banned,
    Changed,
    Unbanned,
    Unchanged,
    /// The single call would have got an error of class 4xx.
    Refused,
    /// Time ran out, or the database failed: the same call continues here.
    Unprocessed,
}

/// The result for one user, without the user: it is stored for repeats, and must not keep an erased
/// user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkOutcome {
    pub result: BulkResult,
    /// The ban that was made, changed, lifted or found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guid: Option<String>,
    /// Why the user was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Cow<'static, str>>,
}

impl BulkOutcome {
    pub const UNPROCESSED: Self = Self {
        result: BulkResult::Unprocessed,
        guid: None,
        code: None,
    };
}
