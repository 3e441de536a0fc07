//! A disk that fails or is full at a commit or a sync: exit 7, nothing half done, the next call recovers.
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::desk::{Desk, PROGRAM, Run};
use crate::faults::{Root, has, quick_desk, run, shape};

const WRITE: &[&str] = &["call", "write_file", "path=src/lib.rs", "content=other"];

fn desk() -> Desk {
    let desk = quick_desk();
    desk.fill();
    desk.put("scratch/there", "there");
    let first = run(
        &desk,
        &["call", "write_file", "path=scratch/seed", "content=s"],
    );
    assert_eq!(first.code, 0, "{first:?}");
    desk
}

fn tree(desk: &Desk) -> Vec<String> {
    let mut tree = desk.tree();
    tree.retain(|line| !line.starts_with("\"scratch"));
    tree
}

/// How often the system call is made, and what came of the run in which the `n`-th one fails.
fn injected(desk: &Desk, args: &[&str], call: &str, errno: &str, n: usize) -> (bool, Run) {
    let mut command = desk.program("strace");
    let out = desk.root().join("strace.txt");
    command
        .args(["-f", "-qq", "-y", "-o"])
        .arg(&out)
        .args(["-e", &format!("trace={call}")])
        .args(["-e", &format!("inject={call}:error={errno}:when={n}")])
        .arg(PROGRAM)
        .args(args)
        .arg("--json");
    let run = Run::of(&command.output().unwrap());
    let text = fs::read_to_string(out).unwrap();
    (text.contains("INJECTED"), run)
}

#[test]
fn lesson_e9_an_error_at_any_sync_or_write_of_the_record_refuses_or_is_recovered() {
    if !has(Root::NotNeeded, &["strace"]) {
        return;
    }
    let reference = desk();
    assert_eq!(run(&reference, WRITE).code, 0);
    let after = shape(&tree(&reference));
    let mut failed = 0;
    for (call, errno, most) in [
        ("fdatasync", "EIO", 8),
        ("fsync", "EIO", 8),
        ("fsync", "ENOSPC", 8),
        ("pwrite64", "EIO", 16),
        ("pwrite64", "ENOSPC", 16),
    ] {
        for n in (1..=most).step_by(if most > 8 { 3 } else { 1 }) {
            let desk = desk();
            let before = tree(&desk);
            let (met, answer) = injected(&desk, WRITE, call, errno, n);
            let told = format!("{errno} at {call} number {n}: {answer:?}");
            if !met {
                assert_eq!(answer.code, 0, "{told}");
                break;
            }
            failed += 1;
            assert!([0, 1, 7].contains(&answer.code), "{told}");
            if answer.code == 0 {
                // Only where what failed is not needed for the promise.
                assert_eq!(shape(&tree(&desk)), after, "{told}: answered");
            } else {
                assert_eq!(answer.error()["exit"], answer.code, "{told}");
            }
            let next = run(
                &desk,
                &["call", "write_file", "path=scratch/next", "content=x"],
            );
            assert_eq!(next.code, 0, "{told}: {next:?}");
            let now = tree(&desk);
            assert!(
                now == before || shape(&now) == after,
                "{told}: neither before nor after"
            );
            assert!(answer.code != 0 || now != before, "{told}: lost");
            let verified = run(&desk, &["verify"]);
            assert_eq!(verified.code, 0, "{told}: {verified:?}");
            if now != before {
                assert_eq!(run(&desk, &["undo"]).code, 0, "{told}");
                assert_eq!(run(&desk, &["undo"]).code, 0, "{told}");
                assert_eq!(tree(&desk), before, "{told}: undone");
            }
        }
    }
    println!("{failed} failures injected");
    assert!(failed >= 10, "{failed} failures");
}

