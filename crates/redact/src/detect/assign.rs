//! Names with their values in free text: `password: hunter2`, `export API_TOKEN=…`, `--secret x`.
//!
//! One scan for the stems that names of secrets are made of, then a hand-written parser for name,
//! separator and value: a single pattern for all of it costs three times the time and knows no
//! difference between `password: hunter2` and `password: String`.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

use super::keys::{Named, judge};
use super::known::{self, compile};
use super::value::{is_code, is_placeholder, is_random, is_version, is_word};
use crate::mark::find as find_bytes;
use crate::span::{BY_NAME, Span};
use crate::view::{View, ends_in_escape};

static STEMS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compile(
        "(?i)pass|pwd|secret|token|key|cred|auth|cookie|bearer|session|sess_?id|jwt|otp|mnemonic\
         |psw|kennwort|senha|contrasena|[_-]pw\\b|\\bpin\\b|\\bsid\\b|signature|\\bsig\\b|dsn|webhook|salt|license|seed|hmac",
    )
});

/// Quotes as they stand in plain, escaped and doubly escaped text, longest first.
const QUOTES: [&[u8]; 8] = [
    b"\\\\\\\"",
    b"\\\"",
    b"\\'",
    b"\"",
    b"'",
    b"`",
    b"&quot;",
    b"%22",
];

/// Names are not longer.
const NAME_MAX: usize = 80;
/// An unquoted value is not longer.
const VALUE_MAX: usize = 8 * 1024;

/// How name and value are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Join {
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

/// Where a name stands and how it is judged.
struct Name {
    range: Range<usize>,
    named: Named,
    /// A quote stood straight after it.
    quoted: bool,
}

/// Adds every value that stands beside the name of a secret.
pub(crate) fn find(view: &View<'_>, found: &mut Vec<Span>) {
    let text = view.bytes();
    let Some(stems) = STEMS.as_ref() else {
        found.push(Span::new(0..text.len(), "rules-broken"));
        return;
    };
    let mut at = 0;
    while let Some(hit) = stems.find_at(text, at) {
        let range = name_around(text, hit.range());
        at = range.end.max(hit.end());
        let mut named = judge(slice(text, &range));
        if named == Named::Maybe
            && let Some(wider) = with_word_before(text, &range)
        {
            named = named.max(judge(slice(text, &wider)));
        }
        if named == Named::Plain {
            continue;
        }
        let name = Name {
            range,
            named,
            quoted: false,
        };
        let folder = slice(text, &name.range).eq_ignore_ascii_case(b"pwd");
        if let Some(value) = value_of(text, name, found) {
            // The shell's working folder is called `PWD` too.
            if folder && matches!(text.get(value.start), Some(b'/' | b'~')) {
                continue;
            }
            at = at.max(value.end);
            found.push(Span::new(value, BY_NAME));
        }
    }
}

fn slice<'a>(text: &'a [u8], range: &Range<usize>) -> &'a [u8] {
    text.get(range.clone()).unwrap_or_default()
}

fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

