//! What the undo engine does with a workspace and its store.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use aifirst_sandbox::{
    At, Cloned, Custodian, ErrorKind, Flow, How, Kind, RawRel, Sync, Time, WalkLimits,
};

use crate::scene::{INSIDE, SECRET, Scene, is_root, kind, manifest, rel, skipped};

#[test]
fn names_move_exchange_and_double_between_workspace_and_store() {
    let scene = Scene::new();
    let custodian = scene.custodian();
    let (ok, kept, x) = (rel("ok.txt"), rel("kept"), rel("b/x"));
    let (ok, kept, x) = (At::workspace(&ok), At::store(&kept), At::workspace(&x));
    let first = custodian.pin(ok).unwrap().identity().unwrap();
    custodian.rename(ok, kept, How::NoReplace).unwrap();
    assert!(!scene.ws("ok.txt").exists());
    assert_eq!(custodian.stat(ok).unwrap(), None);
    fs::write(scene.ws("ok.txt"), "new").unwrap();
    assert_eq!(
        kind(custodian.rename(kept, ok, How::NoReplace)),
        ErrorKind::Exists
    );
    custodian.rename(ok, kept, How::Exchange).unwrap();
    assert!(
        custodian
            .pin(ok)
            .unwrap()
            .identity()
            .unwrap()
            .same_object(&first)
    );
    assert_eq!(fs::read_to_string(scene.host("store/kept")).unwrap(), "new");
    custodian.unlink(kept).unwrap();
    assert_eq!(kind(custodian.unlink(kept)), ErrorKind::NotFound);
    assert_eq!(
        kind(custodian.rename(ok, kept, How::Exchange)),
        ErrorKind::NotFound
    );
    custodian.link(x, kept).unwrap();
    assert_eq!(custodian.stat(x).unwrap().unwrap().nlink, 2);
    // Several names do not bind the custodian.
    assert!(custodian.open_read(x).is_ok());
    assert_eq!(kind(custodian.link(ok, kept)), ErrorKind::Exists);
    let folder = rel("a");
    let gone = rel("tree");
    custodian
        .rename(At::workspace(&folder), At::store(&gone), How::NoReplace)
        .unwrap();
    assert_eq!(
        fs::read_to_string(scene.host("store/tree/b/in.txt")).unwrap(),
        INSIDE
    );
}

#[test]
fn lesson_b6_neither_root_can_be_moved_replaced_or_removed() {
    let scene = Scene::new();
    let custodian = scene.custodian();
    let (root, name) = (RawRel::root(), rel("x"));
    let before = manifest(&scene.host("ws"));
    for root in [At::workspace(&root), At::store(&root)] {
        let to = At::store(&name);
        assert_eq!(
            kind(custodian.rename(root, to, How::NoReplace)),
            ErrorKind::RootItself
        );
        assert_eq!(
            kind(custodian.rename(to, root, How::Exchange)),
            ErrorKind::RootItself
        );
        assert_eq!(kind(custodian.link(to, root)), ErrorKind::RootItself);
        assert_eq!(kind(custodian.unlink(root)), ErrorKind::RootItself);
        assert_eq!(kind(custodian.remove_dir(root)), ErrorKind::RootItself);
        assert_eq!(kind(custodian.make_dir(root, 0o755)), ErrorKind::RootItself);
        assert_eq!(
            kind(custodian.make_file(root, 0o644)),
            ErrorKind::RootItself
        );
        assert_eq!(
            kind(custodian.make_symlink(root, b"x")),
            ErrorKind::RootItself
        );
        assert!(custodian.remove_tree(root).is_err());
    }
    for bytes in [&b"."[..], b"a/..", b"", b"/", b"./"] {
        assert!(RawRel::parse(bytes).is_err(), "no other spelling names it");
    }
    assert_eq!(manifest(&scene.host("ws")), before);
}

