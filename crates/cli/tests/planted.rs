//! Secrets planted where nobody thinks of them: not eight bytes of one are in the record or in what is printed.
use std::fs;
use std::path::{Path, PathBuf};

use crate::desk::{Desk, Run};
use crate::faults::{database, folder, quick_desk, run};

/// A token for each place, put together so that no scanner finds them here.
fn token(place: u8) -> String {
    let letters = "QzX7vKp2LmW9tRb4NcY6hJd8FgS3aVeU5kTo";
    let turn = usize::from(place) * 3 % letters.len();
    let (head, tail) = letters.split_at(turn);
    format!("ghp_{tail}{head}")
}

/// Whether any eight bytes of the secret that are not its public prefix are in the text.
fn piece<'a>(text: &[u8], secret: &'a str) -> Option<&'a str> {
    let pieces = secret.as_bytes()[4..].windows(8).enumerate();
    for (i, piece) in pieces {
        if text.windows(8).any(|w| w == piece) {
            return Some(&secret[i + 4..i + 12]);
        }
    }
    None
}

/// Every file of the state but kept contents.
fn files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_dir() {
            out.push(path);
        } else if path.file_name().unwrap() != "store" {
            files(&path, out);
        }
    }
}

fn assert_clean(desk: &Desk, runs: &[Run], secrets: &[String]) {
    let mut paths = Vec::new();
    files(&desk.state(), &mut paths);
    assert!(
        paths.iter().any(|p| p.ends_with("state.db-wal")),
        "{paths:?}"
    );
    for secret in secrets {
        for path in &paths {
            let found = piece(&fs::read(path).unwrap(), secret);
            assert_eq!(found, None, "{secret} in {}", path.display());
        }
        for run in runs {
            for text in [&run.out, &run.err] {
                assert_eq!(piece(text.as_bytes(), secret), None, "{secret}: {run:?}");
            }
        }
    }
}

#[test]
fn not_eight_bytes_of_a_secret_wherever_it_was_planted() {
    let desk = quick_desk();
    desk.fill();
    let secrets: Vec<String> = (0..8).map(token).collect();
    let s = |n: usize| secrets[n].as_str();
    desk.put("conf", &format!("token = {}\nother = 1\n", s(5)));
    let mut runs = Vec::new();
    let mut go = |args: &[&str]| runs.push(run(&desk, args));
    let content = format!("content=key {}\n", s(0));
    go(&["call", "write_file", "path=k", &content]);
    go(&[
        "call",
        "write_file",
        "path=k",
        &content,
        "--json",
        "--dry-run",
    ]);
    go(&[
        "call",
        "write_file",
        "path=k",
        "content=x",
        "--reason",
        s(1),
    ]);
    go(&[
        "--session",
        s(2),
        "call",
        "write_file",
        "path=k2",
        "content=x",
    ]);
    go(&[
        "--session",
        s(2),
        "call",
        "write_file",
        "path=k2",
        "content=y",
        "--json",
    ]);
    go(&[
        "call",
        "read_text_file",
        &format!("path=none/{}/x", s(3)),
        "--json",
    ]);
    go(&[
        "call",
        "write_file",
        &format!("path=../{}", s(3)),
        "content=x",
    ]);
    go(&["call", "delete_directory", &format!("path={}", s(3))]);
    let edit = format!(
        r#"{{"path":"conf","edits":[{{"oldText":"other = 1","newText":"other = {}"}}]}}"#,
        s(4)
    );
    go(&["call", "edit_file", "--params", &edit]);
    let no_edit = format!(
        r#"{{"path":"conf","edits":[{{"oldText":"is not there {}","newText":"x"}}]}}"#,
        s(6)
    );
    go(&["call", "edit_file", "--params", &no_edit, "--json"]);
    let nested = format!(
        r#"{{"path":"x","content":"y","a":{{"password":"{}"}}}}"#,
        s(7)
    );
    go(&["call", "write_file", "--params", &nested]);
    for args in [
        vec!["log"],
        vec!["log", "--json"],
        vec!["log", "-v"],
        vec!["status"],
        vec!["status", "--json"],
        vec!["diff"],
        vec!["diff", "--json"],
        vec!["undo", "--dry-run"],
        vec!["undo", "--json"],
        vec!["redo"],
        vec!["verify", "--json"],
        vec!["doctor"],
        vec!["workspace", "list"],
    ] {
        go(&args);
    }
    for entry in run(&desk, &["log", "--json"]).lines() {
        let at = format!("@{}", entry["seq"]);
        runs.push(run(&desk, &["show", &at]));
        runs.push(run(&desk, &["show", &at, "--json"]));
        runs.push(run(&desk, &["diff", &at]));
    }
    let all: String = runs.iter().map(|r| r.out.as_str()).collect();
    assert!(all.contains("[redacted:"), "nothing was there to be hidden");
    assert_clean(&desk, &runs, &secrets);
    // The control: the search finds what is there.
    assert!(piece(&fs::read(desk.path("conf")).unwrap(), s(4)).is_some());
}

/// The journal has to know the name to bring the file back; the log and everything shown does not.
#[test]
fn a_secret_in_a_files_name_is_in_the_journal_alone() {
    let desk = quick_desk();
    let secret = token(9);
    let path = format!("path={secret}.txt");
    let mut runs = vec![
        run(&desk, &["call", "write_file", &path, "content=x"]),
        run(&desk, &["call", "get_file_info", &path]),
        run(&desk, &["call", "delete_file", &path]),
        run(&desk, &["undo"]),
        run(&desk, &["log"]),
        run(&desk, &["log", "--json"]),
        run(&desk, &["status"]),
    ];
    assert_eq!(runs[0].code, 0, "{:?}", runs[0]);
    // The second is an operation's own result, which is exact.
    runs.remove(1);
    for run in &runs {
        assert_eq!(piece(run.out.as_bytes(), &secret), None, "{run:?}");
        assert_eq!(piece(run.err.as_bytes(), &secret), None, "{run:?}");
    }
    let copy = folder(&desk).join("copy.db");
    database(&desk)
        .execute("VACUUM INTO ?1", [copy.to_str().unwrap()])
        .unwrap();
    assert!(
        piece(&fs::read(&copy).unwrap(), &secret).is_some(),
        "the journal"
    );
    let conn = rusqlite::Connection::open(&copy).unwrap();
    let mut statement = conn
        .prepare("SELECT name FROM sqlite_schema WHERE type='table' AND name LIKE 'undo%'")
        .unwrap();
    let tables: Vec<String> = statement
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    drop(statement);
    conn.execute_batch("PRAGMA foreign_keys=OFF").unwrap();
    for table in tables {
        conn.execute_batch(&format!("DROP TABLE \"{table}\""))
            .unwrap();
    }
    let rest = folder(&desk).join("rest.db");
    conn.execute("VACUUM INTO ?1", [rest.to_str().unwrap()])
        .unwrap();
    assert_eq!(
        piece(&fs::read(rest).unwrap(), &secret),
        None,
        "outside the journal"
    );
    let record = fs::read(folder(&desk).join("workspace.json")).unwrap();
    assert_eq!(piece(&record, &secret), None);
}
