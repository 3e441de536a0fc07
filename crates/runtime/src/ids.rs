//! Operation ids: ten random bytes, shown as sixteen lower-case Crockford base32 characters.
use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};

/// Crockford's alphabet, lower case; `i l o u` are left out and have no aliases here.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// How many characters of an id a person has to type at least.
pub(crate) const SHORTEST_PREFIX: usize = 4;

/// The id of one operation, the same in log and journal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpId([u8; 10]);

impl OpId {
    /// The id of ten given bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 10]) -> Self {
        Self(bytes)
    }

    /// The ten bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 10] {
        self.0
    }
}

impl fmt::Display for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(16);
        for half in self.0.chunks(5) {
            let bits = half.iter().fold(0u64, |acc, b| (acc << 8) | u64::from(*b));
            for i in (0..8).rev() {
                let index = usize::try_from((bits >> (i * 5)) & 31).unwrap_or_default();
                text.push(char::from(ALPHABET.get(index).copied().unwrap_or(b'0')));
            }
        }
        f.pad(&text)
    }
}

impl fmt::Debug for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpId({self})")
    }
}

impl FromStr for OpId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let bad = || Error::new(ErrorKind::NoSuch, format!("{text:?} is not an id"));
        if text.len() != 16 {
            return Err(bad());
        }
        let mut bytes = [0u8; 10];
        for (half, out) in text.as_bytes().chunks(8).zip(bytes.chunks_mut(5)) {
            let mut bits = 0u64;
            for c in half {
                let digit = ALPHABET.iter().position(|a| a == c).ok_or_else(bad)?;
                bits = (bits << 5) | u64::try_from(digit).unwrap_or_default();
            }
            for (o, b) in out.iter_mut().zip(bits.to_be_bytes().iter().skip(3)) {
                *o = *b;
            }
        }
        Ok(Self(bytes))
    }
}

impl serde::Serialize for OpId {
    fn serialize<S: serde::Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for OpId {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What a person typed to name an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// `last`: the newest operation of the workspace.
    Last,
    /// `@NUMBER`: the entry of that number in the log.
    Number(u64),
    /// An id, or a unique prefix of at least four characters.
    Prefix(String),
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "last" {
            return Ok(Self::Last);
        }
        if let Some(number) = text.strip_prefix('@') {
            return number.parse().map(Self::Number).map_err(|_| {
                Error::new(
                    ErrorKind::NoSuch,
                    format!("{text:?} is not an entry number"),
                )
                .with_hint("write it as @42; `aifirst log` shows the numbers")
            });
        }
        let fits = text.len() <= 16 && text.bytes().all(|b| ALPHABET.contains(&b));
        if !fits {
            return Err(
                Error::new(ErrorKind::NoSuch, format!("{text:?} is not an id")).with_hint(
                    "use `last`, @NUMBER, or the first characters of an id from `aifirst log`",
                ),
            );
        }
        if text.len() < SHORTEST_PREFIX {
            return Err(Error::new(
                ErrorKind::NoSuch,
                format!("{text:?} is too short for an id"),
            )
            .with_hint("type at least four of its characters"));
        }
        Ok(Self::Prefix(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ids_read_back_as_written(bytes: [u8; 10]) {
            let id = OpId::from_bytes(bytes);
            let text = id.to_string();
            prop_assert_eq!(text.len(), 16);
            prop_assert_eq!(text.parse::<OpId>().unwrap(), id);
        }

        #[test]
        fn the_order_of_texts_is_the_order_of_bytes(a: [u8; 10], b: [u8; 10]) {
            let (a, b) = (OpId::from_bytes(a), OpId::from_bytes(b));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }
    }

    #[test]
    fn no_aliases_are_read() {
        for text in [
            "0000000000000OoI",
            "ILO0000000000000",
            "0000000000000000u",
            "",
        ] {
            assert!(text.parse::<OpId>().is_err(), "{text}");
        }
        assert!("0000000000000000".parse::<OpId>().is_ok());
    }

    #[test]
    fn references() {
        assert_eq!("last".parse::<Reference>().unwrap(), Reference::Last);
        assert_eq!("@7".parse::<Reference>().unwrap(), Reference::Number(7));
        assert_eq!(
            "abcd".parse::<Reference>().unwrap(),
            Reference::Prefix("abcd".into())
        );
        for text in ["abc", "#7", "@x", "lasT", ""] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
    }
}
