//! Marks: what stands where a secret stood, made and recognised with the installation's key.
//!
//! Grammar: `[redacted:RULE:TAG-CHECK]` or, for values that could be guessed, `[redacted:RULE:CHECK]`.
//! RULE is 1 to 40 of `a-z 0-9 -` and begins with a letter, TAG is 10 and CHECK 6 characters of
//! lower-case Crockford base32. TAG is the head of HMAC-SHA-256 over the canonical value, CHECK that
//! of HMAC-SHA-256 over every byte of the mark before it, under keys derived from the installation's
//! (HMAC: RFC 2104). RULE holds no colon and TAG no hyphen, so a mark reads one way only.

use std::borrow::Cow;
use std::ops::Range;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const OPEN: &[u8] = b"[redacted:";
const TAG: usize = 10;
const CHECK: usize = 6;
const RULE_MAX: usize = 40;
/// Below this a value is guessable by anyone who can have it redacted again, so it gets no tag.
const TAG_MIN_BITS: f64 = 40.0;

/// Makes marks and knows its own.
#[derive(Clone)]
pub(crate) struct Marker {
    tag: Hmac<Sha256>,
    check: Hmac<Sha256>,
}

impl Marker {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self {
            tag: keyed(&derive(key, b"aifirst redact tag v1")),
            check: keyed(&derive(key, b"aifirst redact check v1")),
        }
    }

    /// The mark for a value found by `rule`.
    pub(crate) fn mark(&self, rule: &str, value: &[u8]) -> String {
        let value = canonical(value);
        let mut mark = format!("[redacted:{rule}:");
        if bits(&value) >= TAG_MIN_BITS {
            let mut mac = self.tag.clone();
            mac.update(&value);
            push_base32(&mut mark, &mac.finalize().into_bytes(), TAG);
            mark.push('-');
        }
        self.seal(mark)
    }

    /// A mark that stands for text which was not looked at, with the reason in place of a rule.
    pub(crate) fn placeholder(&self, reason: &str) -> String {
        self.seal(format!("[redacted:{reason}:"))
    }

    fn seal(&self, mut mark: String) -> String {
        let mut mac = self.check.clone();
        mac.update(mark.as_bytes());
        push_base32(&mut mark, &mac.finalize().into_bytes(), CHECK);
        mark.push(']');
        mark
    }

    /// The end of the mark of ours that begins at `start`; a forged one is text like any other.
    pub(crate) fn at(&self, text: &[u8], start: usize) -> Option<usize> {
        let rest = text.get(start..)?.strip_prefix(OPEN)?;
        let rule = rest
            .iter()
            .take(RULE_MAX + 1)
            .position(|byte| *byte == b':')?;
        let name = rest.get(..rule)?;
        let lower = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
        if !name.first()?.is_ascii_lowercase() || !name.iter().all(lower) {
            return None;
        }
        let tail = rest.get(rule + 1..)?;
        let close = tail
            .iter()
            .take(TAG + CHECK + 2)
            .position(|byte| *byte == b']')?;
        let hyphen = match close {
            CHECK => None,
            n if n == TAG + 1 + CHECK => Some(TAG),
            _ => return None,
        };
        let well_formed = tail.iter().take(close).enumerate().all(|(at, byte)| {
            if Some(at) == hyphen {
                *byte == b'-'
            } else {
                ALPHABET.contains(byte)
            }
        });
        if !well_formed {
            return None;
        }
        let end = start + OPEN.len() + rule + 1 + close + 1;
        let before = text.get(start..end - 1 - CHECK)?;
        let check = text.get(end - 1 - CHECK..end - 1)?;
        let mut mac = self.check.clone();
        mac.update(before);
        let mut expected = String::with_capacity(CHECK);
        push_base32(&mut expected, &mac.finalize().into_bytes(), CHECK);
        (expected.as_bytes() == check).then_some(end)
    }

    /// All marks of ours in order.
    pub(crate) fn all(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(range) = self.first(text, from) {
            from = range.end;
            found.push(range);
        }
        found
    }

    /// The first mark of ours at or after `from`.
    pub(crate) fn first(&self, text: &[u8], from: usize) -> Option<Range<usize>> {
        let mut at = from;
        while let Some(rest) = text.get(at..) {
            let start = at + find(rest, OPEN)?;
            if let Some(end) = self.at(text, start) {
                return Some(start..end);
            }
            at = start + 1;
        }
        None
    }
}

/// Where `needle` first stands in `haystack`: a scan for its first byte, then a compare.
pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut at = 0;
    while let Some(rest) = haystack.get(at..) {
        let hit = at + rest.iter().position(|byte| *byte == first)?;
        if haystack
            .get(hit..)
            .is_some_and(|text| text.starts_with(needle))
        {
            return Some(hit);
        }
        at = hit + 1;
    }
    None
}

