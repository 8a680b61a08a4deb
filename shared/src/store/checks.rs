//! Ban checks: a consistent read of one user, and the cap on a key's checks.

pub(super) mod cap;
pub(super) mod consistent_read;
