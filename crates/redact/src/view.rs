//! A text without its colour codes, with the way back to the original offsets.
//!
//! A token printed straight after a colour code follows the letter `m`, which hides its left border
//! from every pattern; so matching runs over the text as a terminal would show it. Sequences: ECMA-48
//! CSI and OSC, raw, and as `\u001b[`, `\x1b[`, `\033[` or `\e[` where text was escaped.

use std::borrow::Cow;
use std::ops::Range;

/// The bytes to match in, and where each stood.
pub(crate) struct View<'a> {
    bytes: Cow<'a, [u8]>,
    /// Original offset of each byte, empty where nothing was taken out.
    origin: Vec<usize>,
}

impl<'a> View<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        let mut view = Self {
            bytes: Cow::Borrowed(text),
            origin: Vec::new(),
        };
        if text.contains(&0x1b) || has_escaped(text) {
            view.strip(text);
        }
        view
    }

    /// The text as it is, nothing taken out.
    pub(crate) fn raw(text: &'a [u8]) -> Self {
        Self {
            bytes: Cow::Borrowed(text),
            origin: Vec::new(),
        }
    }

    /// Whether anything was taken out.
    pub(crate) fn is_stripped(&self) -> bool {
        matches!(self.bytes, Cow::Owned(_))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The original range of a range of the view.
    pub(crate) fn original(&self, range: Range<usize>) -> Range<usize> {
        if self.origin.is_empty() || range.is_empty() {
            return range;
        }
        let start = self.origin.get(range.start).copied().unwrap_or(range.start);
        let end = self
            .origin
            .get(range.end - 1)
            .map_or(range.end, |last| last + 1);
        start..end
    }

    /// Whether a word may begin at `at`: what stands before is no letter or digit, or belongs to a
    /// colour code or an escape such as `\n`, `\u0022` or `%3D`.
    pub(crate) fn begins(&self, at: usize) -> bool {
        let Some(before) = at.checked_sub(1).and_then(|at| self.bytes.get(at)) else {
            return true;
        };
        if !before.is_ascii_alphanumeric() {
            return true;
        }
        if let (Some(here), Some(prior)) = (self.origin.get(at), self.origin.get(at - 1))
            && *here != prior + 1
        {
            return true;
        }
        let head = self.bytes.get(..at).unwrap_or_default();
        ends_in_escape(head)
    }

    fn strip(&mut self, text: &[u8]) {
        let mut bytes = Vec::with_capacity(text.len());
        let mut origin = Vec::with_capacity(text.len());
        let mut at = 0;
        while let Some(byte) = text.get(at) {
            let length = text.get(at..).map_or(0, sequence);
            if length > 0 {
                at += length;
                continue;
            }
            bytes.push(*byte);
            origin.push(at);
            at += 1;
        }
        self.bytes = Cow::Owned(bytes);
        self.origin = origin;
    }
}

/// Whether the text ends in an escape whose last byte is a letter or digit.
pub(crate) fn ends_in_escape(head: &[u8]) -> bool {
    let tail = |length: usize| head.get(head.len().saturating_sub(length)..);
    let hex = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_hexdigit);
    if let Some([b'\\', b'n' | b'r' | b't' | b'b' | b'f' | b'v' | b'a' | b'0']) = tail(2) {
        return true;
    }
    if let Some([b'%', digits @ ..]) = tail(3)
        && digits.len() == 2
        && hex(digits)
    {
        return true;
    }
    if let Some([b'\\', b'x', digits @ ..]) = tail(4)
        && digits.len() == 2
        && hex(digits)
    {
        return true;
    }
    matches!(tail(6), Some([b'\\', b'u', digits @ ..]) if digits.len() == 4 && hex(digits))
}

const INTRODUCERS: [&[u8]; 8] = [
    b"\x1b", b"\\u001b", b"\\u001B", b"\\x1b", b"\\x1B", b"\\033", b"\\e", b"\\E",
];

fn has_escaped(text: &[u8]) -> bool {
    let mut from = 0;
    while let Some(rest) = text.get(from..) {
        let Some(hit) = rest.iter().position(|byte| *byte == b'\\') else {
            return false;
        };
        if rest.get(hit..).is_some_and(|rest| sequence(rest) > 0) {
            return true;
        }
        from += hit + 1;
    }
    false
}

/// The length of the control sequence at the head of `rest`, or 0.
fn sequence(rest: &[u8]) -> usize {
    if !matches!(rest.first(), Some(0x1b | b'\\')) {
        return 0;
    }
    // `\\u001b[`: escaped twice, and all its backslashes belong to it.
    let slashes = rest.iter().take_while(|byte| **byte == b'\\').count();
    if slashes > 1 {
        let inner = rest.get(slashes - 1..).map_or(0, sequence);
        return if inner == 0 { 0 } else { slashes - 1 + inner };
    }
    let Some(introducer) = INTRODUCERS.iter().find(|head| rest.starts_with(head)) else {
        return 0;
    };
    let body = rest.get(introducer.len()..).unwrap_or_default();
    let taken = match body.first() {
        Some(b'[') => {
            // Parameters 0x30-0x3f, intermediates 0x20-0x2f, one final byte 0x40-0x7e.
            let parameters = body
                .iter()
                .skip(1)
                .take(64)
                .take_while(|byte| (0x20..=0x3f).contains(*byte))
                .count();
            match body.get(1 + parameters) {
                Some(0x40..=0x7e) => 2 + parameters,
                _ => 0,
            }
        }
        // Operating system command: ended by BEL or by ESC and a backslash.
        Some(b']') if introducer.len() == 1 => body
            .iter()
            .take(512)
            .position(|byte| matches!(byte, 0x07 | 0x1b))
            .map_or(0, |end| match body.get(end..end + 2) {
                Some([0x1b, b'\\']) => end + 2,
                _ => end + 1,
            }),
        _ => 0,
    };
    if taken == 0 {
        0
    } else {
        introducer.len() + taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_codes_go_and_offsets_lead_back() {
        let text = b"a\x1b[1;32mbc\x1b[0m\\u001b[31md";
        let view = View::new(text);
        assert_eq!(view.bytes(), b"abcd");
        assert!(view.begins(1) && !view.begins(2) && view.begins(3));
        assert_eq!(&text[view.original(1..3)], b"bc");
        assert_eq!(&text[view.original(3..4)], b"d");
    }

    #[test]
    fn escapes_are_borders() {
        for text in ["\\nx", "\\tx", "\\u0022x", "%3Dx", "\\x41x"] {
            assert!(View::new(text.as_bytes()).begins(text.len() - 1), "{text}");
        }
        assert!(!View::new(b"anx").begins(2));
    }
}
