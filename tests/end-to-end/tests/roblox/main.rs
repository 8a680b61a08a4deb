//! The module for game servers, unchanged, on a fake of Roblox's engine, with the real API behind it.

// Outside of test functions clippy does not know that this is a test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod bad_answers;
mod check;
mod decisions;
mod game;
mod joins;
mod linking;
mod many_servers;
mod messages;
mod native_bans;
mod outages;
mod published_sdk;
mod snapshot_parts;
mod studio;

use std::sync::Arc;
use std::time::Duration;

use end_to_end::TestApp;

const ARENA: u64 = 75_521_396_999_004;

const CHEATER: u64 = 1_001;
const GUEST: u64 = 1_002;
const RUDE: u64 = 1_003;

async fn app() -> Arc<TestApp> {
    Arc::new(TestApp::builder().moving_clock().start().await)
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}
