//! Known formats: one literal scan for all prefixes, then the pattern of those that stand there.

use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use regex::bytes::{Regex, RegexBuilder};
use sha2::{Digest, Sha256};

use super::formats::{Accept, FORMATS, Format, Left};
use super::scan::past_window;
use crate::mark::shannon;
use crate::span::Span;
use crate::view::View;

/// No format is longer; a pattern sees at most this much, so that no text can make it slow.
const WINDOW: usize = 8 * 1024;
/// A PEM block without its end is hidden up to this much.
const PEM_MAX: usize = 64 * 1024;

static GATE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let mut prefixes: Vec<&str> = FORMATS
        .iter()
        .flat_map(|format| format.prefixes.iter().copied())
        .collect();
    prefixes.sort_unstable();
    prefixes.dedup();
    let literals: Vec<String> = prefixes.iter().map(|text| regex::escape(text)).collect();
    compile(&literals.join("|"))
});

/// Each pattern is compiled when its prefix is first seen: most processes meet few of them.
static PATTERNS: LazyLock<Vec<OnceLock<Option<Regex>>>> =
    LazyLock::new(|| FORMATS.iter().map(|_| OnceLock::new()).collect());

/// Bytes without Unicode classes: 75 times quicker to compile, and the alphabets are ASCII anyway.
pub(crate) fn compile(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).unicode(false).build().ok()
}

fn pattern(index: usize, format: &Format) -> Option<&'static Regex> {
    PATTERNS
        .get(index)?
        .get_or_init(|| compile(&format!("^(?:{})", format.pattern)))
        .as_ref()
}

/// Adds every token of a known format.
pub(crate) fn find(view: &View<'_>, found: &mut Vec<Span>) {
    let Some(gate) = GATE.as_ref() else {
        // A gate that does not compile hides everything: the test suite would never let it pass.
        found.push(Span::new(0..view.bytes().len(), "rules-broken"));
        return;
    };
    let mut at = 0;
    while let Some(hit) = gate.find_at(view.bytes(), at) {
        at = match token_at(view, hit.start()) {
            Some((range, name)) => {
                let end = range.end;
                found.push(Span::new(range, name));
                end.max(hit.start() + 1)
            }
            None => hit.start() + 1,
        };
    }
}

/// The format that covers the value from end to end, if one does.
pub(crate) fn whole(value: &[u8]) -> Option<&'static str> {
    let mut found = Vec::new();
    find(&View::new(value), &mut found);
    match found.as_slice() {
        [only] if only.start == 0 && only.end == value.len() => Some(only.rule),
        _ => None,
    }
}

fn token_at(view: &View<'_>, start: usize) -> Option<(Range<usize>, &'static str)> {
    let text = view.bytes();
    let rest = text.get(start..)?;
    for (index, format) in FORMATS.iter().enumerate() {
        if !format
            .prefixes
            .iter()
            .any(|prefix| rest.starts_with(prefix.as_bytes()))
            || !left_is_free(view, start, format.left)
        {
            continue;
        }
        let window = rest.get(..rest.len().min(WINDOW)).unwrap_or(rest);
        let Some(captures) = pattern(index, format)?.captures(window) else {
            continue;
        };
        let Some(found) = captures.get(1).or_else(|| captures.get(0)) else {
            continue;
        };
        let mut range = found.start()..found.end();
        // A pattern may look one byte past the token to see that it ends there.
        if captures.len() == 1
            && format.pattern.ends_with("|$)")
            && window
                .get(range.end.saturating_sub(1))
                .is_some_and(|byte| !byte.is_ascii_alphanumeric())
        {
            range.end -= 1;
        }
        let Some(token) = window.get(range.clone()) else {
            continue;
        };
        if !accepted(token, format) {
            continue;
        }
        let full = range.end == window.len();
        let mut range = start + range.start..start + range.end;
        if full {
            range.end = past_window(text, range.end);
        }
        let mut range = widened(text, range, format.name)?;
        // The first letter may be that of an escape (`\npm_…`): then the escape goes with it, so that
        // no lone backslash is left in a string.
        let slashes = text
            .get(..range.start)?
            .iter()
            .rev()
            .take_while(|byte| **byte == b'\\')
            .count();
        if slashes % 2 == 1 {
            range.start -= 1;
        }
        return Some((range, format.name));
    }
    None
}

