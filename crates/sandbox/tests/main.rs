//! The guard as its user sees it, on real files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests: a panic is the verdict, and the trees are built without the guard"
)]

mod scene;

mod attacks;
mod custodian;
mod escapes;
mod kernel;
mod kinds;
mod mounts;
mod naming;
mod protected;
mod races;
mod races_calls;
mod sequences;
mod source;
mod spelling;
mod trees;
mod walks;
mod writing;
