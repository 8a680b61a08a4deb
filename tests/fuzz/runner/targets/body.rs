//! See `fuzz_targets::body`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_targets::body(bytes));
