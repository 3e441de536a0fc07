//! A scope: one call's values, hidden everywhere once they were seen anywhere.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use regex::bytes::Regex;
use serde_json::Value;

use crate::detect::context::basic_password;
use crate::detect::known::compile;
use crate::detect::value::is_random;
use crate::engine::{Memory, Redactor};
use crate::json::Walk;
use crate::mark::bits;
use crate::secret::{Counts, Redacted, Secret};
use crate::span::{BY_NAME, Span};

/// Shorter values are too often a piece of something else.
const SHORTEST: usize = 6;
/// A value that somebody names is taken from this length on.
const SHORTEST_NAMED: usize = 4;
/// More values than this are not remembered: the scope is one call.
const MOST: usize = 4096;
/// Rounds over one JSON value; each leaves less to find.
const ROUNDS: usize = 4;
/// What stands under sensitive keys and in ordinary text too.
const COMMON: &[&str] = &[
    "password",
    "secret",
    "token",
    "string",
    "number",
    "object",
    "boolean",
    "default",
    "required",
    "localhost",
    "example",
    "changeme",
    "production",
    "development",
    "undefined",
    "disabled",
    "enabled",
    "bearer",
    "inherit",
    "username",
    "postgres",
    "administrator",
    "content",
    "application",
];

/// Remembers what was found in one call and hides it in everything of that call that comes after:
/// results, errors, paths, diffs. Give it the parameters first.
///
/// Values are kept as long as the scope lives, and overwritten when it goes.
pub struct Scope {
    redactor: Redactor,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    values: Vec<(Secret<Vec<u8>>, &'static str)>,
    /// Made anew when a value was added.
    pattern: Option<Regex>,
}

impl Scope {
    pub(crate) fn new(redactor: Redactor) -> Self {
        Self {
            redactor,
            known: Mutex::default(),
        }
    }

    /// Redacts a text; what this scope remembers is hidden too, and what is found is remembered.
    pub fn text(&self, text: &str) -> Redacted<String> {
        let mut counts = Counts::new();
        let text = self
            .hide(text, &mut counts)
            .unwrap_or_else(|| text.to_owned());
        Redacted::new(text, counts)
    }

    /// Redacts bytes in the same way; what is not UTF-8 passes as it is.
    pub fn bytes(&self, bytes: &[u8]) -> Redacted<Vec<u8>> {
        let mut counts = Counts::new();
        let bytes = self
            .hide_bytes(bytes, &mut counts)
            .unwrap_or_else(|| bytes.to_vec());
        Redacted::new(bytes, counts)
    }

    /// Redacts a JSON value in the same way. What a sensitive key holds is remembered before the
    /// rest is looked at, so the order of fields does not matter.
    pub fn json(&self, value: &Value) -> Redacted<Value> {
        let walk = Walk {
            marker: self.redactor.marker(),
            learn: &|text, rule| self.learn_value(text.as_bytes(), rule, SHORTEST),
        };
        walk.learn(value, 0);
        let mut counts = Counts::new();
        let mut redacted = None;
        for _ in 0..ROUNDS {
            let before = self.known().values.len();
            let current = redacted.as_ref().unwrap_or(value);
            redacted = Some(walk.redact(
                current,
                0,
                &mut |text, counts| self.hide(text, counts),
                &mut counts,
            ));
            // What a later string taught is to be hidden in the earlier ones too.
            if self.known().values.len() == before {
                break;
            }
        }
        Redacted::new(redacted.unwrap_or(Value::Null), counts)
    }

    /// Hides `value` from now on, wherever it stands. Values under four bytes are ignored: they
    /// would wipe ordinary text.
    pub fn remember(&self, value: &str) {
        self.learn_value(value.as_bytes(), BY_NAME, SHORTEST_NAMED);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // A panic elsewhere leaves the list as it was: every change to it is one push.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn_value(&self, value: &[u8], rule: &'static str, shortest: usize) {
        let value = value.trim_ascii();
        if let Some(password) = basic_password(value) {
            self.learn_value(&password, BY_NAME, shortest);
        }
        let mut known = self.known();
        for form in forms(value) {
            let lower = form.to_ascii_lowercase();
            let common = COMMON.iter().any(|word| word.as_bytes() == lower);
            if form.len() < shortest
                || (common || bits(&form) < 12.0) && shortest == SHORTEST
                || self.redactor.own_mark(&form).is_some()
                || known.values.len() >= MOST
                || known
                    .values
                    .iter()
                    .any(|(value, _)| *value.dangerous_expose() == form)
            {
                continue;
            }
            known.values.push((Secret::new(form), rule));
            known.pattern = None;
        }
    }

