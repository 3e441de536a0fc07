//! Many writers, killed writers, writers that are in the way, a disk that is full.

use crate::support::{BOOT, LOG, Sample, body, intent, outcome, read, time};
use aifirst_audit::{
    Bodies, Durability, ErrorKind, HeadCopyFound, Log, VerifyOptions, checkpoint, row, verify,
};
use rusqlite::Connection;
use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const WRITERS: u64 = 8;
/// More by hand: `AUDIT_TEST_ROWS=100000`.
fn rows() -> u64 {
    std::env::var("AUDIT_TEST_ROWS").map_or(1_500, |n| n.parse().unwrap())
}

fn spawn(log: &Path, acks: &Path, id: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "processes::a_writer_of_its_own",
            "--ignored",
            "--nocapture",
        ])
        .env("AUDIT_TEST_LOG", log)
        .env("AUDIT_TEST_ACKS", acks)
        .env("AUDIT_TEST_ID", id.to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// The child of the test below: appends until it is killed, and writes down what was
/// acknowledged.
#[test]
#[ignore = "run as a child process by the test below"]
fn a_writer_of_its_own() {
    let Some(path) = std::env::var_os("AUDIT_TEST_LOG") else {
        println!("skipped: not started by its parent");
        return;
    };
    let acks = std::env::var_os("AUDIT_TEST_ACKS").unwrap();
    let id: u64 = std::env::var("AUDIT_TEST_ID").unwrap().parse().unwrap();
    let mut acks = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(acks)
        .unwrap();
    let mut log = retry(|| Log::open(Path::new(&path)));
    for n in 0.. {
        let n = id * 1_000_000 + n;
        let durability = if n.is_multiple_of(5) {
            Durability::Full
        } else {
            Durability::Normal
        };
        let begun = retry(|| log.append(&intent(n), Some(&body(n)), durability));
        writeln!(acks, "{} {}", begun.seq, begun.leaf).unwrap();
        let ended = retry(|| log.append(&outcome(n, begun.seq), None, Durability::Normal));
        writeln!(acks, "{} {}", ended.seq, ended.leaf).unwrap();
        if ended.seq > rows() {
            return;
        }
    }
}

fn retry<T>(mut call: impl FnMut() -> aifirst_audit::Result<T>) -> T {
    loop {
        match call() {
            Ok(value) => return value,
            Err(e) if e.can_retry() => {}
            Err(e) => panic!("{e:?}"),
        }
    }
}

/// Attack E1: writers of many processes fork the chain or lose what they acknowledged.
#[test]
fn lesson_e1_eight_processes_and_kills_leave_one_whole_chain() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    drop(Log::create(&path, LOG, time(0), BOOT).unwrap());
    let acks = |id| folder.path().join(format!("acks-{id}"));
    let mut next = WRITERS;
    let mut writers: Vec<Child> = (0..WRITERS).map(|id| spawn(&path, &acks(id), id)).collect();
    let mut kills = 0;
    // A cheap generator is enough to kill at uneven moments.
    let mut random: u64 = 0x9e37_79b9_7f4a_7c15;
    while !writers.is_empty() {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(Duration::from_millis(random >> 58));
        let at = (random >> 33) as usize % writers.len();
        if let Some(status) = writers[at].try_wait().unwrap() {
            assert!(status.success(), "a writer failed");
            writers.swap_remove(at).wait().unwrap();
        } else if kills < rows() / 25 {
            writers[at].kill().unwrap();
            writers[at].wait().unwrap();
            kills += 1;
            writers[at] = spawn(&path, &acks(next), next);
            next += 1;
        }
    }
    let log = Log::open(&path).unwrap();
    let report = verify(
        log.connection(),
        &VerifyOptions::new()
            .log(LOG)
            .head_copy(HeadCopyFound::None, BOOT),
    )
    .unwrap();
    assert!(report.verdict.is_intact(), "{:?}", report.problems);
    assert!(report.size > rows());
    let mut acknowledged: HashMap<u64, String> = HashMap::new();
    for id in 0..next {
        for (seq, leaf) in read_acks(&acks(id)) {
            let twice = acknowledged.insert(seq, leaf);
            assert!(twice.is_none(), "number {seq} was given twice");
        }
    }
    assert!(kills > 0 && acknowledged.len() as u64 > rows() / 2);
    assert_acknowledged(&log, &acknowledged);
}

