//! See `fuzz_targets::ban`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_targets::ban(bytes));
