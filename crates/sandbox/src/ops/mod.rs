//! The operations of a `Workspace`, one family a file, built on `resolve` alone.

mod place;

pub(crate) mod read;
pub(crate) mod walk;

pub(crate) mod write;

mod append;
pub(crate) mod copy;
mod create;
pub(crate) mod lease;
mod link;
pub(crate) mod metadata;
pub(crate) mod remove;
pub(crate) mod rename;
