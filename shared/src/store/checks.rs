//! Ban checks: consistent reads of one user and of many, and the cap on a key's checks.

pub(super) mod cap;
pub(super) mod consistent_read;
pub(super) mod many_users;
