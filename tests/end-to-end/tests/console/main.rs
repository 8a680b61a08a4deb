//! The console's pages, as a browser without scripts gets them through the gateway.

// Outside of test functions clippy does not know that this is a test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod activity;
mod deciding;
mod discord;
mod evidence;
mod experiences;
mod lists;
mod many;
mod permissions;
mod ranks;
mod settings;
mod sign_in;
mod undo_period;
mod webhooks;
