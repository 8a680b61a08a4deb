//! The built command, from outside: what it does, prints and refuses.

// Outside of test functions clippy does not know that this is a test.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

mod decisions;
mod doctor;
mod enforcement;
mod erasure;
mod experiences;
mod forget;
mod harness;
mod import;
mod keys;
mod principal;
mod program;
mod recipes;
mod restoring;
mod restoring_large;
mod stack;
mod undo;
mod webhooks;
mod workspaces;
