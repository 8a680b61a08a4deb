//! See `hostile::cursor`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile::cursor(bytes));
