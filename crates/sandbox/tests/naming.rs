//! Folders, names, links and fields: made, moved, changed and removed, never outside.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;
use std::sync::Barrier;

use aifirst_sandbox::{
    ErrorKind, HardLinks, NameFault, Perm, RawRel, Rename, Rules, Time, Times, Workspace,
};

use crate::scene::{INSIDE, Scene, kind, manifest, rel, skipped};

#[test]
fn folders_are_made_one_and_all() {
    let scene = Scene::new();
    let ws = scene.open();
    ws.make_dir(&rel("n"), Perm::new(0o700).unwrap()).unwrap();
    assert_eq!(scene.ws("n").metadata().unwrap().mode() & 0o7777, 0o700);
    assert_eq!(
        kind(ws.make_dir(&rel("n"), Perm::FOLDER)),
        ErrorKind::Exists
    );
    assert_eq!(
        kind(ws.make_dir(&rel("x/y"), Perm::FOLDER)),
        ErrorKind::NotFound
    );
    assert_eq!(
        kind(ws.make_dir(&rel(".aifirst-x"), Perm::FOLDER)),
        ErrorKind::ProtectedName
    );
    assert_eq!(
        kind(ws.make_dir(&RawRel::root(), Perm::FOLDER)),
        ErrorKind::RootItself
    );
    scene.link("a", "in");
    scene.link("../outside", "out");
    ws.make_dir_all(&rel("in/p/q/r"), Perm::FOLDER).unwrap();
    let again = ws.make_dir_all(&rel("a/p/q/r"), Perm::FOLDER).unwrap();
    assert_eq!(
        again.identity.ino,
        scene.ws("a/p/q/r").metadata().unwrap().ino()
    );
    let before = scene.outside();
    assert_eq!(
        kind(ws.make_dir_all(&rel("out/p/q"), Perm::FOLDER)),
        ErrorKind::Escape
    );
    assert_eq!(
        kind(ws.make_dir_all(&rel("ok.txt/q"), Perm::FOLDER)),
        ErrorKind::NotADirectory
    );
    assert_eq!(scene.outside(), before);
}

#[test]
fn r6_the_same_folders_made_and_trees_removed_by_several_at_once() {
    let scene = Scene::new();
    let ws = scene.open();
    for round in 0..20 {
        let path = rel(&format!("r{round}/b/c/d/e"));
        let start = Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    start.wait();
                    ws.make_dir_all(&path, Perm::FOLDER).unwrap();
                    start.wait();
                    let top = rel(&format!("r{round}"));
                    match ws.remove_tree(&top) {
                        Ok(()) => {}
                        Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{error}"),
                    }
                });
            }
        });
        assert!(!scene.ws(&format!("r{round}")).exists());
    }
}

#[test]
fn t14_names_move_only_as_asked() {
    let scene = Scene::new();
    let ws = scene.open();
    let go = |from: &str, to: &str, how| ws.rename(&rel(from), &rel(to), how);
    assert_eq!(
        kind(go("ok.txt", "b/x", Rename::NoReplace)),
        ErrorKind::Exists
    );
    go("ok.txt", "b/new", Rename::NoReplace).unwrap();
    go("b/new", "b/x", Rename::Over).unwrap();
    assert!(!scene.ws("ok.txt").exists() && !scene.ws("b/new").exists());
    go("a", "b/x", Rename::Exchange).unwrap();
    assert!(scene.ws("a").is_file() && scene.ws("b/x/b/in.txt").is_file());
    fs::create_dir_all(scene.ws("full/sub")).unwrap();
    scene.link("b", "alias");
    for (from, to, how, expected) in [
        ("b", "b/x/new", Rename::NoReplace, ErrorKind::IntoItself),
        ("b", "alias/new", Rename::NoReplace, ErrorKind::IntoItself),
        ("b", "b/x", Rename::Exchange, ErrorKind::IntoItself),
        ("b/x", "b", Rename::Exchange, ErrorKind::IntoItself),
        ("b", "full", Rename::Over, ErrorKind::NotEmpty),
        ("a", "full", Rename::Over, ErrorKind::IsADirectory),
        ("full", "a", Rename::Over, ErrorKind::NotADirectory),
        ("no", "new", Rename::NoReplace, ErrorKind::NotFound),
        ("a", "no", Rename::Exchange, ErrorKind::NotFound),
        (
            "a",
            ".aifirst-a",
            Rename::NoReplace,
            ErrorKind::ProtectedName,
        ),
    ] {
        assert_eq!(kind(go(from, to, how)), expected, "{from} {to} {how:?}");
    }
    for how in [Rename::NoReplace, Rename::Exchange, Rename::Over] {
        let root = RawRel::root();
        assert_eq!(
            kind(ws.rename(&root, &rel("q"), how)),
            ErrorKind::RootItself
        );
        assert_eq!(
            kind(ws.rename(&rel("a"), &root, how)),
            ErrorKind::RootItself
        );
    }
}

