//! A disk that fails at every call in turn: before or after, never between, and undo stays exact.

use aifirst_undo::{Change, Direction, ErrorKind, Lasting, RecoveredAs, undoable};

use crate::manifest::{Manifest, assert_same, differences};
use crate::world::{Attempt, World, rel};

/// A set with every kind of change, some of them within each other's folders.
fn everything(world: &World) -> Vec<Change> {
    vec![
        world.create("new", "n"),
        world.replace("file", "r"),
        world.make_dir("dir"),
        world.create("dir/inside", "i"),
        world.delete("gone"),
        world.delete_tree("tree"),
        world.rename("third", "dir/third"),
        world.rename_over("other", "over"),
        world.rename("folder", "moved"),
        Change::Replace {
            path: rel("moved/x"),
            expect: world.stat("folder/x"),
            content: crate::world::bytes("X"),
        },
        Change::MakeDir {
            path: rel("moved/shared"),
            mode: Some(0o2770),
        },
    ]
}

fn world() -> World {
    let world = World::quick();
    for name in [
        "file", "other", "third", "gone", "over", "tree/x", "tree/y/z", "folder/x",
    ] {
        world.write(name, name);
    }
    world
}

#[track_caller]
fn is_one_of(world: &World, before: &Manifest, after: &Manifest, what: &str) -> bool {
    let now = world.manifest();
    if differences(before, &now).is_empty() {
        return false;
    }
    let lines = differences(after, &now);
    assert!(
        lines.is_empty(),
        "{what}: neither before nor after; to after:\n{}\nto before:\n{}",
        lines.join("\n"),
        differences(before, &now).join("\n")
    );
    true
}

/// What an undisturbed run makes of the tree; mtimes of new objects differ from run to run.
fn without_times(manifest: &Manifest) -> Manifest {
    let mut manifest = manifest.clone();
    for item in manifest.values_mut() {
        item.mtime = (0, 0);
    }
    manifest
}

fn expected_after() -> Manifest {
    let mut world = world();
    let changes = everything(&world);
    world.run(changes).unwrap();
    without_times(&world.manifest())
}

#[test]
fn a_single_failure_anywhere_in_an_operation_leaves_before_or_after() {
    for n in 0.. {
        let mut world = world();
        let before = world.manifest();
        let changes = everything(&world);
        world.disk.fail(n, ErrorKind::NoSpace, Lasting::Once);
        let end = world.attempt(changes);
        let reached = world.disk.calls() > n;
        world.disk.mend();
        let what = format!("call {n}, {end:?}");
        match end {
            Attempt::Done(op) => {
                world.undo(op).unwrap();
                assert_same(&before, &world.manifest(), &what);
            }
            Attempt::NotBegun(_) | Attempt::RolledBack(_) => {
                assert_same(&before, &world.manifest(), &what);
            }
            Attempt::Open => {
                world.recover().unwrap();
                let ops = undoable(&world.db, None, None).unwrap();
                if let Some(op) = ops.first() {
                    world.undo(*op).unwrap();
                }
                assert_same(&before, &world.manifest(), &what);
            }
        }
        if !reached {
            break;
        }
    }
}

#[test]
fn a_death_anywhere_in_an_operation_leaves_before_or_after() {
    let after = expected_after();
    let (mut back, mut kept) = (0, 0);
    for n in 0.. {
        let mut world = world();
        let before = world.manifest();
        let changes = everything(&world);
        world.disk.fail(n, ErrorKind::Io, Lasting::Forever);
        let end = world.attempt(changes);
        let reached = world.disk.calls() > n;
        world.disk.mend();
        let what = format!("death at call {n}, {end:?}");
        let ends = world.recover().unwrap();
        let now = world.manifest();
        if differences(&before, &now).is_empty() {
            back += 1;
            assert_eq!(
                world.stored(),
                0,
                "{what}: the store is swept: {:?} {:?}",
                world.listing(),
                ends
            );
        } else {
            kept += 1;
            assert_same(&after, &without_times(&now), &what);
            world.undo_last().unwrap();
            assert_same(&before, &world.manifest(), &what);
            world.redo_last().unwrap();
            assert_same(&now, &world.manifest(), &what);
        }
        assert!(
            ends.iter().all(|end| matches!(
                end,
                RecoveredAs::Interrupted | RecoveredAs::Done | RecoveredAs::RolledBack
            )),
            "{what}: {ends:?}"
        );
        // P5: recovery twice is recovery once.
        assert!(world.recover().unwrap().is_empty(), "{what}");
        if !reached {
            break;
        }
    }
    assert!(back > 5 && kept > 1, "{back} back, {kept} kept");
}

#[test]
fn a_death_anywhere_in_an_undo_or_redo_goes_forward() {
    for direction in [Direction::Undo, Direction::Redo] {
        for n in 0.. {
            let mut world = world();
            let before = world.manifest();
            let changes = everything(&world);
            let op = world.run(changes).unwrap();
            let after = world.manifest();
            if direction == Direction::Redo {
                world.undo(op).unwrap();
            }
            world.disk.fail(n, ErrorKind::Io, Lasting::Forever);
            let end = world.attempt_restore(op, direction);
            let reached = world.disk.calls() > n;
            world.disk.mend();
            let what = format!("{direction:?}, death at call {n}, {end:?}");
            world.recover().unwrap();
            let is_after = is_one_of(&world, &before, &after, &what);
            if is_after {
                world.undo(op).unwrap();
                assert_same(&before, &world.manifest(), &what);
                world.redo(op).unwrap();
                assert_same(&after, &world.manifest(), &what);
            } else {
                world.redo(op).unwrap();
                assert_same(&after, &world.manifest(), &what);
                world.undo(op).unwrap();
                assert_same(&before, &world.manifest(), &what);
            }
            if !reached {
                break;
            }
        }
    }
}

