//! The ways to find a secret, each giving spans of a view.

pub(crate) mod formats;
pub(crate) mod keys;
pub(crate) mod value;
mod scan;
pub(crate) mod known;
pub(crate) mod lines;
pub(crate) mod context;
mod name;
mod header;
mod literal;
mod bare;
pub(crate) mod assign;
pub(crate) mod document;