#[test]
fn h_links_as_either_end_of_a_rename_stay_links() {
    let scene = Scene::new();
    let ws = scene.open();
    let before = scene.outside();
    scene.link("../outside/secret", "l");
    scene.link("../outside/dir", "d");
    assert_eq!(
        kind(ws.rename(&rel("d/f"), &rel("loot"), Rename::Over)),
        ErrorKind::Escape
    );
    assert_eq!(
        kind(ws.rename(&rel("ok.txt"), &rel("d/f"), Rename::Over)),
        ErrorKind::Escape
    );
    assert_eq!(
        kind(ws.rename(&rel("ok.txt"), &rel("d/no"), Rename::Over)),
        ErrorKind::Escape
    );
    ws.rename(&rel("ok.txt"), &rel("l"), Rename::Over).unwrap();
    assert!(scene.ws("l").symlink_metadata().unwrap().is_file());
    assert_eq!(scene.outside(), before);
}

#[test]
fn lesson_b6_no_removal_reaches_the_root_or_through_a_link() {
    let scene = Scene::new();
    let ws = scene.open();
    let before = scene.outside();
    let inside = manifest(&scene.host("ws"));
    for spelled in [".", "./", "a/..", "a/../", "./."] {
        let path = ws.normalize(spelled).unwrap();
        assert!(RawRel::parse(spelled.as_bytes()).is_err(), "{spelled}");
        assert_eq!(
            kind(ws.remove_tree(&path)),
            ErrorKind::RootItself,
            "{spelled}"
        );
        assert_eq!(
            kind(ws.remove_dir(&path)),
            ErrorKind::RootItself,
            "{spelled}"
        );
        assert_eq!(
            kind(ws.remove_file(&path)),
            ErrorKind::RootItself,
            "{spelled}"
        );
    }
    for spelled in ["", "..", "../", "a/../..", "../outside"] {
        assert!(ws.normalize(spelled).is_err(), "{spelled}");
    }
    assert_eq!(manifest(&scene.host("ws")), inside);
    scene.link("../../outside/dir", "a/l");
    scene.link("../outside/dir", "l");
    scene.link("../outside", "dl");
    assert_eq!(kind(ws.remove_tree(&rel("dl/dir"))), ErrorKind::Escape);
    assert_eq!(kind(ws.remove_tree(&rel("dl/no"))), ErrorKind::Escape);
    assert_eq!(kind(ws.remove_dir(&rel("l"))), ErrorKind::NotADirectory);
    ws.remove_tree(&rel("a")).unwrap();
    ws.remove_tree(&rel("l")).unwrap();
    ws.remove_file(&rel("dl")).unwrap();
    assert_eq!(kind(ws.remove_file(&rel("b"))), ErrorKind::IsADirectory);
    assert_eq!(kind(ws.remove_dir(&rel("b"))), ErrorKind::NotEmpty);
    assert_eq!(kind(ws.remove_tree(&rel("a"))), ErrorKind::NotFound);
    ws.remove_file(&rel("b/x")).unwrap();
    ws.remove_dir(&rel("b")).unwrap();
    assert_eq!(scene.outside(), before);
}

