//! A scope.
use serde_json::Value;
use crate::{Redactor, Redacted};
/// A scope.
pub struct Scope { redactor: Redactor }
impl Scope {
    pub(crate) fn new(redactor: Redactor) -> Self { Self { redactor } }
    /// Redacts a text, remembered values first.
    pub fn text(&self, text: &str) -> Redacted<String> { self.redactor.text(text) }
    /// Redacts JSON.
    pub fn json(&self, value: &Value) -> Redacted<Value> { let _ = value; todo!() }
    /// Hides `value` from now on.
    pub fn remember(&self, value: &str) { let _ = value; }
}
