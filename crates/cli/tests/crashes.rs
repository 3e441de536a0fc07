//! Killed at every point of every kind of change, and again inside the recovery: before or after, never between.
use std::fs;

use serde_json::Value;

use crate::desk::{Desk, Run};
use crate::faults::{
    database, folder, has_fault_points, last_of, orphans, quick_desk, run, run_with, shape,
};

struct Case {
    name: &'static str,
    /// Done before, so that there is something to undo or redo.
    first: &'static [&'static [&'static str]],
    args: &'static [&'static str],
    operation: &'static str,
}

const DELETE_TREE: &[&str] = &[
    "--yes",
    "call",
    "delete_directory",
    "path=build",
    "recursive=true",
];
const OVERWRITE: &[&str] = &["call", "write_file", "path=src/lib.rs", "content=other"];

const fn case(
    name: &'static str,
    operation: &'static str,
    args: &'static [&'static str],
    first: &'static [&'static [&'static str]],
) -> Case {
    Case {
        name,
        first,
        args,
        operation,
    }
}

const CASES: &[Case] = &[
    case(
        "write new",
        "write_file",
        &["call", "write_file", "path=src/new.txt", "content=new"],
        &[],
    ),
    case("overwrite", "write_file", OVERWRITE, &[]),
    case(
        "edit",
        "edit_file",
        &[
            "call",
            "edit_file",
            "--params",
            r#"{"path":"src/main.rs","edits":[{"oldText":"hello","newText":"bye"}]}"#,
        ],
        &[],
    ),
    case(
        "make folders",
        "create_directory",
        &["call", "create_directory", "path=a/b/c"],
        &[],
    ),
    case(
        "move",
        "move_file",
        &[
            "call",
            "move_file",
            "source=notes/old.md",
            "destination=src/kept.md",
        ],
        &[],
    ),
    case(
        "move over",
        "move_file",
        &[
            "call",
            "move_file",
            "source=notes/old.md",
            "destination=src/lib.rs",
            "overwrite=true",
        ],
        &[],
    ),
    case(
        "copy",
        "copy_file",
        &[
            "call",
            "copy_file",
            "source=README.md",
            "destination=notes/copy.md",
        ],
        &[],
    ),
    case(
        "delete file",
        "delete_file",
        &["call", "delete_file", "path=notes/old.md"],
        &[],
    ),
    case("delete tree", "delete_directory", DELETE_TREE, &[]),
    case("undo", "undo", &["undo"], &[DELETE_TREE]),
    case("redo", "redo", &["redo"], &[OVERWRITE, &["undo"]]),
];

/// In the order of a life. Those of a recovery come second.
const LIFE: &[(&str, u32)] = &[
    ("outer.before_head_copy", 1),
    ("outer.before_head_copy", 2),
    ("stage.start", 1),
    ("stage.object", 1),
    ("stage.synced", 1),
    ("outer.staged", 1),
    ("begin.revalidated", 1),
    ("begin.before_commit", 1),
    ("begin.committed", 1),
    ("apply.before_step", 1),
    ("apply.before_step", 2),
    ("apply.after_step", 1),
    ("apply.after_step", 2),
    ("apply.checked", 1),
    ("times.before", 1),
    ("times.after", 1),
    ("outer.applied", 1),
    ("settle.before_sync", 1),
    ("settle.synced", 1),
    ("settle.before_commit", 1),
    ("settle.committed", 1),
    ("outer.before_answer", 1),
];

const RECOVERY: &[&str] = &[
    "outer.before_head_copy",
    "outer.recovery_told",
    "recover.start",
    "recover.before_step",
    "recover.after_step",
    "times.before",
    "times.after",
    "recover.before_commit",
    "settle.before_sync",
    "settle.synced",
    "settle.before_commit",
    "settle.committed",
];

const NEXT: &[&str] = &["call", "write_file", "path=scratch/next", "content=x"];

/// A desk with files, a workspace known, an answered write, and what the case needs first.
fn desk_for(case: &Case) -> Desk {
    let desk = quick_desk();
    desk.fill();
    desk.put("scratch/there", "there");
    done(
        &desk,
        &["call", "write_file", "path=scratch/seed", "content=s"],
    );
    for args in case.first {
        done(&desk, args);
    }
    desk
}

