//! The JSON that others build on, pinned: a change here is a change of a contract.
//!
//! `BLESS=1 cargo test -p aifirst golden` writes the files anew.
use serde_json::Value;

use crate::desk::Desk;

/// Replaces what differs from run to run.
fn masked(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(k, v)| {
                    let mask = match (k.as_str(), v) {
                        ("time" | "at" | "mtime", Value::String(_)) => Some("<time>"),
                        ("id" | "op" | "session" | "workspace" | "parent", Value::String(_)) => {
                            Some("<id>")
                        }
                        (
                            "leaf" | "digest" | "plan" | "plan_digest" | "body_hash" | "commitment"
                            | "salt" | "boot" | "prev" | "state",
                            Value::String(_),
                        ) => Some("<bytes>"),
                        _ => None,
                    };
                    let mask = match k.as_str() {
                        "pid" | "uid" => Some("<number>"),
                        _ => mask,
                    };
                    (k.clone(), mask.map_or_else(|| masked(v), |m| m.into()))
                })
                .collect(),
        ),
        Value::Array(list) => Value::Array(list.iter().map(masked).collect()),
        Value::String(text) => {
            let words: Vec<&str> = text
                .split(' ')
                .map(|w| if looks_random(w) { "<random>" } else { w })
                .collect();
            words.join(" ").into()
        }
        other => other.clone(),
    }
}

fn looks_random(text: &str) -> bool {
    let hex = text.len() >= 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let id = text.len() == 16
        && text.bytes().any(|b| b.is_ascii_digit())
        && text
            .bytes()
            .all(|b| b"0123456789abcdefghjkmnpqrstvwxyz".contains(&b));
    let time = text.len() == 27 && text.ends_with('Z') && text.as_bytes()[10] == b'T';
    hex || id || time
}

fn pinned(name: &str, values: &[Value]) {
    let mut text = String::new();
    for value in values {
        text.push_str(&serde_json::to_string_pretty(&masked(value)).unwrap());
        text.push('\n');
    }
    let path = format!("{}/tests/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        text == expected,
        "{name} is another; if that is meant, run with BLESS=1\n{text}"
    );
}

/// A little history: a write, a refusal, an undo.
fn history() -> Desk {
    let desk = Desk::with_files();
    desk.done(&[
        "call",
        "write_file",
        "path=./src/../README.md",
        "content=# Other\n",
        "--reason",
        "it was old",
    ]);
    assert_eq!(
        desk.run(&["call", "write_file", "path=../out", "content=x"])
            .code,
        4
    );
    desk.done(&["undo"]);
    desk
}

#[test]
fn golden_log() {
    pinned("log", &history().log());
}

#[test]
fn golden_show() {
    let desk = history();
    let log = desk.log();
    let write = log.iter().find(|e| e["operation"] == "write_file").unwrap();
    let reference = format!("@{}", write["seq"]);
    pinned("show", &[desk.json(&["show", &reference])]);
}

#[test]
fn golden_receipt() {
    let desk = Desk::with_files();
    pinned(
        "receipt",
        &[
            desk.json(&["call", "write_file", "path=README.md", "content=# Other\n"]),
            desk.json(&["undo"]),
        ],
    );
}

#[test]
fn golden_error() {
    let desk = Desk::with_files();
    desk.policy(
        "version = 1\n[[rule]]\nname = \"notes stay\"\ndecide = \"deny\"\npaths = [\"notes/**\"]\n",
    );
    let cases: &[&[&str]] = &[
        &["lgo"],
        &["call", "read_text_file", "path=none"],
        &["call", "write_file", "path=../x", "content=y"],
        &["call", "delete_file", "path=notes/old.md"],
        &["call", "delete_directory", "path=build", "recursive=true"],
    ];
    let errors: Vec<Value> = cases
        .iter()
        .map(|args| desk.run(&[args, &["--json"][..]].concat()).document())
        .collect();
    pinned("error", &errors);
}