#[test]
fn a_folder_does_not_move_into_itself() {
    let scene = Scene::new();
    let custodian = scene.custodian();
    let (a, inner) = (rel("a"), rel("a/b/c"));
    let (a, inner) = (At::workspace(&a), At::workspace(&inner));
    assert_eq!(
        kind(custodian.rename(a, inner, How::NoReplace)),
        ErrorKind::IntoItself
    );
    let b = rel("a/b");
    let b = At::workspace(&b);
    assert_eq!(
        kind(custodian.rename(b, a, How::Exchange)),
        ErrorKind::IntoItself
    );
    assert_eq!(
        kind(custodian.rename(b, a, How::NoReplace)),
        ErrorKind::Exists
    );
}

#[test]
fn the_custodian_follows_no_link_whatever_the_rules() {
    let scene = Scene::new();
    scene.link("a", "alias");
    scene.link("../outside", "out");
    scene.link("../outside/secret", "leaf");
    let custodian = scene.custodian();
    let before = (
        manifest(&scene.host("outside")),
        fs::read(scene.ws("a/b/in.txt")).unwrap(),
    );
    for path in ["alias/b/in.txt", "out/secret", "out/dir/f"] {
        let path = rel(path);
        let at = At::workspace(&path);
        let aside = rel("kept");
        let denied = ErrorKind::LinkDenied;
        assert_eq!(kind(custodian.stat(at)), denied);
        assert_eq!(kind(custodian.open_read(at)), denied);
        assert_eq!(kind(custodian.set_mode(at, 0o777)), denied);
        assert!(
            custodian
                .rename(at, At::store(&aside), How::NoReplace)
                .is_err()
        );
        assert!(custodian.unlink(at).is_err());
        assert!(custodian.make_file(at, 0o644).is_err());
        assert!(custodian.xattrs(at).is_err());
    }
    // The link itself is an object like any other.
    let leaf = rel("leaf");
    let at = At::workspace(&leaf);
    assert_eq!(custodian.stat(at).unwrap().unwrap().kind, Kind::Symlink);
    assert_eq!(custodian.read_link(at).unwrap(), b"../outside/secret");
    assert_eq!(kind(custodian.open_read(at)), ErrorKind::LinkDenied);
    assert_eq!(kind(custodian.set_mode(at, 0o777)), ErrorKind::LinkDenied);
    assert_eq!(kind(custodian.make_file(at, 0o644)), ErrorKind::Exists);
    let mtime = Time {
        sec: 1_234_567_890,
        nsec: 987_654_321,
    };
    custodian.set_times(at, mtime).unwrap();
    assert_eq!(custodian.stat(at).unwrap().unwrap().mtime, mtime);
    assert!(custodian.xattrs(at).is_ok());
    let kept = rel("kept");
    custodian
        .rename(at, At::store(&kept), How::NoReplace)
        .unwrap();
    assert_eq!(
        custodian.read_link(At::store(&kept)).unwrap(),
        b"../outside/secret"
    );
    let after = (
        manifest(&scene.host("outside")),
        fs::read(scene.ws("a/b/in.txt")).unwrap(),
    );
    assert_eq!(before, after);
}

#[test]
fn a_file_is_made_without_a_name_given_its_fields_and_published() {
    let scene = Scene::new();
    let custodian = scene.custodian();
    let (folder, new) = (rel("a"), rel("a/new"));
    let mut made = match custodian.make_unnamed(At::workspace(&folder), 0o666) {
        Ok(made) => made,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            return skipped("no unnamed files on this file system");
        }
    };
    assert_eq!(made.stat().unwrap().nlink, 0);
    made.write_all(b"hello ").unwrap();
    made.write_at(6, b"world!").unwrap();
    made.set_len(11).unwrap();
    made.set_mode(0o6751).unwrap();
    let mtime = Time { sec: -5, nsec: 1 };
    made.set_times(mtime).unwrap();
    made.sync(Sync::All).unwrap();
    assert!(!scene.ws("a/new").exists());
    custodian.publish(&made, At::workspace(&new)).unwrap();
    let stat = custodian.stat(At::workspace(&new)).unwrap().unwrap();
    assert_eq!((stat.mode, stat.size, stat.nlink), (0o6751, 11, 1));
    assert_eq!(stat.mtime, mtime);
    assert!(stat.identity.same_now(&made.identity().unwrap()));
    assert_eq!(fs::read(scene.ws("a/new")).unwrap(), b"hello world");
    assert_eq!(
        kind(custodian.publish(&made, At::workspace(&new))),
        ErrorKind::Exists
    );
    let nowhere = rel("nope/new");
    assert_eq!(
        kind(custodian.publish(&made, At::workspace(&nowhere))),
        ErrorKind::NotFound
    );
    custodian.sync(At::workspace(&folder), Sync::All).unwrap();
}