fn done(desk: &Desk, args: &[&str]) -> Run {
    let run = run(desk, args);
    assert_eq!(run.code, 0, "{args:?}: {run:?}");
    run
}

/// The tree but for the folder in which later calls leave their marks.
fn tree(desk: &Desk) -> Vec<String> {
    let mut tree = desk.tree();
    tree.retain(|line| !line.starts_with("\"scratch"));
    tree
}

/// Kills a call at the point, perhaps the recovery too, and checks all that must hold then.
/// `None` where the case does not pass the point.
fn killed(case: &Case, after: &[String], fault: &str, again: Option<&str>) -> Option<Desk> {
    let desk = desk_for(case);
    let before = tree(&desk);
    let events = desk_log(&desk).len();
    let told = format!("{} killed at {fault}, then at {again:?}", case.name);
    let first = run_with(&desk, fault, case.args);
    if first.code != 128 + 9 {
        assert_eq!(first.code, 0, "{told}: {first:?}");
        return None;
    }
    // Reading mends nothing and says so.
    assert_eq!(run(&desk, &["verify"]).code, 0, "{told}: before recovery");
    if let Some(second) = again {
        let run = run_with(&desk, second, NEXT);
        assert!([0, 128 + 9].contains(&run.code), "{told}: {run:?}");
    }
    done(&desk, NEXT);
    let now = tree(&desk);
    let verified = run(&desk, &["verify", "--json"]);
    assert_eq!(verified.code, 0, "{told}: {verified:?}");
    let entry = desk_log(&desk)
        .into_iter()
        .skip(events)
        .find(|e| e["operation"] == case.operation && e["paths"][0]["path"] != "scratch/next");
    let outcome = entry
        .as_ref()
        .map_or("not begun", |e| e["outcome"].as_str().unwrap());
    let undoes = ["undo", "redo"].contains(&case.operation);
    if now == before {
        let words = ["not begun", "interrupted", "recovered_rolled_back"];
        assert!(words.contains(&outcome), "{told}: {outcome}");
        assert!(!undoes || outcome != "recovered_rolled_back", "{told}");
    } else {
        assert_eq!(shape(&now), after, "{told}: neither before nor after");
        assert!(
            ["done", "recovered_done"].contains(&outcome),
            "{told}: {outcome}"
        );
        let entry = entry.unwrap();
        let at = format!("@{}", entry["seq"]);
        let back: Vec<&str> = match case.operation {
            "undo" => vec!["redo"],
            "redo" => vec!["undo"],
            _ => vec!["undo", &at],
        };
        // The newest is the scratch file: it goes first, where undo goes by order.
        if case.operation == "redo" {
            done(&desk, &["undo"]);
        }
        if case.operation != "undo" {
            done(&desk, &back);
            assert_eq!(tree(&desk), before, "{told}: undone");
        }
    }
    assert!(fs::exists(desk.path("scratch/seed")).unwrap(), "{told}");
    assert_eq!(run(&desk, &["verify"]).code, 0, "{told}: at the end");
    Some(desk)
}

fn desk_log(desk: &Desk) -> Vec<Value> {
    run(desk, &["log", "--json"]).lines()
}

/// Every `step`-th pair of case and point, and after every such kill one inside the recovery.
fn matrix(step: usize) {
    if !has_fault_points() {
        return;
    }
    let mut desks = Vec::new();
    let mut passed = std::collections::BTreeSet::new();
    let mut turn = 0;
    for case in CASES {
        let desk = desk_for(case);
        done(&desk, case.args);
        let after = shape(&tree(&desk));
        for (i, (point, n)) in LIFE.iter().enumerate() {
            turn += 1;
            if turn % step != 0 {
                continue;
            }
            let fault = format!("{point}:{n}:kill");
            let once = killed(case, &after, &fault, None);
            if once.is_some() {
                passed.insert(*point);
                let seconds: Vec<&str> = if step == 1 {
                    RECOVERY.to_vec()
                } else {
                    vec![RECOVERY[(turn / step + i) % RECOVERY.len()]]
                };
                for second in seconds {
                    let second = format!("{second}:1:kill");
                    desks.extend(killed(case, &after, &fault, Some(&second)));
                }
            }
            desks.extend(once);
        }
    }
    let all: std::collections::BTreeSet<&str> = LIFE.iter().map(|(point, _)| *point).collect();
    if step == 1 {
        assert_eq!(passed, all, "no case was killed at some point");
    }
    assert!(passed.len() * 3 >= all.len() * 2, "only {passed:?}");
    // The dead are taken for alive for as long as their registration is young.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    for desk in &desks {
        done(
            desk,
            &["call", "write_file", "path=scratch/late", "content=y"],
        );
        assert_eq!(orphans(desk), Vec::<String>::new());
    }
    println!("{} desks", desks.len());
}