fn name_around(text: &[u8], hit: Range<usize>) -> Range<usize> {
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
fn with_word_before(text: &[u8], range: &Range<usize>) -> Option<Range<usize>> {
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

fn quote_at(text: &[u8], at: usize) -> Option<&'static [u8]> {
    let rest = text.get(at..)?;
    QUOTES.into_iter().find(|quote| rest.starts_with(quote))
}

fn spaces(text: &[u8], at: usize) -> usize {
    text.get(at..).map_or(0, |rest| {
        rest.iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count()
    })
}

fn any_space(text: &[u8], at: usize) -> usize {
    text.get(at..).map_or(0, |rest| {
        rest.iter()
            .take(200)
            .take_while(|byte| byte.is_ascii_whitespace())
            .count()
    })
}

fn starts(text: &[u8], at: usize, piece: &[u8]) -> bool {
    text.get(at..).is_some_and(|rest| rest.starts_with(piece))
}

/// The value that belongs to a name; header values that hold several go straight to `found`.
fn value_of(text: &[u8], mut name: Name, found: &mut Vec<Span>) -> Option<Range<usize>> {
    let before = name
        .range
        .start
        .checked_sub(1)
        .and_then(|at| text.get(at))
        .copied();
    let mut at = name.range.end;
    if let Some(opened) = element(text, &name.range) {
        return opened.and_then(|from| element_value(text, from, &name));
    }
    if let Some(quote) = quote_at(text, at) {
        name.quoted = true;
        at += quote.len();
        if starts(text, at, b"]") {
            at += 1;
        }
    }
    if let Some(value) = paired(text, at, &name) {
        return Some(value);
    }
    let gap = spaces(text, at);
    let sign = at + gap;
    let (join, after) = joined(text, sign, gap, &name)?;
    let lower = slice(text, &name.range).to_ascii_lowercase();
    if matches!(join, Join::Colon | Join::Tight) && !name.quoted {
        if lower.ends_with(b"authorization") {
            return authorization(text, after);
        }
        if matches!(
            lower.as_slice(),
            b"cookie" | b"set-cookie" | b"cookies" | b"set-cookie2"
        ) && join == Join::Colon
        {
            cookies(text, after, &lower, found);
            return None;
        }
    }
    let mut from = after + spaces(text, after);
    if matches!(text.get(from), Some(b'\n' | b'\r')) {
        let next = from + any_space(text, from);
        quote_at(text, next)?;
        from = next;
    }
    if join == Join::Colon
        && let Some(typed) = past_type(text, from)
    {
        from = typed;
    }
    from = past_constructor(text, from);
    if let Some(quote) = quote_at(text, from) {
        return quoted(text, from, quote, &name, join);
    }
    unquoted(text, from, &name, join, before)
}

/// Whether the name is an XML or HTML element: `Some(Some(content))`, or `Some(None)` for an end tag
/// or an attribute list that does not end.
fn element(text: &[u8], name: &Range<usize>) -> Option<Option<usize>> {
    let head = text.get(..name.start)?;
    let prefix = head
        .iter()
        .rev()
        .take(20)
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b':')
        .count();
    match head.get(..head.len() - prefix)?.last() {
        Some(b'<') => {}
        Some(b'/') if head.get(..head.len() - prefix)?.ends_with(b"</") => return Some(None),
        _ => return None,
    }
    let rest = text.get(name.end..)?;
    let close = rest.iter().take(200).position(|byte| *byte == b'>')?;
    if rest.get(..close)?.contains(&b'=') || rest.get(..close)?.ends_with(b"/") {
        // Attributes may hold values of their own; the content counts only in a plain element.
        return rest
            .get(..close)?
            .first()
            .is_some_and(|byte| *byte != b'=')
            .then_some((!rest.get(..close)?.ends_with(b"/")).then_some(name.end + close + 1));
    }
    Some(Some(name.end + close + 1))
}

fn element_value(text: &[u8], from: usize, name: &Name) -> Option<Range<usize>> {
    let rest = text.get(from..)?;
    let length = rest.iter().take(VALUE_MAX).position(|byte| *byte == b'<')?;
    let mut range = trimmed(text, from..from + length);
    if range.is_empty() && rest.get(length..)?.starts_with(b"<![CDATA[") {
        let start = from + length + 9;
        let inner = find_bytes(text.get(start..)?, b"]]>")?;
        range = trimmed(text, start..start + inner);
    }
    // `Vec<Token>` is no element: one ends with its own name.
    let close = text
        .get(range.end..)?
        .get(..VALUE_MAX.min(text.len() - range.end))?;
    let close = find_bytes(close, b"</")? + 2 + range.end;
    let rest = text.get(close..)?;
    let ended = rest
        .iter()
        .position(|byte| *byte == b'>')
        .and_then(|end| rest.get(..end))
        .is_some_and(|end| end.trim_ascii().ends_with(slice(text, &name.range)));
    let value = slice(text, &range);
    (ended && accept_quoted(value, name.named)).then_some(range)
}

fn trimmed(text: &[u8], range: Range<usize>) -> Range<usize> {
    let value = slice(text, &range);
    let left = value.len() - value.trim_ascii_start().len();
    let kept = value.trim_ascii().len();
    range.start + left..range.start + left + kept
}

/// `name="API_KEY" value="…"`, `"name": "API_KEY", "value": "…"`, and the same in YAML on two lines.
fn paired(text: &[u8], at: usize, name: &Name) -> Option<Range<usize>> {
    let mut from = at + any_space(text, at);
    if name.quoted && starts(text, from, b",") {
        from += 1;
        from += any_space(text, from);
    } else if from == at {
        return None;
    }
    if let Some(quote) = quote_at(text, from) {
        from += quote.len();
    }
    let word = [
        &b"value"[..],
        b"Value",
        b"defaultValue",
        b"content",
        b"data",
    ]
    .into_iter()
    .find(|word| starts(text, from, word))?;
    from += word.len();
    if let Some(quote) = quote_at(text, from) {
        from += quote.len();
    }
    from += spaces(text, from);
    if !matches!(text.get(from), Some(b':' | b'=')) {
        return None;
    }
    from += 1;
    from += spaces(text, from);
    if let Some(quote) = quote_at(text, from) {
        return quoted(text, from, quote, name, Join::Spaced);
    }
    let range = run(text, from);
    let value = slice(text, &range);
    (accept_quoted(value, name.named) && !is_code(value)).then_some(range)
}

