//! Random trees and random changes, undone and redone exactly, whatever dies where.
//!
//! All undone is the first tree, any undo and redo is exact, a death anywhere leaves before or
//! after, and nothing unrecorded is touched.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use aifirst_sandbox::{Kind, RawRel};
use aifirst_undo::{
    Change, ChangeSet, Direction, ErrorKind, Lasting, OnConflict, Source, redoable, undoable,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::manifest::{Manifest, assert_same};
use crate::world::{Attempt, World};

/// Names that have gone wrong somewhere: spaces, newline, escape, not UTF-8, as long as allowed.
fn name(n: u8) -> Vec<u8> {
    match n % 8 {
        0 => b"a".to_vec(),
        1 => b"b.txt".to_vec(),
        2 => b"with space".to_vec(),
        3 => b"new\nline".to_vec(),
        4 => b"esc\x1b[31m".to_vec(),
        5 => b"\xff\xfe raw".to_vec(),
        6 => vec![b'n'; 255],
        _ => ".gitignore".as_bytes().to_vec(),
    }
}

#[derive(Debug, Clone)]
enum Thing {
    File { size: u16, mode: u32, xattr: bool },
    Dir { mode: u32 },
    Link { target: u8 },
    HardLink { of: u8 },
    Fifo,
}

fn thing() -> impl Strategy<Value = Thing> {
    prop_oneof![
        4 => (0..9000_u16, prop_oneof![Just(0o644), Just(0o600), Just(0o755), Just(0o444), Just(0o000), Just(0o4755)], any::<bool>())
            .prop_map(|(size, mode, xattr)| Thing::File { size, mode, xattr }),
        3 => prop_oneof![Just(0o755), Just(0o700), Just(0o2775)].prop_map(|mode| Thing::Dir { mode }),
        1 => any::<u8>().prop_map(|target| Thing::Link { target }),
        1 => any::<u8>().prop_map(|of| Thing::HardLink { of }),
        1 => Just(Thing::Fifo),
    ]
}

#[derive(Debug, Clone)]
struct Seed {
    parent: u8,
    name: u8,
    thing: Thing,
    mtime: i64,
}

fn seeds() -> impl Strategy<Value = Vec<Seed>> {
    let seed = (
        any::<u8>(),
        any::<u8>(),
        thing(),
        prop_oneof![
            Just(0),
            Just(-5),
            Just(4_000_000_000),
            1_000_000_000..1_700_000_000_i64
        ],
    )
        .prop_map(|(parent, name, thing, mtime)| Seed {
            parent,
            name,
            thing,
            mtime,
        });
    vec(seed, 1..14)
}

fn plant(root: &Path, seeds: &[Seed]) {
    let mut dirs = vec![PathBuf::new()];
    let mut files: Vec<PathBuf> = Vec::new();
    let mut times = Vec::new();
    for seed in seeds {
        let parent = dirs[seed.parent as usize % dirs.len()].clone();
        let path = parent.join(std::ffi::OsStr::from_bytes(&name(seed.name)));
        let full = root.join(&path);
        if fs::symlink_metadata(&full).is_ok() {
            continue;
        }
        match &seed.thing {
            Thing::File { size, mode, xattr } => {
                fs::write(&full, vec![seed.name; *size as usize]).unwrap();
                if *xattr {
                    let _ = rustix::fs::setxattr(
                        &full,
                        "user.t",
                        b"v",
                        rustix::fs::XattrFlags::empty(),
                    );
                }
                fs::set_permissions(&full, fs::Permissions::from_mode(*mode)).unwrap();
                files.push(path.clone());
            }
            Thing::Dir { mode } => {
                fs::create_dir(&full).unwrap();
                fs::set_permissions(&full, fs::Permissions::from_mode(*mode)).unwrap();
                dirs.push(path.clone());
            }
            Thing::Link { target } => {
                std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(&name(*target)), &full)
                    .unwrap();
            }
            Thing::HardLink { of } => {
                let Some(of) = files.get(*of as usize % files.len().max(1)) else {
                    continue;
                };
                fs::hard_link(root.join(of), &full).unwrap();
            }
            Thing::Fifo => {
                rustix::fs::mknodat(
                    rustix::fs::CWD,
                    &full,
                    rustix::fs::FileType::Fifo,
                    0o640.into(),
                    0,
                )
                .unwrap();
            }
        }
        times.push((full, seed.mtime));
    }
    // Deepest first, since children change their parents' times.
    times.reverse();
    for (path, sec) in times {
        let time = rustix::fs::Timespec {
            tv_sec: sec,
            tv_nsec: 123,
        };
        let times = rustix::fs::Timestamps {
            last_access: time,
            last_modification: time,
        };
        rustix::fs::utimensat(
            rustix::fs::CWD,
            &path,
            &times,
            rustix::fs::AtFlags::SYMLINK_NOFOLLOW,
        )
        .unwrap();
    }
}

