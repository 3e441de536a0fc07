//! The log as its user sees it: appended, read, verified, and tampered with.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test that meets an error should stop there; tests use real files and processes"
)]

mod support;

mod append;
mod battery;
mod format;
mod processes;
mod queries;
mod read_only;
mod tamper;
