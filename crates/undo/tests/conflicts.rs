//! What a person did since is never destroyed: refused, kept, restored beside or kept in the store.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use aifirst_undo::{
    ConflictReason, Direction, ErrorKind, OnConflict, OpId, RestorePlan, undoable, unit,
};

use crate::manifest::assert_same;
use crate::world::{World, fails};

fn plan(world: &World, op: OpId, choice: OnConflict) -> RestorePlan {
    world
        .engine
        .plan(&world.db, &[op], Direction::Undo, choice)
        .unwrap()
}

#[track_caller]
fn reason(world: &World, op: OpId) -> ConflictReason {
    let before = world.manifest();
    let plan = plan(world, op, OnConflict::Refuse);
    assert!(plan.is_refused());
    let reasons: Vec<_> = plan
        .conflicts()
        .map(|path| path.conflict.as_ref().unwrap().reason.clone())
        .collect();
    fails(
        world.engine.stage_restore(&plan, 0).map(|_| ()),
        ErrorKind::Conflict,
    );
    assert_same(&before, &world.manifest(), "a refused undo touches nothing");
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    reasons[0].clone()
}

/// Keeps size and mtime, so that only the change time tells.
fn edit_quietly(world: &World, path: &str, text: &str) {
    let full = world.path(path);
    let meta = fs::metadata(&full).unwrap();
    assert_eq!(meta.len(), text.len() as u64);
    fs::write(&full, text).unwrap();
    let file = fs::File::options().write(true).open(&full).unwrap();
    file.set_modified(meta.modified().unwrap()).unwrap();
}

/// Lesson D5: an edit made after the operation is not undone with it.
#[test]
fn lesson_d5_a_later_edit_refuses_the_undo_and_stays() {
    let mut world = World::new();
    world.write("a", "old");
    let op = world.run(vec![world.replace("a", "new")]).unwrap();
    world.write("a", "mine");
    assert_eq!(reason(&world, op), ConflictReason::Edited);
    assert_eq!(world.read("a"), "mine");
    assert_eq!(undoable(&world.db, None, None).unwrap(), [op]);
}

#[test]
fn an_edit_that_keeps_size_and_mtime_is_found() {
    let mut world = World::new();
    world.write("a", "old");
    let op = world.run(vec![world.replace("a", "new")]).unwrap();
    edit_quietly(&world, "a", "my!");
    assert_eq!(reason(&world, op), ConflictReason::Edited);
    // Also of a kept inode that an undo put back, whose content nobody hashed.
    let mut world = World::new();
    world.write("a", "old");
    let op = world.run(vec![world.delete("a")]).unwrap();
    world.undo(op).unwrap();
    edit_quietly(&world, "a", "my!");
    let plan = world
        .engine
        .plan(&world.db, &[op], Direction::Redo, OnConflict::Refuse)
        .unwrap();
    assert!(plan.is_refused());
    assert_eq!(world.read("a"), "my!");
}

