//! Lesson E6: a log in a place without the right to write is read, or it is said why not.

use crate::support::{BOOT, Sample, read};
use aifirst_audit::{
    Durability, ErrorKind, HeadCopyFound, Log, ReadMode, Verdict, VerifyOptions, open_read_only,
    verify,
};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

/// Anyone but root; by convention `nobody`.
const NOBODY: u32 = 65_534;

fn mode(path: &Path, bits: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(bits)).unwrap();
}

fn names(sample: &Sample) -> Vec<(String, u64)> {
    let mut all: Vec<_> = std::fs::read_dir(sample.folder.path())
        .unwrap()
        .map(|e| e.unwrap())
        .map(|e| {
            (
                e.file_name().to_string_lossy().into_owned(),
                e.metadata().unwrap().len(),
            )
        })
        .collect();
    all.sort();
    all
}

/// The four forms of a read-only state, looked at without the right to write.
#[test]
fn lesson_e6_a_log_that_may_not_be_written_is_read_or_says_why_not() {
    for (form, wal, shm, want) in [
        ("database alone", false, false, "immutable intact 5"),
        ("with -wal and -shm", true, true, "wal intact 5"),
        ("with -wal without -shm", true, false, "audit_cannot_open"),
        ("with -shm alone", false, true, "immutable intact 5"),
    ] {
        let sample = Sample::new(2);
        let log = Log::open(&sample.path).unwrap();
        if !wal {
            assert_eq!(aifirst_audit::checkpoint(log.connection()).unwrap(), 0);
        }
        drop(log);
        let at = |suffix: &str| sample.folder.path().join(format!("state.db{suffix}"));
        if !wal {
            std::fs::remove_file(at("-wal")).unwrap();
        }
        if shm {
            // Left behind by a process that was killed.
            if !at("-shm").exists() {
                std::fs::write(at("-shm"), vec![0; 32_768]).unwrap();
            }
        } else {
            let _ = std::fs::remove_file(at("-shm"));
        }
        let before = names(&sample);
        for (name, _) in &before {
            mode(&sample.folder.path().join(name), 0o444);
        }
        mode(sample.folder.path(), 0o555);
        let mut child = Command::new(std::env::current_exe().unwrap());
        child
            .args([
                "--exact",
                "read_only::a_reader_of_its_own",
                "--ignored",
                "--nocapture",
            ])
            .env("AUDIT_TEST_LOG", &sample.path);
        if is_root() {
            child.uid(NOBODY).gid(NOBODY);
        }
        let output = match child.output() {
            Ok(output) => output,
            Err(e) => {
                println!("skipped: {form}: another user may not run this test: {e}");
                mode(sample.folder.path(), 0o755);
                continue;
            }
        };
        mode(sample.folder.path(), 0o755);
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            shown.contains(want),
            "{form}: wanted {want}, got {shown} {}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(names(&sample), before, "{form}: something was written");
    }
}

/// The child of the test above.
#[test]
#[ignore = "run as a child process by the test above"]
fn a_reader_of_its_own() {
    let Some(path) = std::env::var_os("AUDIT_TEST_LOG") else {
        println!("skipped: not started by its parent");
        return;
    };
    let path = Path::new(&path);
    assert!(
        std::fs::OpenOptions::new().write(true).open(path).is_err(),
        "may write"
    );
    match open_read_only(path) {
        Ok(log) => {
            let options = VerifyOptions::new().head_copy(HeadCopyFound::None, BOOT);
            let report = verify(log.connection(), &options).unwrap();
            assert!(log.is_unchanged());
            let mode = match log.mode() {
                ReadMode::Immutable => "immutable",
                ReadMode::WriteAheadLog => "wal",
            };
            println!("{mode} {} {}", report.verdict, report.size);
        }
        Err(e) => println!("{} {e}", e.code()),
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0)
}

#[test]
fn a_log_that_is_written_meanwhile_is_told_from_one_that_was_tampered_with() {
    let sample = Sample::new(1);
    let log = open_read_only(&sample.path).unwrap();
    assert!(log.is_unchanged());
    Log::open(&sample.path)
        .unwrap()
        .append(&read(7), None, Durability::Normal)
        .unwrap();
    assert!(!log.is_unchanged());
}

#[test]
fn nothing_is_written_through_a_read_only_log() {
    let sample = Sample::new(1);
    let log = open_read_only(&sample.path).unwrap();
    assert!(
        log.connection()
            .execute_batch("DELETE FROM audit_head")
            .is_err()
    );
    let report = verify(log.connection(), &VerifyOptions::new()).unwrap();
    assert_eq!(report.verdict, Verdict::Intact);
}

#[test]
fn what_is_not_there_or_no_log_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no ?#%.db");
    let e = open_read_only(&path).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::CannotOpen);
    assert!(!path.exists());
    std::fs::write(&path, "text ".repeat(1000)).unwrap();
    assert_eq!(
        open_read_only(&path).unwrap_err().kind(),
        ErrorKind::NotALog
    );
}
