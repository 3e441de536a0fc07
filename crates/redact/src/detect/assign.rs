//! Names with their values in free text: `password: hunter2`, `export API_TOKEN=…`, `--secret x`.
//!
//! One scan for the stems that names of secrets are made of, then a hand-written parser for name,
//! separator and value: a single pattern for all of it costs three times the time and knows no
//! difference between `password: hunter2` and `password: String`.

use std::ops::Range;

use super::bare::unquoted;
use super::header::{authorization, cookies};
use super::keys::{Named, judge};
use super::literal::{accept_quoted, past_constructor, past_type, quoted};
use super::name::{Join, Name, STEMS, name_around, with_word_before};
use super::scan::{
    VALUE_MAX, any_space, past_window, quote_at, run, slice, spaces, starts, trimmed,
};
use super::value::is_code;
use crate::mark::find as find_bytes;
use crate::span::{BY_NAME, Span};
use crate::view::View;

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
            let mut value = value;
            if value.len() + 64 >= VALUE_MAX {
                value.end = past_window(text, value.end);
            }
            at = at.max(value.end);
            found.push(Span::new(value, BY_NAME));
        }
    }
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
    let length = rest.iter().position(|byte| *byte == b'<')?;
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