#[test]
fn modes_are_as_given_and_folders_take_the_umask() {
    let scene = Scene::new();
    let custodian = scene.custodian();
    let (file, folder) = (rel("a/f"), rel("a/d"));
    let (file, folder) = (At::store(&file), At::workspace(&folder));
    fs::create_dir(scene.host("store/a")).unwrap();
    let made = custodian.make_file(file, 0o666).unwrap();
    assert_eq!(made.stat().unwrap().mode, 0o666);
    assert_eq!(kind(custodian.make_file(file, 0o666)), ErrorKind::Exists);
    custodian.make_dir(folder, 0o777).unwrap();
    fs::create_dir(scene.ws("a/like")).unwrap();
    let like = scene.ws("a/like").metadata().unwrap().mode() & 0o7777;
    assert_eq!(custodian.stat(folder).unwrap().unwrap().mode, like);
    for mode in [0o000, 0o1777, 0o2755, 0o4711] {
        custodian.set_mode(folder, mode).unwrap();
        assert_eq!(custodian.stat(folder).unwrap().unwrap().mode, mode);
    }
    custodian.set_mode(folder, 0o755).unwrap();
    let link = rel("a/l");
    custodian
        .make_symlink(At::workspace(&link), b"../\xff/target")
        .unwrap();
    assert_eq!(
        custodian.read_link(At::workspace(&link)).unwrap(),
        b"../\xff/target"
    );
    custodian.unlink(At::workspace(&link)).unwrap();
    assert_eq!(kind(custodian.unlink(folder)), ErrorKind::IsADirectory);
    custodian.remove_dir(folder).unwrap();
    let full = rel("a");
    assert_eq!(
        kind(custodian.remove_dir(At::workspace(&full))),
        ErrorKind::NotEmpty
    );
}

