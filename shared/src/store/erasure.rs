//! Erasing a user: the requests, the deletion, and markers of what was deleted.

pub(super) mod erase_user;
pub(super) mod markers;
pub(super) mod requests;
