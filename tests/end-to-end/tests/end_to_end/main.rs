//! The product from outside: HTTP in, HTTP out, on the real functions.

// Outside of test functions clippy does not know that this is a test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod answers;
mod bad_bodies;
mod bad_input;
mod ban_history;
mod beside;
mod bulk;
mod caps;
mod check_caps;
mod confirmations;
mod costs;
mod cursors;
mod decisions;
mod documented;
mod event_costs;
mod events;
mod exports;
mod flags;
mod forgetting;
mod idempotency;
mod isolation;
mod keys;
mod last_used;
mod lifetimes;
mod lists;
mod log;
mod log_fields;
mod metrics;
mod pages;
mod parity;
mod permissions;
mod polls;
mod protected;
mod queries;
mod reach;
mod roblox_webhook;
mod routes;
mod signatures;
mod time_limits;
mod unbans;
