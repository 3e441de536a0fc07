//! Values without quotes: data, or code that only looks like it.

use std::ops::Range;

use super::header::past_scheme_unquoted;
use super::keys::Named;
use super::known;
use super::name::{Join, Name};
use super::scan::{run, slice, spaces};
use super::value::{is_code, is_pattern, is_placeholder, is_random, is_version, is_word};
use crate::mark::find as find_bytes;

pub(super) fn unquoted(
    text: &[u8],
    from: usize,
    name: &Name,
    join: Join,
    before: Option<u8>,
) -> Option<Range<usize>> {
    let mut range = past_scheme_unquoted(text, run(text, from));
    // A query ends at the bracket that the URL stands in.
    if matches!(before, Some(b'?' | b'&'))
        && let Some(close) = slice(text, &range)
            .iter()
            .position(|byte| matches!(byte, b')' | b']' | b'}'))
    {
        range.end = range.start + close;
    }
    // The variable of a macro and its kind: `$token:tt`.
    if join == Join::Colon && before == Some(b'$') {
        return None;
    }
    let value = slice(text, &range);
    // Connection strings: whatever stands between two semicolons.
    if join == Join::Tight
        && name.named == Named::Secret
        && before == Some(b';')
        && text.get(range.end) == Some(&b';')
        && !value.is_empty()
        && (is_word(value) || !is_placeholder(value))
    {
        return Some(range);
    }
    if value.is_empty() || is_placeholder(value) || is_version(value) {
        return None;
    }
    if known::whole(value).is_some() {
        return Some(range);
    }
    if name.named == Named::Maybe || join == Join::Loose {
        let long_hex = value.iter().all(u8::is_ascii_hexdigit)
            && name.named == Named::Maybe
            && join == Join::Loose;
        return (is_random(value) && !long_hex && !is_code(value)
            || join == Join::Loose && netrc_before(text, name.range.start))
        .then_some(range);
    }
    if is_code(value) || is_pattern(value) {
        return None;
    }
    let spelled = slice(text, &name.range);
    let loud =
        spelled.iter().any(u8::is_ascii_uppercase) && !spelled.iter().any(u8::is_ascii_lowercase);
    if value.iter().all(u8::is_ascii_digit) {
        if join == Join::Spaced && !name.quoted && in_code(text, range.end) {
            return None;
        }
        let least = if name.quoted || loud { 1 } else { 4 };
        return (value.len() >= least).then_some(range);
    }
    if is_word(value) {
        return word_is_value(text, name, &range, join, before, loud).then_some(range);
    }
    if is_type_or_variable(value)
        || matches!(join, Join::Colon | Join::Spaced)
            && !name.quoted
            && in_code(text, range.end)
            && is_name_or_number(value)
            && !is_random(value)
    {
        return None;
    }
    Some(range)
}

pub(super) fn netrc_before(text: &[u8], start: usize) -> bool {
    let head = text
        .get(start.saturating_sub(200)..start)
        .unwrap_or_default();
    find_bytes(head, b"machine ").is_some() && find_bytes(head, b"login ").is_some()
}

