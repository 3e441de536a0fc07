//! The command as people and programs run it: real processes on real files.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests start the binary, lay out its files, name what they skip, stop at the first thing wrong"
)]

mod desk;
mod faults;
mod terminal;

mod commit_failures;
mod crashes;
mod demo;
mod environment;
mod examples;
mod exits;
mod golden;
mod hostile;
mod json;
mod neighbours;
mod output;
mod planted;
mod power;
mod processes;
mod prompts;
mod random_kills;
mod secrets;
mod signals;
mod stopped;
mod syncs;
mod tampering;
mod undo;
