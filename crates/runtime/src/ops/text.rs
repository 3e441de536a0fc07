//! What counts as text: strict UTF-8 without NUL, checked as it streams by.
use std::fmt;

use crate::error::Error;

/// The mark some editors put before UTF-8 text.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

/// Why bytes are no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotText {
    /// A byte-order mark of UTF-16 stands at the beginning.
    Utf16,
    /// A NUL byte, at this offset.
    Nul(u64),
    /// A byte that no UTF-8 has there, at this offset.
    Invalid(u64, u8),
    /// The last character is cut off, at this offset.
    Cut(u64),
}

impl fmt::Display for NotText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Utf16 => f.write_str("it is UTF-16, not UTF-8"),
            Self::Nul(at) => write!(f, "it is binary: a NUL byte at offset {at}"),
            Self::Invalid(at, byte) => write!(
                f,
                "it is not UTF-8: the byte 0x{byte:02x} at offset {at} (Latin-1, perhaps, or binary)"
            ),
            Self::Cut(at) => write!(
                f,
                "it is not UTF-8: from offset {at} to its end there is no whole character (Latin-1, perhaps, or cut off)"
            ),
        }
    }
}

/// Checks bytes block by block; holds back at most three of them, the beginning of a character.
#[derive(Debug, Default)]
pub(super) struct Check {
    offset: u64,
    held: Vec<u8>,
}

impl Check {
    /// A check that begins at an offset of the file, for what errors say.
    pub(super) fn at(offset: u64) -> Self {
        Self {
            offset,
            held: Vec::new(),
        }
    }

    /// Takes the next block and gives the whole characters known so far.
    pub(super) fn take(&mut self, block: &[u8]) -> Result<String, NotText> {
        let mut bytes = std::mem::take(&mut self.held);
        bytes.extend_from_slice(block);
        if self.offset == 0 && (bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff")) {
            return Err(NotText::Utf16);
        }
        let good = match std::str::from_utf8(&bytes) {
            Ok(_) => bytes.len(),
            Err(e) if e.error_len().is_none() => e.valid_up_to(),
            Err(e) => {
                let at = e.valid_up_to();
                // What comes first is said: binary files tend to hold a NUL before anything odd.
                if let Some(nul) = find(bytes.get(..at).unwrap_or_default(), 0) {
                    return Err(NotText::Nul(self.offset + count(nul)));
                }
                let byte = bytes.get(at).copied().unwrap_or_default();
                return Err(NotText::Invalid(self.offset + count(at), byte));
            }
        };
        self.held = bytes.split_off(good);
        if let Some(nul) = find(&bytes, 0) {
            return Err(NotText::Nul(self.offset + count(nul)));
        }
        self.offset += count(good);
        String::from_utf8(bytes)
            .map_err(|e| NotText::Invalid(self.offset, *e.as_bytes().first().unwrap_or(&0)))
    }

    /// Says that the file ends here.
    pub(super) fn end(self) -> Result<(), NotText> {
        if self.held.is_empty() {
            Ok(())
        } else {
            Err(NotText::Cut(self.offset))
        }
    }
}

/// The text of a whole file.
pub(super) fn whole(bytes: &[u8]) -> Result<&str, NotText> {
    let mut check = Check::default();
    check.take(bytes)?;
    check.end()?;
    std::str::from_utf8(bytes).map_err(|e| NotText::Cut(count(e.valid_up_to())))
}

/// The error for a file that is no text.
pub(super) fn refusal(spelled: &str, why: NotText) -> Error {
    Error::failed(format!("{spelled:?} is no text this can handle: {why}"))
        .with_code("not_text")
        .with_path(spelled)
        .with_hint("get_file_info tells its size and, with hash=sha256, its digest")
}

/// The place of a byte; `contains` is the fast way to know that there is none.
fn find(bytes: &[u8], byte: u8) -> Option<usize> {
    match bytes.contains(&byte) {
        true => bytes.iter().position(|b| *b == byte),
        false => None,
    }
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn blocks_are_judged_as_the_whole(bytes in prop_oneof![
            any::<String>().prop_map(String::into_bytes),
            proptest::collection::vec(any::<u8>(), 0..64),
        ], cuts in proptest::collection::vec(1usize..9, 1..32)) {
            let mut check = Check::default();
            let mut given = String::new();
            let mut rest = bytes.as_slice();
            let mut turn = cuts.iter().cycle();
            let mut split = || -> Result<(), NotText> {
                while !rest.is_empty() {
                    let (now, later) = rest.split_at((*turn.next().unwrap()).min(rest.len()));
                    given.push_str(&check.take(now)?);
                    rest = later;
                }
                std::mem::take(&mut check).end()
            };
            let blocks = split();
            let text = String::from_utf8(bytes.clone()).ok().filter(|t| !t.contains('\0'));
            prop_assert_eq!(blocks.is_ok(), text.is_some());
            if let Some(text) = text {
                prop_assert_eq!(given, text);
            }
            prop_assert_eq!(whole(&bytes).is_ok(), blocks.is_ok());
        }
    }

    #[test]
    fn the_reason_names_the_place() {
        assert_eq!(whole(b"\xff\xfea\0"), Err(NotText::Utf16));
        assert_eq!(whole(b"ab\0\xff"), Err(NotText::Nul(2)));
        assert_eq!(whole(b"caf\xe9 au"), Err(NotText::Invalid(3, 0xe9)));
        assert_eq!(
            whole("é".as_bytes().get(..1).unwrap()),
            Err(NotText::Cut(0))
        );
        assert!(whole(b"\xef\xbb\xbfx").is_ok());
    }
}