/// A lower bound in bits of what it takes to guess the value: the smaller of length times the
/// Shannon entropy of its bytes and length times the size of the alphabet that it draws from.
pub(crate) fn bits(value: &[u8]) -> f64 {
    let length = f64::from(u32::try_from(value.len()).unwrap_or(u32::MAX));
    let mut alphabet: u32 = 0;
    let has = |test: fn(&u8) -> bool| value.iter().any(test);
    if has(u8::is_ascii_digit) {
        alphabet += 10;
    }
    if has(u8::is_ascii_lowercase) {
        alphabet += 26;
    }
    if has(u8::is_ascii_uppercase) {
        alphabet += 26;
    }
    if has(|byte| !byte.is_ascii_alphanumeric()) {
        alphabet += 32;
    }
    let by_alphabet = length * f64::from(alphabet.max(1)).log2();
    by_alphabet.min(length * shannon(value))
}

/// Shannon entropy of the value's bytes, in bits for each byte.
pub(crate) fn shannon(value: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for byte in value {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let length = f64::from(u32::try_from(value.len().max(1)).unwrap_or(u32::MAX));
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / length;
            -share * share.log2()
        })
        .sum()
}

/// One spelling for a value found plain, trimmed or escaped, so that it leaves one mark.
fn canonical(value: &[u8]) -> Cow<'_, [u8]> {
    let value = value.trim_ascii();
    if !value.contains(&b'\\') {
        return Cow::Borrowed(value);
    }
    let mut plain = Vec::with_capacity(value.len());
    let mut bytes = value.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            plain.push(byte);
            continue;
        }
        match bytes.peek() {
            Some(b'n') => plain.push(b'\n'),
            Some(b'r') => plain.push(b'\r'),
            Some(b't') => plain.push(b'\t'),
            Some(other @ (b'"' | b'\\' | b'/' | b'\'')) => plain.push(*other),
            _ => {
                plain.push(byte);
                continue;
            }
        }
        bytes.next();
    }
    Cow::Owned(plain)
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

fn push_base32(text: &mut String, bytes: &[u8], characters: usize) {
    for index in 0..characters {
        let bit = index * 5;
        let byte = |at: usize| u16::from(bytes.get(at).copied().unwrap_or(0));
        let pair = (byte(bit / 8) << 8) | byte(bit / 8 + 1);
        let five = usize::from((pair >> (11 - bit % 8)) & 31);
        text.push(char::from(ALPHABET.get(five).copied().unwrap_or(b'0')));
    }
}

fn derive(key: &[u8; 32], purpose: &[u8]) -> [u8; 32] {
    let mut mac = keyed(key);
    mac.update(purpose);
    mac.finalize().into_bytes().into()
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    // HMAC pads a shorter key with zeros to the hash's block of 64 bytes (RFC 2104, section 2).
    let mut block = [0u8; 64];
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    Hmac::<Sha256>::new(&block.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_shorter_than_a_block_are_hmac_keys() {
        // RFC 4231 has no 32-byte key; equality with the slice constructor pins the padding.
        let mut ours = keyed(&[7; 32]);
        let mut theirs = Hmac::<Sha256>::new_from_slice(&[7; 32]).unwrap();
        ours.update(b"x");
        theirs.update(b"x");
        assert_eq!(ours.finalize().into_bytes(), theirs.finalize().into_bytes());
    }

    #[test]
    fn a_changed_mark_is_not_ours() {
        let marker = Marker::new(&[1; 32]);
        let mark = marker.mark("secret", b"c0rrect-h0rse-battery");
        assert_eq!(marker.at(mark.as_bytes(), 0), Some(mark.len()));
        for at in 0..mark.len() {
            let mut forged = mark.clone().into_bytes();
            forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(marker.at(&forged, 0), None, "byte {at}");
        }
        assert_eq!(Marker::new(&[2; 32]).at(mark.as_bytes(), 0), None);
    }

    #[test]
    fn guessable_values_get_no_tag() {
        let marker = Marker::new(&[1; 32]);
        assert_eq!(
            marker.mark("secret", b"hunter2"),
            marker.mark("secret", b"dragon1")
        );
        assert_ne!(
            marker.mark("secret", b"7hQz0pLr4XcVn2"),
            marker.mark("secret", b"7hQz0pLr4XcVn3")
        );
    }

    #[test]
    fn escaped_and_plain_spelling_leave_one_mark() {
        let marker = Marker::new(&[1; 32]);
        assert_eq!(
            marker.mark("secret", b"ab\\\"cd\\\\efghijk90123"),
            marker.mark("secret", b" ab\"cd\\efghijk90123 ")
        );
    }
}
