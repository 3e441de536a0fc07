//! Marks: stable, keyed, recognised, never touched again.

use aifirst_redact::Redactor;

use super::{redactor, shown};

#[test]
fn the_same_secret_leaves_the_same_mark() {
    let one = shown("password: c0rrect-h0rse-battery");
    let two = shown("export DB_PASSWORD='c0rrect-h0rse-battery'");
    let mark = one.strip_prefix("password: ").unwrap();
    assert_eq!(two, format!("export DB_PASSWORD='{mark}'"));
    let json = redactor().json(&serde_json::json!({ "token": "c0rrect-h0rse-battery" }));
    assert_eq!(json.value()["token"], mark);
}

#[test]
fn another_key_makes_other_marks_and_does_not_know_ours() {
    let ours = shown("password: c0rrect-h0rse-battery");
    let other = Redactor::new(&[8; 32]);
    assert_ne!(
        ours,
        other.text("password: c0rrect-h0rse-battery").into_value()
    );
    assert!(redactor().own_mark(ours.as_bytes()).is_some());
    assert!(other.own_mark(ours.as_bytes()).is_none());
}

#[test]
fn marks_follow_the_documented_grammar() {
    let strong = shown("password: c0rrect-h0rse-battery");
    let weak = shown("password: hunter2");
    let pattern = |text: &str| {
        let inner = text
            .strip_prefix("password: [redacted:secret:")
            .and_then(|text| text.strip_suffix("]"))
            .unwrap()
            .to_owned();
        inner.split('-').map(str::len).collect::<Vec<_>>()
    };
    assert_eq!(pattern(&strong), [10, 6]);
    assert_eq!(pattern(&weak), [6]);
}

#[test]
fn a_mark_says_neither_length_nor_piece_of_its_secret() {
    let short = shown("token=4fK9xQ2mZ7vT1b").len();
    let long = shown(&format!("token={}", "4fK9xQ2mZ7vT1b".repeat(9))).len();
    assert_eq!(short, long);
}

#[test]
fn text_that_is_too_large_becomes_a_mark_with_the_reason() {
    let text = "x".repeat((64 << 20) + 1);
    let redacted = redactor().text(&text);
    assert!(redacted.value().starts_with("[redacted:too-large:"));
    assert_eq!(redacted.found().get("too-large"), Some(&1));
    assert_eq!(shown(redacted.value()), *redacted.value());
}

#[test]
fn the_digest_of_the_rules_is_stable_and_hex() {
    let digest = redactor().rules_digest();
    assert_eq!(digest.len(), 64);
    assert_eq!(digest, Redactor::new(&[9; 32]).rules_digest());
    assert_eq!(Redactor::profile(), "audit");
}