#[test]
fn a_touched_but_equal_file_is_no_conflict() {
    let mut world = World::new();
    world.write("a", "old");
    let before = world.manifest();
    let op = world.run(vec![world.replace("a", "new")]).unwrap();
    // Changes the change time alone.
    fs::set_permissions(world.path("a"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(world.path("a"), fs::Permissions::from_mode(0o644)).unwrap();
    world.undo(op).unwrap();
    assert_same(&before, &world.manifest(), "undone");
}

#[test]
fn every_reason_is_named() {
    let mut world = World::new();
    world.write("a", "old");
    let op = world.run(vec![world.replace("a", "new")]).unwrap();
    fs::remove_file(world.path("a")).unwrap();
    assert_eq!(reason(&world, op), ConflictReason::Deleted);
    // Under another name first: the inode's number must not come back.
    fs::write(world.path("tmp"), "new").unwrap();
    fs::rename(world.path("tmp"), world.path("a")).unwrap();
    assert_eq!(reason(&world, op), ConflictReason::Replaced);
    fs::remove_file(world.path("a")).unwrap();
    fs::create_dir(world.path("a")).unwrap();
    assert_eq!(reason(&world, op), ConflictReason::KindChanged);

    let mut world = World::new();
    let op = world.run(vec![world.create("a", "new")]).unwrap();
    fs::set_permissions(world.path("a"), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(reason(&world, op), ConflictReason::MetadataChanged);

    let mut world = World::new();
    world.write("a", "old");
    let op = world.run(vec![world.delete("a")]).unwrap();
    world.write("a", "mine");
    assert_eq!(reason(&world, op), ConflictReason::Created);

    let mut world = World::new();
    let op = world.run(vec![world.make_dir("d")]).unwrap();
    world.write("d/mine", "mine");
    assert_eq!(reason(&world, op), ConflictReason::NotEmpty);

    let mut world = World::new();
    world.write("a", "a");
    let op = world.run(vec![world.rename("a", "b")]).unwrap();
    fs::rename(world.path("b"), world.path("c")).unwrap();
    assert_eq!(reason(&world, op), ConflictReason::Moved);
}

#[test]
fn a_later_operation_is_named_as_the_reason() {
    let mut world = World::new();
    world.write("d/a", "1");
    let first = world.run(vec![world.replace("d/a", "2")]).unwrap();
    let second = world.run(vec![world.replace("d/a", "3")]).unwrap();
    assert_eq!(
        reason(&world, first),
        ConflictReason::ChangedLater { by: second }
    );
    world.undo(second).unwrap();
    let third = world.run(vec![world.rename("d", "e")]).unwrap();
    assert_eq!(
        reason(&world, first),
        ConflictReason::ChangedLater { by: third }
    );
    // Both together, newest first, is no conflict.
    world
        .restore(&[third, first], Direction::Undo, OnConflict::Refuse)
        .unwrap();
    assert_eq!(world.read("d/a"), "1");
}

#[test]
fn a_moved_folder_stays_while_later_operations_inside_it_are_in_force() {
    let mut world = World::new();
    world.write("d/sub/a", "1");
    let moved = world.run(vec![world.rename("d", "e")]).unwrap();
    let edited = world.run(vec![world.replace("e/sub/a", "2")]).unwrap();
    let created = world.run(vec![world.create("e/b", "b")]).unwrap();
    // A neighbour that only begins with the same letters is no reason.
    world.run(vec![world.create("e0", "n")]).unwrap();
    assert_eq!(
        reason(&world, moved),
        ConflictReason::ChangedLater { by: created }
    );
    world.undo(created).unwrap();
    assert_eq!(
        reason(&world, moved),
        ConflictReason::ChangedLater { by: edited }
    );
    world.undo(edited).unwrap();
    // What a person put there goes along, and what was undone stands in nobody's way.
    world.write("e/mine", "mine");
    world.undo(moved).unwrap();
    assert_eq!(world.read("d/sub/a"), "1");
    assert_eq!(world.read("d/mine"), "mine");
    assert!(!world.exists("e"));
}

#[test]
fn keep_mine_does_the_rest_and_ends_the_force() {
    let mut world = World::new();
    world.write("a", "a1");
    world.write("b", "b1");
    let changes = vec![world.replace("a", "a2"), world.replace("b", "b2")];
    let op = world.run(changes).unwrap();
    world.write("a", "mine");
    let units = world
        .restore(&[op], Direction::Undo, OnConflict::KeepMine)
        .unwrap();
    assert_eq!(world.read("a"), "mine");
    assert_eq!(world.read("b"), "b1");
    assert!(undoable(&world.db, None, None).unwrap().is_empty());
    let view = unit(&world.db, &units[0]).unwrap().unwrap();
    assert_eq!(view.status, aifirst_undo::UnitStatus::WithConflict);
    world.redo(op).unwrap();
    assert_eq!(world.read("a"), "mine");
    assert_eq!(world.read("b"), "b2");
}

#[test]
fn a_forced_undo_keeps_the_present_object_for_its_own_undo() {
    let mut world = World::new();
    world.write("a", "old");
    world.write("gone", "g1");
    let changes = vec![
        world.replace("a", "new"),
        world.create("n", "n"),
        world.delete("gone"),
        world.make_dir("d"),
    ];
    let op = world.run(changes).unwrap();
    world.write("a", "mine");
    world.write("n", "my n");
    world.write("gone", "my gone");
    world.write("d/mine", "inside");
    let mine = world.manifest();
    world
        .restore(&[op], Direction::Undo, OnConflict::Restore)
        .unwrap();
    assert_eq!(world.read("a"), "old");
    assert_eq!(world.read("gone"), "g1");
    assert!(!world.exists("n") && !world.exists("d"));
    world.redo(op).unwrap();
    assert_same(&mine, &world.manifest(), "the person's tree is back");
}

#[test]
fn a_forced_undo_of_a_move_clears_the_old_name() {
    let mut world = World::new();
    world.write("a", "a");
    world.write("x", "x");
    world.write("y", "y");
    let changes = vec![world.rename("a", "b"), world.rename_over("x", "y")];
    let op = world.run(changes).unwrap();
    world.write("a", "mine");
    world.write("x/in", "mine too");
    let mine = world.manifest();
    world
        .restore(&[op], Direction::Undo, OnConflict::Restore)
        .unwrap();
    assert_eq!(world.read("a"), "a");
    assert_eq!(world.read("x"), "x");
    assert_eq!(world.read("y"), "y");
    world.redo(op).unwrap();
    assert_same(&mine, &world.manifest(), "the person's tree is back");
}

#[test]
fn beside_puts_the_old_object_next_to_the_present_one() {
    let mut world = World::new();
    let long = "n".repeat(255);
    world.write("a", "old");
    world.write(&long, "old long");
    let changes = vec![world.replace("a", "new"), world.delete(&long)];
    let op = world.run(changes).unwrap();
    world.write("a", "mine");
    world.write(&long, "mine long");
    world
        .restore(&[op], Direction::Undo, OnConflict::Beside)
        .unwrap();
    assert_eq!(world.read("a"), "mine");
    assert_eq!(world.read(&long), "mine long");
    let mut beside: Vec<String> = fs::read_dir(world.root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains(".undo-"))
        .collect();
    beside.sort();
    assert_eq!(beside.len(), 2);
    assert_eq!(world.read(&beside[0]), "old");
    assert_eq!(beside[1].len(), 255);
    assert_eq!(world.read(&beside[1]), "old long");
    world.redo(op).unwrap();
    assert!(!world.exists(&beside[0]) && !world.exists(&beside[1]));
    assert_eq!(world.read("a"), "mine");
}

#[test]
fn a_damaged_store_is_named_and_destroys_nothing() {
    let mut world = World::new();
    world.write("a", "old");
    let op = world.run(vec![world.replace("a", "new")]).unwrap();
    for byte in fs::read_dir(world.store.path().join("k")).unwrap() {
        for object in fs::read_dir(byte.unwrap().path()).unwrap() {
            fs::remove_file(object.unwrap().path()).unwrap();
        }
    }
    assert_eq!(reason(&world, op), ConflictReason::StoreDamaged);
    world
        .restore(&[op], Direction::Undo, OnConflict::Restore)
        .unwrap();
    assert_eq!(world.read("a"), "new");
}

#[test]
fn a_change_between_plan_and_undo_is_noticed() {
    let mut world = World::new();
    world.write("a", "old");
    let op = world.run(vec![world.replace("a", "new")]).unwrap();
    let before_staging = plan(&world, op, OnConflict::Refuse);
    world.write("a", "mine");
    fails(
        world.engine.stage_restore(&before_staging, 0).map(|_| ()),
        ErrorKind::Changed,
    );

    let mut world = World::new();
    world.write("a", "old");
    let op = world.run(vec![world.replace("a", "new")]).unwrap();
    let plan = plan(&world, op, OnConflict::Refuse);
    let staged = world.engine.stage_restore(&plan, 0).unwrap();
    world.write("a", "mine");
    let meta = world.meta(aifirst_undo::Cause::Undo, &[op]);
    let error = staged
        .begin(&mut world.db, &meta, crate::world::nothing)
        .unwrap_err();
    assert!(matches!(error, aifirst_undo::BeginError::Changed(_)));
    assert_eq!(world.read("a"), "mine");
}

#[test]
fn a_change_between_stage_and_begin_is_noticed() {
    let mut world = World::new();
    world.write("a", "old");
    world.write("t/x", "x");
    let mut set = aifirst_undo::ChangeSet::new();
    set.push(world.replace("a", "new")).unwrap();
    set.push(world.delete_tree("t")).unwrap();
    let staged = world.engine.stage(&set).unwrap();
    // Deep inside: the folder's own fields do not show it.
    world.write("t/x", "y");
    let meta = world.meta(aifirst_undo::Cause::Do, &[]);
    let error = staged
        .begin(&mut world.db, &meta, crate::world::nothing)
        .unwrap_err();
    assert!(matches!(error, aifirst_undo::BeginError::Changed(_)));
    assert_eq!(world.stored(), 0);
    assert_eq!(world.read("a"), "old");
    assert!(
        aifirst_undo::units(&world.db, &aifirst_undo::UnitFilter::default())
            .unwrap()
            .is_empty()
    );
}

/// Lesson D1: what no operation recorded survives every undo.
#[test]
fn lesson_d1_untracked_neighbours_survive() {
    let mut world = World::new();
    world.write("d/old", "o");
    let changes = vec![world.create("d/new", "n"), world.make_dir("e")];
    let op = world.run(changes).unwrap();
    world.write("d/mine", "mine");
    world.write("f/mine", "mine");
    world.undo(op).unwrap();
    assert_eq!(world.read("d/mine"), "mine");
    assert_eq!(world.read("f/mine"), "mine");
    assert!(!world.exists("d/new") && !world.exists("e"));
}

/// Lesson D6: undo by session leaves other sessions' work alone.
#[test]
fn lesson_d6_sessions_are_told_apart() {
    let mut world = World::new();
    world.session = "a";
    let a = world.run(vec![world.create("a", "1")]).unwrap();
    world.session = "b";
    let b = world.run(vec![world.create("b", "1")]).unwrap();
    assert_eq!(undoable(&world.db, Some("a"), None).unwrap(), [a]);
    assert_eq!(undoable(&world.db, Some("b"), None).unwrap(), [b]);
    assert_eq!(undoable(&world.db, None, None).unwrap(), [b, a]);
    world.undo(a).unwrap();
    assert!(world.exists("b") && !world.exists("a"));
}
