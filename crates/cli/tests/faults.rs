//! What the tests of crashes share: faults in processes, the log's database, the store's objects.
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use crate::desk::{Desk, PROGRAM, Run};

/// Whether the command under test has fault points; the skip is named where it has none.
pub(crate) fn has_fault_points() -> bool {
    if !cfg!(feature = "fault-points") {
        println!("skipped: built without the feature fault-points");
    }
    cfg!(feature = "fault-points")
}

/// Whether root and all the programs are there; the skip is named.
pub(crate) fn has(root: Root, programs: &[&str]) -> bool {
    if root == Root::Needed && !rustix::process::geteuid().is_root() {
        println!("skipped: only root may mount");
        return false;
    }
    for program in programs {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let sbin = ["/usr/sbin", "/sbin"].map(PathBuf::from);
        if !std::env::split_paths(&path)
            .chain(sbin)
            .any(|dir| dir.join(program).exists())
        {
            println!("skipped: {program} is not installed");
            return false;
        }
    }
    true
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Root {
    Needed,
    NotNeeded,
}

/// A desk in memory, where no test waits for a disk.
pub(crate) fn quick_desk() -> Desk {
    let shm = Path::new("/dev/shm");
    if shm.is_dir() {
        Desk::within(shm)
    } else {
        Desk::new()
    }
}

/// Runs the command directly, so that it can be killed, with a fault in it.
pub(crate) fn run_with(desk: &Desk, fault: &str, args: &[&str]) -> Run {
    let mut command = desk.program(PROGRAM);
    Run::of(
        &command
            .args(args)
            .env("AIFIRST_FAULT", fault)
            .output()
            .unwrap(),
    )
}

/// The same without a fault: one process fewer than through a session of its own.
pub(crate) fn run(desk: &Desk, args: &[&str]) -> Run {
    let mut command = desk.program(PROGRAM);
    Run::of(&command.args(args).stderr(Stdio::piped()).output().unwrap())
}

/// The folder of the desk's one workspace in the state.
pub(crate) fn folder(desk: &Desk) -> PathBuf {
    let mut all = fs::read_dir(desk.state().join("workspaces")).unwrap();
    let first = all.next().unwrap().unwrap().path();
    assert!(all.next().is_none(), "more than one workspace");
    first
}

/// The database, opened to be tampered with or looked into.
pub(crate) fn database(desk: &Desk) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    Connection::open_with_flags(folder(desk).join("state.db"), flags).unwrap()
}

/// The objects of the store that no row of the journal names, and registrations left behind.
pub(crate) fn orphans(desk: &Desk) -> Vec<String> {
    let store = folder(desk).join("store");
    let conn = database(desk);
    let mut statement = conn
        .prepare("SELECT slot FROM undo_change WHERE slot IS NOT NULL")
        .unwrap();
    let named: BTreeSet<String> = statement
        .query_map([], |row| row.get::<_, i64>(0))
        .unwrap()
        .map(|slot| format!("{:016x}", slot.unwrap().cast_unsigned()))
        .collect();
    let mut out = Vec::new();
    for entry in fs::read_dir(store.join("s")).unwrap() {
        out.push(format!("s/{:?}", entry.unwrap().file_name()));
    }
    for bucket in fs::read_dir(store.join("k")).unwrap() {
        for entry in fs::read_dir(bucket.unwrap().path()).unwrap() {
            let name = entry.unwrap().file_name().to_string_lossy().into_owned();
            if !named.contains(&name) {
                out.push(name);
            }
        }
    }
    out
}

/// The last entry of the log that is about this operation.
pub(crate) fn last_of(desk: &Desk, operation: &str) -> Option<Value> {
    let log = run(desk, &["log", "--json"]).lines();
    log.into_iter().rfind(|e| e["operation"] == operation)
}

/// A tree without the times: what two runs of the same operation have in common.
pub(crate) fn shape(tree: &[String]) -> Vec<String> {
    tree.iter()
        .map(|line| {
            let mut parts: Vec<&str> = line.splitn(4, ' ').collect();
            parts.remove(2);
            parts.join(" ")
        })
        .collect()
}
