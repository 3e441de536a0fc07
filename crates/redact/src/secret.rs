//! What redaction hands out: `Redacted<T>` with its counts, and `Secret<T>`, which cannot be shown.

use std::collections::BTreeMap;
use std::fmt;

/// How many spans each rule replaced, by the rule's name; never a value, never a length.
pub type Counts = BTreeMap<&'static str, u64>;

/// A value that went through the redactor, with what was found in it.
///
/// Made by [`Redactor`](crate::Redactor) and [`Scope`](crate::Scope) alone, so that a function which
/// takes it cannot be given text that nobody looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted<T> {
    value: T,
    found: Counts,
}

impl<T> Redacted<T> {
    pub(crate) fn new(value: T, found: Counts) -> Self {
        Self { value, found }
    }

    /// The redacted value.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// Gives up the counts and returns the redacted value.
    pub fn into_value(self) -> T {
        self.value
    }

    /// How many spans were replaced, by rule.
    pub fn found(&self) -> &Counts {
        &self.found
    }

    /// How many spans were replaced in all.
    pub fn total(&self) -> u64 {
        self.found.values().sum()
    }

    /// Splits into the redacted value and the counts.
    pub fn into_parts(self) -> (T, Counts) {
        (self.value, self.found)
    }
}

/// What a [`Secret`] needs to overwrite its content when it goes.
pub trait Wipe {
    /// Overwrites the content with zeros, best effort: the optimiser and earlier copies are beyond it.
    fn wipe(&mut self);
}

impl Wipe for Vec<u8> {
    fn wipe(&mut self) {
        self.fill(0);
        std::hint::black_box(&mut *self);
        self.clear();
    }
}

impl Wipe for String {
    fn wipe(&mut self) {
        let mut bytes = std::mem::take(self).into_bytes();
        bytes.wipe();
    }
}

impl<const N: usize> Wipe for [u8; N] {
    fn wipe(&mut self) {
        self.fill(0);
        std::hint::black_box(self);
    }
}

/// A value that has neither `Display` nor `Serialize`, hides in `Debug`, and is overwritten on drop.
///
/// ```compile_fail
/// let secret = aifirst_redact::Secret::new(String::from("hunter2"));
/// println!("{secret}");
/// ```
/// ```compile_fail
/// let secret = aifirst_redact::Secret::new(String::from("hunter2"));
/// let _ = serde_json::to_string(&secret);
/// ```
pub struct Secret<T: Wipe> {
    inner: T,
}

impl<T: Wipe> Secret<T> {
    /// Takes the value in.
    pub fn new(value: T) -> Self {
        Self { inner: value }
    }

    /// Shows the value; the name is meant to be searched for.
    pub fn dangerous_expose(&self) -> &T {
        &self.inner
    }
}

impl<T: Wipe> Drop for Secret<T> {
    fn drop(&mut self) {
        self.inner.wipe();
    }
}

impl<T: Wipe> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