#[test]
fn a_tree_with_a_name_of_the_runtimes_is_not_removed() {
    let scene = Scene::new();
    let ws = scene.open();
    fs::create_dir_all(scene.ws("a/b/.aifirst-store")).unwrap();
    assert_eq!(kind(ws.remove_tree(&rel("a"))), ErrorKind::ProtectedName);
    assert!(scene.ws("a/b/.aifirst-store").exists());
    // What a killed write or removal left is no reason to keep a tree.
    fs::remove_dir(scene.ws("a/b/.aifirst-store")).unwrap();
    fs::create_dir(scene.ws("a/b/.aifirst-hoist-3")).unwrap();
    fs::write(
        scene.ws(&format!("a/.aifirst-write-{}", "0".repeat(32))),
        "half",
    )
    .unwrap();
    ws.remove_tree(&rel("a")).unwrap();
    assert!(!scene.ws("a").exists());
}

/// Makes `depth` folders, one in the other, however long the path becomes.
fn deep(top: PathBuf, depth: usize) {
    fs::create_dir(&top).unwrap();
    let mut here: std::os::fd::OwnedFd = fs::File::open(top).unwrap().into();
    let flags = rustix::fs::OFlags::PATH | rustix::fs::OFlags::DIRECTORY;
    for _ in 0..depth {
        rustix::fs::mkdirat(&here, "d", rustix::fs::Mode::from_raw_mode(0o755)).unwrap();
        here = rustix::fs::openat(&here, "d", flags, rustix::fs::Mode::empty()).unwrap();
    }
}

