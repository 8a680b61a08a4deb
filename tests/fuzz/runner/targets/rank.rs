//! See `fuzz_targets::rank`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_targets::rank(bytes));
