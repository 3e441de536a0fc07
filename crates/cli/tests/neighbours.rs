//! What stands around the net and must not be touched or trip it: git, mounts, dead holders.
use std::process::Command;

use crate::desk::Desk;
use crate::faults::{Root, has, has_fault_points, run_with};

fn git(desk: &Desk, args: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .current_dir(desk.project())
        .env("HOME", desk.root())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
        .args(args)
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Some(format!("{} {text}", output.status.code()?))
}

#[test]
fn lesson_d4_git_is_as_it_was_after_ten_operations_and_their_undo() {
    let desk = Desk::with_files();
    if !has(Root::NotNeeded, &["git"]) {
        return;
    }
    git(&desk, &["init", "-q"]).unwrap();
    for args in [
        &["add", "-A"][..],
        &["commit", "-qm", "one"],
        &["stash", "list"],
    ] {
        git(&desk, args).unwrap();
    }
    desk.put("unsaved.txt", "a person's own change, not committed");
    let looks = |desk: &Desk| -> Vec<String> {
        [
            &["rev-parse", "HEAD"][..],
            &["symbolic-ref", "HEAD"],
            &["reflog"],
            &["stash", "list"],
            &["ls-files", "--stage"],
            &["status", "--porcelain", "--ignored"],
        ]
        .iter()
        .map(|args| git(desk, args).unwrap())
        .collect()
    };
    let before = looks(&desk);
    for n in 0..10 {
        let path = format!("path=made-{n}");
        desk.done(&["call", "write_file", &path, "content=x"]);
    }
    for _ in 0..10 {
        desk.done(&["undo"]);
    }
    assert_eq!(looks(&desk), before);
}

#[test]
fn lesson_a8_a_killed_holder_of_the_lock_blocks_nobody() {
    if !has_fault_points() {
        return;
    }
    let desk = Desk::with_files();
    desk.done(&["call", "write_file", "path=a", "content=1"]);
    let killed = run_with(
        &desk,
        "begin.committed:1:kill",
        &["call", "write_file", "path=a", "content=2"],
    );
    assert_eq!(killed.code, 137);
    // A process id of the dead in the lock file would say nothing to the next one.
    desk.done(&["call", "write_file", "path=a", "content=3"]);
    assert_eq!(desk.text("a"), "3");
}

#[test]
fn lesson_f8_an_error_does_not_tell_the_secret_in_its_path() {
    let desk = Desk::with_files();
    let token = format!("ghp_{}", "q7Wm2Zx9Kd4Lp8Rt6Yv3Nb5Hs1Jc0Fg7Aa2E");
    let path = format!("path=missing/{token}/file");
    for args in [
        vec!["call", "read_text_file", &path],
        vec!["call", "read_text_file", &path, "--json"],
        vec!["call", "delete_file", &path],
        vec!["call", "write_file", &path, "content=x"],
    ] {
        let run = desk.run(&args);
        assert_ne!(run.code, 0, "{run:?}");
        for told in [&run.out, &run.err] {
            assert!(!told.contains(&token[4..12]), "{run:?}");
        }
    }
    let log = desk.run(&["log"]);
    assert!(!log.out.contains(&token[4..12]), "{log:?}");
    assert!(log.out.contains("[redacted:"), "{log:?}");
}

#[test]
fn lesson_c6_a_file_that_is_a_mount_is_left_whole_and_named() {
    if !has(Root::Needed, &["unshare", "mount"]) {
        return;
    }
    let desk = Desk::with_files();
    desk.put("inner", "old");
    desk.put("outer", "mounted");
    desk.done(&["call", "write_file", "path=warm", "content=1"]);
    let line = format!(
        "mount --bind {outer} {inner} && {aifirst} call write_file path=inner content=new; echo code $?; cat {inner}; echo; {aifirst} call delete_file path=inner; echo code $?; cat {inner}; echo; ls -A {project}",
        outer = desk.path("outer").display(),
        inner = desk.path("inner").display(),
        project = desk.project().display(),
        aifirst = env!("CARGO_BIN_EXE_aifirst"),
    );
    let output = desk
        .program("unshare")
        .args(["-m", "sh", "-c", &line])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    let codes: Vec<&str> = told
        .lines()
        .filter_map(|l| l.strip_prefix("code "))
        .collect();
    assert_eq!(codes, ["4", "4"], "{told} {why}");
    assert!(why.contains("mount"), "{why}");
    assert_eq!(desk.text("inner"), "old");
    assert_eq!(desk.text("outer"), "mounted");
    assert!(
        !told.contains(".aifirst"),
        "no temporary file is left: {told}"
    );
}