#[test]
fn attributes_and_owners_of_files_that_may_not_be_opened() {
    let scene = Scene::new();
    let custodian = scene.custodian();
    let path = rel("ok.txt");
    let at = At::workspace(&path);
    match custodian.set_xattr(at, b"user.b", b"2") {
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            return skipped("no user attributes on this file system");
        }
        set => set.unwrap(),
    }
    let long = vec![7; 3000];
    custodian.set_xattr(at, b"user.a", &long).unwrap();
    let expected = vec![
        (b"user.a".to_vec(), long),
        (b"user.b".to_vec(), b"2".to_vec()),
    ];
    let users = |at| -> Vec<_> {
        let all: Vec<(Vec<u8>, Vec<u8>)> = custodian.xattrs(at).unwrap();
        all.into_iter()
            .filter(|(name, _)| name.starts_with(b"user."))
            .collect()
    };
    assert_eq!(users(at), expected);
    custodian.set_mode(at, 0o000).unwrap();
    if is_root() {
        assert_eq!(users(at), expected);
        custodian.set_owner(at, 12, 34).unwrap();
        let stat = custodian.stat(at).unwrap().unwrap();
        assert_eq!((stat.uid, stat.gid, stat.mode), (12, 34, 0));
        custodian.set_xattr(at, b"trusted.t", b"\0raw\xff").unwrap();
        let trusted = (b"trusted.t".to_vec(), b"\0raw\xff".to_vec());
        assert!(custodian.xattrs(at).unwrap().contains(&trusted));
        // A link has attributes of its own, and its target keeps its.
        scene.link("ok.txt", "link");
        let link = rel("link");
        let link = At::workspace(&link);
        custodian.set_xattr(link, b"trusted.own", b"1").unwrap();
        assert_eq!(
            custodian.xattrs(link).unwrap(),
            [(b"trusted.own".to_vec(), b"1".to_vec())]
        );
        assert!(
            !custodian
                .xattrs(at)
                .unwrap()
                .iter()
                .any(|(n, _)| n == b"trusted.own")
        );
        custodian.set_owner(link, 56, 78).unwrap();
        assert_eq!(custodian.stat(link).unwrap().unwrap().uid, 56);
        assert_eq!(custodian.stat(at).unwrap().unwrap().uid, 12);
    } else {
        skipped("only root reads the attributes of a file without permission to read");
        assert_eq!(kind(custodian.xattrs(at)), ErrorKind::PermissionDenied);
        assert_eq!(
            kind(custodian.set_owner(at, 0, 0)),
            ErrorKind::PermissionDenied
        );
    }
    custodian.set_mode(at, 0o644).unwrap();
    custodian.remove_xattr(at, b"user.a").unwrap();
    custodian.remove_xattr(at, b"user.a").unwrap();
    assert_eq!(users(at).len(), 1);
    assert!(matches!(
        kind(custodian.set_xattr(at, b"bad\0name", b"")),
        ErrorKind::BadName(_)
    ));
}

#[test]
fn handles_flags_and_cache_are_told_where_there_are_any() {
    let scene = Scene::new();
    let custodian = scene.custodian();
    let (path, folder) = (rel("ok.txt"), rel("a"));
    let (at, folder) = (At::workspace(&path), At::workspace(&folder));
    match custodian.handle(at).unwrap() {
        None => skipped("no file handles on this file system"),
        Some(handle) => {
            assert_ne!(Some(handle.clone()), custodian.handle(folder).unwrap());
            fs::rename(scene.ws("ok.txt"), scene.ws("moved")).unwrap();
            let moved = rel("moved");
            assert_eq!(
                custodian.handle(At::workspace(&moved)).unwrap(),
                Some(handle)
            );
            fs::rename(scene.ws("moved"), scene.ws("ok.txt")).unwrap();
        }
    }
    const NODUMP: u32 = 0x40;
    match custodian.inode_flags(at).unwrap() {
        None => skipped("no inode flags on this file system"),
        Some(flags) => {
            custodian.set_inode_flags(at, flags | NODUMP).unwrap();
            assert_eq!(custodian.inode_flags(at).unwrap(), Some(flags | NODUMP));
        }
    }
    assert_eq!(custodian.is_clean(folder).unwrap(), None);
    match custodian.is_clean(at).unwrap() {
        None => skipped("the kernel does not tell what is cached"),
        Some(_) => {
            custodian.sync(at, Sync::Data).unwrap();
            let tmpfs = scene.open().file_system().unwrap().magic == 0x0102_1994;
            assert!(tmpfs || custodian.is_clean(at).unwrap() == Some(true));
        }
    }
    custodian.sync(folder, Sync::All).unwrap();
    custodian
        .sync_file_system(aifirst_sandbox::Side::Store)
        .unwrap();
}

#[test]
fn content_is_shared_where_the_file_system_can_and_left_alone_where_not() {
    let scene = Scene::new();
    let custodian = scene.custodian();
    let (path, new) = (rel("ok.txt"), rel("new"));
    let source = custodian.open_read(At::workspace(&path)).unwrap();
    let made = custodian.make_file(At::store(&new), 0o600).unwrap();
    let expected: &[u8] = match made.clone_from(&source).unwrap() {
        Cloned::Yes => INSIDE.as_bytes(),
        Cloned::No => b"",
    };
    assert_eq!(fs::read(scene.host("store/new")).unwrap(), expected);
}

