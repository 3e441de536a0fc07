//! Fuzz target: text that may hold secrets.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| aifirst_fuzz::redact_text::check(data));