/// Whether a value of letters alone is data: `passwd=sunshine`, not `password=password` or `token: Token`.
pub(super) fn word_is_value(
    text: &[u8],
    name: &Name,
    value: &Range<usize>,
    join: Join,
    before: Option<u8>,
    loud: bool,
) -> bool {
    let word = slice(text, value);
    if join == Join::Tight && loud && word.len() > 2 {
        return true;
    }
    let lower = word.to_ascii_lowercase();
    let speaks_of_secrets = [
        "pass", "token", "secret", "key", "pwd", "cred", "auth", "cookie", "string", "session",
    ]
    .iter()
    .any(|stem| find_bytes(&lower, stem.as_bytes()).is_some());
    if word.len() < 3 || speaks_of_secrets || VARIABLES.iter().any(|name| name.as_bytes() == lower)
    {
        return false;
    }
    if name.quoted {
        return false;
    }
    let rest = text.get(value.end..).unwrap_or_default();
    let line_end = rest
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(rest.len());
    let rest = rest.get(..line_end).unwrap_or_default();
    let ends_line = rest.trim_ascii().is_empty() || rest.trim_ascii_start().starts_with(b"#");
    let head = text.get(..name.range.start).unwrap_or_default();
    let line_start = head
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let head = head.get(line_start..).unwrap_or_default();
    let begins_line = head
        .iter()
        .all(|byte| matches!(byte, b' ' | b'\t' | b'-' | b'+' | b'/'))
        || head.trim_ascii() == b"export";
    match join {
        Join::Tight if matches!(before, Some(b'?' | b'&' | b';')) => true,
        Join::Tight => {
            !matches!(before, Some(b'(' | b','))
                && !matches!(rest.first(), Some(b',' | b')' | b';' | b'('))
                && !head.trim_ascii_end().ends_with(b",")
                && !head.contains(&b'(')
        }
        Join::Flag => !rest.starts_with(b" is ") && slice(text, &name.range).starts_with(b"--"),
        Join::Colon | Join::Spaced => {
            begins_line && ends_line && (loud || !word.contains(&b'_')) && !is_camel(word)
        }
        Join::Loose => false,
    }
}

/// Whether what follows a value is how code goes on: `,`, `;`, `)`, `<`, `{` or another `=`.
pub(super) fn in_code(text: &[u8], end: usize) -> bool {
    let next = end + spaces(text, end);
    matches!(
        text.get(next),
        Some(
            b',' | b';'
                | b')'
                | b'<'
                | b'>'
                | b'{'
                | b'='
                | b'('
                | b'+'
                | b'|'
                | b'&'
                | b'?'
                | b'*'
        )
    )
}

/// A name of a constant, a variable or a type, or a number with its type: `FRAME_PARAM_2`, `0x1fu32`.
pub(super) fn is_name_or_number(value: &[u8]) -> bool {
    value
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// `NextToken`, `nextToken`: how types and variables are spelled.
pub(super) fn is_camel(word: &[u8]) -> bool {
    word.windows(2)
        .any(|pair| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()))
}

/// What stands on the right of an assignment in code so often that it is no password.
#[rustfmt::skip]
pub(super) const VARIABLES: &[&str] = &[
    "value", "val", "data", "text", "input", "result", "res", "resp", "response", "user", "config",
    "args", "line", "raw", "next", "prev", "current", "old", "new", "hash", "payload", "body",
    "header", "headers", "name", "flag", "option", "argument", "parameter", "params", "request",
    "req", "settings", "env", "environ", "base", "here", "used", "using", "generated", "found",
    "when", "this", "that", "which", "changed", "required", "username", "email", "bearer", "basic",
    "public", "private", "static", "final", "protected", "refresh", "access", "rejected",
    "accepted", "revoked", "created", "deleted", "updated", "see", "use", "get", "you", "your",
    "we", "it",
];

/// `u32`, `sha256`, `token2`.
pub(super) fn is_type_or_variable(value: &[u8]) -> bool {
    let value = value.strip_prefix(b"&").unwrap_or(value);
    let letters = value
        .iter()
        .take_while(|byte| byte.is_ascii_alphabetic() || **byte == b'_')
        .count();
    let digits = value.get(letters..).unwrap_or_default();
    if digits.is_empty() || digits.len() > 3 || !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let head = value
        .get(..letters)
        .unwrap_or_default()
        .to_ascii_lowercase();
    let trimmed = head.strip_suffix(b"_").unwrap_or(&head);
    [
        "u", "i", "f", "int", "uint", "float", "utf", "sha", "md", "base", "aes", "rsa", "v", "ed",
        "x", "es", "hs", "rs", "token", "key", "secret", "password", "pass", "arg", "str",
        "varchar", "char",
    ]
    .iter()
    .any(|word| word.as_bytes() == trimmed)
}
