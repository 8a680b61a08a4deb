//! Mirroring bans to Roblox: what is decided arrives there, in order and within the limits, whatever
//! goes wrong in between.

// Outside of test functions clippy does not know that this is a test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod crashes;
mod faults;
mod game_servers;
mod keys;
mod levels;
mod path;
mod stage;
