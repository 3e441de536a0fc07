//! The crate as its user sees it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod contexts;
mod formats;
mod json;
mod lessons;
mod marks;
mod properties;
mod scope;

use aifirst_redact::Redactor;

/// A redactor under a fixed key.
fn redactor() -> Redactor {
    Redactor::new(&[7; 32])
}

/// The text as it would be recorded.
fn shown(text: &str) -> String {
    redactor().text(text).into_value()
}

/// Whether any eight bytes in a row of the secret are left.
fn leaks(text: &str, secret: &str) -> bool {
    let piece = secret.len().min(8);
    secret
        .as_bytes()
        .windows(piece)
        .any(|window| text.as_bytes().windows(piece).any(|other| other == window))
}
