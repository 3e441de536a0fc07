//! Undo and redo through the whole net: exact, N times, and never over a person's work.
use std::fs;
use std::os::unix::fs::PermissionsExt;

use aifirst_runtime::{Cancel, ErrorKind, OnConflict, RestoreRequest, Run, Runtime, Select};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::manifest::manifest;
use crate::world::{World, call, exists};

fn undo(rt: &Runtime) -> aifirst_runtime::Restored {
    rt.undo(&RestoreRequest::new(Select::Last), &Cancel::new())
        .unwrap()
}

fn redo(rt: &Runtime) -> aifirst_runtime::Restored {
    rt.redo(&RestoreRequest::new(Select::Last), &Cancel::new())
        .unwrap()
}

/// A tree with a bit of everything that operations meet.
fn grown(w: &World) {
    w.write("a.txt", "one\ntwo\nthree\n");
    w.write("src/main.rs", "fn main() {}\n");
    w.write("src/deep/er/x", "x");
    w.write("tool.sh", "#!/bin/sh\n");
    fs::set_permissions(w.path("tool.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(w.path("empty")).unwrap();
    std::os::unix::fs::symlink("a.txt", w.path("link")).unwrap();
    let _ = rustix::fs::setxattr(
        w.path("a.txt"),
        "user.note",
        b"kept",
        rustix::fs::XattrFlags::empty(),
    );
}

fn operation() -> impl Strategy<Value = (&'static str, Value)> {
    let path = prop::sample::select(vec![
        "a.txt",
        "src/main.rs",
        "src/deep/er/x",
        "src/deep",
        "src",
        "tool.sh",
        "empty",
        "new",
        "new/inner",
        "empty/in",
        "link",
    ]);
    (0..9usize, path.clone(), path, "[a-z\n]{0,40}").prop_map(|(op, a, b, text)| match op {
        0 | 1 => ("write_file", json!({"path": a, "content": text})),
        2 => (
            "edit_file",
            json!({"path": a, "edits": [{"oldText": "one", "newText": text}]}),
        ),
        3 => ("create_directory", json!({"path": a})),
        4 => ("move_file", json!({"source": a, "destination": b})),
        5 => (
            "move_file",
            json!({"source": a, "destination": b, "overwrite": true}),
        ),
        6 => (
            "copy_file",
            json!({"source": a, "destination": b, "overwrite": true}),
        ),
        7 => ("delete_file", json!({"path": a})),
        _ => ("delete_directory", json!({"path": a, "recursive": true})),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn undoing_everything_restores_the_tree_and_redoing_gives_it_again(
        ops in prop::collection::vec(operation(), 1..12),
    ) {
        let w = World::quick();
        grown(&w);
        let rt = w.open_allowing();
        let mut states = vec![manifest(&w.root())];
        for (op, params) in ops {
            if let Ok(receipt) = call(&rt, op, params)
                && receipt.undoable
            {
                states.push(manifest(&w.root()));
            }
        }
        // N undos go N back, each exactly one.
        for state in states.iter().rev().skip(1) {
            undo(&rt);
            prop_assert_eq!(&manifest(&w.root()), state);
        }
        let e = rt.undo(&RestoreRequest::new(Select::Last), &Cancel::new()).unwrap_err();
        prop_assert_eq!(e.kind(), ErrorKind::NoSuch);
        for state in states.iter().skip(1) {
            redo(&rt);
            prop_assert_eq!(&manifest(&w.root()), state);
        }
        for state in states.iter().rev().skip(1) {
            undo(&rt);
            prop_assert_eq!(&manifest(&w.root()), state);
        }
        let verified = aifirst_runtime::Records::open(&w.settings()).unwrap().verify().unwrap();
        prop_assert!(verified.intact, "{:?}", verified.problems);
    }
}

#[test]
fn lesson_d11_three_operations_three_undos_three_redos_each_said() {
    let w = World::new();
    let rt = w.open();
    let mut ids = Vec::new();
    for i in 0..3 {
        let r = call(
            &rt,
            "write_file",
            json!({"path": "f", "content": i.to_string()}),
        )
        .unwrap();
        ids.push(r.id);
    }
    for id in ids.iter().rev() {
        let r = undo(&rt);
        assert_eq!(r.operations.len(), 1);
        assert_eq!(r.operations[0].target, *id);
        assert_eq!(r.operations[0].operation, "write_file");
        assert_eq!(r.operations[0].paths.len(), 1);
    }
    assert!(!exists(&w.path("f")));
    for id in &ids {
        assert_eq!(redo(&rt).operations[0].target, *id);
    }
    assert_eq!(w.read("f"), "2");
}

#[test]
fn lesson_d5_a_persons_later_edit_is_never_destroyed_silently() {
    let w = World::new();
    w.write("f", "before");
    let rt = w.open();
    call(&rt, "write_file", json!({"path": "f", "content": "agent"})).unwrap();
    fs::write(w.path("f"), "person").unwrap();
    let e = rt
        .undo(&RestoreRequest::new(Select::Last), &Cancel::new())
        .unwrap_err();
    assert_eq!(
        (e.kind(), e.code()),
        (ErrorKind::Conflict, "changed_since"),
        "{e}"
    );
    assert_eq!(w.read("f"), "person");
    // The plan says so and touches nothing.
    let mut request = RestoreRequest::new(Select::Last);
    request.run = Run::DryRun;
    let shown = rt.undo(&request, &Cancel::new()).unwrap();
    assert!(shown.dry_run);
    assert_eq!(
        shown.operations[0].paths[0].conflict.as_deref(),
        Some("edited")
    );
    // Forced, it comes back, and the person's work is one more undo away.
    let mut request = RestoreRequest::new(Select::Last);
    request.on_conflict = OnConflict::Force;
    rt.undo(&request, &Cancel::new()).unwrap();
    assert_eq!(w.read("f"), "before");
    redo(&rt);
    assert_eq!(w.read("f"), "person");
}

#[test]
fn beside_and_keep_mine_leave_the_persons_file_where_it_is() {
    for choice in [OnConflict::Beside, OnConflict::KeepMine] {
        let w = World::new();
        w.write("f", "before");
        let rt = w.open();
        call(&rt, "write_file", json!({"path": "f", "content": "agent"})).unwrap();
        fs::write(w.path("f"), "person").unwrap();
        let mut request = RestoreRequest::new(Select::Last);
        request.on_conflict = choice;
        let r = rt.undo(&request, &Cancel::new()).unwrap();
        assert_eq!(w.read("f"), "person");
        let beside = r.operations[0].paths[0].beside.clone();
        assert_eq!(beside.is_some(), choice == OnConflict::Beside);
        if let Some(beside) = beside {
            assert_eq!(w.read(&beside), "before");
        }
        // It ends the operation's force all the same.
        let e = rt
            .undo(&RestoreRequest::new(Select::Last), &Cancel::new())
            .unwrap_err();
        assert_eq!(e.code(), "nothing_to_do");
    }
}

#[test]
fn lesson_d1_untracked_neighbours_survive_every_undo() {
    let w = World::new();
    w.write("d/tracked", "1");
    let rt = w.open();
    call(
        &rt,
        "write_file",
        json!({"path": "d/made", "content": "agent"}),
    )
    .unwrap();
    call(&rt, "create_directory", json!({"path": "d/e"})).unwrap();
    w.write("d/mine", "person");
    w.write("d/e/mine", "person");
    let e = rt
        .undo(&RestoreRequest::new(Select::Last), &Cancel::new())
        .unwrap_err();
    assert_eq!(
        e.code(),
        "changed_since",
        "the folder has a person's file in it"
    );
    let mut request = RestoreRequest::new(Select::Last);
    request.on_conflict = OnConflict::KeepMine;
    rt.undo(&request, &Cancel::new()).unwrap();
    undo(&rt);
    assert_eq!(w.read("d/mine"), "person");
    assert_eq!(w.read("d/e/mine"), "person");
    assert_eq!(w.read("d/tracked"), "1");
    assert!(!exists(&w.path("d/made")));
}

#[test]
fn lesson_d6_sessions_do_not_undo_each_other() {
    let w = World::new();
    let mut a = w.settings();
    a.session = Some("a".into());
    let mut b = w.settings();
    b.session = Some("b".into());
    let (a, b) = (Runtime::open(a).unwrap(), Runtime::open(b).unwrap());
    for i in 0..3 {
        call(
            &a,
            "write_file",
            json!({"path": format!("a{i}"), "content": "a"}),
        )
        .unwrap();
        call(
            &b,
            "write_file",
            json!({"path": format!("b{i}"), "content": "b"}),
        )
        .unwrap();
    }
    let r = a
        .undo(
            &RestoreRequest::new(Select::Session("a".into())),
            &Cancel::new(),
        )
        .unwrap();
    assert_eq!(r.operations.len(), 3);
    for i in 0..3 {
        assert!(!exists(&w.path(&format!("a{i}"))));
        assert!(exists(&w.path(&format!("b{i}"))));
    }
}

#[test]
fn undo_by_id_by_point_and_by_path_and_undo_of_an_undo() {
    let w = World::new();
    let rt = w.open();
    let first = call(&rt, "write_file", json!({"path": "x", "content": "1"})).unwrap();
    call(&rt, "write_file", json!({"path": "y", "content": "1"})).unwrap();
    call(&rt, "write_file", json!({"path": "z", "content": "1"})).unwrap();
    let by_path = RestoreRequest::new(Select::Path("y".into()));
    rt.undo(&by_path, &Cancel::new()).unwrap();
    assert!(!exists(&w.path("y")) && exists(&w.path("x")) && exists(&w.path("z")));
    let one = RestoreRequest::new(Select::One(first.id.to_string()[..6].parse().unwrap()));
    let undone = rt.undo(&one, &Cancel::new()).unwrap();
    assert!(!exists(&w.path("x")));
    // Undoing the undo is a redo.
    let id = undone.operations[0].id.unwrap();
    let r = rt
        .undo(
            &RestoreRequest::new(Select::One(id.to_string().parse().unwrap())),
            &Cancel::new(),
        )
        .unwrap();
    assert_eq!(r.direction, "redo");
    assert!(exists(&w.path("x")));
    call(&rt, "write_file", json!({"path": "w", "content": "1"})).unwrap();
    let point = format!("@{}", first.seq.unwrap()).parse().unwrap();
    rt.undo(&RestoreRequest::new(Select::To(point)), &Cancel::new())
        .unwrap();
    assert!(exists(&w.path("x")) && !exists(&w.path("z")) && !exists(&w.path("w")));
}

#[test]
fn an_undo_that_later_operations_need_names_the_one_to_undo_first() {
    let w = World::new();
    w.write("p/f", "1");
    let rt = w.open();
    let moved = call(&rt, "move_file", json!({"source": "p", "destination": "m"})).unwrap();
    let later = call(&rt, "write_file", json!({"path": "m/f", "content": "2"})).unwrap();
    let one = |id: String| RestoreRequest::new(Select::One(id.parse().unwrap()));
    let e = rt
        .undo(&one(moved.id.to_string()), &Cancel::new())
        .unwrap_err();
    assert_eq!(e.code(), "changed_since", "{e}");
    let hint = e.hint().unwrap();
    assert!(
        hint.contains(&format!("aifirst undo {}", later.id)),
        "{hint}"
    );
    assert_eq!(w.read("m/f"), "2");
    // The word that it gives mends it.
    rt.undo(&one(later.id.to_string()), &Cancel::new()).unwrap();
    rt.undo(&one(moved.id.to_string()), &Cancel::new()).unwrap();
    assert_eq!(w.read("p/f"), "1");
}

#[test]
fn the_log_of_a_path_takes_it_as_operations_do() {
    let w = World::new();
    let rt = w.open();
    call(&rt, "create_directory", json!({"path": "src"})).unwrap();
    call(&rt, "write_file", json!({"path": "src/a", "content": "1"})).unwrap();
    call(&rt, "read_text_file", json!({"path": "../out"})).unwrap_err();
    let records = aifirst_runtime::Records::open(&w.settings()).unwrap();
    let found = |path: &str| {
        let mut filter = aifirst_runtime::LogFilter::default();
        filter.path = Some(path.to_owned());
        records.log(&filter).unwrap().len()
    };
    let absolute = w.path("src/a").display().to_string();
    for path in ["src/a", "./src/a", "src/x/../a", &absolute] {
        assert_eq!(found(path), 1, "{path}");
    }
    for path in ["src", "src/", "./src"] {
        assert_eq!(found(path), 2, "{path}");
    }
    assert_eq!(found("../out"), 1, "a refused path, as it was spelled");
    assert_eq!(found("sr"), 0);
}

#[test]
fn an_entry_alone_says_what_the_whole_log_says_of_it() {
    let w = World::new();
    let rt = w.open();
    for (path, content) in [("a", "1"), ("a", "2"), ("b", "1")] {
        call(&rt, "write_file", json!({"path": path, "content": content})).unwrap();
    }
    call(&rt, "read_text_file", json!({"path": "a"})).unwrap();
    let last = RestoreRequest::new(Select::Last);
    for undo in [true, true, false, true, false] {
        let done = if undo {
            rt.undo(&last, &Cancel::new())
        } else {
            rt.redo(&last, &Cancel::new())
        };
        done.unwrap();
        let records = aifirst_runtime::Records::open(&w.settings()).unwrap();
        let log = records.log(&aifirst_runtime::LogFilter::default()).unwrap();
        for entry in log.iter().filter(|e| e.id.is_some()) {
            let id = entry.id.unwrap().to_string().parse().unwrap();
            let shown = records.show(&id).unwrap().entry;
            assert_eq!(
                serde_json::to_value(&shown).unwrap(),
                serde_json::to_value(entry).unwrap()
            );
        }
    }
}