fn read_acks(path: &Path) -> HashMap<u64, String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    // A line cut off by a kill was never finished: not an acknowledgement.
    let lines = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let pairs = lines.lines().map(|line| line.split_once(' ').unwrap());
    pairs
        .map(|(seq, leaf)| (seq.parse().unwrap(), leaf.to_owned()))
        .collect()
}

fn assert_acknowledged(log: &Log, acknowledged: &HashMap<u64, String>) {
    for (seq, leaf) in acknowledged {
        let row = row(log.connection(), *seq, Bodies::Skip).unwrap();
        let row = row.unwrap_or_else(|| panic!("acknowledged row {seq} is lost"));
        assert_eq!(&row.leaf.unwrap().to_string(), leaf, "row {seq} is another");
    }
}

/// The system calls that storing goes through fail, or the process dies in them.
#[test]
fn failing_and_fatal_system_calls_lose_nothing_acknowledged() {
    let mut ran = 0;
    for (call, what) in [
        ("pwrite64", "error=ENOSPC"),
        ("pwrite64", "error=EIO"),
        ("pwrite64", "signal=SIGKILL"),
        ("fdatasync", "error=EIO"),
        ("fdatasync", "signal=SIGKILL"),
    ] {
        // Only every tenth commit is synced.
        let all: &[u32] = if call == "pwrite64" {
            &[1, 2, 5, 14, 33]
        } else {
            &[1, 2, 3, 5]
        };
        for nth in all {
            let sample = Sample::new(1);
            let acks = sample.folder.path().join("acks");
            let mut tracer = Command::new("strace");
            tracer
                .args(["-f", "-qq", "-o", "/dev/null", "-e"])
                .arg(format!("trace={call}"))
                .arg("-e")
                .arg(format!("inject={call}:{what}:when={nth}+"))
                .arg(std::env::current_exe().unwrap())
                .args(["--exact", "processes::a_writer_of_its_own", "--ignored"])
                .env("AUDIT_TEST_LOG", &sample.path)
                .env("AUDIT_TEST_ACKS", &acks)
                .env("AUDIT_TEST_ID", "1")
                .env("AUDIT_TEST_ROWS", "60")
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            let Ok(status) = tracer.status() else {
                println!("skipped: no strace to take system calls away");
                return;
            };
            let acknowledged = read_acks(&acks);
            if acknowledged.is_empty() && !acks.exists() {
                println!("skipped: strace may not trace here");
                return;
            }
            assert!(!status.success(), "{call} {what} at {nth}: nobody noticed");
            let report = sample.verify();
            assert!(
                report.verdict.is_intact(),
                "{call} {what} at {nth}: {:?}",
                report.problems
            );
            let log = Log::open(&sample.path).unwrap();
            assert_acknowledged(&log, &acknowledged);
            ran += 1;
        }
    }
    assert_eq!(ran, 3 * 5 + 2 * 4);
}

/// Attack E2 at its root: nothing in this crate begins a writing transaction any other way.
#[test]
fn lesson_e2_every_writing_transaction_is_immediate() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut immediate = 0;
    for entry in std::fs::read_dir(sources).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for forbidden in [
            ".transaction()",
            "unchecked_transaction",
            "\"BEGIN\"",
            "BEGIN DEFERRED",
        ] {
            assert!(!text.contains(forbidden), "{name} holds {forbidden}");
        }
        immediate += text.matches("TransactionBehavior::Immediate").count();
        let deferred = text.contains("TransactionBehavior::Deferred");
        assert!(!deferred || name == "verify.rs", "{name} begins deferred");
    }
    assert_eq!(immediate, 2);
}

#[test]
fn threads_with_a_log_each_never_meet_a_busy_error() {
    let sample = Sample::new(0);
    std::thread::scope(|scope| {
        for t in 0..4 {
            let path = &sample.path;
            scope.spawn(move || {
                let mut log = Log::open(path).unwrap();
                for n in 0..40 {
                    log.append(&read(t * 100 + n), None, Durability::Normal)
                        .unwrap();
                }
            });
        }
    });
    let report = sample.verify();
    assert!(report.verdict.is_intact(), "{:?}", report.problems);
    assert_eq!(report.size, 161);
}

