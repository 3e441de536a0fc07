//! Secrets that pass through are nowhere in the state and in nothing that is printed.
use std::path::Path;

use crate::desk::Desk;

/// Texts of known formats, put together so that no scanner finds them here.
fn token() -> String {
    format!("ghp_{}", "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA1bC3")
}

fn password() -> String {
    ["correct", "horse", "77", "staple"].join("-")
}

/// Every file of the state but kept contents, which are the person's own bytes.
fn state_holds(folder: &Path, text: &str) -> Option<String> {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if name == "store" {
                continue;
            }
            if let Some(found) = state_holds(&path, text) {
                return Some(found);
            }
        } else {
            let bytes = std::fs::read(&path).unwrap();
            if String::from_utf8_lossy(&bytes).contains(text) {
                return Some(path.display().to_string());
            }
        }
    }
    None
}

#[test]
fn lesson_f5_a_planted_secret_is_in_no_table_and_in_nothing_printed() {
    let desk = Desk::with_files();
    let (token, password) = (token(), password());
    let content = format!("TOKEN={token}\nDB_PASSWORD={password}\n");
    let reason = format!("log in with token {token}");
    let write = |path: &str, content: &str| {
        desk.run(&[
            "call",
            "write_file",
            &format!("path={path}"),
            &format!("content={content}"),
            "--reason",
            &reason,
        ])
    };
    let mut printed = vec![write(".env", &content)];
    printed.push(write(".env", &format!("{content}#\n")));
    // As an operation's result: exact there, and nowhere else.
    let read = desk.done(&["call", "read_text_file", "path=.env"]);
    assert!(read.out.contains(&token), "a result is exact: {read:?}");
    // In parameters that nobody asked for, in paths that fail, in wrong JSON.
    for args in [
        vec![
            "call",
            "write_file",
            "path=x",
            "content=y",
            &format!("api_token={token}"),
        ],
        vec!["call", "read_text_file", &format!("path=none/{token}")],
        vec![
            "call",
            "write_file",
            &format!("path=../{token}"),
            "content=x",
        ],
        vec![
            "call",
            "delete_directory",
            "path=build",
            "recursive=true",
            "--reason",
            &reason,
        ],
        vec!["log"],
        vec!["log", "--json"],
        vec!["log", "-v"],
        vec!["diff"],
        vec!["diff", "@1"],
        vec!["diff", "--json"],
        vec!["show", "@1"],
        vec!["show", "@3", "--json"],
        vec!["status"],
        vec!["undo", "--dry-run"],
        vec!["undo"],
        vec!["redo"],
        vec!["verify"],
    ] {
        printed.push(desk.run(&args));
    }
    for run in &printed {
        for secret in [&token, &password] {
            // An unknown operation's parameter is the caller's own word, which usage names.
            assert!(!run.out.contains(secret.as_str()), "{run:?}");
            assert!(!run.err.contains(secret.as_str()), "{run:?}");
        }
    }
    assert!(
        printed.iter().any(|r| r.out.contains("[redacted:")),
        "no mark stands in their place"
    );
    assert!(
        state_holds(&desk.state(), "log in with token").is_some(),
        "the search finds nothing"
    );
    for secret in [&token, &password] {
        assert_eq!(state_holds(&desk.state(), secret), None);
    }
    // The file itself is what the agent wrote, byte for byte.
    assert_eq!(desk.text(".env"), format!("{content}#\n"));
}

#[test]
fn lesson_f1_a_mark_is_not_written_back_over_the_secret() {
    let desk = Desk::new();
    let reason = format!("token {}", token());
    desk.done(&[
        "call",
        "write_file",
        "path=a",
        "content=b",
        "--reason",
        &reason,
    ]);
    let shown = desk.json(&["show", "@1"]).to_string();
    let start = shown.find("[redacted:").expect("no mark");
    let end = start + shown[start..].find(']').unwrap() + 1;
    let content = format!("content=TOKEN={}", &shown[start..end]);
    let run = desk.run(&["call", "write_file", "path=a", &content, "--json"]);
    assert_ne!(run.code, 0, "{run:?}");
    assert_eq!(desk.text("a"), "b");
}