fn joined(text: &[u8], sign: usize, gap: usize, name: &Name) -> Option<(Join, usize)> {
    let tight = |length: usize| {
        let next = text.get(sign + length);
        if gap == 0 && !matches!(next, Some(b' ' | b'\t')) {
            Join::Tight
        } else {
            Join::Spaced
        }
    };
    for comparison in [&b"==="[..], b"!==", b"==", b"!="] {
        if starts(text, sign, comparison) {
            let after = sign + comparison.len();
            return quote_at(text, after + spaces(text, after)).map(|_| (Join::Spaced, after));
        }
    }
    for (literal, join) in [
        (&b":="[..], Join::Spaced),
        (b"=>", Join::Spaced),
        (b"%3D", Join::Tight),
        (b"%3d", Join::Tight),
        (b"%3A", Join::Tight),
        (b"%3a", Join::Tight),
        (b"\\u003d", Join::Tight),
        (b"\\u003D", Join::Tight),
        (b"&#61;", Join::Tight),
    ] {
        if starts(text, sign, literal) {
            return Some((join, sign + literal.len()));
        }
    }
    // `::=`, `?=`, `.=`, `+=`.
    let lead = text.get(sign..).map_or(0, |rest| {
        rest.iter()
            .take(3)
            .take_while(|byte| matches!(byte, b':' | b'?' | b'.' | b'+' | b'|'))
            .count()
    });
    if lead > 0 && text.get(sign + lead) == Some(&b'=') {
        return Some((Join::Spaced, sign + lead + 1));
    }
    match text.get(sign) {
        Some(b'=') => return Some((tight(1), sign + 1)),
        Some(b':') if !starts(text, sign, b"::") => return Some((Join::Colon, sign + 1)),
        Some(b',') if name.quoted => return Some((Join::Loose, sign + 1)),
        _ => {}
    }
    if gap == 0 || name.quoted && !matches!(text.get(sign), Some(b'|')) {
        return None;
    }
    if slice(text, &name.range).starts_with(b"-") && !starts(text, sign, b"-") {
        return Some((Join::Flag, sign));
    }
    if let Some(value) = past_type(text, sign) {
        return Some((Join::Spaced, value));
    }
    for word in [&b"is "[..], b"was ", b"are ", b"is: ", b"| ", b"to "] {
        if starts(text, sign, word) {
            return Some((Join::Loose, sign + word.len()));
        }
    }
    Some((Join::Loose, sign))
}

