//! Every row of the attack suite against the guard, and against the usual one, which must lose.

mod alone;
mod guards;
mod rows;
mod stage;

use std::collections::BTreeSet;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use aifirst_sandbox::{Backend, Custodian, Error, Links, Rules, Workspace};

use crate::mounts::in_namespace;
use crate::scene::{is_root, manifest, skipped};
use rustix::fs::{Mode, OFlags};

use guards::Canonical;
use rows::Row;
use stage::Stage;

const BACKENDS: [Backend; 2] = [Backend::Openat2, Backend::Walk];

fn open(stage: &Stage, backend: Backend, rules: Rules) -> Workspace {
    let top = stage.scene.host("ws");
    let ws = match backend {
        Backend::Openat2 => Workspace::open(&top, rules),
        _ => Workspace::open_walking(&top, rules),
    };
    let ws = ws.unwrap();
    assert_eq!(ws.backend(), backend);
    ws
}

/// A hang is a failure with a name.
fn watched<T>(id: &str, call: impl FnOnce() -> T) -> T {
    let (done, waiting) = mpsc::channel::<()>();
    let id = id.to_owned();
    let watch = std::thread::spawn(move || {
        if waiting.recv_timeout(Duration::from_secs(60)) == Err(mpsc::RecvTimeoutError::Timeout) {
            println!("{id} hangs");
            std::process::abort();
        }
    });
    let result = call();
    drop(done);
    watch.join().unwrap();
    result
}

/// Whether a row is answered as it says; else what is wrong.
fn judge(row: &Row, wanted: &str, got: &Result<(), Error>) -> Option<String> {
    let got = match got {
        Ok(()) => "ok".to_owned(),
        Err(error) => format!("{:?}", error.kind()),
    };
    let right = wanted.split('|').any(|one| one == got);
    (!right).then(|| format!("{}: {got} and not {wanted}", row.id))
}

/// Every row of a kind, by every backend; says how many calls were made.
fn run(rows: &[Row]) {
    let mut counts = [0_usize; 3];
    let mut not_made = BTreeSet::new();
    let mut wrong = Vec::new();
    for row in rows {
        let wanted = row.want.as_deref().unwrap();
        for backend in BACKENDS {
            let mut rules = vec![(Rules::default(), wanted)];
            if let Some(wanted) = row.deny.as_deref() {
                rules.push((Rules::default().links(Links::Deny), wanted));
            }
            for (rules, wanted) in rules {
                let stage = match Stage::new(row) {
                    Ok(stage) => stage,
                    Err(why) => {
                        not_made.insert(why);
                        continue;
                    }
                };
                let inside = || (!row.needs("mounts")).then(|| manifest(&stage.scene.host("ws")));
                let before = (stage.scene.outside(), inside());
                let ws = open(&stage, backend, rules);
                let got = watched(&row.id, || guards::plain(&ws, &stage.words));
                wrong.extend(judge(row, wanted, &got).map(|why| format!("{why}, {backend:?}")));
                counts[0] += 1;
                assert_eq!(
                    stage.scene.outside(),
                    before.0,
                    "{}: outside changed",
                    row.id
                );
                let Err(error) = got else { continue };
                assert_eq!(inside(), before.1, "{}: refused, and changed", row.id);
                // Whether the target exists outside is nobody's business inside.
                if wanted.contains("Escape") {
                    std::fs::remove_dir_all(stage.scene.host("outside")).unwrap();
                    let again = guards::plain(&ws, &stage.words).unwrap_err();
                    assert_eq!(
                        (again.kind(), again.to_string()),
                        (error.kind(), error.to_string()),
                        "{}: existing and missing targets differ",
                        row.id
                    );
                    counts[1] += 1;
                }
            }
            counts[2] += usize::from(by_custodian(row, backend));
        }
    }
    println!(
        "{} rows: {} calls as wanted, {} again with the target gone, {} by the custodian",
        rows.len(),
        counts[0],
        counts[1],
        counts[2]
    );
    not_made.iter().for_each(|why| skipped(why));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The custodian serves more, but never outside its roots.
fn by_custodian(row: &Row, backend: Backend) -> bool {
    // A hard link is one file with two names: its bits are what undo has to put back.
    if row.id == "C3" {
        return false;
    }
    let Ok(stage) = Stage::new(row) else {
        return false;
    };
    let before = stage.scene.outside();
    let ws = open(&stage, backend, Rules::default());
    let custodian = Custodian::open(&ws, &stage.scene.host("store")).unwrap();
    let reads_hard_link = row.id == "C1";
    if !reads_hard_link {
        let _ = watched(&row.id, || guards::by_custodian(&custodian, &stage.words));
    }
    drop(custodian);
    assert_eq!(stage.scene.outside(), before, "{}: outside changed", row.id);
    assert!(
        stage.scene.ws("b/x").exists(),
        "{}: the root was emptied",
        row.id
    );
    true
}

#[test]
fn every_row_of_the_suite_is_answered_as_written() {
    run(&rows::calls(false));
}

#[test]
fn every_row_with_mounts_is_answered_as_written() {
    if in_namespace("attacks::every_row_with_mounts_is_answered_as_written") {
        run(&rows::calls(true));
    }
}

/// The same two as somebody who may do less, which hides and shows other things than root.
#[test]
fn every_row_is_answered_as_written_for_an_ordinary_user_too() {
    if !is_root() {
        skipped("this is an ordinary user already");
        return;
    }
    let sheet = rows::folder().join("links.toml");
    let other = |program: &Path| {
        let mut command = Command::new(program);
        command.current_dir("/").uid(65534).gid(65534);
        command
    };
    let reads = other(Path::new("cat")).arg(sheet).output();
    if !reads.is_ok_and(|run| run.status.success()) {
        skipped("another user cannot be had, or cannot read the suite");
        return;
    }
    // The build's own folder may be closed to others.
    let folder = tempfile::tempdir().unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open).unwrap();
    let program = folder.path().join("suite");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    for test in [
        "attacks::every_row_of_the_suite_is_answered_as_written",
        "attacks::every_row_with_mounts_is_answered_as_written",
    ] {
        let run = other(&program)
            .args(["--exact", "--nocapture", test])
            .output();
        let run = run.unwrap();
        let said = String::from_utf8_lossy(&run.stdout).into_owned();
        let complained = String::from_utf8_lossy(&run.stderr).into_owned();
        print!("{said}{complained}");
        assert!(run.status.success() && said.contains("1 passed"), "{test}");
    }
}

