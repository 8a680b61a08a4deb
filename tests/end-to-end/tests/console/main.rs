//! The console's pages, as a browser without scripts gets them through the gateway.

// Outside of test functions clippy does not know that this is a test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod deciding;
mod discord;
mod lists;
mod permissions;
mod sign_in;