#[test]
fn the_trial_tells_what_works_and_leaves_nothing() {
    let scene = Scene::new();
    let custodian = scene.custodian();
    let mtime = |name: &str| scene.host(name).metadata().unwrap().modified().unwrap();
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    for name in ["ws", "store"] {
        fs::File::open(scene.host(name))
            .unwrap()
            .set_modified(old)
            .unwrap();
    }
    // What a killed trial left is swept; what only has such a name is not touched.
    let keep = [
        scene.ws(".aifirst-probe-dir"),
        scene.ws(".aifirst-probe-link"),
    ];
    fs::create_dir(&keep[0]).unwrap();
    scene.link("../outside/secret", ".aifirst-probe-link");
    fs::File::open(scene.host("ws"))
        .unwrap()
        .set_modified(old)
        .unwrap();
    let before = manifest(&scene.host(""));
    fs::write(scene.ws(".aifirst-probe-1-0"), "probe").unwrap();
    fs::write(scene.host("store/.aifirst-probe-9-9"), "").unwrap();
    for name in ["ws", "store"] {
        fs::File::open(scene.host(name))
            .unwrap()
            .set_modified(old)
            .unwrap();
    }
    let probe = custodian.probe().unwrap();
    println!("{probe:?}");
    assert!(probe.rename && probe.exchange && probe.link, "{probe:?}");
    assert_eq!(manifest(&scene.host("")), before);
    assert_eq!((mtime("ws"), mtime("store")), (old, old));
    // Two at once do not disturb each other.
    let all = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| custodian.probe().unwrap()))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect::<Vec<_>>()
    });
    assert!(all.iter().all(|other| *other == probe), "{all:?}");
    assert_eq!(manifest(&scene.host("")), before);
    fs::set_permissions(scene.host("ws"), fs::Permissions::from_mode(0o555)).unwrap();
    if is_root() {
        skipped("root writes to a read-only folder");
    } else {
        assert_eq!(kind(custodian.probe()), ErrorKind::PermissionDenied);
    }
    fs::set_permissions(scene.host("ws"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn stores_that_are_refused() {
    let scene = Scene::new();
    let ws = scene.open();
    let open = |path: &str| kind(Custodian::open(&ws, &scene.host(path)));
    scene.link("../store", "link");
    std::os::unix::fs::symlink("store", scene.host("storelink")).unwrap();
    assert_eq!(open("ws"), ErrorKind::BadRoot);
    assert_eq!(open("ws/a"), ErrorKind::BadRoot);
    assert_eq!(open(""), ErrorKind::BadRoot);
    assert_eq!(open("ws/ok.txt"), ErrorKind::BadRoot);
    assert_eq!(open("storelink"), ErrorKind::BadRoot);
    assert_eq!(open("nothing"), ErrorKind::NotFound);
    assert!(Custodian::open(&ws, &scene.host("store")).is_ok());
    assert_eq!(
        fs::read_to_string(scene.host("outside/secret")).unwrap(),
        SECRET
    );
}

#[test]
fn the_custodian_lists_and_walks_either_side() {
    let scene = Scene::new();
    let custodian = scene.custodian();
    fs::create_dir_all(scene.host("store/.aifirst-x/k")).unwrap();
    let root = RawRel::root();
    let names = custodian.list(At::store(&root)).unwrap();
    assert_eq!(&*names[0].name, b".aifirst-x");
    let mut seen = Vec::new();
    let end = custodian.walk(At::store(&root), WalkLimits::default(), &mut |entry| {
        seen.push((entry.path.to_string(), entry.barrier));
        Flow::Continue
    });
    assert_eq!(end.unwrap(), aifirst_sandbox::WalkEnd::Complete);
    assert_eq!(
        seen,
        [(".aifirst-x".into(), None), (".aifirst-x/k".into(), None)]
    );
}
