//! What becomes of output that nobody takes.
use std::fs::File;
use std::io::Read as _;
use std::process::Stdio;

use crate::desk::{Desk, Run};

fn long() -> String {
    "a line of some length that repeats itself\n".repeat(30_000)
}

#[test]
fn lesson_h1_a_closed_pipe_ends_quietly_and_the_record_is_whole() {
    let desk = Desk::new();
    desk.put("long.txt", &long());
    let run = desk.shell("aifirst call read_text_file path=long.txt | head -n 1");
    assert_eq!(run.out, "a line of some length that repeats itself\n");
    assert!(
        !run.err.contains("error") && !run.err.contains("panic"),
        "{run:?}"
    );
    // The reader is gone before anything is printed: the operation is done all the same.
    let mut child = desk
        .command(["call", "write_file", "path=made", "content=x"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let run = Run::of(&child.wait_with_output().unwrap());
    assert_eq!(run.code, 0, "{run:?}");
    assert!(!run.err.contains("error"), "{run:?}");
    assert_eq!(desk.text("made"), "x");
    let log = desk.log();
    let outcomes: Vec<&str> = log
        .iter()
        .filter(|e| e["operation"].is_string())
        .map(|e| e["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["done", "done"], "{log:?}");
    desk.done(&["verify"]);
}

#[test]
fn lesson_h1_a_closed_stderr_hurts_nobody() {
    let desk = Desk::new();
    let run = desk.shell("aifirst call read_text_file path=none 2>&-");
    assert_eq!(run.code, 1, "{run:?}");
    let run = desk.shell("aifirst call write_file path=a content=b >&- 2>&-");
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(desk.text("a"), "b");
}

#[test]
fn lesson_h7_nothing_is_cut() {
    let desk = Desk::new();
    desk.put("long.txt", &long());
    let run = desk.done(&["call", "read_text_file", "path=long.txt"]);
    assert_eq!(run.out, long());
    let run = desk.done(&["call", "read_text_file", "path=long.txt", "--json"]);
    assert_eq!(run.document()["result"]["content"], long());
    // A slow reader gets all of it too.
    let mut child = desk
        .command(["call", "read_text_file", "path=long.txt"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut from = child.stdout.take().unwrap();
    let mut first = [0u8; 1];
    from.read_exact(&mut first).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(200));
    let mut rest = String::new();
    from.read_to_string(&mut rest).unwrap();
    assert_eq!(rest.len() + 1, long().len());
    assert!(child.wait().unwrap().success());
}

#[test]
fn lesson_h7_lost_output_is_no_success() {
    let desk = Desk::new();
    let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    for json in [&[][..], &["--json"]] {
        let mut args = vec!["call", "write_file", "path=a", "content=b"];
        args.extend(json);
        let output = desk.command(args).stdout(full()).output().unwrap();
        let run = Run::of(&output);
        assert_eq!(run.code, 1, "{run:?}");
        assert!(run.err.contains("could not be written"), "{run:?}");
        assert_eq!(desk.text("a"), "b");
    }
    let output = desk.command(["--help"]).stdout(full()).output().unwrap();
    assert_eq!(Run::of(&output).code, 1);
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let desk = Desk::new();
    desk.done(&["call", "write_file", "path=a", "content=b"]);
    assert!(!desk.done(&["log"]).out.contains('\u{1b}'));
    assert!(
        desk.done(&["log", "--color", "always"])
            .out
            .contains('\u{1b}')
    );
    let line = |extra: &str| {
        let mut t = crate::terminal::Terminal::shell(&desk, &format!("{extra} \"$AIFIRST\" log"));
        assert_eq!(t.end(), 0, "{}", t.seen);
        t.seen.contains('\u{1b}')
    };
    assert!(line(""));
    assert!(!line("NO_COLOR=1"));
    assert!(!line("TERM=dumb"));
}
