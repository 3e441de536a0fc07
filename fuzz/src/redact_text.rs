//! Any text is redacted without a panic, once and for all, and a planted token never survives.

use aifirst_redact::Redactor;
use serde_json::{Value, json};
use std::sync::OnceLock;

/// Tries `data` as text, as a string within JSON, and around a token.
///
/// # Panics
/// Where a promise does not hold.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    once_and_for_all(&text);
    json_keeps_its_shape(&text);
    planted(&text, data.len());
}

fn once_and_for_all(text: &str) {
    let first = redactor().text(text);
    assert_eq!(
        first.value(),
        redactor().text(text).value(),
        "the same text gave another mark"
    );
    let second = redactor().text(first.value());
    assert_eq!(
        second.value(),
        first.value(),
        "redacting twice changes something"
    );
}

fn json_keeps_its_shape(text: &str) {
    let value = serde_json::from_str::<Value>(text)
        .unwrap_or_else(|_| json!({ "note": text, "list": [text, 1, null] }));
    let redacted = redactor().json(&value);
    shape(&value, redacted.value());
}

fn shape(before: &Value, after: &Value) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            assert_eq!(before.len(), after.len(), "a key was lost");
            for (one, other) in before.values().zip(after.values()) {
                shape(one, other);
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            assert_eq!(before.len(), after.len(), "an element was lost");
            for (one, other) in before.iter().zip(after) {
                shape(one, other);
            }
        }
        // A whole value may become a mark.
        (_, Value::String(_)) => {}
        (before, after) => assert_eq!(before, after),
    }
}

fn planted(text: &str, seed: usize) {
    let body: String = (0..36_usize)
        .map(|at| char::from(b"aB3dE5gH7jK9mN"[(at * 5 + seed + at / 14) % 14]))
        .collect();
    let middle = text
        .char_indices()
        .map(|(at, _)| at)
        .nth(text.chars().count() / 2)
        .unwrap_or(0);
    let (before, after) = text.split_at(middle);
    let whole = format!("{before} ghp_{body} {after}");
    let redacted = redactor().text(&whole);
    for piece in body
        .as_bytes()
        .windows(8)
        .map(|piece| std::str::from_utf8(piece).expect("ASCII"))
    {
        assert!(
            text.contains(piece) || !redacted.value().contains(piece),
            "{piece} of the token is left: {:?}",
            redacted.value()
        );
    }
    assert!(
        redactor().own_mark(redacted.value().as_bytes()).is_some(),
        "no mark in {:?}",
        redacted.value()
    );
}

fn redactor() -> &'static Redactor {
    static ONE: OnceLock<Redactor> = OnceLock::new();
    ONE.get_or_init(|| Redactor::new(&[7; 32]))
}