    fn hide(&self, text: &str, counts: &mut Counts) -> Option<String> {
        let bytes = self.hide_bytes(text.as_bytes(), counts)?;
        Some(
            String::from_utf8(bytes)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
        )
    }

    fn hide_bytes(&self, text: &[u8], counts: &mut Counts) -> Option<Vec<u8>> {
        self.redactor.rewrite(text, 0, counts, self)
    }
}

impl Memory for Scope {
    fn learn(&self, value: &[u8], rule: &'static str) {
        // In free text a name may be taken for a value; it must not wipe the rest of a file.
        if rule != BY_NAME || !is_name(value) {
            self.learn_value(value, rule, SHORTEST);
        }
    }

    fn recall(&self, text: &[u8]) -> Vec<Span> {
        let mut known = self.known();
        if known.values.is_empty() {
            return Vec::new();
        }
        if known.pattern.is_none() {
            known
                .values
                .sort_by_key(|(value, _)| std::cmp::Reverse(value.dangerous_expose().len()));
            let literals: Vec<String> = known
                .values
                .iter()
                .map(|(value, _)| literal(value.dangerous_expose()))
                .collect();
            known.pattern = compile(&literals.join("|"));
        }
        let Some(pattern) = known.pattern.as_ref() else {
            return vec![Span::new(0..text.len(), "rules-broken")];
        };
        pattern
            .find_iter(text)
            .filter(|hit| hit.len() >= 8 || alone(text, hit.range()))
            .map(|hit| {
                let rule = known
                    .values
                    .iter()
                    .find(|(value, _)| value.dangerous_expose() == hit.as_bytes())
                    .map_or(BY_NAME, |(_, rule)| *rule);
                Span::new(hit.range(), rule)
            })
            .collect()
    }
}

impl Redactor {
    /// Redacts a text of any kind: prose, code, logs, command lines, JSON.
    pub fn text(&self, text: &str) -> Redacted<String> {
        self.scoped().text(text)
    }

    /// Redacts bytes of any kind; what is not UTF-8 passes as it is.
    pub fn bytes(&self, bytes: &[u8]) -> Redacted<Vec<u8>> {
        self.scoped().bytes(bytes)
    }

    /// Redacts a JSON value; it keeps its shape outside of what a sensitive key takes whole.
    pub fn json(&self, value: &Value) -> Redacted<Value> {
        self.scoped().json(value)
    }

    /// A scope that remembers what it finds and hides it everywhere afterwards.
    pub fn scoped(&self) -> Scope {
        Scope::new(self.clone())
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}

/// Letters, underscores and few digits: how code spells names.
fn is_name(value: &[u8]) -> bool {
    value.iter().all(|byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'.' | b'<' | b'>')
    }) && !is_random(value)
        && value.iter().filter(|byte| byte.is_ascii_digit()).count() < 2
}

/// A short value counts only as a word of its own.
fn alone(text: &[u8], range: std::ops::Range<usize>) -> bool {
    let word = |at: Option<usize>| {
        at.and_then(|at| text.get(at))
            .is_some_and(u8::is_ascii_alphanumeric)
    };
    !word(range.start.checked_sub(1)) && !word(Some(range.end))
}

/// The value as it stands in plain text, JSON, a URL, and line by line.
fn forms(value: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![value.to_vec()];
    let mut add = |form: Vec<u8>| {
        if !forms.contains(&form) {
            forms.push(form);
        }
    };
    if let Ok(text) = std::str::from_utf8(value)
        && let Ok(json) = serde_json::to_string(text)
        && let Some(inner) = json.get(1..json.len() - 1)
    {
        add(inner.as_bytes().to_vec());
    }
    let mut percent = Vec::with_capacity(value.len());
    for byte in value {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            percent.push(*byte);
        } else {
            percent.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    add(percent);
    if value.contains(&b'\n') {
        for line in value.split(|byte| *byte == b'\n') {
            let line = line.trim_ascii();
            if line.len() >= 16 && !line.starts_with(b"-----") {
                add(line.to_vec());
            }
        }
    }
    forms
}

/// A pattern for these very bytes.
fn literal(value: &[u8]) -> String {
    let mut pattern = String::with_capacity(value.len() * 2);
    for byte in value {
        if byte.is_ascii_alphanumeric() {
            pattern.push(char::from(*byte));
        } else {
            pattern.push_str(&format!("\\x{byte:02x}"));
        }
    }
    pattern
}
