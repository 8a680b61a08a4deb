//! `PATCH /group-role`: changes of ranks in Roblox groups.

// Outside of test functions clippy does not know that this is a test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod allowed_group;
mod answers;
mod changes;
mod failures;
mod recorded;
