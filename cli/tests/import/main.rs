//! `portcullis import` and `export`: the built program, the real functions, the real files.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by it"
)]

mod again;
mod formats;
mod judged;
mod program;
mod repeated;
mod round_trip;