#[derive(Debug, Clone)]
struct Wish {
    what: u8,
    a: u8,
    b: u8,
    name: u8,
    size: u16,
}

fn wish() -> impl Strategy<Value = Wish> {
    (0..7_u8, any::<u8>(), any::<u8>(), any::<u8>(), 0..5000_u16).prop_map(
        |(what, a, b, name, size)| Wish {
            what,
            a,
            b,
            name,
            size,
        },
    )
}

#[derive(Debug, Clone)]
enum Act {
    Do(Vec<Wish>),
    Undo,
    Redo,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => vec(wish(), 1..4).prop_map(Act::Do),
        2 => Just(Act::Undo),
        1 => Just(Act::Redo),
    ];
    vec(act, 1..8)
}

fn raw(path: &Path) -> RawRel {
    RawRel::from_stored(path.as_os_str().as_bytes()).unwrap()
}

/// Makes a change set of wishes, by what is there now; what does not fit is left out.
fn change_set(world: &World, wishes: &[Wish]) -> ChangeSet {
    let manifest = world.manifest();
    let all: Vec<&PathBuf> = manifest
        .keys()
        .filter(|p| !p.as_os_str().is_empty())
        .collect();
    let dirs: Vec<&PathBuf> = manifest
        .iter()
        .filter(|(_, i)| i.kind == 'd')
        .map(|(p, _)| p)
        .collect();
    let mut set = ChangeSet::new();
    // One net change per path, and none below another's tree: what a planner makes sure of.
    let mut used: Vec<PathBuf> = Vec::new();
    let free = |path: &Path, used: &mut Vec<PathBuf>| {
        let clash = used
            .iter()
            .any(|u| u.starts_with(path) || path.starts_with(u));
        if !clash {
            used.push(path.to_owned());
        }
        !clash
    };
    let pick = |n: u8, from: &[&PathBuf]| {
        (!from.is_empty()).then(|| from[n as usize % from.len()].clone())
    };
    for wish in wishes {
        let new = pick(wish.b, &dirs)
            .unwrap()
            .join(std::ffi::OsStr::from_bytes(&name(wish.name)));
        let is_new = !manifest.contains_key(&new);
        let content = Source::Bytes(vec![wish.a; wish.size as usize]);
        let old = pick(wish.a, &all);
        let stat = |p: &Path| world.workspace.stat_at(&raw(p)).unwrap().unwrap();
        let change = match (wish.what, old) {
            (0, _) if is_new && free(&new, &mut used) => Change::Create {
                path: raw(&new),
                content,
                mode: None,
            },
            (1, _) if is_new && free(&new, &mut used) => Change::MakeDir {
                path: raw(&new),
                mode: None,
            },
            (2, Some(old)) if stat(&old).kind == Kind::File && free(&old, &mut used) => {
                Change::Replace {
                    path: raw(&old),
                    expect: stat(&old),
                    content,
                }
            }
            (3, Some(old)) if stat(&old).kind != Kind::Dir && free(&old, &mut used) => {
                Change::Delete {
                    path: raw(&old),
                    expect: stat(&old),
                }
            }
            (4, Some(old)) if stat(&old).kind == Kind::Dir && free(&old, &mut used) => {
                Change::DeleteTree {
                    path: raw(&old),
                    expect: stat(&old),
                }
            }
            (5, Some(old)) if is_new && !new.starts_with(&old) && free(&old, &mut used) => {
                if !free(&new, &mut used) {
                    continue;
                }
                Change::Rename {
                    from: raw(&old),
                    expect: stat(&old),
                    to: raw(&new),
                }
            }
            (6, Some(old)) => {
                let Some(over) = pick(wish.b, &all) else {
                    continue;
                };
                if over.starts_with(&old)
                    || old.starts_with(&over)
                    || stat(&over).identity.ino == stat(&old).identity.ino
                {
                    continue;
                }
                if !free(&old, &mut used) || !free(&over, &mut used) {
                    continue;
                }
                Change::RenameOver {
                    from: raw(&old),
                    expect: stat(&old),
                    to: raw(&over),
                    over: stat(&over),
                }
            }
            _ => continue,
        };
        set.push(change).unwrap();
    }
    set
}

