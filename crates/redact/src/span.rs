//! Finds in a text, merged once before anything is replaced.

use std::ops::Range;

/// The rule name of everything found by a key name or a context instead of a format of its own.
pub(crate) const BY_NAME: &str = "secret";

/// What takes the place of a find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Replacement {
    /// A mark made from the rule's name and the text of the span.
    Mark,
    /// The same in quotes: the span is a JSON value that is no string.
    Quoted,
    /// Text that was redacted already: a string literal that held escaped JSON.
    Rewritten(Vec<u8>),
}

/// One find: bytes `start..end` of the original text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) rule: &'static str,
    pub(crate) with: Replacement,
}

impl Span {
    pub(crate) fn new(range: Range<usize>, rule: &'static str) -> Self {
        Self {
            start: range.start,
            end: range.end,
            rule,
            with: Replacement::Mark,
        }
    }
}

/// Sorts finds and joins those that overlap, so that each byte is replaced at most once.
///
/// The joined find carries the name of a format when one covers most of it, because a format says
/// more than a key's name does; the same secret must leave the same mark wherever it is found.
pub(crate) fn merge(mut spans: Vec<Span>) -> Vec<Span> {
    spans.retain(|span| span.start < span.end);
    spans.sort_by(|a, b| a.start.cmp(&b.start).then(b.end.cmp(&a.end)));
    let mut merged: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        let Some(last) = merged.last_mut() else {
            merged.push(span);
            continue;
        };
        if span.start >= last.end {
            merged.push(span);
            continue;
        }
        let contained = span.end <= last.end;
        if contained && matches!(last.with, Replacement::Rewritten(_)) {
            continue;
        }
        let length = last.end - last.start;
        let other = span.end - span.start;
        if span.rule != BY_NAME && (last.rule == BY_NAME) && other * 10 >= length * 9 {
            last.rule = span.rule;
        }
        last.end = last.end.max(span.end);
        // Two finds that only overlap have no rewritten text in common: the whole of both goes.
        if !(contained && last.with == Replacement::Quoted) {
            last.with = Replacement::Mark;
        }
    }
    merged
}
