//! Tests of `portcullis import` and `export`.

mod again;
mod formats;
mod judged;
mod named;
mod program;
mod repeated;
mod round_trip;
