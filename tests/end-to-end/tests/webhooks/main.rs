//! Webhooks from outside: what arrives at an endpoint, and what does not.

// Outside of test functions clippy does not know that this is a test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod arriving;
mod endpoints;
mod hostile;
mod replaying;
mod retrying;
mod stage;
mod whole;
