//! Machine-readable output: exactly one document, or lines of them (lesson H5).
use crate::desk::Desk;

#[test]
fn lesson_h5_every_subcommand_parses_under_json() {
    let desk = Desk::with_files();
    desk.done(&["call", "write_file", "path=a.txt", "content=one"]);
    desk.done(&["call", "write_file", "path=a.txt", "content=two"]);
    let documents: &[&[&str]] = &[
        &["call", "read_text_file", "path=a.txt"],
        &[
            "call",
            "write_file",
            "path=a.txt",
            "content=three",
            "--dry-run",
        ],
        &["call", "list_directory", "path=."],
        &["call", "get_file_info", "path=a.txt"],
        &["ops", "write_file"],
        &["show", "last"],
        &["show", "@1"],
        &["diff"],
        &["undo", "--dry-run"],
        &["undo"],
        &["redo", "--dry-run"],
        &["redo"],
        &["status"],
        &["verify"],
        &["workspace", "init"],
        &["workspace", "forget", ".", "--dry-run"],
    ];
    let lists: &[&[&str]] = &[
        &["ops"],
        &["log"],
        &["log", "a.txt"],
        &["workspace", "list"],
    ];
    for noise in [&[][..], &["-q"], &["-v"], &["--color", "always"]] {
        for args in documents {
            let run = desk.done(&[args, noise, &["--json"]].concat());
            assert!(run.document().is_object(), "{args:?}: {run:?}");
            assert!(!run.out.contains('\u{1b}'), "{args:?}: {run:?}");
        }
        for args in lists {
            let run = desk.done(&[args, noise, &["--json"]].concat());
            assert!(run.lines().iter().all(|l| l.is_object()), "{args:?}");
            assert!(!run.lines().is_empty(), "{args:?}");
        }
    }
    let run = desk.run(&["doctor", "--json"]);
    assert!(run.document()["checks"].is_array());
    let run = desk.done(&["workspace", "forget", ".", "--yes", "--json"]);
    assert!(run.document().is_object());
    assert_eq!(desk.done(&["workspace", "list", "--json"]).lines().len(), 0);
}

#[test]
fn lesson_h5_notices_stay_off_stdout() {
    let desk = Desk::new();
    let run = desk.done(&["call", "write_file", "path=a", "content=b", "--json"]);
    run.document();
    assert!(run.err.contains("new workspace"), "{run:?}");
    let desk = Desk::new();
    let run = desk.done(&["call", "write_file", "path=a", "content=b", "-q"]);
    assert_eq!(run.err, "", "{run:?}");
}

#[test]
fn help_and_version_are_printed_as_usual() {
    let desk = Desk::new();
    for args in [&["--help", "--json"][..], &["log", "--help"], &["-h"]] {
        let run = desk.done(args);
        assert!(run.out.contains("Usage: aifirst"), "{run:?}");
    }
    let run = desk.done(&["--version"]);
    assert!(run.out.starts_with("aifirst "), "{run:?}");
}

#[test]
fn parameters_come_from_stdin_too() {
    let desk = Desk::new();
    let run = desk.with_stdin(
        &["call", "write_file", "--params", "-", "--json"],
        "{\"path\": \"in\", \"content\": \"line\\n\"}",
    );
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(desk.text("in"), "line\n");
    let run = desk.with_stdin(&["call", "write_file", "--params", "-", "--json"], "");
    assert_eq!(run.error()["exit"], 2, "{run:?}");
}

#[test]
fn a_session_groups_what_belongs_together() {
    let desk = Desk::new();
    for (session, path) in [("one", "a"), ("two", "b"), ("one", "c")] {
        let path = format!("path={path}");
        desk.done(&[
            "call",
            "write_file",
            &path,
            "content=x",
            "--session",
            session,
        ]);
    }
    let log = desk.done(&["log", "--session", "one", "--json"]).lines();
    assert_eq!(log.len(), 2, "{log:?}");
    let restored = desk.json(&["undo", "--session", "one"]);
    assert_eq!(restored["operations"].as_array().unwrap().len(), 2);
    assert!(!desk.path("a").exists() && !desk.path("c").exists());
    assert!(desk.path("b").exists());
}
