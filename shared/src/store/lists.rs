//! Lists: bans, history and what is pending, in pages.

pub(super) mod ban_list;
pub(super) mod history;
pub(super) mod last_polls;
pub(super) mod of_user;
pub(super) mod pending;
