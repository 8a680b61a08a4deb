//! `portcullis import` and `export`: the built program, the real functions, the real files.

mod again;
mod formats;
mod judged;
mod program;
mod repeated;
mod round_trip;