#[test]
fn a_death_inside_recovery_is_recovered() {
    let total = {
        let mut world = world();
        let changes = everything(&world);
        world.disk.mend();
        world.run(changes).unwrap();
        world.disk.calls()
    };
    for first in (total / 3..total).step_by(3) {
        for second in 0.. {
            let mut world = world();
            let before = world.manifest();
            let changes = everything(&world);
            world.disk.fail(first, ErrorKind::Io, Lasting::Forever);
            let _ = world.attempt(changes);
            world.disk.fail(second, ErrorKind::Io, Lasting::Forever);
            let _ = world.recover();
            let reached = world.disk.calls() > second;
            let record = world.disk.record();
            world.disk.mend();
            let ends = world.recover().unwrap();
            let what = format!("deaths at calls {first} and {second}, {ends:?}, {record:?}");
            if !undoable(&world.db, None, None).unwrap().is_empty() {
                world.undo_last().unwrap();
            }
            assert_same(&before, &world.manifest(), &what);
            if !reached {
                break;
            }
        }
    }
}

/// Lesson D12: an undo that fails midway says so, marks nothing as done, and works when repeated.
#[test]
fn lesson_d12_a_failed_undo_keeps_what_it_needs_and_can_be_repeated() {
    let mut world = world();
    let before = world.manifest();
    let changes = everything(&world);
    let op = world.run(changes).unwrap();
    let after = world.manifest();
    for n in 0..12 {
        world.disk.fail(n, ErrorKind::Io, Lasting::Once);
        let end = world.attempt_restore(op, Direction::Undo);
        world.disk.mend();
        match end {
            Attempt::RolledBack(_) | Attempt::NotBegun(_) => {
                assert_same(&after, &world.manifest(), "taken back");
                assert_eq!(undoable(&world.db, None, None).unwrap(), [op]);
            }
            Attempt::Done(_) => {
                world.redo(op).unwrap();
            }
            Attempt::Open => {
                world.recover().unwrap();
                world.redo(op).unwrap();
            }
        }
    }
    world.undo(op).unwrap();
    assert_same(&before, &world.manifest(), "undone");
}

/// Lesson C5: content is synced before it gets its name, and the folder before the answer.
#[test]
fn lesson_c5_content_then_name_then_folder() {
    let mut world = World::new();
    world.write("d/a", "old");
    let changes = vec![world.replace("d/a", "new"), world.create("d/b", "b")];
    world.disk.mend();
    world.run(changes).unwrap();
    let record = world.disk.record();
    let at = |what: &str| {
        record
            .iter()
            .position(|call| call.starts_with(what))
            .unwrap_or_else(|| panic!("no {what} in {record:#?}"))
    };
    let last = |what: &str| {
        record
            .iter()
            .rposition(|call| call.starts_with(what))
            .unwrap()
    };
    assert!(last("write") < at("sync_made"), "{record:#?}");
    assert!(last("sync_made") < at("exchange d/a"), "{record:#?}");
    assert!(last("sync_made") < at("publish d/b"), "{record:#?}");
    assert!(at("publish d/b") < last("sync d"), "{record:#?}");
    assert!(at("exchange d/a") < last("sync d"), "{record:#?}");
}

/// A folder that went away while an operation was open, for something of the same name, is no
/// reason to change nothing any more: what lay in it is left alone and named.
#[test]
fn what_took_the_place_of_a_folder_does_not_stop_recovery() {
    type Taker = fn(&World);
    let takers: [(&str, Taker); 3] = [
        ("nothing", |_| {}),
        ("a file", |w| w.write("a", "somebody else's")),
        ("a link", |w| {
            std::fs::create_dir_all(w.path("elsewhere/b")).unwrap();
            std::os::unix::fs::symlink("elsewhere", w.path("a")).unwrap();
        }),
    ];
    for (what, take) in takers {
        for n in 0.. {
            let mut world = World::quick();
            world.write("a/b/x", "x");
            world.write("a/b/gone", "g");
            let changes = vec![
                world.create("a/b/new", "n"),
                world.replace("a/b/x", "y"),
                world.delete("a/b/gone"),
            ];
            world.disk.fail(n, ErrorKind::Io, Lasting::Forever);
            let _ = world.attempt(changes);
            let reached = world.disk.calls() > n;
            world.disk.mend();
            std::fs::rename(world.path("a"), world.path("away")).unwrap();
            take(&world);
            let taken = world.manifest();
            let ends = world.recover();
            assert!(ends.is_ok(), "{what}, death at call {n}: {ends:?}");
            let named = differences(&taken, &world.manifest());
            assert!(named.is_empty(), "{what}, death at call {n}: {named:?}");
            assert!(world.recover().unwrap().is_empty(), "{what}");
            world.write("z", "");
            world.run(vec![world.replace("z", "works")]).unwrap();
            if !reached {
                break;
            }
        }
    }
}
