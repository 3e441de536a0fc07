//! The redactor: layers in order, finds merged once, repeated until nothing more is found.

use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::detect::{assign, context, known};
use crate::mark::Marker;
use crate::scope::Scope;
use crate::secret::{Counts, Redacted};
use crate::span::{Replacement, Span, merge};
use crate::view::View;
use crate::json;

/// Larger texts are not looked at but replaced whole.
pub(crate) const LIMIT: usize = 64 << 20;
/// A replacement can free the border of a further find; each pass leaves less to find.
const PASSES: usize = 8;

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

    /// Redacts a text of any kind: prose, code, logs, command lines, JSON.
    pub fn text(&self, text: &str) -> Redacted<String> {
        let (bytes, found) = self.bytes(text.as_bytes()).into_parts();
        let text = String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        Redacted::new(text, found)
    }

    /// Redacts bytes of any kind; what is not UTF-8 passes as it is.
    pub fn bytes(&self, bytes: &[u8]) -> Redacted<Vec<u8>> {
        let mut counts = Counts::new();
        let bytes = self.rewrite(bytes, 0, &mut counts, &|_, _| {});
        Redacted::new(bytes, counts)
    }

    /// Redacts a JSON value; it keeps its shape outside of what a sensitive key takes whole.
    pub fn json(&self, value: &Value) -> Redacted<Value> {
        self.scoped().json(value)
    }

    /// A scope that remembers what it finds and hides it everywhere afterwards.
    pub fn scoped(&self) -> Scope {
        Scope::new(self.clone())
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

    /// Redacts `text`; `learn` sees each value that is replaced, with its rule.
    pub(crate) fn rewrite(
        &self,
        text: &[u8],
        depth: usize,
        counts: &mut Counts,
        learn: &dyn Fn(&[u8], &'static str),
    ) -> Vec<u8> {
        todo!()
    }
}
