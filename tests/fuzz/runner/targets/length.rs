//! See `fuzz_targets::length`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_targets::length(bytes));
