//! Mirroring bans to Roblox: decisions arrive in order, within the rate limits, and despite faults.

// Outside of test functions clippy does not know that this is a test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod crashes;
mod faults;
mod flow;
mod game_servers;
mod keys;
mod levels;
mod mirrored_workspace;
