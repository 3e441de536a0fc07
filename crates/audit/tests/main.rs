//! The log as its user sees it: appended, read, verified, and tampered with.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test that meets an error should stop there"
)]

mod support;

mod append;
mod battery;
mod format;
mod processes;
mod queries;
mod read_only;
mod tamper;