/// Runs itself again with 128 descriptors at most; `true` there.
fn few_descriptors(test: &str) -> bool {
    const INNER: &str = "AIFIRST_SANDBOX_TEST_FEW";
    if std::env::var_os(INNER).is_some() {
        return true;
    }
    let run = std::process::Command::new("sh")
        .args(["-c", "ulimit -n 128 && exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--include-ignored", "--nocapture"])
        .env(INNER, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
    false
}

fn removes_depth(depth: usize) {
    let scene = Scene::new();
    deep(scene.ws("deep"), depth);
    scene.open().remove_tree(&rel("deep")).unwrap();
    assert!(!scene.ws("deep").exists());
}

#[test]
fn t8_a_tree_3000_deep_is_removed_with_128_descriptors() {
    if few_descriptors("naming::t8_a_tree_3000_deep_is_removed_with_128_descriptors") {
        removes_depth(3_000);
    }
}

#[test]
#[ignore = "slow: once, by name"]
fn t8_slow_a_tree_30000_deep_is_removed_with_128_descriptors() {
    if few_descriptors("naming::t8_slow_a_tree_30000_deep_is_removed_with_128_descriptors") {
        removes_depth(30_000);
    }
}

#[test]
fn t9_a_link_is_made_only_where_it_stays_inside() {
    let scene = Scene::new();
    let ws = scene.open();
    scene.link("../outside", "out");
    scene.link("a/b", "in");
    let make = |path: &str, target: &[u8]| ws.make_symlink(&rel(path), target);
    let bad = |fault| ErrorKind::BadName(fault);
    let long = b"n/".repeat(2048);
    let host = scene.ws("ok.txt").into_os_string().into_encoded_bytes();
    for (path, target, expected) in [
        ("l", &b"/etc/passwd"[..], ErrorKind::Escape),
        ("l", &host, ErrorKind::Escape),
        ("l", b"../outside/secret", ErrorKind::Escape),
        ("l", b"../ws/ok.txt", ErrorKind::Escape),
        ("a/l", b"../../outside/secret", ErrorKind::Escape),
        ("in/l", b"../../../no", ErrorKind::Escape),
        ("l", b"a/../ok.txt", ErrorKind::Escape),
        ("l", b"out/secret", ErrorKind::Escape),
        ("l", b"out/no", ErrorKind::Escape),
        ("l", b"", bad(NameFault::Empty)),
        ("l", b"a\0b", bad(NameFault::Nul)),
        ("l", &long, bad(NameFault::PathTooLong)),
        ("l", b".aifirst-x/y", ErrorKind::ProtectedName),
        ("ok.txt", b"b/x", ErrorKind::Exists),
    ] {
        assert_eq!(kind(make(path, target)), expected, "{path} {target:?}");
        assert!(!scene.ws("l").is_symlink());
    }
    for (path, target) in [
        ("l1", &b"ok.txt"[..]),
        ("l2", b"./a//b/"),
        ("a/l3", b"../ok.txt"),
        ("in/l4", b"../../b/x"),
        ("l5", b"no/where"),
        ("l6", b"l6"),
    ] {
        make(path, target).unwrap();
        assert_eq!(ws.read_link(&rel(path)).unwrap(), target);
    }
    assert!(ws.open_file(&rel("in/l4")).is_ok());
}

#[test]
fn t10_hard_links_are_made_of_regular_files_where_the_rules_read_them() {
    let scene = Scene::new();
    let before = scene.outside();
    let deny = scene.open();
    let ws = deny.with_rules(Rules::default().hard_links(HardLinks::ReadOnly));
    scene.link("ok.txt", "l");
    scene.link("../outside", "out");
    let link = |ws: &Workspace, from: &str| ws.make_hard_link(&rel(from), &rel("h"));
    for (from, expected) in [
        ("l", ErrorKind::LinkDenied),
        ("a", ErrorKind::IsADirectory),
        ("out/secret", ErrorKind::Escape),
        ("no", ErrorKind::NotFound),
    ] {
        assert_eq!(kind(link(&ws, from)), expected, "{from}");
    }
    assert_eq!(kind(link(&deny, "ok.txt")), ErrorKind::HardLinked);
    link(&ws, "ok.txt").unwrap();
    assert_eq!(kind(link(&ws, "ok.txt")), ErrorKind::Exists);
    assert_eq!(scene.ws("h").metadata().unwrap().nlink(), 2);
    assert_eq!(
        kind(ws.make_hard_link(&rel("h"), &rel("out/h"))),
        ErrorKind::Escape
    );
    assert_eq!(scene.outside(), before);
}

#[test]
fn t11_t12_fields_change_inside_only_and_on_closed_files_too() {
    let scene = Scene::new();
    let ws = scene.open();
    let before = scene.outside();
    scene.link("../outside/secret", "out");
    scene.link("../outside", "od");
    let perm = Perm::new(0o640).unwrap();
    let host = scene.ws("ok.txt");
    for mode in [0o4755, 0o000] {
        fs::set_permissions(&host, fs::Permissions::from_mode(mode)).unwrap();
        ws.set_perm(&rel("ok.txt"), perm).unwrap();
        assert_eq!(host.metadata().unwrap().mode() & 0o7777, 0o640);
    }
    fs::set_permissions(scene.ws("b"), fs::Permissions::from_mode(0o2755)).unwrap();
    ws.set_perm(&rel("b"), Perm::new(0o700).unwrap()).unwrap();
    assert_eq!(scene.ws("b").metadata().unwrap().mode() & 0o7777, 0o2700);
    let at = |sec| Some(Time { sec, nsec: 5 });
    fs::set_permissions(&host, fs::Permissions::from_mode(0o000)).unwrap();
    let times = |accessed, modified| Times { accessed, modified };
    ws.set_times(&rel("ok.txt"), times(at(7), at(9))).unwrap();
    ws.set_times(&rel("ok.txt"), times(None, at(11))).unwrap();
    let meta = host.metadata().unwrap();
    assert_eq!((meta.atime(), meta.mtime(), meta.mtime_nsec()), (7, 11, 5));
    fs::set_permissions(&host, fs::Permissions::from_mode(0o644)).unwrap();
    for (path, expected) in [
        ("out", ErrorKind::LinkDenied),
        ("od/secret", ErrorKind::Escape),
        ("od/no", ErrorKind::Escape),
        ("no", ErrorKind::NotFound),
    ] {
        let path = rel(path);
        assert_eq!(kind(ws.set_perm(&path, perm)), expected, "{path}");
        assert_eq!(
            kind(ws.set_times(&path, times(at(1), at(1)))),
            expected,
            "{path}"
        );
        assert_eq!(
            kind(ws.set_user_xattr(&path, b"user.x", b"1")),
            expected,
            "{path}"
        );
    }
    assert_eq!(
        kind(ws.set_perm(&RawRel::root(), perm)),
        ErrorKind::RootItself
    );
    assert_eq!(scene.outside(), before);
}

#[test]
fn t13_only_user_attributes_are_reached() {
    let scene = Scene::new();
    let ws = scene.open();
    let path = rel("ok.txt");
    for name in [
        &b"security.capability"[..],
        b"trusted.x",
        b"system.posix_acl_access",
        b"user.",
        b"user",
        b"",
        b"User.x",
    ] {
        let denied = ErrorKind::AttributeDenied;
        assert_eq!(
            kind(ws.set_user_xattr(&path, name, b"1")),
            denied,
            "{name:?}"
        );
        assert_eq!(kind(ws.remove_user_xattr(&path, name)), denied, "{name:?}");
    }
    match ws.set_user_xattr(&path, b"user.b", b"2") {
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            return skipped("no user attributes here");
        }
        done => done.unwrap(),
    }
    ws.set_user_xattr(&path, b"user.a", b"1").unwrap();
    let pair = |name: &[u8], value: &[u8]| (name.to_vec(), value.to_vec());
    assert_eq!(
        ws.user_xattrs(&path).unwrap(),
        [pair(b"user.a", b"1"), pair(b"user.b", b"2")]
    );
    ws.remove_user_xattr(&path, b"user.a").unwrap();
    ws.remove_user_xattr(&path, b"user.a").unwrap();
    assert_eq!(ws.user_xattrs(&path).unwrap(), [pair(b"user.b", b"2")]);
    let big = ws.set_user_xattr(&path, b"user.c", &vec![0; 70_000]);
    assert!(matches!(
        kind(big),
        ErrorKind::LimitExceeded | ErrorKind::NoSpace
    ));
    let flags = ws.inode_flags(&path).unwrap();
    println!("inode flags: {flags:?}");
    assert_eq!(
        ws.inode_flags(&rel("a")).unwrap().is_some(),
        flags.is_some()
    );
}

#[test]
fn r4_a_folder_swapped_for_a_link_during_removal_spares_the_outside() {
    let scene = Scene::new();
    let ws = scene.open();
    let before = scene.outside();
    for round in 0..50 {
        let top = format!("t{round}");
        fs::create_dir_all(scene.ws(&format!("{top}/sub/x"))).unwrap();
        symlink("../../outside/dir", scene.ws(&format!("{top}/link"))).unwrap();
        let folder = fs::File::open(scene.ws(&top)).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let flags = rustix::fs::RenameFlags::EXCHANGE;
                while rustix::fs::renameat_with(&folder, "sub", &folder, "link", flags).is_ok() {}
            });
            while scene.ws(&top).exists() {
                match ws.remove_tree(&rel(&top)) {
                    Ok(()) => {}
                    Err(error) => println!("{error}"),
                }
            }
        });
    }
    assert_eq!(scene.outside(), before);
    assert_eq!(fs::read_to_string(scene.ws("ok.txt")).unwrap(), INSIDE);
}
