//! The calls that decide: what `ban-async`, `unban-async` and the operator's program do alike.
//!
//! A call is judged by the rules on what is stored, permitted, and written whole; see
//! [`crate::store::Store::settle`] for what happens when another writer is faster.

mod ban;
mod unban;
mod undo;

pub use ban::{Intent, ban};
pub use unban::{lift, unban};
pub use undo::Undo;

use crate::ban_info::View;
use crate::error::ApiError;
use crate::store::Bounds;

/// What a caller may decide, and how bans are shown to it.
#[derive(Clone, Copy, Debug)]
pub struct Authority {
    /// Whether it may make and end Global bans.
    pub may_decide_globally: bool,
    /// By what it is bound besides the rules.
    pub bounds: Bounds,
    /// How the ban in the way is shown.
    pub view: View,
    /// Whether another caller would see it written otherwise.
    pub view_varies: bool,
}

impl Authority {
    fn demand_global(&self) -> Result<(), ApiError> {
        if self.may_decide_globally {
            Ok(())
        } else {
            Err(ApiError::Forbidden(
                "this key lacks the scope bans:write-global, which Global bans require",
            ))
        }
    }
}
