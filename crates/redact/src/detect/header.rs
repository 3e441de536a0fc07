//! The credentials that headers carry: schemes, Authorization, cookies.

use std::ops::Range;

use super::scan::{VALUE_MAX, quote_at, run, slice, spaces, trimmed};
use super::value::{is_code, is_placeholder, is_random, is_template, is_word};
use crate::mark::find as find_bytes;
use crate::span::{BY_NAME, Span};

/// The authentication schemes that stand before a token (IANA HTTP Authentication Scheme Registry,
/// and what services made up).
pub(super) const SCHEMES: [&str; 14] = [
    "bearer",
    "basic",
    "token",
    "bot",
    "apikey",
    "api-key",
    "jwt",
    "negotiate",
    "ntlm",
    "key",
    "sso-key",
    "geniekey",
    "splunk",
    "apitoken",
];

pub(super) fn past_scheme(text: &[u8], range: Range<usize>) -> Range<usize> {
    let value = slice(text, &range);
    let Some(space) = value.iter().take(12).position(|byte| *byte == b' ') else {
        return range;
    };
    let scheme = value.get(..space).unwrap_or_default().to_ascii_lowercase();
    if SCHEMES.iter().any(|known| known.as_bytes() == scheme) {
        let start = range.start + space;
        start + spaces(text, start)..range.end
    } else {
        range
    }
}

pub(super) fn past_scheme_unquoted(text: &[u8], range: Range<usize>) -> Range<usize> {
    let scheme = slice(text, &range).to_ascii_lowercase();
    if SCHEMES.iter().any(|known| known.as_bytes() == scheme) && spaces(text, range.end) > 0 {
        run(text, range.end + spaces(text, range.end))
    } else {
        range
    }
}

/// The credentials of an Authorization header (RFC 9110, section 11.6.2).
pub(super) fn authorization(text: &[u8], after: usize) -> Option<Range<usize>> {
    let from = after + spaces(text, after);
    let from = quote_at(text, from).map_or(from, |quote| from + quote.len());
    let rest = text.get(from..)?;
    let length = rest
        .iter()
        .enumerate()
        .take(VALUE_MAX)
        .position(|(at, byte)| {
            matches!(byte, b'\n' | b'\r' | b'"' | b'\'' | b'`' | b'<')
                || *byte == b'\\' && matches!(rest.get(at + 1), Some(b'n' | b'r' | b'"' | b'\\'))
        })
        .unwrap_or(rest.len().min(VALUE_MAX));
    let whole = trimmed(text, from..from + length);
    let mut range = past_scheme(text, whole.clone());
    if range != whole {
        let token = run(text, range.start);
        range.end = token.end.min(range.end);
    } else if slice(text, &whole).contains(&b' ') {
        // An unknown scheme with parameters: the name of the scheme stays, the rest goes.
        let value = slice(text, &whole);
        let word = value.iter().position(|byte| *byte == b' ').unwrap_or(0);
        let rest = value.get(word..).unwrap_or_default();
        if find_bytes(rest, b" = ").is_some() {
            return None;
        }
        if rest.contains(&b'=') {
            // Parameters may stand in quotes of their own; the line ends them.
            let line = text.get(from..)?;
            let around = quote_around(text, from);
            let end = line
                .iter()
                .enumerate()
                .take(VALUE_MAX)
                .position(|(at, byte)| {
                    matches!(byte, b'\n' | b'\r')
                        || Some(*byte) == around
                            && !line.get(..at).unwrap_or_default().ends_with(b"\\")
                })
                .unwrap_or(line.len().min(VALUE_MAX));
            range = trimmed(text, whole.start + word..from + end);
        } else {
            range = run(text, whole.start);
            return is_random(slice(text, &range)).then_some(range);
        }
    }
    let value = slice(text, &range);
    let named = matches!(text.get(range.end), Some(b',' | b';'))
        && value
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        && !is_random(value);
    let prose = named || (is_word(value) && value.len() < 16);
    let none = prose || is_placeholder(value) || is_template(value) || is_code(value);
    (!none).then_some(range)
}

/// The quote that was opened before `at` on its line and is not closed yet.
fn quote_around(text: &[u8], at: usize) -> Option<u8> {
    let head = text.get(at.saturating_sub(VALUE_MAX)..at)?;
    let line = head
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    let mut open = None;
    for byte in head.get(line..)? {
        match (open, byte) {
            (None, b'"' | b'\'' | b'`') => open = Some(*byte),
            (Some(quote), byte) if quote == *byte => open = None,
            _ => {}
        }
    }
    open
}

/// The values of Cookie and Set-Cookie headers (RFC 6265, sections 4.1 and 4.2).
pub(super) fn cookies(text: &[u8], after: usize, name: &[u8], found: &mut Vec<Span>) {
    let from = after + spaces(text, after);
    let rest = text.get(from..).unwrap_or_default();
    let length = rest
        .iter()
        .take(VALUE_MAX)
        .position(|byte| matches!(byte, b'\n' | b'\r' | b'"' | b'\'' | b'<' | b'\\'))
        .unwrap_or(rest.len().min(VALUE_MAX));
    let mut at = from;
    let line = rest.get(..length).unwrap_or_default();
    for (index, pair) in line.split(|byte| *byte == b';').enumerate() {
        let end = at + pair.len();
        if let Some(equals) = pair.iter().position(|byte| *byte == b'=')
            && (index == 0 || !name.starts_with(b"set"))
        {
            if pair.get(equals + 1).is_none_or(u8::is_ascii_whitespace) {
                return;
            }
            let range = trimmed(text, at + equals + 1..end);
            let value = slice(text, &range);
            if value.len() >= 6 && !is_placeholder(value) && !is_code(value) {
                found.push(Span::new(range, BY_NAME));
            }
        }
        at = end + 1;
    }
}