/// Formats whose telling literal does not stand at their beginning, or which have no fixed end.
fn widened(text: &[u8], range: Range<usize>, name: &str) -> Option<Range<usize>> {
    let head = text.get(..range.start)?;
    let back = |test: fn(u8) -> bool, most: usize| {
        head.iter()
            .rev()
            .take(most)
            .take_while(|byte| test(**byte))
            .count()
    };
    match name {
        "private-key" => {
            let end = pem_end(text, range.end);
            // A BEGIN line without key material is somebody talking about keys.
            (end >= range.end + 16).then_some(range.start..end)
        }
        "telegram-token" => {
            let digits = back(|byte| byte.is_ascii_digit(), 12);
            (digits >= 5).then(|| range.start - digits..range.end)
        }
        "terraform-token" => {
            let id = back(|byte| byte.is_ascii_alphanumeric(), 14);
            (id >= 14).then(|| range.start - id..range.end)
        }
        "azure-devops-token" => {
            let head = back(|byte| byte.is_ascii_alphanumeric(), 77);
            (head == 76).then(|| range.start - head..range.end)
        }
        // The address is the secret: whoever has it may post.
        "slack-webhook" | "discord-webhook" | "teams-webhook" => {
            let host = back(
                |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'),
                64,
            );
            let scheme = head.get(..head.len() - host)?;
            let scheme = if scheme.ends_with(b"https://") {
                8
            } else if scheme.ends_with(b"http://") {
                7
            } else {
                0
            };
            Some(range.start - host - scheme..range.end)
        }
        "mailchimp-key" => {
            let hex = back(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'), 33);
            (hex == 32).then(|| range.start - hex..range.end)
        }
        "azure-secret" => {
            let id = back(
                |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'~' | b'-'),
                4,
            );
            (id >= 3).then(|| range.start - 3..range.end)
        }
        _ => Some(range),
    }
}

/// The end of a private key whose BEGIN line ends at `from`: its END line, also where the lines were
/// joined by escapes, or where it is cut off, the end of what can still be key material.
fn pem_end(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let rest = rest.get(..rest.len().min(PEM_MAX)).unwrap_or(rest);
    if let Some(end) = crate::mark::find(rest, b"-----END ")
        && let Some(close) = rest
            .get(end + 9..)
            .and_then(|tail| crate::mark::find(tail.get(..tail.len().min(80))?, b"-----"))
    {
        return from + end + 9 + close + 5;
    }
    let material = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'+' | b'/' | b'=' | b'\n' | b'\r' | b'\\' | b' ' | b':' | b',' | b'-'
            )
    };
    let mut end = from + rest.iter().take_while(|byte| material(byte)).count();
    // Prose after a cut key would be swallowed word by word: stop at the last line of key material.
    while end > from
        && text
            .get(end - 1)
            .is_some_and(|byte| byte.is_ascii_whitespace() || *byte == b'\\')
    {
        end -= 1;
    }
    end
}

fn left_is_free(view: &View<'_>, start: usize, left: Left) -> bool {
    match left {
        Left::Any => true,
        Left::Word => view.begins(start),
        Left::Strict => {
            view.begins(start)
                && !start
                    .checked_sub(1)
                    .and_then(|at| view.bytes().get(at))
                    .is_some_and(|byte| matches!(byte, b'-' | b'_' | b'.' | b'/' | b'+'))
        }
    }
}

fn accepted(token: &[u8], format: &Format) -> bool {
    let prefix = format
        .prefixes
        .iter()
        .filter(|prefix| token.starts_with(prefix.as_bytes()))
        .map(|prefix| prefix.len())
        .max()
        .unwrap_or(0);
    let body = token.get(prefix..).unwrap_or(token);
    match format.accept {
        Accept::Shape => true,
        Accept::Digit => body.iter().any(u8::is_ascii_digit),
        Accept::Mixed => {
            body.iter().any(u8::is_ascii_digit)
                && body.iter().any(u8::is_ascii_uppercase)
                && body.iter().any(u8::is_ascii_lowercase)
        }
        Accept::Random => shannon(body) >= 3.0,
    }
}

/// A digest of the table, so that a record can say which rules it went through.
pub(crate) fn digest_into(hasher: &mut Sha256) {
    for format in FORMATS {
        hasher.update(format.name.as_bytes());
        hasher.update([0]);
        hasher.update(format.pattern.as_bytes());
        hasher.update([0]);
        for prefix in format.prefixes {
            hasher.update(prefix.as_bytes());
            hasher.update([1]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles_and_begins_with_its_prefix() {
        assert!(GATE.is_some());
        for (index, format) in FORMATS.iter().enumerate() {
            assert!(pattern(index, format).is_some(), "{}", format.name);
            assert!(!format.pattern.starts_with('^'));
            assert!(
                format
                    .name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            );
        }
    }
}