fn do_all(world: &mut World, wishes: &[Wish]) -> bool {
    let set = change_set(world, wishes);
    if set.is_empty() {
        return false;
    }
    match world.attempt_set(&set) {
        Attempt::Done(_) => true,
        // Moving a folder into one that an earlier change moved away, and the like.
        Attempt::NotBegun(error) if *error.kind() == ErrorKind::Changed => false,
        // A file whose attributes an ordinary user may not read is not replaced.
        Attempt::NotBegun(error) if *error.kind() == ErrorKind::NotReversible => false,
        other => panic!("{other:?}"),
    }
}

fn ctimes(world: &World) -> BTreeMap<PathBuf, (i64, i64)> {
    world
        .manifest()
        .keys()
        .map(|path| {
            let meta = fs::symlink_metadata(world.root().join(path)).unwrap();
            (path.clone(), (meta.ctime(), meta.ctime_nsec()))
        })
        .collect()
}

/// 64 cases, or as many as `PROPTEST_CASES` says.
fn config() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").is_ok();
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    ProptestConfig {
        cases: if asked { config.cases } else { 64 },
        ..config
    }
}

proptest! {
    #![proptest_config(config())]

    /// P1 and P2: undo and redo walk along one line of trees, and all undone is the first of them.
    #[test]
    fn undo_and_redo_walk_along_one_line_of_trees(seeds in seeds(), acts in acts()) {
        let mut world = World::quick();
        plant(&world.root(), &seeds);
        // The line of trees, and where on it the workspace is.
        let mut line: Vec<Manifest> = vec![world.manifest()];
        let mut at = 0;
        for act in acts {
            match act {
                Act::Do(wishes) => {
                    if do_all(&mut world, &wishes) {
                        line.truncate(at + 1);
                        line.push(world.manifest());
                        at += 1;
                        // What was undone before a new operation is no longer next in line.
                        if redoable(&world.db, None, None).unwrap().is_empty() {
                            continue;
                        }
                        let before = line[at].clone();
                        world.undo_last().unwrap();
                        assert_same(&line[at - 1], &world.manifest(), "undone at once");
                        world.redo_last().unwrap();
                        assert_same(&before, &world.manifest(), "redone at once");
                    }
                }
                Act::Undo if at > 0 => {
                    world.undo_last().unwrap();
                    at -= 1;
                    assert_same(&line[at], &world.manifest(), "undo");
                }
                Act::Redo if at + 1 < line.len() => {
                    world.redo_last().unwrap();
                    at += 1;
                    assert_same(&line[at], &world.manifest(), "redo");
                }
                _ => {}
            }
        }
        // All at once: planned as a whole, then unit by unit.
        let ops = undoable(&world.db, None, None).unwrap();
        prop_assert_eq!(ops.len(), at);
        world.restore(&ops, Direction::Undo, OnConflict::Refuse).unwrap();
        assert_same(&line[0], &world.manifest(), "all undone");
        let again: Vec<_> = ops.iter().rev().copied().collect();
        world.restore(&again, Direction::Redo, OnConflict::Refuse).unwrap();
        assert_same(&line[at], &world.manifest(), "all redone");
        while at > 0 {
            world.undo_last().unwrap();
            at -= 1;
            assert_same(&line[at], &world.manifest(), "undone one by one");
        }
    }

    /// P4 and P5: a death at any call, of an operation or its undo, then recovery.
    #[test]
    fn a_death_anywhere_is_recovered(seeds in seeds(), wishes in vec(wish(), 1..5), n in 0..40_u64, undoing: bool) {
        let mut world = World::quick();
        plant(&world.root(), &seeds);
        let before = world.manifest();
        let op = if undoing {
            if !do_all(&mut world, &wishes) { return Ok(()); }
            undoable(&world.db, None, None).unwrap().first().copied()
        } else {
            None
        };
        let after = world.manifest();
        world.disk.fail(n, ErrorKind::Io, Lasting::Forever);
        match op {
            Some(op) => { let _ = world.attempt_restore(op, Direction::Undo); }
            None => {
                let set = change_set(&world, &wishes);
                if set.is_empty() { return Ok(()); }
                let _ = world.attempt_set(&set);
            }
        }
        world.disk.mend();
        world.recover().unwrap();
        prop_assert!(world.recover().unwrap().is_empty());
        if let Some(op) = op {
            let now = world.manifest();
            if now != before {
                assert_same(&after, &now, "the undo did not happen");
                world.undo(op).unwrap();
            }
            assert_same(&before, &world.manifest(), "undone");
            world.redo(op).unwrap();
            assert_same(&after, &world.manifest(), "redone");
        } else if world.manifest() != before {
            world.undo_last().unwrap();
            assert_same(&before, &world.manifest(), "undone after recovery");
        } else {
            prop_assert_eq!(world.stored(), 0);
        }
    }

    /// P7: what no change names keeps even its change time, through do, undo and redo.
    #[test]
    fn unrecorded_paths_are_not_touched(seeds in seeds(), wishes in vec(wish(), 1..4)) {
        let mut world = World::quick();
        plant(&world.root(), &seeds);
        let before = ctimes(&world);
        let set = change_set(&world, &wishes);
        if set.is_empty() { return Ok(()); }
        let mut touched: Vec<PathBuf> = Vec::new();
        for change in set.changes() {
            for path in [Some(change.path()), change.path2()].into_iter().flatten() {
                let path = PathBuf::from(std::ffi::OsStr::from_bytes(path.as_bytes()));
                touched.extend(path.parent().map(Path::to_owned));
                touched.push(path);
            }
        }
        // A second name of a touched inode shares its fields.
        let inode = |path: &Path| fs::symlink_metadata(world.root().join(path)).map(|m| m.ino()).ok();
        let inodes: Vec<u64> = touched.iter().filter_map(|p| inode(p)).collect();
        let spared: Vec<PathBuf> = before
            .keys()
            .filter(|p| !touched.iter().any(|t| t == *p))
            .filter(|p| !inode(p).is_some_and(|ino| inodes.contains(&ino)))
            .filter(|p| !set.changes().iter().any(|c| {
                let whole = PathBuf::from(std::ffi::OsStr::from_bytes(c.path().as_bytes()));
                p.starts_with(whole) || c.path2().is_some_and(|q| p.starts_with(std::ffi::OsStr::from_bytes(q.as_bytes())))
            }))
            .cloned()
            .collect();
        if !matches!(world.attempt_set(&set), Attempt::Done(_)) { return Ok(()); }
        world.undo_last().unwrap();
        world.redo_last().unwrap();
        let now = ctimes(&world);
        for path in spared {
            prop_assert_eq!(before.get(&path), now.get(&path), "{}", path.display());
        }
    }
}
