//! See `fuzz_targets::notification`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_targets::notification(bytes));