#[test]
fn lesson_d3_killed_at_every_point_of_every_change() {
    matrix(5);
}

#[test]
#[ignore = "every pair: minutes, not seconds"]
fn killed_at_every_point_of_every_change_in_full() {
    matrix(1);
}

/// Lesson E10: an attempt without an outcome shows as what it is.
#[test]
fn lesson_e10_an_open_intent_is_shown_and_its_undo_offered_after_recovery() {
    if !has_fault_points() {
        return;
    }
    let desk = desk_for(&CASES[1]);
    let killed = run_with(&desk, "settle.before_commit", OVERWRITE);
    assert_eq!(killed.code, 137);
    assert_eq!(last_of(&desk, "write_file").unwrap()["outcome"], "open");
    done(&desk, NEXT);
    done(&desk, &["undo"]);
    let undone = done(&desk, &["undo", "--json"]).document();
    assert_eq!(undone["operations"][0]["paths"][0]["path"], "src/lib.rs");
    assert!(desk.text("src/lib.rs").contains("count"));
}

#[test]
fn what_a_person_did_between_kill_and_recovery_stays_and_is_named() {
    if !has_fault_points() {
        return;
    }
    for (case, fault, path) in [
        (&CASES[1], "apply.after_step", "src/lib.rs"),
        (&CASES[7], "apply.after_step", "notes/old.md"),
        (&CASES[0], "settle.before_sync", "src/new.txt"),
    ] {
        let desk = desk_for(case);
        assert_eq!(run_with(&desk, fault, case.args).code, 137, "{}", case.name);
        let _ = fs::remove_file(desk.path(path));
        desk.put(path, "a person's own words");
        done(&desk, NEXT);
        assert_eq!(desk.text(path), "a person's own words", "{}", case.name);
        let log = desk_log(&desk);
        let entry = log
            .iter()
            .find(|e| e["outcome"] == "recovered_with_conflict");
        let entry = entry.unwrap_or_else(|| panic!("{}: {log:#?}", case.name));
        let shown = done(&desk, &["show", &format!("@{}", entry["seq"]), "--json"]);
        assert!(shown.out.contains(path), "{}: {shown:?}", case.name);
        assert_eq!(run(&desk, &["verify"]).code, 0);
    }
}

#[test]
fn an_object_missing_from_the_store_is_damage_and_is_named() {
    if !has_fault_points() {
        return;
    }
    let case = &CASES[9];
    let desk = desk_for(case);
    assert_eq!(run_with(&desk, "begin.committed", case.args).code, 137);
    let slot: i64 = database(&desk)
        .query_row(
            "SELECT slot FROM undo_change WHERE unit = (SELECT max(id) FROM undo_unit)",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let name = format!("{:016x}", slot.cast_unsigned());
    let mut gone = false;
    for bucket in fs::read_dir(folder(&desk).join("store/k")).unwrap() {
        let object = bucket.unwrap().path().join(&name);
        if object.exists() {
            fs::remove_dir_all(object).unwrap();
            gone = true;
        }
    }
    assert!(gone, "the deleted tree is an object of the store");
    done(&desk, NEXT);
    let entry = last_of(&desk, "undo").unwrap();
    assert_eq!(entry["outcome"], "damaged", "{entry}");
    let status = run(&desk, &["status", "--json"]);
    assert!(
        status.out.contains(entry["id"].as_str().unwrap()),
        "{status:?}"
    );
    assert_eq!(run(&desk, &["verify"]).code, 0);
}