/// Attack E8: a reader keeps the write-ahead log from being moved; that is told, and ends.
#[test]
fn lesson_e8_a_reader_that_pins_the_wal_is_told_by_checkpoint() {
    let sample = Sample::new(1);
    let mut log = Log::open(&sample.path).unwrap();
    assert_eq!(checkpoint(log.connection()).unwrap(), 0);
    let reader = Connection::open(&sample.path).unwrap();
    log.append(&read(1), None, Durability::Normal).unwrap();
    reader
        .execute_batch("BEGIN; SELECT count(*) FROM audit_event")
        .unwrap();
    reader
        .query_row("SELECT count(*) FROM audit_event", [], |r| {
            r.get::<_, i64>(0)
        })
        .unwrap();
    for n in 2..50 {
        log.append(&read(n), None, Durability::Normal).unwrap();
    }
    assert!(checkpoint(log.connection()).unwrap() > 0);
    reader.execute_batch("COMMIT").unwrap();
    assert_eq!(checkpoint(log.connection()).unwrap(), 0);
    assert!(sample.verify().verdict.is_intact());
}

/// Attack E9: the row cannot be stored. Nothing is, the caller knows, the log reads.
#[test]
fn lesson_e9_what_cannot_be_stored_is_refused_and_leaves_no_trace() {
    let sample = Sample::new(1);
    let mut log = Log::open(&sample.path).unwrap();
    // Held by another writer for longer than the timeout.
    log.connection()
        .busy_timeout(Duration::from_millis(30))
        .unwrap();
    let other = Connection::open(&sample.path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let e = log.append(&read(1), None, Durability::Full).unwrap_err();
    assert!(e.kind() == ErrorKind::Busy && e.can_retry());
    other.execute_batch("ROLLBACK").unwrap();
    // A disk that is full, met inside the write: SQLite may not grow the file.
    let pages: i64 = log
        .connection()
        .pragma_query_value(None, "page_count", |r| r.get(0))
        .unwrap();
    log.connection()
        .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
        .unwrap();
    let refused = (0..200).find_map(|n| {
        log.append(&intent(1000 + n), Some(&body(n)), Durability::Full)
            .err()
    });
    let e = refused.expect("the disk must have been full");
    assert_eq!(
        (e.kind(), e.code(), e.can_retry()),
        (ErrorKind::Full, "audit_disk_full", false)
    );
    let report = sample.verify();
    assert!(report.verdict.is_intact(), "{:?}", report.problems);
    log.connection()
        .pragma_update_and_check(None, "max_page_count", pages + 100, |_| Ok(()))
        .unwrap();
    let receipt = log.append(&read(1), None, Durability::Full).unwrap();
    assert_eq!(receipt.seq, report.size);
}

/// Attack E4: a child process that inherits the log's descriptors would drop its locks.
#[test]
fn lesson_e4_a_child_inherits_no_descriptor_of_the_log() {
    let sample = Sample::new(1);
    let log = Log::open(&sample.path).unwrap();
    let held = open_files("self");
    assert!(
        held.iter().any(|f| f.ends_with("state.db")),
        "control: we hold it"
    );
    let mut child = Command::new("sleep").arg("60").spawn().unwrap();
    let inherited = open_files(&child.id().to_string());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        !inherited.iter().any(|f| f.contains("state.db")),
        "{inherited:?}"
    );
    drop(log);
}

/// Attack E3: whoever opens the database beside SQLite drops its locks on closing. Reading
/// without writing only looks at sizes and times.
#[test]
fn lesson_e3_no_source_opens_the_database_but_sqlite() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in std::fs::read_dir(sources).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for forbidden in [
            "File::open",
            "OpenOptions",
            "fs::read",
            "fs::copy",
            "fs::write",
        ] {
            assert!(
                !text.contains(forbidden),
                "{} holds {forbidden}",
                path.display()
            );
        }
    }
}

fn open_files(process: &str) -> Vec<String> {
    std::fs::read_dir(format!("/proc/{process}/fd"))
        .unwrap()
        .filter_map(|e| std::fs::read_link(e.ok()?.path()).ok())
        .map(|p| p.to_string_lossy().into_owned())
        .collect()
}
