//! Finds secrets in text and JSON and replaces them by stable marks.
//!
//! ```
//! use aifirst_redact::Redactor;
//! use serde_json::json;
//!
//! let redactor = Redactor::new(&[7; 32]);
//! let shown = redactor.json(&json!({ "author": "ann", "password": "c0rrect-h0rse-battery" }));
//! assert_eq!(shown.value()["author"], "ann");
//! assert!(shown.value()["password"].as_str().unwrap().starts_with("[redacted:secret:"));
//! assert_eq!(shown.total(), 1);
//! // Redacting twice changes nothing, and text that holds a mark of ours is recognised.
//! assert_eq!(redactor.json(shown.value()).value(), shown.value());
//! ```
//!
//! Promises: the same secret leaves the same mark under one key; no piece of a found secret stays;
//! JSON stays JSON of the same shape; no input panics; what is too large or too deep to be looked at
//! becomes a mark with the reason. No I/O, no clock, no randomness.
//!
//! Does not promise to find every secret: what has neither a known format nor a telling name or
//! context beside it passes, and so does what was compressed, encrypted or otherwise transformed.

#![forbid(unsafe_code)]

mod secret;
mod span;
mod mark;
mod view;
mod detect;
mod json;
mod engine;
mod scope;

pub use engine::Redactor;
pub use scope::Scope;
pub use secret::{Counts, Redacted, Secret, Wipe};
