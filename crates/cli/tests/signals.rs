//! Signals: cancelled or whole, never half.
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::desk::{Desk, Run};
use crate::terminal::Terminal;

/// Starts the command itself, without `setsid` between: the signal has to reach it.
fn start(desk: &Desk, args: &[&str], stdin: Stdio) -> Child {
    desk.program(crate::desk::PROGRAM)
        .args(args)
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn send(child: &Child, signal: &str) {
    let status = Command::new("kill")
        .args([format!("-{signal}"), child.id().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

/// Waits until the process is asleep in poll(2), that is, until it reads its stdin.
fn wait_until_it_polls(child: &Child) {
    let path = format!("/proc/{}/wchan", child.id());
    for _ in 0..200 {
        let at = std::fs::read_to_string(&path).unwrap_or_default();
        if at.contains("poll") {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    // Where /proc does not tell, four seconds have passed: it waits by now.
}

#[test]
fn before_begin_a_signal_cancels() {
    for (name, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
        let desk = Desk::with_files();
        let before = desk.tree();
        let mut child = start(
            &desk,
            &["call", "write_file", "--params", "-", "--json"],
            Stdio::piped(),
        );
        wait_until_it_polls(&child);
        let held = child.stdin.take();
        send(&child, name);
        let run = Run::of(&child.wait_with_output().unwrap());
        drop(held);
        assert_eq!(run.code, 128 + number, "{run:?}");
        assert_eq!(run.error()["code"], "cancelled");
        assert_eq!(desk.tree(), before);
    }
}

#[test]
fn at_a_question_a_signal_is_no() {
    for (name, number) in [("TERM", 15), ("HUP", 1)] {
        let desk = Desk::with_files();
        let line = "echo pid $$; exec \"$AIFIRST\" call delete_directory path=build recursive=true";
        let mut terminal = Terminal::shell(&desk, line);
        terminal.wait_for("[y/N]");
        let pid = terminal
            .seen
            .split_once("pid ")
            .and_then(|(_, rest)| rest.split_whitespace().next())
            .unwrap()
            .to_owned();
        for _ in 0..2 {
            Command::new("kill")
                .args([&format!("-{name}"), &pid])
                .status()
                .unwrap();
        }
        assert_eq!(terminal.end(), 128 + number, "{}", terminal.seen);
        assert!(desk.path("build/deep/more.o").exists());
        let log = desk.log();
        let last = log.last().unwrap();
        assert!(
            last["outcome"] == "denied" || last["outcome"] == "cancelled",
            "{last}"
        );
    }
}

#[test]
fn in_a_call_and_in_an_undo_it_is_whole_or_nothing() {
    let desk = Desk::new();
    for folder in 0..20 {
        for file in 0..20 {
            desk.put(&format!("many/{folder}/{file}"), "some text in a file\n");
        }
    }
    let whole = desk.tree();
    desk.done(&["call", "write_file", "path=first", "content=x"]);
    desk.done(&["undo"]);
    let mut interrupted = 0;
    for turn in 0..24u64 {
        let args: &[&str] = if desk.path("many").exists() {
            &[
                "call",
                "delete_directory",
                "path=many",
                "recursive=true",
                "--yes",
            ]
        } else {
            &["undo"]
        };
        let child = start(&desk, args, Stdio::null());
        std::thread::sleep(Duration::from_micros(turn * 2500));
        let signal = if turn % 2 == 0 { "INT" } else { "TERM" };
        send(&child, signal);
        if turn % 3 == 0 {
            send(&child, signal);
        }
        let run = Run::of(&child.wait_with_output().unwrap());
        // Before the handlers stand, the signal simply ends it; after its end, nobody hears it.
        if run.code != 0 {
            assert_eq!(run.code, if turn % 2 == 0 { 130 } else { 143 }, "{run:?}");
            interrupted += 1;
        }
        let now = desk.tree();
        let gone = !desk.path("many").exists();
        assert!(gone || now == whole, "half of it, turn {turn}: {run:?}");
        let status = desk.json(&["status"]);
        assert_eq!(status["open"].as_array().unwrap().len(), 0, "{status}");
    }
    assert!(interrupted > 0, "no signal met a running command");
    desk.done(&["verify"]);
}

#[test]
fn what_is_ignored_at_the_start_stays_ignored() {
    let desk = Desk::with_files();
    let line = "trap '' HUP; exec \"$AIFIRST\" call write_file --params - --json";
    let mut child = desk
        .program("sh")
        .args(["-c", line])
        .env("AIFIRST", crate::desk::PROGRAM)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until_it_polls(&child);
    send(&child, "HUP");
    use std::io::Write as _;
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(b"{\"path\":\"kept\",\"content\":\"x\"}")
        .unwrap();
    drop(stdin);
    let run = Run::of(&child.wait_with_output().unwrap());
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(desk.text("kept"), "x");
}
