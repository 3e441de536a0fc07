//! The ways to find a secret, each giving spans of a view.

pub(crate) mod formats;
pub(crate) mod keys;
pub(crate) mod value;
pub(crate) mod known;
pub(crate) mod context;
pub(crate) mod assign;
pub(crate) mod document;
