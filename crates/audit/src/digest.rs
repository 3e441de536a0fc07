//! Leaf, chain and commitment: the three hashes of the format, and the head they lead to.

use crate::error::{Error, ErrorKind, Result};
use sha2::{Digest as _, Sha256};
use std::fmt;

const CHAIN_DOMAIN: &[u8] = b"aifirst-chain-v1\0";
const BODY_DOMAIN: &[u8] = b"aifirst-body-v1\0";

/// A SHA-256 value (FIPS 180-4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// 32 zero bytes: the chain before its first row.
    pub const ZERO: Self = Self([0; 32]);

    /// Takes the 32 bytes as they are.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// 64 lower-case hexadecimal digits to a digest; nothing for any other spelling.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let nibble = |b: u8| match b {
            b'0'..=b'9' => Some(b - b'0'),
            b'a'..=b'f' => Some(b - b'a' + 10),
            _ => None,
        };
        if text.len() != 64 {
            return None;
        }
        let mut out = [0; 32];
        for (slot, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let (high, low) = (pair.first()?, pair.last()?);
            *slot = nibble(*high)? << 4 | nibble(*low)?;
        }
        Some(Self(out))
    }

    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        <[u8; 32]>::try_from(bytes).ok().map(Self)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// The leaf of an event's stored bytes: SHA-256(0x00 ‖ bytes), as RFC 6962 section 2.1
/// has it, so that a Merkle tree can grow over the same leaves later.
#[must_use]
pub fn leaf(bytes: &[u8]) -> Digest {
    finish(Sha256::new().chain_update([0]).chain_update(bytes))
}

/// The chain's value after a row: SHA-256("aifirst-chain-v1\0" ‖ previous ‖ leaf).
#[must_use]
pub fn chain(previous: &Digest, leaf: &Digest) -> Digest {
    finish(
        Sha256::new()
            .chain_update(CHAIN_DOMAIN)
            .chain_update(previous.0)
            .chain_update(leaf.0),
    )
}

/// What an event says of its body: SHA-256("aifirst-body-v1\0" ‖ salt ‖ bytes). The
/// salt keeps a body that was erased from being guessed.
#[must_use]
pub fn body_commit(salt: &[u8; 32], bytes: &[u8]) -> Digest {
    finish(
        Sha256::new()
            .chain_update(BODY_DOMAIN)
            .chain_update(salt)
            .chain_update(bytes),
    )
}

pub(crate) fn plain(bytes: &[u8]) -> Digest {
    finish(Sha256::new().chain_update(bytes))
}

fn finish(hasher: Sha256) -> Digest {
    Digest(hasher.finalize().into())
}

/// How many events there are and the chain's value after the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Head {
    /// Number of events; the next one gets this number.
    pub size: u64,
    /// The chain's value after event `size - 1`.
    pub hash: Digest,
}

impl Head {
    /// The head of a log that has no event yet.
    pub const EMPTY: Self = Self {
        size: 0,
        hash: Digest::ZERO,
    };

    /// The head after one more event with this leaf.
    #[must_use]
    pub fn after(&self, leaf: &Digest) -> Self {
        Self {
            size: self.size.saturating_add(1),
            hash: chain(&self.hash, leaf),
        }
    }
}

/// Numbers are `i64` in SQLite and below 2^53 in JSON.
pub(crate) fn to_sql(seq: u64) -> Result<i64> {
    i64::try_from(seq)
        .ok()
        .filter(|n| *n <= crate::canonical::MAX_INTEGER)
        .ok_or_else(|| Error::new(ErrorKind::TooLarge, "the number is beyond 2^53 - 1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaf_is_the_leaf_of_rfc_6962() {
        // The empty leaf and the leaf "L123456", test vectors of certificate-transparency.
        assert_eq!(
            leaf(b"").to_string(),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
        );
        assert_eq!(
            leaf(b"L123456").to_string(),
            "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
        );
    }

    #[test]
    fn domains_keep_the_hashes_apart() {
        let zero = Digest::ZERO;
        assert_ne!(chain(&zero, &zero), body_commit(&[0; 32], &[0; 32]));
        assert_ne!(leaf(&[0; 32]), plain(&[0; 32]));
    }

    #[test]
    fn hex_has_one_spelling() {
        let d = leaf(b"x");
        assert_eq!(Digest::from_hex(&d.to_string()), Some(d));
        assert_eq!(Digest::from_hex(&d.to_string().to_uppercase()), None);
        assert_eq!(Digest::from_hex(""), None);
        assert_eq!(Digest::from_hex(&"é".repeat(32)), None);
    }
}
