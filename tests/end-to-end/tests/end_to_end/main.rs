//! The product over HTTP, on the real functions.

// Outside of test functions clippy does not know that this is a test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod activities;
mod background_calls;
mod bad_bodies;
mod bad_input;
mod ban_caps;
mod ban_history;
mod ban_list;
mod ban_reports;
mod bans;
mod batch_checks;
mod bulk;
mod bulk_calls;
mod change_reports;
mod check_caps;
mod costs;
mod cursors;
mod documented_payloads;
mod erasure;
mod event_costs;
mod events;
mod evidence;
mod exports;
mod flags;
mod idempotency;
mod isolation;
mod keys;
mod last_used;
mod lifetimes;
mod linking;
mod log_fields;
mod metrics;
mod metrics_levels;
mod page_sizes;
mod parity;
mod permissions;
mod polls;
mod protected;
mod queries;
// Elsewhere, programs for tests are no programs for Lambda.
#[cfg(target_os = "linux")]
mod releases;
mod request_log;
mod responses;
mod roblox_signatures;
mod roblox_webhook;
mod routes;
mod snapshot;
mod stored_kinds;
mod sync;
mod time_limits;
mod unbans;
mod user_names;
mod versions;
