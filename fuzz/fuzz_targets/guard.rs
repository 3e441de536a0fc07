//! Fuzz target: calls of the guard on trees full of links.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| aifirst_fuzz::guard::check(data));
