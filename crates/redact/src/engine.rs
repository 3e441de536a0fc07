//! The redactor: layers in order, finds merged once, repeated until nothing more is found.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::detect::document::{Extent, Leaf};
use crate::detect::value::MASKED;
use crate::detect::{assign, context, document, known, lines};
use crate::mark::Marker;
use crate::secret::Counts;
use crate::span::{Replacement, Span, merge};
use crate::view::View;

/// Larger texts are not looked at but replaced whole.
pub(crate) const LIMIT: usize = 64 << 20;
/// A replacement can free the border of a further find; each pass leaves less to find.
const PASSES: usize = 8;
/// Strings in strings in strings: deeper ones are replaced whole.
pub(crate) const NESTED: usize = 32;

/// Finds secrets and puts marks in their place. Cheap to clone; `Send` and `Sync`.
#[derive(Clone)]
pub struct Redactor {
    marker: Arc<Marker>,
}

impl Redactor {
    /// A redactor whose marks are made with `key`, the installation's. Another key's marks are text
    /// like any other.
    pub fn new(key: &[u8; 32]) -> Self {
        Self {
            marker: Arc::new(Marker::new(key)),
        }
    }

    /// The first mark of ours in content that is about to be written. Such content comes from
    /// redacted text, and writing it would replace a real secret by its mark.
    pub fn own_mark(&self, bytes: &[u8]) -> Option<Range<usize>> {
        self.marker.first(bytes, 0)
    }

    /// SHA-256 of the rules in lower-case hex, for the record.
    pub fn rules_digest(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
        known::digest_into(&mut hasher);
        hasher
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// The name of the profile for the record; `audit` is the only one yet: recall first.
    pub fn profile() -> &'static str {
        "audit"
    }

    pub(crate) fn marker(&self) -> &Marker {
        &self.marker
    }

    /// Redacts `text`; `None` where nothing was found.
    pub(crate) fn rewrite(
        &self,
        text: &[u8],
        depth: usize,
        counts: &mut Counts,
        memory: &dyn Memory,
    ) -> Option<Vec<u8>> {
        if text.len() > LIMIT || depth > NESTED {
            let reason = if depth > NESTED {
                "too-deep"
            } else {
                "too-large"
            };
            *counts.entry(reason).or_default() += 1;
            return Some(self.marker.placeholder(reason).into_bytes());
        }
        let mut changed: Option<Vec<u8>> = None;
        for _ in 0..PASSES {
            let current = changed.as_deref().unwrap_or(text);
            match self.pass(current, depth, counts, memory) {
                Some(next) => changed = Some(next),
                None => break,
            }
        }
        changed
    }

    fn pass(
        &self,
        text: &[u8],
        depth: usize,
        counts: &mut Counts,
        memory: &dyn Memory,
    ) -> Option<Vec<u8>> {
        let marks = self.marker.all(text);
        let mut spans = Vec::new();
        let mut extent = Extent::Part;
        if document::looks_like_json(text) {
            let mut inner = |leaf, text: &[u8]| match leaf {
                Leaf::Text => self.rewrite(text, depth + 1, counts, memory),
                Leaf::Number => (!memory.recall(text).is_empty()).then(Vec::new),
            };
            extent = document::find(text, &mut inner, &mut spans);
        }
        if extent == Extent::Part {
            let masked = masked(text, &marks);
            let shown = View::new(&masked);
            // What a terminal swallows is text all the same: a token in a link's address, or one whose
            // first letter ends a colour code that somebody left open before it.
            let raw = shown.is_stripped().then(|| View::raw(&masked));
            for view in std::iter::once(&shown).chain(&raw) {
                let mut flat = Vec::new();
                known::find(view, &mut flat);
                lines::find(view.bytes(), &mut flat);
                assign::find(view, &mut flat);
                context::find(view, &mut flat);
                for span in &mut flat {
                    let range = view.original(span.start..span.end);
                    span.start = range.start;
                    span.end = range.end;
                }
                spans.append(&mut flat);
            }
            // First learned, then recalled: a value that stands here twice must not be found in one place
            // by its name and only in part by a format in the other.
            spans.retain_mut(|span| keep(span, &marks));
            for span in &spans {
                if span.with == Replacement::Mark {
                    let value = text.get(span.start..span.end).unwrap_or_default();
                    memory.learn(View::new(value).bytes(), span.rule);
                }
            }
            spans.append(&mut memory.recall(text));
        }
        self.replace(&marks, text, spans, counts, memory)
    }

    /// Puts marks in the place of `spans`; `None` where none is left to replace.
    fn replace(
        &self,
        marks: &[Range<usize>],
        text: &[u8],
        mut spans: Vec<Span>,
        counts: &mut Counts,
        memory: &dyn Memory,
    ) -> Option<Vec<u8>> {
        spans.retain_mut(|span| keep(span, marks));
        let spans = merge(spans);
        if spans.is_empty() {
            return None;
        }
        let mut out = Vec::with_capacity(text.len());
        let mut at = 0;
        for span in spans {
            out.extend_from_slice(text.get(at..span.start).unwrap_or_default());
            at = span.end;
            if let Replacement::Rewritten(inner) = span.with {
                out.extend_from_slice(&inner);
                continue;
            }
            let shown = View::new(text.get(span.start..span.end).unwrap_or_default());
            memory.learn(shown.bytes(), span.rule);
            *counts.entry(span.rule).or_default() += 1;
            let mark = self.marker.mark(span.rule, shown.bytes());
            if span.with == Replacement::Quoted {
                out.push(b'"');
                out.extend_from_slice(mark.as_bytes());
                out.push(b'"');
            } else {
                out.extend_from_slice(mark.as_bytes());
            }
        }
        out.extend_from_slice(text.get(at..).unwrap_or_default());
        Some(out)
    }
}

/// The text with every mark of ours blotted out, so that no rule reads the words in it.
fn masked<'a>(text: &'a [u8], marks: &[Range<usize>]) -> Cow<'a, [u8]> {
    if marks.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut masked = text.to_vec();
    for mark in marks {
        if let Some(mark) = masked.get_mut(mark.clone()) {
            mark.fill(MASKED);
        }
    }
    Cow::Owned(masked)
}

/// What was seen in this call.
pub(crate) trait Memory {
    /// Sees each value that is replaced, with its rule.
    fn learn(&self, value: &[u8], rule: &'static str);
    /// Where values that were seen before stand in `text`.
    fn recall(&self, text: &[u8]) -> Vec<Span>;
}

/// Whether a find is to be replaced: one inside a mark of ours is not, one that only touches a mark
/// takes the whole of it, so that no half of a mark stays.
fn keep(span: &mut Span, marks: &[Range<usize>]) -> bool {
    let first = marks.partition_point(|mark| mark.end <= span.start);
    for mark in marks.iter().skip(first) {
        if mark.start >= span.end {
            break;
        }
        if mark.start <= span.start && span.end <= mark.end {
            return false;
        }
        if let Replacement::Rewritten(_) = span.with {
            continue;
        }
        span.start = span.start.min(mark.start);
        span.end = span.end.max(mark.end);
    }
    true
}
