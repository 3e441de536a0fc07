//! JSON values: what a sensitive key holds goes whole, everything else keeps its shape.

use serde_json::{Map, Value};

use crate::detect::document::{holds_the_thing, names_a_thing};
use crate::detect::keys::{Named, judge};
use crate::detect::value::{is_random, is_version, is_word};
use crate::detect::{context, known};
use crate::mark::Marker;
use crate::secret::Counts;
use crate::span::BY_NAME;

/// Deeper values are replaced whole; what JSON's parsers read by default is less deep.
const DEPTH: usize = 128;

/// Redacts a string that is not hidden whole.
pub(crate) type Text<'a> = &'a mut dyn FnMut(&str, &mut Counts) -> Option<String>;

/// Walks a value. What a key hides is told to `learn` before the rest of the value is looked at, so
/// that it is hidden in the fields that stand before it too.
pub(crate) struct Walk<'a> {
    pub(crate) marker: &'a Marker,
    pub(crate) learn: &'a dyn Fn(&str, &'static str),
}

impl Walk<'_> {
    /// First look: learns what keys hide.
    pub(crate) fn learn(&self, value: &Value, depth: usize) {
        if depth > DEPTH {
            return;
        }
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    if self.hides(value, fate(fields, key)) {
                        self.learn_leaves(value, depth + 1);
                    } else {
                        self.learn(value, depth + 1);
                    }
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    if self.hides(item, fate_in_array(items, index)) {
                        self.learn_leaves(item, depth + 1);
                    } else {
                        self.learn(item, depth + 1);
                    }
                }
            }
            _ => {}
        }
    }

    fn learn_leaves(&self, value: &Value, depth: usize) {
        match value {
            Value::String(text) => (self.learn)(text, rule_of(text)),
            Value::Number(number) => (self.learn)(&number.to_string(), BY_NAME),
            Value::Array(items) if depth <= DEPTH => {
                items
                    .iter()
                    .for_each(|item| self.learn_leaves(item, depth + 1));
            }
            Value::Object(fields) if depth <= DEPTH => {
                fields
                    .values()
                    .for_each(|item| self.learn_leaves(item, depth + 1));
            }
            _ => {}
        }
    }

    /// Second look: the redacted value.
    pub(crate) fn redact(
        &self,
        value: &Value,
        depth: usize,
        text: Text<'_>,
        counts: &mut Counts,
    ) -> Value {
        if depth > DEPTH {
            return match value {
                Value::Object(fields) if !fields.is_empty() => self.too_deep(counts),
                Value::Array(items) if !items.is_empty() => self.too_deep(counts),
                Value::String(inner) => self.string(inner, text, counts),
                other => other.clone(),
            };
        }
        match value {
            Value::String(inner) => self.string(inner, text, counts),
            Value::Array(items) => Value::Array(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| {
                        if self.hides(item, fate_in_array(items, index)) {
                            self.hidden(item, counts)
                        } else {
                            self.redact(item, depth + 1, text, counts)
                        }
                    })
                    .collect(),
            ),
            Value::Object(fields) => {
                let mut redacted = Map::new();
                for (key, item) in fields {
                    // The key as it is and as it will be shown: the second look must find nothing new.
                    let shown = text(key, counts).unwrap_or_else(|| key.clone());
                    let named = fate(fields, key).max(judge(shown.as_bytes()));
                    let value = if self.hides(item, named) {
                        self.hidden(item, counts)
                    } else {
                        self.redact(item, depth + 1, text, counts)
                    };
                    redacted.insert(free_key(&redacted, shown), value);
                }
                Value::Object(redacted)
            }
            other => other.clone(),
        }
    }

    fn string(&self, inner: &str, text: Text<'_>, counts: &mut Counts) -> Value {
        Value::String(text(inner, counts).unwrap_or_else(|| inner.to_owned()))
    }

    fn too_deep(&self, counts: &mut Counts) -> Value {
        *counts.entry("too-deep").or_default() += 1;
        Value::String(self.marker.placeholder("too-deep"))
    }

    fn hidden(&self, value: &Value, counts: &mut Counts) -> Value {
        let (rule, mark) = match value {
            Value::String(text) => {
                let rule = rule_of(text);
                (rule, self.marker.mark(rule, text.as_bytes()))
            }
            other => (
                BY_NAME,
                self.marker.mark(BY_NAME, other.to_string().as_bytes()),
            ),
        };
        *counts.entry(rule).or_default() += 1;
        Value::String(mark)
    }

    /// Whether a value goes whole under a name that is judged so.
    fn hides(&self, value: &Value, named: Named) -> bool {
        if let Value::String(text) = value
            && self.marker.at(text.as_bytes(), 0) == Some(text.len())
        {
            return false;
        }
        match (named, value) {
            (Named::Plain, _) | (_, Value::Null | Value::Bool(_)) => false,
            (Named::Maybe, Value::String(text)) => {
                is_random(text.as_bytes()) || context::is_basic(text.as_bytes())
            }
            (Named::Maybe, _) => false,
            (Named::Secret, Value::String(text)) => {
                !text.is_empty() && !is_version(text.as_bytes())
            }
            (Named::Secret, Value::Array(items)) => !items.is_empty(),
            (Named::Secret, Value::Object(fields)) => !fields.is_empty(),
            (Named::Secret, Value::Number(_)) => true,
        }
    }
}

/// The format that the whole text has, so that a token leaves one mark with and without its key.
fn rule_of(text: &str) -> &'static str {
    known::whole(text.trim().as_bytes()).unwrap_or(BY_NAME)
}

/// What the key of a field, or the name that stands beside it, says about its value.
fn fate(fields: &Map<String, Value>, key: &str) -> Named {
    let own = judge(key.as_bytes());
    if own != Named::Secret && holds_the_thing(key.as_bytes()) {
        let named = fields
            .iter()
            .filter(|(key, _)| names_a_thing(key.as_bytes()))
            .filter_map(|(_, name)| name.as_str())
            .map(|name| judge(name.as_bytes()))
            .max();
        return own.max(named.unwrap_or(Named::Plain));
    }
    own
}

/// `["--password", "hunter2"]` and `["Authorization", "Bearer …"]`.
fn fate_in_array(items: &[Value], index: usize) -> Named {
    let Some(before) = index
        .checked_sub(1)
        .and_then(|index| items.get(index))
        .and_then(Value::as_str)
    else {
        return Named::Plain;
    };
    let flag = before.starts_with('-') && !before.contains(['=', ' ']);
    let pair = items.len() == 2 && !before.contains([' ', '=', ':']);
    let hides = (flag || pair)
        && judge(before.as_bytes()) == Named::Secret
        && !items
            .get(index)
            .and_then(Value::as_str)
            .is_some_and(|value| value.starts_with("--"));
    // A list of two names is no pair of name and value.
    let both_names = pair
        && !flag
        && items
            .get(index)
            .and_then(Value::as_str)
            .is_none_or(|value| {
                is_word(value.as_bytes()) && judge(value.as_bytes()) == Named::Secret
            });
    if hides && !both_names {
        Named::Secret
    } else {
        Named::Plain
    }
}

/// Two keys that became the same mark stay two keys.
fn free_key(fields: &Map<String, Value>, key: String) -> String {
    if !fields.contains_key(&key) {
        return key;
    }
    (2u64..)
        .map(|number| format!("{key}#{number}"))
        .find(|key| !fields.contains_key(key))
        .unwrap_or(key)
}