/// One row against canonicalize-and-open: the letter that the suite gives it.
fn control(stage: &Stage) -> char {
    let before = stage.scene.outside();
    let guard = Canonical::new(stage);
    let words = stage.words.clone();
    let (tx, rx) = mpsc::channel();
    let call = std::thread::spawn(move || {
        let _ = tx.send(guard.call(&words));
    });
    let fifo = stage.scene.ws("ff");
    let verdict = if fifo.exists() {
        let verdict = rx.recv_timeout(Duration::from_millis(300));
        // One at the other end lets it go on: nobody would have come.
        let flags = OFlags::RDWR | OFlags::NONBLOCK;
        while !call.is_finished() {
            let other = rustix::fs::open(&fifo, flags, Mode::empty()).unwrap();
            std::thread::sleep(Duration::from_millis(20));
            // A reader sees the end when no writer is left.
            drop(other);
        }
        verdict.unwrap_or('H')
    } else {
        rx.recv().unwrap()
    };
    call.join().unwrap();
    if matches!(verdict, 'o' | '.') && stage.scene.outside() != before {
        return 'W';
    }
    verdict
}

fn control_loses(rows: &[Row]) {
    let (mut lost, mut tried) = (BTreeSet::new(), 0);
    let mut wrong = Vec::new();
    for row in rows {
        let Some(wanted) = row.canon else { continue };
        let stage = match Stage::new(row) {
            Ok(stage) => stage,
            Err(why) => {
                skipped(&why);
                continue;
            }
        };
        let got = watched(&row.id, || control(&stage));
        if got != wanted {
            wrong.push(format!("{}: {got} and not {wanted}", row.id));
        }
        tried += 1;
        if got.is_ascii_uppercase() {
            lost.insert(row.id.as_str());
        }
    }
    println!(
        "canonicalize-and-open lost {} of {tried}: {lost:?}",
        lost.len()
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(lost.len() > 5);
}

#[test]
fn canonicalize_and_open_loses_where_the_suite_says() {
    control_loses(&rows::calls(false));
}

#[test]
fn canonicalize_and_open_loses_to_mounts_where_the_suite_says() {
    if in_namespace("attacks::canonicalize_and_open_loses_to_mounts_where_the_suite_says") {
        control_loses(&rows::calls(true));
    }
}

#[test]
fn the_suite_is_whole_and_names_tests_that_exist() {
    let rows = rows::all();
    let ids: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids.len(), rows.len(), "an id stands twice");
    let wanted = [
        ('A', 37),
        ('B', 31),
        ('C', 3),
        ('D', 9),
        ('E', 10),
        ('F', 9),
        ('G', 10),
        ('H', 16),
        ('R', 11),
        ('T', 17),
        ('N', 4),
        ('K', 3),
    ];
    let whole: BTreeSet<String> = wanted
        .iter()
        .flat_map(|(letter, count)| (1..=*count).map(move |at| format!("{letter}{at}")))
        .collect();
    let missing: Vec<&String> = whole
        .iter()
        .filter(|id| !ids.contains(id.as_str()))
        .collect();
    assert!(missing.is_empty(), "rows that are missing: {missing:?}");
    let tests = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"))
        + &sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    for row in &rows {
        if let Some(why) = &row.open {
            skipped(&format!("{}: {why}", row.id));
            continue;
        }
        let Some(names) = &row.shown_by else {
            assert!(row.want.is_some() && row.call.len() > 1, "{}", row.id);
            continue;
        };
        for name in names.split(", ") {
            let known = tests.contains(&format!("fn {name}("));
            assert!(known, "{}: no test is named {name}", row.id);
        }
    }
}

fn sources(folder: &Path) -> String {
    let mut all = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all += &sources(&path);
        } else {
            all += &std::fs::read_to_string(path).unwrap();
        }
    }
    all
}
