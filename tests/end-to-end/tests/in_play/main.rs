//! The product in play: many callers at once, a bad day between functions and database, processes
//! that die, and real Luau on the other side.

// Outside of test functions clippy does not know that this is a test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod against_the_model;
mod caps;
mod clocks;
mod erasures;
mod faults;
mod in_flight;
mod kills;
mod luau;
mod races;
mod spreading;
mod tampering;
mod twins;

use end_to_end::{audit, stored};
