//! Webhooks: what arrives at an endpoint, and what does not.

// Outside of test functions clippy does not know that this is a test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod activities;
mod channels;
mod deliveries;
mod endpoints;
mod latency;
mod replays;
mod retries;
mod ssrf;
mod test_endpoint;
