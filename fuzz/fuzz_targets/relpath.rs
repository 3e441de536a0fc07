//! Fuzz target: paths as they come in.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| aifirst_fuzz::relpath::check(data));
