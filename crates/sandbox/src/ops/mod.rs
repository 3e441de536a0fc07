//! The operations of a `Workspace`, one family a file, built on `resolve` alone.

pub(crate) mod read;
pub(crate) mod walk;
