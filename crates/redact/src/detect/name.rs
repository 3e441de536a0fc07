//! Where the name of a secret stands in free text.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

use super::keys::Named;
use super::known::compile;
use crate::view::ends_in_escape;

pub(super) static STEMS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compile(
        "(?i)pass|pwd|secret|token|key|cred|auth|cookie|bearer|session|sess_?id|jwt|otp|mnemonic\
         |psw|kennwort|senha|contrasena|[_-]pw\\b|\\bpin\\b|\\bsid\\b|signature|\\bsig\\b|dsn|webhook|salt|license|seed|hmac",
    )
});

/// Names are not longer.
pub(super) const NAME_MAX: usize = 80;

/// Where a name stands and how it is judged.
pub(super) struct Name {
    pub(super) range: Range<usize>,
    pub(super) named: Named,
    /// A quote stood straight after it.
    pub(super) quoted: bool,
}

pub(super) fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

pub(super) fn name_around(text: &[u8], hit: Range<usize>) -> Range<usize> {
    let head = text.get(..hit.start).unwrap_or_default();
    let tail = text.get(hit.end..).unwrap_or_default();
    let left = head
        .iter()
        .rev()
        .take(NAME_MAX)
        .take_while(|byte| in_name(**byte))
        .count();
    let right = tail
        .iter()
        .take(NAME_MAX)
        .take_while(|byte| in_name(**byte))
        .count();
    let mut start = hit.start - left;
    let mut end = hit.end + right;
    // The last character of an escape before the name is no part of it.
    for skip in 1..=6 {
        if start + skip <= hit.start
            && text
                .get(..start + skip)
                .is_some_and(|head| ends_in_escape(head) && head.len() > skip)
            && text
                .get(start.saturating_sub(1))
                .is_some_and(|byte| matches!(byte, b'\\' | b'%'))
        {
            start += skip;
            break;
        }
    }
    while end > hit.end && matches!(text.get(end - 1), Some(b'.' | b'-')) {
        end -= 1;
    }
    start..end
}

/// `api key` and `client secret` as two words.
pub(super) fn with_word_before(text: &[u8], range: &Range<usize>) -> Option<Range<usize>> {
    let space = range.start.checked_sub(1)?;
    if !matches!(text.get(space), Some(b' ')) {
        return None;
    }
    let word = text
        .get(..space)?
        .iter()
        .rev()
        .take(20)
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count();
    (word > 0).then_some(space - word..range.end)
}

/// How name and value are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Join {
    /// `name=value`.
    Tight,
    /// `name = value`, `name := value`.
    Spaced,
    /// `name: value`.
    Colon,
    /// `--name value`.
    Flag,
    /// `name value`, `name is value`, `("name", value)`: only what cannot be anything else.
    Loose,
}