/// Past `Type =` of an annotated declaration, when a literal follows.
fn past_type(text: &[u8], from: usize) -> Option<usize> {
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
fn past_constructor(text: &[u8], from: usize) -> usize {
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

fn quoted(text: &[u8], open: usize, quote: &[u8], name: &Name, join: Join) -> Option<Range<usize>> {
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

/// The authentication schemes that stand before a token (IANA HTTP Authentication Scheme Registry,
/// and what services made up).
const SCHEMES: [&str; 14] = [
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

fn past_scheme(text: &[u8], range: Range<usize>) -> Range<usize> {
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

/// A message to people: four or more words with an end mark or a capital.
fn is_sentence(value: &[u8]) -> bool {
    let words = value.split(|byte| *byte == b' ').count();
    words >= 4
        && (matches!(value.last(), Some(b'.' | b':' | b'?' | b'!'))
            || value.first().is_some_and(u8::is_ascii_uppercase))
        || words == 3 && matches!(value.last(), Some(b'.' | b':' | b'?'))
}

/// `{token}` or `prefix-${token}`: nothing but a place for a value and a few letters around it.
fn is_template(value: &[u8]) -> bool {
    let Some(open) = value.iter().position(|byte| *byte == b'{') else {
        return false;
    };
    let Some(close) = value.iter().rposition(|byte| *byte == b'}') else {
        return false;
    };
    open < close
        && !value
            .get(..open)
            .into_iter()
            .chain(value.get(close..))
            .flatten()
            .any(u8::is_ascii_digit)
}

/// A regular expression about secrets.
fn is_pattern(value: &[u8]) -> bool {
    value.starts_with(b"^")
        || [
            &b"\\w"[..],
            b"\\d",
            b"\\s",
            b"\\S",
            b"\\[",
            b"[a-z",
            b"[A-Z",
            b"[0-9",
            b"[^",
        ]
        .iter()
        .any(|piece| find_bytes(value, piece).is_some())
}

/// The characters that an unquoted value may run over, cut where its surroundings go on.
fn run(text: &[u8], from: usize) -> Range<usize> {
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

/// Backslashes, then what ends a value when it is escaped; all of them stay.
fn escape_follows(tail: &[u8]) -> bool {
    let slashes = tail.iter().take_while(|byte| **byte == b'\\').count();
    matches!(
        tail.get(slashes),
        Some(b'n' | b'r' | b't' | b'"' | b'\'') | None
    )
}

/// `&name=`, `;name=`, `,name=`.
fn pair_follows(tail: &[u8]) -> bool {
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

fn unquoted(
    text: &[u8],
    from: usize,
    name: &Name,
    join: Join,
    before: Option<u8>,
) -> Option<Range<usize>> {
    let range = past_scheme_unquoted(text, run(text, from));
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

fn past_scheme_unquoted(text: &[u8], range: Range<usize>) -> Range<usize> {
    let scheme = slice(text, &range).to_ascii_lowercase();
    if SCHEMES.iter().any(|known| known.as_bytes() == scheme) && spaces(text, range.end) > 0 {
        run(text, range.end + spaces(text, range.end))
    } else {
        range
    }
}

fn netrc_before(text: &[u8], start: usize) -> bool {
    let head = text
        .get(start.saturating_sub(200)..start)
        .unwrap_or_default();
    find_bytes(head, b"machine ").is_some() && find_bytes(head, b"login ").is_some()
}

/// Whether a value of letters alone is data: `passwd=sunshine`, not `password=password` or `token: Token`.
fn word_is_value(
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
fn in_code(text: &[u8], end: usize) -> bool {
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
fn is_name_or_number(value: &[u8]) -> bool {
    value
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// `NextToken`, `nextToken`: how types and variables are spelled.
fn is_camel(word: &[u8]) -> bool {
    word.windows(2)
        .any(|pair| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()))
}

/// What stands on the right of an assignment in code so often that it is no password.
const VARIABLES: &[&str] = &[
    "value",
    "val",
    "data",
    "text",
    "input",
    "result",
    "res",
    "resp",
    "response",
    "user",
    "config",
    "args",
    "line",
    "raw",
    "next",
    "prev",
    "current",
    "old",
    "new",
    "hash",
    "payload",
    "body",
    "header",
    "headers",
    "name",
    "flag",
    "option",
    "argument",
    "parameter",
    "params",
    "request",
    "req",
    "settings",
    "env",
    "environ",
    "base",
    "here",
    "used",
    "using",
    "generated",
    "found",
    "when",
    "this",
    "that",
    "which",
    "changed",
    "required",
    "username",
    "email",
    "bearer",
    "basic",
    "public",
    "private",
    "static",
    "final",
    "protected",
    "refresh",
    "access",
    "rejected",
    "accepted",
    "revoked",
    "created",
    "deleted",
    "updated",
    "see",
    "use",
    "get",
    "you",
    "your",
    "we",
    "it",
];

/// `u32`, `sha256`, `token2`.
fn is_type_or_variable(value: &[u8]) -> bool {
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

/// The credentials of an Authorization header (RFC 9110, section 11.6.2).
fn authorization(text: &[u8], after: usize) -> Option<Range<usize>> {
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
            let end = line
                .iter()
                .take(VALUE_MAX)
                .position(|byte| matches!(byte, b'\n' | b'\r'))
                .unwrap_or(line.len().min(VALUE_MAX));
            range = trimmed(text, whole.start + word..from + end);
        } else {
            range = run(text, whole.start);
            return is_random(slice(text, &range)).then_some(range);
        }
    }
    let value = slice(text, &range);
    let prose = is_word(value) && value.len() < 16;
    let none = prose || is_placeholder(value) || is_template(value) || is_code(value);
    (!none).then_some(range)
}

/// The values of Cookie and Set-Cookie headers (RFC 6265, sections 4.1 and 4.2).
fn cookies(text: &[u8], after: usize, name: &[u8], found: &mut Vec<Span>) {
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
