//! JSON values: what a sensitive key holds goes whole, the rest keeps its shape.

use serde_json::json;

use super::{redactor, shown};

fn is_mark(value: &serde_json::Value) -> bool {
    value
        .as_str()
        .is_some_and(|text| redactor().own_mark(text.as_bytes()) == Some(0..text.len()))
}

#[test]
fn any_kind_of_value_goes_under_a_sensitive_key() {
    let value = json!({
        "a": { "b": [ { "password": "x" }, { "api_key": 4711 }, { "secret": { "deep": ["u", 1] } } ] },
        "credentials": ["ann", "hunter2"],
        "token": 1.5,
    });
    let shown = redactor().json(&value).into_value();
    assert!(is_mark(&shown["a"]["b"][0]["password"]));
    assert!(is_mark(&shown["a"]["b"][1]["api_key"]));
    assert!(is_mark(&shown["a"]["b"][2]["secret"]));
    assert!(is_mark(&shown["credentials"]));
    assert!(is_mark(&shown["token"]));
}

#[test]
fn null_booleans_and_empty_values_stay() {
    let value =
        json!({ "password": null, "token": true, "secret": "", "api_key": [], "credentials": {} });
    assert_eq!(redactor().json(&value).value(), &value);
}

#[test]
fn harmless_names_stay() {
    let value = json!({
        "author": "ann", "authority": "x", "keyboard": "qwerty", "primary_key": "id", "key_length": 2048,
        "max_tokens": 4096, "token_count": 77, "prompt_tokens": 12, "tokens": 3, "tokenizer": "bpe",
        "monkey": "m", "compass": "north", "passenger": "p", "key": "name", "public_key": "ssh-ed25519",
        "path": "src/auth/token.rs", "js-tokens": "^4.0.0", "parse-passwd": "^1.0.0",
    });
    let redacted = redactor().json(&value);
    assert_eq!(redacted.value(), &value);
    assert_eq!(redacted.total(), 0);
}

#[test]
fn names_beside_values_count() {
    let value = json!([
        { "name": "API_KEY", "value": "x1" },
        { "name": "REGION", "value": "eu" },
        ["Authorization", "Bearer abc"],
        ["run", "--password", "hunter2", "--fast"],
    ]);
    let shown = redactor().json(&value).into_value();
    assert!(is_mark(&shown[0]["value"]));
    assert_eq!(shown[1], value[1]);
    assert!(is_mark(&shown[2][1]));
    assert!(is_mark(&shown[3][2]));
    assert_eq!(shown[3][3], "--fast");
}

#[test]
fn strings_that_hold_json_are_read_as_json() {
    let inner = json!({ "credentials": { "user": "ann", "pin": 4711 }, "n": 1 }).to_string();
    let outer = json!({ "body": inner, "twice": json!({ "body": inner }).to_string() });
    let shown = redactor().json(&outer).into_value();
    let body: serde_json::Value = serde_json::from_str(shown["body"].as_str().unwrap()).unwrap();
    assert!(is_mark(&body["credentials"]) && body["n"] == 1);
    let twice: serde_json::Value = serde_json::from_str(shown["twice"].as_str().unwrap()).unwrap();
    let body: serde_json::Value = serde_json::from_str(twice["body"].as_str().unwrap()).unwrap();
    assert!(is_mark(&body["credentials"]) && body["n"] == 1);
}

#[test]
fn text_that_is_json_keeps_its_layout() {
    let text = "{\n  \"credentials\": { \"user\": \"ann\" },\n  \"pin_code\": 1,\n  \"list\": [1,  2]\n}\n";
    let redacted = shown(text);
    assert!(
        redacted.starts_with("{\n  \"credentials\": \"[redacted:secret:"),
        "{redacted}"
    );
    assert!(
        redacted.ends_with("\",\n  \"pin_code\": 1,\n  \"list\": [1,  2]\n}\n"),
        "{redacted}"
    );
    let _: serde_json::Value = serde_json::from_str(&redacted).unwrap();
}

#[test]
fn a_secret_may_be_a_key() {
    let token = format!("ghp_{}", "4fK9xQ2mZ7vT1bN8cR5yW3pL6hJ0gD4fK9xQ");
    let value = json!({ token.clone(): 1, "x": 2 });
    let shown = redactor().json(&value).into_value();
    assert_eq!(shown.as_object().unwrap().len(), 2);
    assert!(!shown.to_string().contains(&token));
}

#[test]
fn depth_beyond_the_limit_is_replaced_and_not_followed() {
    let mut value = json!({ "password": "hunter2" });
    for _ in 0..400 {
        value = json!([value]);
    }
    let redacted = redactor().json(&value);
    assert_eq!(redacted.found().get("too-deep"), Some(&1));
    assert!(!redacted.value().to_string().contains("hunter2"));
}
