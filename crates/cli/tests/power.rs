//! The power fails right after an answer: the image of the disk, as it is at that moment, holds the change.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::desk::{PROGRAM, Run};
use crate::faults::{Root, has, has_fault_points};

/// A file system in a file, whose un-synced pages are nowhere but in this kernel's memory.
struct Image {
    dir: tempfile::TempDir,
    device: Option<String>,
}

fn ok(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

impl Image {
    fn make(kind: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let image = dir.path().join("disk");
        let megabytes = if kind == "xfs" { 320 } else { 48 };
        fs::File::create(&image)
            .unwrap()
            .set_len(megabytes << 20)
            .unwrap();
        ok(Command::new(format!("mkfs.{kind}")).arg("-q").arg(&image))?;
        Self { dir, device: None }.mounted("disk")
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn mounted(mut self, name: &str) -> Option<Self> {
        let mut losetup = Command::new("losetup");
        losetup.args(["--find", "--show", "--direct-io=on"]);
        let device = ok(losetup.arg(self.at(name)))?;
        self.device = Some(device.clone());
        fs::create_dir_all(self.at("mnt")).unwrap();
        ok(Command::new("mount").arg(&device).arg(self.at("mnt")))?;
        Some(self)
    }

    fn unmount(&mut self) {
        ok(Command::new("umount").arg(self.at("mnt")));
        if let Some(device) = self.device.take() {
            ok(Command::new("losetup").args(["--detach", &device]));
        }
    }

    fn run(&self, fault: Option<&str>, args: &[&str]) -> Run {
        let mut command = Command::new(PROGRAM);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.dir.path())
            .env("AIFIRST_STATE_DIR", self.at("mnt/state"))
            .current_dir(self.at("mnt/project"));
        if let Some(fault) = fault {
            command.env("AIFIRST_FAULT", fault);
        }
        Run::of(&command.args(args).output().unwrap())
    }

    /// Takes the image as it is now, with nothing of what waits in memory, and goes on with it.
    fn power_fails(mut self) -> Option<Self> {
        let copied = fs::copy(self.at("disk"), self.at("after"));
        self.unmount();
        copied.unwrap();
        self.mounted("after")
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        self.unmount();
    }
}

fn text(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// One file system with files that lie still: all that was before is on the disk.
fn ready(kind: &str) -> Option<Image> {
    let image = Image::make(kind)?;
    let project = image.at("mnt/project");
    fs::create_dir_all(project.join("tree/deep")).unwrap();
    for name in ["a", "b", "c", "tree/deep/x"] {
        fs::write(project.join(name), format!("old {name}")).unwrap();
    }
    // Many commits, so that the write-ahead log has grown and is used again from its start.
    for n in 0..3 {
        let content = format!("content={n}");
        let run = image.run(None, &["call", "write_file", "path=warm", &content]);
        assert_eq!(run.code, 0, "{run:?}");
    }
    let mnt = image.at("mnt");
    for entry in fs::read_dir(mnt.join("state/workspaces")).unwrap() {
        let database = entry.unwrap().path().join("state.db");
        let conn = rusqlite::Connection::open(database).unwrap();
        conn.execute_batch("PRAGMA wal_checkpoint(RESTART)")
            .unwrap();
    }
    ok(Command::new("sync").arg("-f").arg(&mnt))?;
    Some(image)
}

type Check = fn(&Path) -> bool;

const CHANGES: &[(&str, &[&str], Check, Check)] = &[
    (
        "write",
        &["call", "write_file", "path=a", "content=new"],
        |p| text(&p.join("a")).as_deref() == Some("new"),
        |p| text(&p.join("a")).as_deref() == Some("old a"),
    ),
    (
        "create",
        &["call", "write_file", "path=n", "content=new"],
        |p| text(&p.join("n")).as_deref() == Some("new"),
        |p| !p.join("n").exists(),
    ),
    (
        "edit",
        &[
            "call",
            "edit_file",
            "--params",
            r#"{"path":"b","edits":[{"oldText":"old","newText":"new"}]}"#,
        ],
        |p| text(&p.join("b")).as_deref() == Some("new b"),
        |p| text(&p.join("b")).as_deref() == Some("old b"),
    ),
    (
        "delete",
        &[
            "--yes",
            "call",
            "delete_directory",
            "path=tree",
            "recursive=true",
        ],
        |p| !p.join("tree").exists(),
        |p| text(&p.join("tree/deep/x")).as_deref() == Some("old tree/deep/x"),
    ),
    (
        "move",
        &["call", "move_file", "source=c", "destination=tree/c"],
        |p| text(&p.join("tree/c")).as_deref() == Some("old c") && !p.join("c").exists(),
        |p| text(&p.join("c")).as_deref() == Some("old c"),
    ),
];

fn kinds() -> Vec<&'static str> {
    let mut kinds = Vec::new();
    if has(Root::Needed, &["losetup", "mount", "mkfs.ext4"]) {
        kinds.push("ext4");
        if has(Root::Needed, &["mkfs.xfs"]) {
            kinds.push("xfs");
        }
    }
    kinds
}

#[test]
fn what_was_answered_is_there_after_a_power_loss_and_can_be_undone() {
    for kind in kinds() {
        for (name, args, is_done, is_undone) in CHANGES {
            let Some(image) = ready(kind) else {
                println!("skipped: no loop device with direct I/O for {kind}");
                break;
            };
            let answer = image.run(None, args);
            assert_eq!(answer.code, 0, "{kind} {name}: {answer:?}");
            let image = image.power_fails().expect("the copy is mounted");
            let project = image.at("mnt/project");
            assert!(is_done(&project), "{kind} {name}: the change is lost");
            let verified = image.run(None, &["verify"]);
            assert_eq!(verified.code, 0, "{kind} {name}: {verified:?}");
            // Makes what was not settled on the disk settled, then takes it back.
            let next = image.run(None, &["call", "write_file", "path=warm", "content=x"]);
            assert_eq!(next.code, 0, "{kind} {name}: {next:?}");
            for _ in 0..2 {
                let undone = image.run(None, &["undo"]);
                assert_eq!(undone.code, 0, "{kind} {name}: {undone:?}");
            }
            assert!(is_undone(&project), "{kind} {name}: not undone");
            assert_eq!(image.run(None, &["verify"]).code, 0, "{kind} {name}");
        }
    }
}

/// Without it the test above would prove nothing: the same disk loses the same change.
#[test]
fn without_the_folders_sync_the_change_is_lost() {
    if !has_fault_points() {
        return;
    }
    for kind in kinds() {
        let mut lost = Vec::new();
        for (name, args, is_done, _) in CHANGES {
            let Some(image) = ready(kind) else {
                println!("skipped: no loop device with direct I/O for {kind}");
                return;
            };
            let answer = image.run(Some("settle.sync:skip"), args);
            assert_eq!(answer.code, 0, "{kind} {name}: {answer:?}");
            let image = image.power_fails().expect("the copy is mounted");
            if !is_done(&image.at("mnt/project")) {
                lost.push(*name);
            }
            assert_eq!(image.run(None, &["verify"]).code, 0, "{kind} {name}");
        }
        println!("{kind}: without the sync of the folder lost: {lost:?}");
        assert!(!lost.is_empty(), "{kind}: nothing was lost");
    }
}
