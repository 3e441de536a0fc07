//! What belongs to an event but may be erased later without breaking a proof.

use crate::digest::{Digest, body_commit};
use crate::error::{Error, ErrorKind, Result};

/// A body's bytes are at most this long.
pub const MAX_BODY_BYTES: usize = 16 << 20;

/// A JSON value of which someone vouched that no secret is left in it.
///
/// The only way to make one is the constructor below, so that a search for its name
/// finds everyone who vouches.
#[derive(Debug, Clone, PartialEq)]
pub struct Vetted(serde_json::Value);

impl Vetted {
    /// Vouches that `value` is redacted. Called in the runtime's `record.rs` alone.
    #[must_use]
    pub fn dangerous_assume_redacted(value: serde_json::Value) -> Self {
        Self(value)
    }
}

/// A vetted value with the salt that hides it in the event's commitment.
#[derive(Debug, Clone, PartialEq)]
pub struct Body {
    vetted: Vetted,
    salt: [u8; 32],
}

impl Body {
    /// A body. `salt` is 32 fresh random bytes; used twice, equal bodies would show as equal.
    #[must_use]
    pub fn new(vetted: Vetted, salt: [u8; 32]) -> Self {
        Self { vetted, salt }
    }

    pub(crate) fn salt(&self) -> &[u8; 32] {
        &self.salt
    }

    /// The bytes to be stored and the commitment to them.
    pub(crate) fn seal(&self) -> Result<(Vec<u8>, Digest)> {
        let bytes = serde_json::to_vec(&self.vetted.0).map_err(|e| {
            Error::from_source(
                ErrorKind::NotCanonical,
                "a body cannot be written as JSON",
                e,
            )
        })?;
        if bytes.len() > MAX_BODY_BYTES {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("a body of {} bytes is over {MAX_BODY_BYTES}", bytes.len()),
            ));
        }
        let commit = body_commit(&self.salt, &bytes);
        Ok((bytes, commit))
    }
}
