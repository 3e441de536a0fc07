//! Values in quotes, and the types and constructors that stand before them.

use std::ops::Range;

use super::header::past_scheme;
use super::keys::Named;
use super::known;
use super::name::{Join, Name};
use super::scan::{quote_at, slice, spaces, starts, trimmed};
use super::value::{
    is_pattern, is_placeholder, is_random, is_sentence, is_template, is_version, is_word,
};

/// Past `Type =` of an annotated declaration, when a literal follows.
pub(super) fn past_type(text: &[u8], from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    let length = rest.iter().take(48).position(|byte| *byte == b'=')?;
    let annotation = rest.get(..length)?;
    let typed = annotation.iter().all(|byte| {
        byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b' ' | b'<' | b'>' | b'[' | b']' | b'&' | b'_' | b'.' | b'?' | b'|' | b':' | b'\''
            )
    }) && annotation
        .first()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'&');
    if !typed || !annotation.ends_with(b" ") {
        return None;
    }
    let value = from + length + 1;
    let value = value + spaces(text, value);
    quote_at(text, past_constructor(text, value)).map(|_| value)
}

/// Past what only wraps a literal: `b"…"`, `Some("…")`, `String::from("…")`.
pub(super) fn past_constructor(text: &[u8], from: usize) -> usize {
    for wrap in [
        &b"Some(String::from("[..],
        b"String::from(",
        b"Some(",
        b"new String(",
        b"Secret::new(",
        b"SecretString::new(",
        b"SecretStr(",
        b"[]byte(",
        b"str(",
        b"bytes(",
        b"(",
    ] {
        if starts(text, from, wrap) && quote_at(text, from + wrap.len()).is_some() {
            return from + wrap.len();
        }
    }
    for length in 1..=2 {
        if text.get(from..from + length).is_some_and(|head| {
            head.iter().all(|byte| {
                matches!(
                    byte,
                    b'b' | b'B'
                        | b'r'
                        | b'R'
                        | b'f'
                        | b'F'
                        | b'u'
                        | b'U'
                        | b'L'
                        | b'@'
                        | b'$'
                        | b'&'
                )
            })
        }) && match text.get(from + length) {
            Some(b'"' | b'`') => true,
            // `&'a` is a lifetime.
            Some(b'\'') => text.get(from) != Some(&b'&'),
            _ => false,
        } {
            return from + length;
        }
    }
    from
}

/// The end of a literal that begins at `from`, before its closing quote.
fn literal_end(text: &[u8], from: usize, quote: &[u8]) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let mut at = 0;
    while let Some(byte) = rest.get(at) {
        if rest.get(at..).is_some_and(|rest| rest.starts_with(quote)) {
            return from + at;
        }
        // A plain quote ends what an escaped one began: the string around it is over.
        if quote.first() == Some(&b'\\') && *byte == b'"' {
            return from + at;
        }
        match byte {
            b'\n' if quote != b"`" => return from + at,
            // An escaped character is part of the value, also an escaped quote.
            b'\\' if quote.len() == 1 => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

pub(super) fn quoted(
    text: &[u8],
    open: usize,
    quote: &[u8],
    name: &Name,
    join: Join,
) -> Option<Range<usize>> {
    let from = open + quote.len();
    // The quote that closes the text around the name: `"Password: "`.
    if join == Join::Colon
        && !name.quoted
        && text
            .get(from)
            .is_none_or(|byte| matches!(byte, b')' | b',' | b';' | b'\n' | b']' | b'}'))
    {
        return None;
    }
    let comparison = text.get(..open).is_some_and(|head| {
        head.trim_ascii_end().ends_with(b"==") || head.trim_ascii_end().ends_with(b"!=")
    });
    let end = literal_end(text, from, quote);
    // An apostrophe or a lifetime opens nothing.
    if quote == b"'" && text.get(end) != Some(&b'\'') {
        return None;
    }
    let range = trimmed(text, from..end);
    let range = past_scheme(text, range);
    let value = slice(text, &range);
    if comparison && is_word(value) || value.starts_with(b"--") || is_pattern(value) {
        return None;
    }
    if join == Join::Loose {
        let telling = value.iter().any(u8::is_ascii_digit) || sql_before(text, name.range.start);
        if name.named != Named::Secret || !telling || value.len() < 4 || value.contains(&b' ') {
            return is_random(value).then_some(range);
        }
    }
    accept_quoted(value, name.named).then_some(range)
}

/// `WITH PASSWORD '…'`, `SET PASSWORD '…'`: SQL without a sign between name and value.
fn sql_before(text: &[u8], start: usize) -> bool {
    let head = text
        .get(start.saturating_sub(24)..start)
        .unwrap_or_default();
    let head = head.trim_ascii_end().to_ascii_lowercase();
    [
        &b"with"[..],
        b"set",
        b"identified",
        b"encrypted",
        b"user",
        b"role",
    ]
    .iter()
    .any(|word| head.ends_with(word))
}

pub(crate) fn accept_quoted(value: &[u8], named: Named) -> bool {
    if is_placeholder(value) || is_version(value) {
        return false;
    }
    match named {
        Named::Plain => false,
        Named::Maybe => {
            is_random(value) || known::whole(value).is_some() || super::context::is_basic(value)
        }
        Named::Secret => !is_sentence(value) && !is_template(value),
    }
}
