//! The installation key: the HMAC key of digests and marks, which never enters the log.
#![allow(
    clippy::disallowed_methods,
    reason = "the state folder is ours, no workspace is reached here"
)]
use std::fs;
use std::io;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::folder::{StateDir, cannot, private, write_atomic};
use crate::env::Env;
use crate::error::{Error, ErrorKind, Result};

/// Thirty-two random bytes, made once for an installation.
#[derive(Clone)]
pub(crate) struct Key([u8; 32]);

impl Key {
    /// Reads the key, making it where there is none yet.
    ///
    /// The caller holds the lock of the folder of workspaces, so that two first starts agree.
    pub(crate) fn open_or_make(state: &StateDir, env: &dyn Env) -> Result<Self> {
        if let Some(key) = Self::open(state)? {
            return Ok(key);
        }
        let mut bytes = [0u8; 32];
        env.random(&mut bytes)?;
        write_atomic(&state.path().join("key"), "key.new", &bytes)
            .map_err(|e| cannot("write the installation key", &e))?;
        Ok(Self(bytes))
    }

    /// Reads the key; `None` where there is none.
    pub(crate) fn open(state: &StateDir) -> Result<Option<Self>> {
        let path = state.path().join("key");
        let meta = match fs::symlink_metadata(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|e| cannot("look at the installation key", &e))?,
        };
        private(&meta, "the installation key")?;
        let bytes = fs::read(&path).map_err(|e| cannot("read the installation key", &e))?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| {
            Error::new(ErrorKind::State, "the installation key is damaged (it is not 32 bytes)")
                .with_code("key_damaged")
                .with_hint("put it back from a backup; without it, old marks and digests cannot be compared. To start anew, move the file `key` away")
        })?;
        Ok(Some(Self(bytes)))
    }

    /// Reads the key of an installation that has workspaces already.
    ///
    /// # Errors
    /// [`ErrorKind::State`] when it is missing: a new one would not know the old marks and digests.
    pub(crate) fn required(state: &StateDir) -> Result<Self> {
        Self::open(state)?.ok_or_else(|| {
            Error::new(ErrorKind::State, "the installation key is missing")
                .with_code("key_missing")
                .with_hint("put the file `key` of the state folder back from a backup")
        })
    }

    /// The bytes, for the redactor.
    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// HMAC-SHA-256 (RFC 2104) over `parts`, each with its length before it, under a purpose.
    pub(crate) fn digest(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        // A key of 32 bytes is taken by HMAC whatever it holds.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return [0; 32];
        };
        for part in std::iter::once(&purpose.as_bytes()).chain(parts) {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let key = Key([7; 32]);
        assert_ne!(
            key.digest("p", &[b"ab", b"c"]),
            key.digest("p", &[b"a", b"bc"])
        );
        assert_ne!(key.digest("p", &[b"ab"]), key.digest("pa", &[b"b"]));
        assert_eq!(key.digest("p", &[b"ab"]), key.digest("p", &[b"ab"]));
    }
}
