//! What must hold for every input.

use proptest::prelude::*;
use serde_json::Value;

use super::{leaks, redactor};

/// Text made of the pieces that the rules look for, and of anything.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        proptest::sample::select(vec![
            "password",
            "token",
            "=",
            ": ",
            " ",
            "\n",
            "\"",
            "'",
            "\\\"",
            "\\n",
            "{",
            "}",
            "[",
            "]",
            ",",
            ";",
            "&",
            "ghp_",
            "sk-",
            "eyJ",
            "Bearer ",
            "Basic ",
            "Authorization: ",
            "://",
            "@",
            ":",
            "-----BEGIN RSA PRIVATE KEY-----",
            "-----END ",
            "\u{1b}[32m",
            "\u{1b}]0;",
            "<",
            ">",
            "</",
            "--",
            "curl -u ",
            "[redacted:secret:",
            "]",
            "Cookie: ",
            "é",
            "\u{2022}",
            "4fK9xQ2mZ7vT1bN8cR5yW3pL6hJ0gD",
            "%3D",
            "\\u001b[1m",
            "key",
            "value",
            "name",
            "mysql -p",
        ])
        .prop_map(str::to_owned),
        "[a-zA-Z0-9+/_.-]{0,40}",
        ".{0,12}",
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn json() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        proptest::sample::select(vec![
            "password", "name", "value", "token", "items", "author", "headers", "body"
        ])
        .prop_map(str::to_owned),
        text(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((key.clone(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Same kinds, same lengths, wherever no mark stands.
fn same_shape(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (_, Value::String(text)) if redactor().own_mark(text.as_bytes()) == Some(0..text.len()) => {
            true
        }
        (Value::String(_), Value::String(_)) => true,
        (Value::Array(one), Value::Array(two)) => {
            one.len() == two.len() && one.iter().zip(two).all(|(one, two)| same_shape(one, two))
        }
        (Value::Object(one), Value::Object(two)) => {
            one.len() == two.len()
                && one
                    .values()
                    .zip(two.values())
                    .all(|(one, two)| same_shape(one, two))
        }
        (one, two) => one == two,
    }
}

const PLACES: &[&str] = &[
    "password: {}\n",
    "export API_TOKEN={}\n",
    "{\"secret\":\"{}\"}",
    "https://ann:{}@host/x",
    "Authorization: Bearer {}\n",
    "--client-secret {} --x",
    "Cookie: sid={}; a=b\n",
    "<password>{}</password>",
    "api_key = '{}'",
    "{\"body\":\"{\\\"token\\\":\\\"{}\\\"}\"}",
    "\u{1b}[1mpassword\u{1b}[0m={} ",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn twice_is_once(text in text()) {
        let once = redactor().text(&text);
        let twice = redactor().text(once.value());
        prop_assert_eq!(twice.value(), once.value());
    }

    #[test]
    fn nothing_found_is_nothing_changed(text in text()) {
        let shown = redactor().text(&text);
        prop_assert_eq!(shown.total() == 0, *shown.value() == text);
    }

    #[test]
    fn any_bytes_pass_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), text in text()) {
        let _ = redactor().bytes(&bytes);
        let mut mixed = bytes;
        mixed.extend_from_slice(text.as_bytes());
        let once = redactor().bytes(&mixed);
        let _ = redactor().own_mark(once.value());
    }

    #[test]
    fn json_keeps_its_shape(value in json()) {
        let shown = redactor().json(&value);
        prop_assert!(same_shape(&value, shown.value()), "{value} became {}", shown.value());
        let again = redactor().json(shown.value());
        prop_assert_eq!(again.value(), shown.value());
    }

    #[test]
    fn json_text_stays_json(value in json()) {
        let text = value.to_string();
        let shown = redactor().text(&text);
        let read: Result<Value, _> = serde_json::from_str(shown.value());
        prop_assert!(read.is_ok(), "{text} became {}", shown.value());
    }

    #[test]
    fn a_planted_secret_leaves_no_piece(
        secret in "[A-Za-z]{3,8}[0-9]{2}[A-Za-z0-9_]{5,40}",
        place in proptest::sample::select(PLACES),
        tail in "[a-z ]{0,20}",
    ) {
        let text = format!("{}{tail} {secret} {tail}", place.replace("{}", &secret));
        let shown = redactor().text(&text);
        prop_assert!(!leaks(shown.value(), &secret), "{text} became {}", shown.value());
    }
}
