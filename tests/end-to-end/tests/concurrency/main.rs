//! Concurrency, faults, killed processes, and real Luau game servers.

// Outside of test functions clippy does not know that this is a test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod audit_detection;
mod bulk_calls;
mod caps;
mod clock_skew;
mod erasure_notifications;
mod erasure_races;
mod faults;
mod joins_in_use;
mod kills;
mod luau;
mod model_based;
mod place_races;
mod places;
mod propagation;
mod races;
mod transaction_tokens;

use end_to_end::{audit, stored};
