//! Small steps over bytes: quotes, spaces, and how far an unquoted value runs.

use std::ops::Range;

/// Quotes as they stand in plain, escaped and doubly escaped text, longest first.
pub(super) const QUOTES: [&[u8]; 8] = [
    b"\\\\\\\"",
    b"\\\"",
    b"\\'",
    b"\"",
    b"'",
    b"`",
    b"&quot;",
    b"%22",
];

/// An unquoted value is not longer.
pub(super) const VALUE_MAX: usize = 8 * 1024;

pub(super) fn slice<'a>(text: &'a [u8], range: &Range<usize>) -> &'a [u8] {
    text.get(range.clone()).unwrap_or_default()
}

pub(super) fn quote_at(text: &[u8], at: usize) -> Option<&'static [u8]> {
    let rest = text.get(at..)?;
    QUOTES.into_iter().find(|quote| rest.starts_with(quote))
}

pub(super) fn spaces(text: &[u8], at: usize) -> usize {
    text.get(at..).map_or(0, |rest| {
        rest.iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count()
    })
}

pub(super) fn any_space(text: &[u8], at: usize) -> usize {
    text.get(at..).map_or(0, |rest| {
        rest.iter()
            .take(200)
            .take_while(|byte| byte.is_ascii_whitespace())
            .count()
    })
}

pub(super) fn starts(text: &[u8], at: usize, piece: &[u8]) -> bool {
    text.get(at..).is_some_and(|rest| rest.starts_with(piece))
}

pub(super) fn trimmed(text: &[u8], range: Range<usize>) -> Range<usize> {
    let value = slice(text, &range);
    let left = value.len() - value.trim_ascii_start().len();
    let kept = value.trim_ascii().len();
    range.start + left..range.start + left + kept
}

/// The characters that an unquoted value may run over, cut where its surroundings go on.
pub(super) fn run(text: &[u8], from: usize) -> Range<usize> {
    let rest = text.get(from..).unwrap_or_default();
    let mut length = 0;
    while let Some(byte) = rest.get(length) {
        let tail = rest.get(length..).unwrap_or_default();
        let next = tail.get(1).copied();
        let ends = byte.is_ascii_whitespace()
            || matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>' | 0)
            || length >= VALUE_MAX
            || *byte == b'\\' && escape_follows(tail)
            || *byte == b'&' && pair_follows(tail)
            || tail.starts_with(b"%26")
            || matches!(byte, b';' | b',')
                && (next.is_none_or(|next| {
                    next.is_ascii_whitespace() || matches!(next, b'"' | b'\'' | b'\\')
                }) || pair_follows(tail));
        if ends {
            break;
        }
        length += 1;
    }
    let mut range = from..from + length;
    loop {
        let value = slice(text, &range);
        let opened = |open: u8| value.contains(&open);
        match value.last() {
            Some(b';' | b',') => range.end -= 1,
            Some(b')') if !opened(b'(') => range.end -= 1,
            Some(b'}') if !opened(b'{') => range.end -= 1,
            Some(b']') if !opened(b'[') => range.end -= 1,
            Some(b'.' | b':') if value.len() > 1 => range.end -= 1,
            _ => break,
        }
    }
    range
}

/// The end of a value whose window ended at `end`: nothing of a long secret may stay behind because
/// only its beginning was looked at.
pub(super) fn past_window(text: &[u8], end: usize) -> usize {
    let rest = text.get(end..).unwrap_or_default();
    end + rest
        .iter()
        .take_while(|byte| {
            !byte.is_ascii_whitespace()
                && !matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\')
        })
        .count()
}

/// Backslashes, then what ends a value when it is escaped; all of them stay.
pub(super) fn escape_follows(tail: &[u8]) -> bool {
    let slashes = tail.iter().take_while(|byte| **byte == b'\\').count();
    matches!(
        tail.get(slashes),
        Some(b'n' | b'r' | b't' | b'"' | b'\'') | None
    )
}

/// `&name=`, `;name=`, `,name=`.
pub(super) fn pair_follows(tail: &[u8]) -> bool {
    let name = tail
        .iter()
        .skip(1)
        .take(64)
        .take_while(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b' ' | b'[' | b']')
        })
        .count();
    name > 0 && matches!(tail.get(1 + name), Some(b'=' | b':'))
}
