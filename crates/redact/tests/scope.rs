//! Scopes: seen once, hidden everywhere in the same call.

use aifirst_redact::Secret;
use serde_json::json;

use super::redactor;

#[test]
fn what_a_key_hid_is_hidden_in_results_errors_and_paths() {
    let scope = redactor().scoped();
    let _ = scope.json(&json!({ "password": "s3same-0pen", "path": "notes.txt" }));
    for text in [
        "wrote s3same-0pen to notes.txt",
        "no such file: backup/s3same-0pen.txt",
        "+s3same-0pen\n-other",
        "{\"line\":\"xs3same-0peny\"}",
    ] {
        let shown = scope.text(text);
        assert!(!shown.value().contains("s3same-0pen"), "{}", shown.value());
        assert_eq!(shown.total(), 1);
    }
    assert_eq!(
        redactor().text("wrote s3same-0pen").value(),
        "wrote s3same-0pen"
    );
}

#[test]
fn the_order_of_fields_does_not_matter() {
    let redacted = redactor().json(&json!({
        "command": "echo s3same-0pen", "zeta": { "password": "s3same-0pen" },
        "note": "the k7Xq2Lw9 of it", "env": "API_TOKEN=k7Xq2Lw9",
    }));
    let text = redacted.value().to_string();
    assert!(
        !text.contains("s3same-0pen") && !text.contains("k7Xq2Lw9"),
        "{text}"
    );
}

#[test]
fn other_spellings_of_a_value_are_hidden_too() {
    let scope = redactor().scoped();
    scope.remember("p\"ss w0rd/9");
    for text in ["p\"ss w0rd/9", "\"p\\\"ss w0rd/9\"", "q=p%22ss%20w0rd%2F9"] {
        assert_eq!(scope.text(text).total(), 1, "{text}");
    }
}

#[test]
fn a_password_in_a_basic_header_is_remembered_by_itself() {
    let scope = redactor().scoped();
    // bot:c4tchIcat55
    let _ = scope.text("Authorization: Basic Ym90OmM0dGNoSWNhdDU1");
    assert!(
        !scope
            .text("login with c4tchIcat55")
            .value()
            .contains("c4tchIcat55")
    );
}

#[test]
fn common_words_and_short_values_do_not_wipe_ordinary_text() {
    let scope = redactor().scoped();
    let _ = scope.json(
        &json!({ "password": "root", "token": "true", "secret": "localhost", "api_key": "12" }),
    );
    let text = "root at localhost said true 12 times";
    assert_eq!(scope.text(text).value(), text);
    let _ = scope.json(&json!({ "password": "tiger7" }));
    assert_eq!(
        scope.text("tigers: 1, tiger77").value(),
        "tigers: 1, tiger77"
    );
    assert_eq!(scope.text("scott/tiger7").total(), 1);
}

#[test]
fn a_secret_is_not_shown_by_debug() {
    let secret = Secret::new(String::from("hunter2"));
    assert_eq!(format!("{secret:?}"), "Secret(..)");
    assert_eq!(secret.dangerous_expose(), "hunter2");
    let scope = redactor().scoped();
    scope.remember("hunter2hunter2");
    assert!(!format!("{scope:?}").contains("hunter2"));
}