#[test]
fn an_error_at_any_sync_of_a_delete_or_an_undo_is_recovered() {
    if !has(Root::NotNeeded, &["strace"]) {
        return;
    }
    let delete: &[&str] = &[
        "--yes",
        "call",
        "delete_directory",
        "path=build",
        "recursive=true",
    ];
    let mut failed = 0;
    for (first, args) in [(WRITE, delete), (delete, &["undo"])] {
        let reference = desk();
        assert_eq!(run(&reference, first).code, 0);
        assert_eq!(run(&reference, args).code, 0);
        let after = shape(&tree(&reference));
        for call in ["fdatasync", "fsync"] {
            for n in 1..6 {
                let desk = desk();
                assert_eq!(run(&desk, first).code, 0);
                let before = tree(&desk);
                let (met, answer) = injected(&desk, args, call, "EIO", n);
                let told = format!("{args:?}: EIO at {call} number {n}: {answer:?}");
                if !met {
                    break;
                }
                failed += 1;
                assert!([0, 1, 7].contains(&answer.code), "{told}");
                let next = ["call", "write_file", "path=scratch/next", "content=x"];
                let next = run(&desk, &next);
                assert_eq!(next.code, 0, "{told}: {next:?}");
                let now = tree(&desk);
                let is_after = shape(&now) == after;
                assert!(
                    now == before || is_after,
                    "{told}: neither before nor after"
                );
                assert!(answer.code != 0 || is_after, "{told}: lost");
                let verified = run(&desk, &["verify"]);
                assert_eq!(verified.code, 0, "{told}: {verified:?}");
            }
        }
    }
    assert!(failed >= 4, "{failed} failures");
}

/// A file system of its own, unmounted at the end.
struct Mounted(tempfile::TempDir);

impl Mounted {
    fn tmpfs(size: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let options = format!("size={size},mode=0755");
        mount(&["-t", "tmpfs", "-o", &options, "none"], dir.path()).then_some(Self(dir))
    }

    fn ext4(megabytes: u64) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let image = dir.path().with_extension("img");
        fs::File::create(&image)
            .unwrap()
            .set_len(megabytes << 20)
            .unwrap();
        let made = Command::new("mkfs.ext4").arg("-q").arg(&image).output();
        let ok = made.is_ok_and(|o| o.status.success())
            && mount(&["-o", "loop", image.to_str().unwrap()], dir.path());
        // The mount holds it.
        fs::remove_file(&image).unwrap();
        ok.then_some(Self(dir))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

fn mount(args: &[&str], on: &Path) -> bool {
    let output = Command::new("mount").args(args).arg(on).output().unwrap();
    if !output.status.success() {
        println!(
            "skipped: cannot mount here: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    output.status.success()
}

/// Lesson C7 and E9: the change is refused before it happens, and the log can be read.
#[test]
fn lesson_c7_a_full_disk_refuses_the_change_and_keeps_the_old_bytes() {
    if !has(Root::Needed, &["mount", "mkfs.ext4"]) {
        return;
    }
    for (what, mounted) in [("tmpfs", Mounted::tmpfs("6m")), ("ext4", Mounted::ext4(16))] {
        let Some(mounted) = mounted else { continue };
        let desk = Desk::within(mounted.path());
        desk.fill();
        let seed = run(&desk, &["call", "write_file", "path=seed", "content=s"]);
        assert_eq!(seed.code, 0, "{what}: {seed:?}");
        // The ballast: everything that is left, to the last block.
        let ballast = mounted.path().join("ballast");
        let mut size = 1 << 20;
        let mut file = fs::File::create(&ballast).unwrap();
        while size > 0 {
            use std::io::Write as _;
            if file.write_all(&vec![7; size]).is_err() || file.sync_all().is_err() {
                size /= 2;
            }
        }
        let before = desk.tree();
        for args in [
            WRITE.to_vec(),
            vec!["call", "write_file", "path=new", "content=x"],
            vec!["call", "delete_file", "path=README.md"],
        ] {
            let refused = run(&desk, &args);
            let told = format!("{what}: {args:?}: {refused:?}");
            // A small change may still fit into what the file system keeps for itself.
            if refused.code != 0 {
                assert!([1, 7].contains(&refused.code), "{told}");
                assert_eq!(desk.tree(), before, "{told}");
            }
        }
        let big = run(
            &desk,
            &[
                "call",
                "write_file",
                "path=src/lib.rs",
                &format!("content={}", "x".repeat(100_000)),
            ],
        );
        assert!([1, 7].contains(&big.code), "{what}: {big:?}");
        assert!(desk.text("src/lib.rs").len() < 100, "{what}: old bytes");
        let log = run(&desk, &["log", "--json"]);
        assert_eq!(log.code, 0, "{what}: {log:?}");
        assert!(log.out.contains("seed"), "{what}: {log:?}");
        drop(file);
        fs::remove_file(&ballast).unwrap();
        let next = run(&desk, WRITE);
        assert_eq!(next.code, 0, "{what}: with room again: {next:?}");
        assert_eq!(run(&desk, &["verify"]).code, 0, "{what}");
    }
}
