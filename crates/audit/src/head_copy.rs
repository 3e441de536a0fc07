//! A second copy of the head, kept outside the database, so that a removed tail shows.

use crate::digest::{Digest, Head, plain};
use crate::error::{Error, ErrorKind, Result};

const MAGIC: &[u8; 8] = b"afhead1\n";
const BOOT_MAX: usize = 63;

/// What is known of the log outside its database.
///
/// `synced` was on disk when the copy was written and binds always. `latest` was
/// committed, but perhaps not yet on disk: it binds within the same boot, for a process
/// that dies loses nothing, and a power loss begins another boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadCopy {
    /// The last head that a synced commit left.
    pub synced: Head,
    /// The last head that any commit left.
    pub latest: Head,
    /// Id of the boot in which `latest` was written, at most 63 bytes.
    pub boot: String,
}

impl HeadCopy {
    /// Every copy is this long, so that one overwrite in place replaces it whole.
    pub const LEN: usize = 184;

    /// The copy to be written after a commit that left `head`.
    ///
    /// `durability` is that of this commit: a synced commit of SQLite's WAL takes
    /// all earlier ones with it.
    #[must_use]
    pub fn after(
        previous: Option<&Self>,
        head: Head,
        durability: Durability,
        boot: impl Into<String>,
    ) -> Self {
        let synced = match (durability, previous) {
            (Durability::Full, _) => head,
            (Durability::Normal, Some(copy)) => copy.synced,
            (Durability::Normal, None) => Head::EMPTY,
        };
        Self {
            synced,
            latest: head,
            boot: boot.into(),
        }
    }

    /// The record: magic, synced size and hash, latest size and hash, length of the boot
    /// id and the id padded to 63 bytes, SHA-256 of all before it.
    ///
    /// # Errors
    /// `HeadCopy` where the boot id is longer than 63 bytes.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let boot = self.boot.as_bytes();
        let len = u8::try_from(boot.len())
            .ok()
            .filter(|n| usize::from(*n) <= BOOT_MAX)
            .ok_or_else(|| Error::new(ErrorKind::HeadCopy, "the boot id is too long"))?;
        let mut out = Vec::with_capacity(Self::LEN);
        out.extend_from_slice(MAGIC);
        for head in [&self.synced, &self.latest] {
            out.extend_from_slice(&head.size.to_be_bytes());
            out.extend_from_slice(head.hash.as_bytes());
        }
        out.push(len);
        out.extend_from_slice(boot);
        out.resize(Self::LEN - 32, 0);
        let sum = plain(&out);
        out.extend_from_slice(sum.as_bytes());
        Ok(out)
    }

    /// Reads a record: nothing where the file is empty or zeros alone, as one is that
    /// was made but not yet written when power went.
    ///
    /// # Errors
    /// `HeadCopy` where it is neither that nor a whole record.
    pub fn decode(bytes: &[u8]) -> Result<Option<Self>> {
        if bytes.iter().all(|b| *b == 0) {
            return Ok(None);
        }
        Self::parse(bytes)
            .map(Some)
            .ok_or_else(|| Error::new(ErrorKind::HeadCopy, "the copy of the head is garbled"))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (record, sum) = bytes.split_last_chunk::<32>()?;
        if bytes.len() != Self::LEN || plain(record).as_bytes() != sum {
            return None;
        }
        let rest = record.strip_prefix(MAGIC.as_slice())?;
        let (synced, rest) = head(rest)?;
        let (latest, rest) = head(rest)?;
        let (len, rest) = rest.split_first()?;
        let (boot, padding) = rest.split_at_checked(usize::from(*len))?;
        let boot = std::str::from_utf8(boot).ok()?.to_owned();
        padding.iter().all(|b| *b == 0).then_some(Self {
            synced,
            latest,
            boot,
        })
    }

    /// The heads that bind during `current_boot`, the weaker claim first.
    pub(crate) fn binding(&self, current_boot: &str) -> impl Iterator<Item = Head> {
        let latest = (self.boot == current_boot).then_some(self.latest);
        std::iter::once(self.synced).chain(latest)
    }
}

/// Whether an append waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Durability {
    /// The commit is synced: it outlives a power loss.
    Full,
    /// The commit outlives the process, not a power loss.
    Normal,
}

fn head(bytes: &[u8]) -> Option<(Head, &[u8])> {
    let (size, rest) = bytes.split_first_chunk::<8>()?;
    let (hash, rest) = rest.split_first_chunk::<32>()?;
    let head = Head {
        size: u64::from_be_bytes(*size),
        hash: Digest::from_bytes(*hash),
    };
    Some((head, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample(size: u64, more: u64, boot: &str) -> HeadCopy {
        let head = |size: u64| Head {
            size,
            hash: plain(&size.to_be_bytes()),
        };
        HeadCopy {
            synced: head(size),
            latest: head(size.saturating_add(more)),
            boot: boot.to_owned(),
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(size: u64, more: u64, boot in "[ -~é]{0,31}") {
            let copy = sample(size, more, &boot);
            let bytes = copy.encode().unwrap();
            prop_assert_eq!(bytes.len(), HeadCopy::LEN);
            prop_assert_eq!(HeadCopy::decode(&bytes).unwrap(), Some(copy));
        }

        #[test]
        fn any_flipped_bit_and_any_cut_is_garbled(at in 0usize..HeadCopy::LEN, bit in 0u8..8, cut in 1usize..HeadCopy::LEN) {
            let whole = sample(7, 3, "boot").encode().unwrap();
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << bit;
            prop_assert!(HeadCopy::decode(&flipped).is_err());
            prop_assert!(HeadCopy::decode(&whole[..cut]).is_err());
        }
    }

    #[test]
    fn empty_and_zeros_are_no_copy() {
        assert_eq!(HeadCopy::decode(b"").unwrap(), None);
        assert_eq!(HeadCopy::decode(&[0; HeadCopy::LEN]).unwrap(), None);
        assert!(sample(1, 1, &"b".repeat(64)).encode().is_err());
    }

    #[test]
    fn only_a_synced_commit_moves_the_synced_head() {
        let (a, b) = (sample(1, 0, "x").latest, sample(2, 0, "x").latest);
        let first = HeadCopy::after(None, a, Durability::Full, "x");
        let second = HeadCopy::after(Some(&first), b, Durability::Normal, "x");
        assert_eq!((second.synced, second.latest), (a, b));
        assert_eq!(second.binding("x").collect::<Vec<_>>(), [a, b]);
        assert_eq!(second.binding("y").collect::<Vec<_>>(), [a]);
    }
}
