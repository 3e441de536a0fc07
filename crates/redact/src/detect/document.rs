//! Text that is JSON, or a row of JSON documents: structure where it stands, layout untouched.
//!
//! Lenient on purpose: what was found before the text stops being JSON is kept, the rest is left to
//! the layers for free text. Grammar: RFC 8259.

use std::ops::Range;

use super::keys::{Named, judge};
use super::value::{is_random, is_version};
use crate::span::{BY_NAME, Replacement, Span};

/// Deeper values are left to the layers for free text.
const DEPTH: usize = 64;

/// Redacts what a string or a number of the document says; `None` where nothing was found.
pub(crate) type Inner<'a> = &'a mut dyn FnMut(Leaf, &[u8]) -> Option<Vec<u8>>;

/// What [`Inner`] is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaf {
    /// The text that a string stands for.
    Text,
    /// A number as it is spelled.
    Number,
}

/// How far the text was JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// To its end: nothing in it stands outside of a document.
    Whole,
    /// Not to its end, or not at all.
    Part,
}

/// Adds the values under sensitive keys, and the strings in which something was found.
pub(crate) fn find(text: &[u8], inner: Inner<'_>, found: &mut Vec<Span>) -> Extent {
    let mut reader = Reader {
        text,
        at: 0,
        lax: false,
        inner,
        found,
    };
    loop {
        reader.skip_space();
        if reader.peek().is_none() {
            // What was passed over unread is left to the layers for free text, and so is the rest.
            return if reader.lax {
                Extent::Part
            } else {
                Extent::Whole
            };
        }
        if !matches!(reader.peek(), Some(b'{' | b'[' | b'"'))
            || reader.value(0, Named::Plain).is_none()
        {
            return Extent::Part;
        }
    }
}

/// Whether it is worth reading the text as JSON.
pub(crate) fn looks_like_json(text: &[u8]) -> bool {
    matches!(text.trim_ascii_start().first(), Some(b'{' | b'[' | b'"'))
}

struct Reader<'a, 'b> {
    text: &'a [u8],
    at: usize,
    /// Whether something was passed over that is not quite JSON.
    lax: bool,
    inner: Inner<'b>,
    found: &'b mut Vec<Span>,
}

