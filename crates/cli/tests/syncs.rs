//! What a call asks of the disk, counted by strace: three syncs for a small write, none for a read.
use std::fs;

use crate::desk::{Desk, PROGRAM, Run};
use crate::faults::{Root, has, run};

/// The lines of a trace of one call.
fn traced(desk: &Desk, args: &[&str]) -> (Run, Vec<String>) {
    let out = desk.root().join("strace.txt");
    let mut command = desk.program("strace");
    command
        .args(["-f", "-qq", "-y", "-s", "64", "-o"])
        .arg(&out)
        .args([
            "-e",
            "trace=fsync,fdatasync,sync,syncfs,sync_file_range,openat,openat2,open,write,\
             renameat2,linkat,renameat,rename",
        ])
        .arg(PROGRAM)
        .args(args);
    let run = Run::of(&command.output().unwrap());
    let text = fs::read_to_string(&out).unwrap();
    (run, text.lines().map(str::to_owned).collect())
}

fn ready() -> Option<Desk> {
    if !has(Root::NotNeeded, &["strace"]) {
        return None;
    }
    let desk = Desk::new();
    desk.fill();
    for n in 0..2 {
        let content = format!("content={n}");
        let first = run(&desk, &["call", "write_file", "path=src/lib.rs", &content]);
        assert_eq!(first.code, 0, "{first:?}");
    }
    Some(desk)
}

fn is_sync(line: &str) -> bool {
    line.contains("sync(") || line.contains("syncfs(") || line.contains("sync_file_range(")
}

/// Lesson C5: object, record and folder are synced in this order, all before the answer.
#[test]
fn lesson_c5_three_syncs_in_order_before_the_answer() {
    let Some(desk) = ready() else { return };
    for args in [
        vec!["call", "write_file", "path=src/lib.rs", "content=more"],
        vec!["call", "write_file", "path=src/new.rs", "content=new"],
    ] {
        let (answer, lines) = traced(&desk, &args);
        assert_eq!(answer.code, 0, "{answer:?}");
        // A process's first commit also syncs the folder of the -wal, once: SQLite does not know
        // who made that file. A running process pays three.
        let folder = format!("{}>)", crate::faults::folder(&desk).display());
        let all: Vec<(usize, &String)> = lines
            .iter()
            .enumerate()
            .filter(|(_, l)| is_sync(l))
            .collect();
        type Lines<'a> = Vec<(usize, &'a String)>;
        let (once, syncs): (Lines<'_>, Lines<'_>) =
            all.iter().partition(|(_, l)| l.contains(&folder));
        let told = format!("{args:?}: {all:#?}");
        assert!(once.len() <= 1, "{told}");
        assert_eq!(syncs.len(), 3, "{told}");
        assert!(!syncs[0].1.contains("state.db"), "{told}");
        assert!(
            syncs[1].1.contains("fdatasync") && syncs[1].1.contains("state.db-wal"),
            "{told}"
        );
        assert!(
            syncs[2].1.contains(&format!("project{}", "/src>")),
            "{told}"
        );
        let moved = |l: &String| {
            ["renameat2(", "linkat(", "renameat("]
                .iter()
                .any(|c| l.contains(c))
                && l.ends_with("= 0")
        };
        let applied = lines.iter().rposition(moved).expect("a rename or a link");
        assert!(syncs[1].0 < applied && applied < syncs[2].0, "{told}");
        let printed = lines.iter().position(|l| l.contains(" write(1<"));
        assert!(printed.expect("an answer") > syncs[2].0, "{told}");
    }
}

#[test]
fn a_read_costs_no_sync() {
    let Some(desk) = ready() else { return };
    for args in [
        vec!["call", "read_text_file", "path=src/lib.rs"],
        vec!["call", "list_directory", "path=."],
        vec!["log"],
        vec!["status"],
        vec!["verify"],
    ] {
        let (answer, lines) = traced(&desk, &args);
        assert_eq!(answer.code, 0, "{answer:?}");
        let syncs: Vec<&String> = lines.iter().filter(|l| is_sync(l)).collect();
        assert!(syncs.is_empty(), "{args:?}: {syncs:#?}");
    }
}

/// Lesson E3: nobody but SQLite opens the database, since closing it would drop SQLite's locks.
#[test]
fn lesson_e3_the_database_is_opened_once_and_every_descriptor_closes_on_exec() {
    let Some(desk) = ready() else { return };
    for args in [
        vec!["call", "write_file", "path=src/lib.rs", "content=again"],
        vec!["call", "delete_file", "path=README.md"],
        vec!["undo"],
        vec!["log"],
        vec!["verify"],
        vec!["status"],
    ] {
        let (answer, lines) = traced(&desk, &args);
        assert_eq!(answer.code, 0, "{answer:?}");
        let opens: Vec<&String> = lines
            .iter()
            .filter(|l| l.contains("open") && !l.contains(" = -1 "))
            .collect();
        for line in &opens {
            assert!(line.contains("O_CLOEXEC"), "{args:?}: {line}");
        }
        let database = |l: &&&String| l.contains("state.db\"");
        let count = opens.iter().filter(database).count();
        assert_eq!(count, 1, "{args:?}: {opens:#?}");
        // SQLite opens without O_DIRECTORY, O_PATH or any resolve flags of ours.
        let raw = opens
            .iter()
            .filter(|l| l.contains("state.db") && !l.contains("O_NOFOLLOW"));
        assert_eq!(raw.count(), 0, "{args:?}: {opens:#?}");
    }
}

const DIR: &str = "AIFIRST_TEST_DIR";
const WRITES: &str = "AIFIRST_TEST_WRITES";

/// Not a test of its own: the running process of the one below, which starts it under strace.
#[test]
fn many_writes() {
    use aifirst_runtime::{Call, Cancel, Runtime, Settings};
    let Some(dir) = std::env::var_os(DIR).map(std::path::PathBuf::from) else {
        return;
    };
    let writes: usize = std::env::var(WRITES).unwrap().parse().unwrap();
    let mut settings = Settings::new(dir.join("project"));
    settings.workspace = Some(dir.join("project"));
    settings.state = Some(dir.join("home/.local/state/aifirst"));
    let runtime = Runtime::open(settings).unwrap();
    for n in 0..writes {
        let params =
            serde_json::json!({"path": "src/lib.rs", "content": format!("{n} of {writes}")});
        let write = Call::new("write_file", params);
        runtime.call(&write, &Cancel::new()).unwrap();
    }
    for _ in 0..writes {
        let read = Call::new("read_text_file", serde_json::json!({"path": "src/lib.rs"}));
        runtime.call(&read, &Cancel::new()).unwrap();
    }
}

#[test]
fn lesson_c5_each_further_write_and_read_of_a_running_process_costs_three_syncs() {
    let Some(desk) = ready() else { return };
    let count = |writes: usize| {
        let out = desk.root().join("strace.txt");
        let status = desk
            .program("strace")
            .args(["-f", "-qq", "-o"])
            .arg(&out)
            .args(["-e", "trace=fsync,fdatasync,sync,syncfs,sync_file_range"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "syncs::many_writes"])
            .env(DIR, desk.root())
            .env(WRITES, writes.to_string())
            .output()
            .unwrap();
        assert!(status.status.success(), "{status:?}");
        let text = fs::read_to_string(&out).unwrap();
        text.lines().filter(|l| is_sync(l)).count()
    };
    let (one, three, seven) = (count(1), count(3), count(7));
    assert_eq!(three - one, 2 * 3, "{one}, {three}, {seven}");
    assert_eq!(seven - three, 4 * 3, "{one}, {three}, {seven}");
}
