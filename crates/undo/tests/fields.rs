//! Fields, names and stores: what a replacement keeps, what is refused, what lies in the store.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use aifirst_sandbox::{Rules, Workspace};
use aifirst_undo::{Change, ErrorKind, Placement, RealDisk, Store, install};
use rusqlite::Connection;

use crate::manifest::{assert_same, xattrs};
use crate::world::{World, bytes, fails, rel};

fn set_xattr(path: &Path, name: &str, value: &[u8]) -> bool {
    rustix::fs::lsetxattr(path, name, value, rustix::fs::XattrFlags::empty()).is_ok()
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A POSIX ACL that lets user 1 read and write (acl(5); the layout of `posix_acl_xattr.h`).
fn acl() -> Vec<u8> {
    let mut data = 2_u32.to_le_bytes().to_vec();
    let none = u32::MAX;
    for (tag, perm, id) in [
        (0x01_u16, 6_u16, none),
        (0x02, 6, 1),
        (0x04, 4, none),
        (0x10, 6, none),
        (0x20, 4, none),
    ] {
        data.extend_from_slice(&tag.to_le_bytes());
        data.extend_from_slice(&perm.to_le_bytes());
        data.extend_from_slice(&id.to_le_bytes());
    }
    data
}

/// Lesson C1: 0755 and 0600 are kept; a new file gets what the mask says.
#[test]
fn lesson_c1_modes_are_kept_and_new_files_follow_the_mask() {
    let mut world = World::new();
    world.write("exec", "1");
    world.write("private", "1");
    fs::set_permissions(world.path("exec"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(world.path("private"), fs::Permissions::from_mode(0o600)).unwrap();
    world.write("control", "made by std::fs");
    let changes = vec![
        world.replace("exec", "2"),
        world.replace("private", "2"),
        world.create("new", "n"),
        Change::Create {
            path: rel("exact"),
            content: bytes("e"),
            mode: Some(0o4711),
        },
    ];
    world.run(changes).unwrap();
    assert_eq!(world.stat("exec").mode, 0o755);
    assert_eq!(world.stat("private").mode, 0o600);
    assert_eq!(world.stat("new").mode, world.stat("control").mode);
    assert_eq!(world.stat("exact").mode, 0o4711);
}

/// Lesson C2: attributes, ACL and owner stay over a replacement and its undo.
#[test]
fn lesson_c2_attributes_acl_and_owner_are_kept() {
    let mut world = World::new();
    world.write("a", "old");
    let full = world.path("a");
    let mut set = 0;
    if set_xattr(&full, "user.tag", b"value") {
        set += 1;
    } else {
        println!("skipped: no user attributes here");
    }
    if set_xattr(&full, "system.posix_acl_access", &acl()) {
        set += 1;
    } else {
        println!("skipped: no ACLs here");
    }
    if is_root() {
        chown(&full, Some(12), Some(34)).unwrap();
    } else {
        println!("skipped: giving a file away needs root");
    }
    let before = world.manifest();
    let fields = |world: &World| {
        let meta = fs::metadata(world.path("a")).unwrap();
        (
            meta.uid(),
            meta.gid(),
            meta.mode(),
            xattrs(&world.path("a")),
        )
    };
    let were = fields(&world);
    assert_eq!(were.3.len(), set);
    let op = world.run(vec![world.replace("a", "new")]).unwrap();
    assert_eq!(fields(&world), were);
    world.undo(op).unwrap();
    assert_same(&before, &world.manifest(), "undone");
}

#[test]
fn a_new_file_gets_what_its_folder_gives() {
    let mut world = World::new();
    fs::create_dir(world.path("d")).unwrap();
    fs::create_dir(world.path("e")).unwrap();
    fs::set_permissions(world.path("d"), fs::Permissions::from_mode(0o2775)).unwrap();
    if is_root() {
        chown(world.path("d"), None, Some(77)).unwrap();
        fs::set_permissions(world.path("d"), fs::Permissions::from_mode(0o2775)).unwrap();
    }
    let has_acl = set_xattr(&world.path("e"), "system.posix_acl_default", &acl());
    fs::write(world.path("e/control"), "").unwrap();
    let changes = vec![
        world.create("d/new", "n"),
        world.create("e/new", "n"),
        world.make_dir("d/sub"),
    ];
    world.run(changes).unwrap();
    let folder = fs::metadata(world.path("d")).unwrap();
    assert_eq!(
        fs::metadata(world.path("d/new")).unwrap().gid(),
        folder.gid()
    );
    let sub = fs::metadata(world.path("d/sub")).unwrap();
    assert_eq!(sub.gid(), folder.gid());
    assert_eq!(sub.mode() & 0o2000, 0o2000);
    if has_acl {
        assert_eq!(
            xattrs(&world.path("e/new")),
            xattrs(&world.path("e/control"))
        );
        assert!(!xattrs(&world.path("e/new")).is_empty());
    } else {
        println!("skipped: no ACLs here");
    }
}

/// Lesson C8: a name of 255 bytes is written, edited and undone; nothing is made beside it.
#[test]
fn lesson_c8_a_name_as_long_as_allowed() {
    let mut world = World::new();
    let name = "n".repeat(255);
    let before = world.manifest();
    let first = world.run(vec![world.create(&name, "1")]).unwrap();
    let second = world.run(vec![world.replace(&name, "2")]).unwrap();
    assert_eq!(fs::read_dir(world.root()).unwrap().count(), 1);
    world.undo(second).unwrap();
    assert_eq!(world.read(&name), "1");
    world.undo(first).unwrap();
    assert_same(&before, &world.manifest(), "undone");
}

/// Lesson C9: in a folder that may not be written, nothing is half done and the path is named.
#[test]
fn lesson_c9_a_read_only_folder_fails_whole() {
    let mut world = World::new();
    world.write("ok", "1");
    world.write("d/a", "a");
    fs::set_permissions(world.path("d"), fs::Permissions::from_mode(0o555)).unwrap();
    if is_root() {
        println!("skipped: root may write everywhere");
        return;
    }
    let before = world.manifest();
    let changes = vec![world.replace("ok", "2"), world.delete("d/a")];
    let error = world.run(changes).unwrap_err();
    assert_eq!(error.path(), Some(&rel("d/a")));
    assert_same(&before, &world.manifest(), "nothing happened");
    fails(
        world.run(vec![world.create("d/b", "b")]),
        ErrorKind::Guard(aifirst_sandbox::ErrorKind::PermissionDenied),
    );
    assert_same(&before, &world.manifest(), "nothing happened");
    fs::set_permissions(world.path("d"), fs::Permissions::from_mode(0o755)).unwrap();
}

/// Lesson D2: what an ignore file says is nobody's business here.
#[test]
fn lesson_d2_ignored_files_are_undone_like_others() {
    let mut world = World::new();
    world.write(".gitignore", "*\n");
    world.write("target/out", "1");
    let before = world.manifest();
    let changes = vec![world.replace(".gitignore", ""), world.delete_tree("target")];
    let op = world.run(changes).unwrap();
    world.undo(op).unwrap();
    assert_same(&before, &world.manifest(), "undone");
}

/// Lesson D7: mode, mtime, attributes, links and empty folders, through op, undo, redo, undo.
#[test]
fn lesson_d7_the_full_manifest_is_equal() {
    let mut world = World::new();
    world.write("d/e/file", "f");
    fs::create_dir(world.path("d/empty")).unwrap();
    fs::set_permissions(world.path("d/empty"), fs::Permissions::from_mode(0o1777)).unwrap();
    fs::hard_link(world.path("d/e/file"), world.path("d/twin")).unwrap();
    std::os::unix::fs::symlink("/nowhere", world.path("d/dangling")).unwrap();
    set_xattr(&world.path("d/e"), "user.on", b"folder");
    fs::set_permissions(world.path("d/e/file"), fs::Permissions::from_mode(0o000)).unwrap();
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_nanos(123_456_789);
    fs::File::open(world.path("d/e"))
        .unwrap()
        .set_modified(old)
        .unwrap();
    fs::File::open(world.path("d"))
        .unwrap()
        .set_modified(old)
        .unwrap();
    let before = world.manifest();
    let changes = vec![
        world.delete("d/e/file"),
        world.delete("d/dangling"),
        world.rename("d/empty", "moved"),
        world.make_dir("d/new"),
    ];
    let op = world.run(changes).unwrap();
    let after = world.manifest();
    world.undo(op).unwrap();
    assert_same(&before, &world.manifest(), "undone");
    world.redo(op).unwrap();
    assert_same(&after, &world.manifest(), "redone");
    world.undo(op).unwrap();
    assert_same(&before, &world.manifest(), "undone again");
}

#[test]
fn a_folder_that_others_changed_since_keeps_its_time() {
    let mut world = World::new();
    world.write("d/a", "a");
    let op = world.run(vec![world.delete("d/a")]).unwrap();
    world.write("d/mine", "mine");
    let since = world.stat("d").mtime;
    world.undo(op).unwrap();
    assert!(world.stat("d").mtime >= since);
}

/// Lesson D9: without a store nothing is done.
#[test]
fn lesson_d9_a_broken_store_refuses_the_write() {
    let mut world = World::new();
    world.write("a", "old");
    fs::remove_dir_all(world.store.path().join("k")).unwrap();
    let before = world.manifest();
    assert!(world.run(vec![world.replace("a", "new")]).is_err());
    assert!(world.run(vec![world.delete("a")]).is_err());
    assert_same(&before, &world.manifest(), "nothing happened");
    fails(
        Store::open(world.store.path(), "another"),
        ErrorKind::StoreMissing,
    );
    fs::write(world.store.path().join("id"), "aifirst store 2\ntest\n").unwrap();
    fails(
        Store::open(world.store.path(), "test"),
        ErrorKind::NewerFormat,
    );
}

#[test]
fn a_store_is_private_and_says_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(".aifirst-store-x");
    let store = Store::create(&path, "x1", Placement::Sibling).unwrap();
    assert_eq!(fs::read_to_string(path.join(".gitignore")).unwrap(), "*\n");
    assert!(path.join("CACHEDIR.TAG").exists());
    for folder in ["", "k", "k/00", "k/ff", "s"] {
        let mode = fs::metadata(path.join(folder)).unwrap().mode() & 0o7777;
        assert_eq!(mode, 0o700, "{folder}");
    }
    assert_eq!(Store::open(&path, "x1").unwrap().path(), store.path());
    Store::create(&path, "x1", Placement::Sibling).unwrap();
    fails(
        Store::create(&path, "x2", Placement::Sibling),
        ErrorKind::StoreMissing,
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    fails(Store::open(&path, "x1"), ErrorKind::StoreMissing);
    fs::create_dir(dir.path().join("ws")).unwrap();
    let workspace = Workspace::open(&dir.path().join("ws"), Rules::default()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    let probe = RealDisk::open(&workspace, &store).unwrap().probe().unwrap();
    assert!(probe.rename && probe.exchange);
}

#[test]
fn a_newer_journal_is_refused_by_name() {
    let db = Connection::open_in_memory().unwrap();
    install(&db).unwrap();
    install(&db).unwrap();
    assert_eq!(
        aifirst_undo::format(&db).unwrap(),
        Some(aifirst_undo::FORMAT)
    );
    db.execute("UPDATE undo_meta SET value=99 WHERE key='format'", [])
        .unwrap();
    let error = fails(install(&db), ErrorKind::NewerFormat);
    assert!(error.to_string().contains("99"), "{error}");
}

#[test]
fn errors_name_relative_paths_alone() {
    let mut world = World::new();
    world.write("a", "1");
    let stale = world.replace("a", "2");
    world.write("a", "changed");
    let error = world.run(vec![stale]).unwrap_err();
    assert_eq!(error.code(), "changed");
    assert!(error.can_retry());
    let host = world.root().display().to_string();
    assert!(!error.to_string().contains(&host), "{error}");
    assert!(error.to_string().contains(" a: "), "{error}");
}