impl Reader<'_, '_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn slice(&self, range: Range<usize>) -> &[u8] {
        self.text.get(range).unwrap_or_default()
    }

    /// Reads one value and returns its range.
    fn value(&mut self, depth: usize, named: Named) -> Option<Range<usize>> {
        if depth > DEPTH {
            return None;
        }
        let start = self.at;
        let before = self.found.len();
        let range = match self.peek()? {
            b'{' => {
                self.object(depth)?;
                start..self.at
            }
            b'[' => {
                self.array(depth)?;
                start..self.at
            }
            b'"' => {
                let range = self.string()?;
                if !hides(self.slice(start..self.at), named) {
                    self.string_text(range);
                }
                start..self.at
            }
            _ => {
                let length = self
                    .text
                    .get(start..)?
                    .iter()
                    .take_while(|byte| {
                        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')
                    })
                    .count();
                if length == 0 {
                    return None;
                }
                self.at += length;
                let number = self.text.get(start..self.at).unwrap_or_default();
                self.lax |= serde_json::from_slice::<serde_json::Value>(number).is_err();
                if number.first().is_some_and(u8::is_ascii_digit)
                    && (self.inner)(Leaf::Number, number).is_some()
                {
                    let mut span = Span::new(start..self.at, BY_NAME);
                    span.with = Replacement::Quoted;
                    self.found.push(span);
                }
                start..self.at
            }
        };
        if named != Named::Plain && hides(self.slice(range.clone()), named) {
            self.found.truncate(before);
            let literal = self.slice(range.clone()).starts_with(b"\"");
            let mut span = Span::new(range.clone(), BY_NAME);
            if literal {
                span.start += 1;
                span.end -= 1;
            } else {
                span.with = Replacement::Quoted;
            }
            self.found.push(span);
        }
        Some(range)
    }

    /// Reads a string and returns the range between its quotes.
    fn string(&mut self) -> Option<Range<usize>> {
        let start = self.at + 1;
        let mut at = start;
        loop {
            match self.text.get(at)? {
                b'"' => break,
                b'\\' => at += 2,
                b'\n' => return None,
                _ => at += 1,
            }
        }
        self.at = at + 1;
        Some(start..at)
    }

    /// A string is redacted as the text that it stands for, so that escapes hide nothing and stay whole.
    fn string_text(&mut self, range: Range<usize>) {
        if range.len() < 4 {
            return;
        }
        let Some(literal) = self.text.get(range.start - 1..=range.end) else {
            return;
        };
        let raw = self.slice(range.clone());
        let changed = if raw.contains(&b'\\') {
            let Ok(plain) = serde_json::from_slice::<String>(literal) else {
                // An escape that is none, a control character: it says nothing that we could decode.
                self.lax = true;
                return;
            };
            (self.inner)(Leaf::Text, plain.as_bytes())
        } else {
            (self.inner)(Leaf::Text, self.text.get(range.clone()).unwrap_or_default())
        };
        if let Some(changed) = changed
            && let Ok(changed) = String::from_utf8(changed)
            && let Ok(literal) = serde_json::to_string(&changed)
            && let Some(escaped) = literal.get(1..literal.len() - 1)
        {
            let mut span = Span::new(range, BY_NAME);
            span.with = Replacement::Rewritten(escaped.as_bytes().to_vec());
            self.found.push(span);
        }
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        self.at += 1;
        // `{"name": "API_KEY", "value": "…"}`: what the name says, and where the value stands.
        let mut speaks = Named::Plain;
        let mut spoken: Option<Range<usize>> = None;
        loop {
            self.skip_space();
            match self.peek()? {
                b'}' => break,
                b',' => {
                    self.at += 1;
                    continue;
                }
                b'"' => {}
                _ => return None,
            }
            let key = self.string()?;
            let before = self.found.len();
            self.string_text(key.clone());
            let key = self.slice(key).to_vec();
            let mut named = judge(&key);
            // The key as it will be shown counts too: the second look must find nothing new.
            if let Some(Replacement::Rewritten(shown)) =
                self.found.get(before).map(|span| &span.with)
            {
                named = named.max(judge(shown));
            }
            self.skip_space();
            if self.peek()? != b':' {
                return None;
            }
            self.at += 1;
            self.skip_space();
            let value = self.value(depth + 1, named)?;
            let text = self.slice(value.clone());
            if names_a_thing(&key) && text.starts_with(b"\"") {
                speaks = speaks.max(judge(text.get(1..text.len() - 1)?));
            } else if holds_the_thing(&key) {
                spoken = Some(value);
            }
        }
        self.at += 1;
        if let Some(value) = spoken
            && hides(self.slice(value.clone()), speaks)
        {
            let mut span = Span::new(value.clone(), BY_NAME);
            if self.slice(value).starts_with(b"\"") {
                span.start += 1;
                span.end -= 1;
            } else {
                span.with = Replacement::Quoted;
            }
            self.found.push(span);
        }
        Some(())
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.at += 1;
        loop {
            self.skip_space();
            match self.peek()? {
                b']' => break,
                b',' => self.at += 1,
                _ => {
                    self.value(depth + 1, Named::Plain)?;
                }
            }
        }
        self.at += 1;
        Some(())
    }
}

/// Keys under which a thing's name stands.
pub(crate) fn names_a_thing(key: &[u8]) -> bool {
    [
        &b"name"[..],
        b"key",
        b"variable",
        b"field",
        b"header",
        b"env",
        b"Name",
        b"Key",
    ]
    .contains(&key)
}

/// Keys under which the thing itself stands beside its name.
pub(crate) fn holds_the_thing(key: &[u8]) -> bool {
    [
        &b"value"[..],
        b"val",
        b"content",
        b"default",
        b"data",
        b"Value",
    ]
    .contains(&key)
}

/// Whether a value, as JSON text, goes under a key that is judged so.
fn hides(json: &[u8], named: Named) -> bool {
    match named {
        Named::Plain => false,
        Named::Maybe => json
            .strip_prefix(b"\"")
            .and_then(|text| text.strip_suffix(b"\""))
            .is_some_and(|text| is_random(text) || super::context::is_basic(text)),
        Named::Secret => {
            !matches!(json, b"null" | b"true" | b"false" | b"\"\"" | b"{}" | b"[]")
                && !json
                    .strip_prefix(b"\"")
                    .and_then(|text| text.strip_suffix(b"\""))
                    .is_some_and(is_version)
        }
    }
}
