//! The runtime as its callers see it: real folders, real files, one database.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    unreachable_pub,
    missing_docs,
    reason = "tests use real files and fail by panicking"
)]

mod doing;
mod judging;
mod life;
mod manifest;
mod refusals;
mod undoing;
mod world;
