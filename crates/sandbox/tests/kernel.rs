//! The guard and the kernel: calls counted, and what happens without `openat2`.
//!
//! A test here runs itself again under strace; without it, or where tracing is denied, the skip
//! is named.

use std::process::Command;

use aifirst_sandbox::ErrorKind;

use crate::scene::{INSIDE, Scene, kind, rel, skipped, text};

pub(crate) const INNER: &str = "AIFIRST_SANDBOX_TEST_INNER";

pub(crate) fn inner() -> bool {
    std::env::var_os(INNER).is_some()
}

/// A call that nothing else here makes, to find one's place in the trace.
fn marker() {
    let _ = rustix::process::getppid();
}

/// Runs one test of this binary under strace; what it printed and what was traced.
pub(crate) fn traced(test: &str, options: &[&str]) -> Option<(bool, String)> {
    let log = tempfile::NamedTempFile::new().unwrap();
    let run = Command::new("strace")
        .args(["-f", "-qq", "-o"])
        .arg(log.path())
        .args(options)
        .arg("--")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", test])
        .env(INNER, "1")
        .output();
    let Ok(output) = run else {
        skipped("strace is not installed");
        return None;
    };
    let trace = std::fs::read_to_string(log.path()).unwrap();
    if trace.is_empty() {
        skipped("strace may not trace here");
        return None;
    }
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{said}{}", String::from_utf8_lossy(&output.stderr));
    Some((output.status.success(), trace))
}

#[test]
fn opening_and_closing_a_file_is_three_calls() {
    if inner() {
        let scene = Scene::new();
        let ws = scene.open();
        let path = rel("a/b/in.txt");
        drop(ws.open_file(&path).unwrap());
        marker();
        drop(ws.open_file(&path).unwrap());
        marker();
        assert_eq!(text(&ws.open_file(&path).unwrap()), INSIDE);
        marker();
        return;
    }
    let name = "kernel::opening_and_closing_a_file_is_three_calls";
    let Some((passed, trace)) = traced(name, &[]) else {
        return;
    };
    assert!(passed);
    let thread = |line: &str| line.split_whitespace().next().unwrap_or("").to_owned();
    let marker = trace
        .lines()
        .find(|line| line.contains("getppid("))
        .unwrap();
    let mine: Vec<String> = trace
        .lines()
        .filter(|line| thread(line) == thread(marker) && line.contains('('))
        // std asks, in debug builds only, whether a descriptor is open before it closes it.
        .filter(|line| !(cfg!(debug_assertions) && line.contains("fcntl(")))
        .map(|line| {
            let call = line.split_once(' ').unwrap().1.trim();
            call.split('(').next().unwrap().to_owned()
        })
        .collect();
    let spans: Vec<&[String]> = mine.split(|call| call == "getppid").collect();
    assert_eq!(spans[1], ["openat2", "statx", "close"], "open and close");
    assert_eq!(
        spans[2],
        ["openat2", "statx", "pread64", "close"],
        "read whole"
    );
}

#[test]
fn without_openat2_the_workspace_is_refused() {
    if inner() {
        let scene = Scene::new();
        let opened =
            aifirst_sandbox::Workspace::open(&scene.host("ws"), aifirst_sandbox::Rules::default());
        let error = opened.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("openat2"), "{error}");
        assert!(error.facts().unwrap().contains("kernel "), "{error}");
        return;
    }
    for errno in ["ENOSYS", "EPERM"] {
        let name = "kernel::without_openat2_the_workspace_is_refused";
        let inject = format!("inject=openat2:error={errno}");
        let Some((passed, trace)) = traced(name, &["-e", "trace=openat2", "-e", &inject]) else {
            return;
        };
        assert!(trace.contains("(INJECTED)"));
        assert!(passed, "{errno}");
    }
}

#[test]
fn a_resolution_that_never_settles_fails_closed() {
    if inner() {
        let scene = Scene::new();
        let ws = scene.open();
        let error = ws.open_file(&rel("ok.txt")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Raced);
        assert!(error.can_retry());
        assert_eq!(kind(ws.open_dir(&rel("a"))), ErrorKind::Raced);
        return;
    }
    let name = "kernel::a_resolution_that_never_settles_fails_closed";
    let options = [
        "-e",
        "trace=openat2",
        "-e",
        "inject=openat2:error=EAGAIN:when=2+",
    ];
    if let Some((passed, trace)) = traced(name, &options) {
        assert!(passed);
        assert_eq!(trace.matches("(INJECTED)").count(), 256, "128 tries each");
    }
}

#[test]
fn interrupted_calls_are_made_again() {
    if inner() {
        let scene = Scene::new();
        let ws = scene.open();
        assert_eq!(text(&ws.open_file(&rel("ok.txt")).unwrap()), INSIDE);
        return;
    }
    let name = "kernel::interrupted_calls_are_made_again";
    let options = [
        "-e",
        "trace=openat2",
        "-e",
        "inject=openat2:error=EINTR:when=1..9+2",
    ];
    if let Some((passed, trace)) = traced(name, &options) {
        assert!(passed);
        assert!(trace.contains("(INJECTED)"));
    }
}
