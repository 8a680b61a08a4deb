//! Ban, unban and report, shared by the API and the CLI.
//!
//! The rules judge a call on what is stored; it is checked against the write policy and written as one
//! transaction. See [`crate::store::Store::commit_with_retry`] for write conflicts.

mod ban;
pub mod basis;
pub mod bulk;
pub mod names;
mod number_block;
mod own_decision;
mod reports;
pub mod role_sync;
mod seen;
mod unban;

pub use ban::{Intent, ban};
pub use number_block::NumberBlock;
pub use own_decision::{OwnDecision, UNDO_REASON, UNDONE_WITHIN, own_decision};
pub use reports::{Reporter, take_reports};
pub use seen::{SeenBan, SeenOutcome, change_seen, lift_seen, undo_own};
pub use unban::{lift, unban};

use crate::domain::ban_info::BanPresenter;
use crate::domain::error::ApiError;
use crate::store::CallerLimits;

/// What a caller may decide, and how bans are shown to it.
#[derive(Clone, Copy, Debug)]
pub struct Authority {
    /// Whether it may make and end Global bans.
    pub may_decide_globally: bool,
    /// The caller's limits besides the rules.
    pub limits: CallerLimits,
    /// How a conflicting ban is shown.
    pub presenter: BanPresenter,
    /// Whether another caller may get another representation.
    pub needs_vary_header: bool,
}

impl Authority {
    /// 403 if it may make and end no Global bans.
    pub fn demand_global(&self) -> Result<(), ApiError> {
        if self.may_decide_globally {
            Ok(())
        } else {
            Err(ApiError::Forbidden(
                "this key lacks the scope bans:write-global, which Global bans require",
            ))
        }
    }
}
