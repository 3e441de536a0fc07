//! Whole files written in one step, appended to, cut and copied: what is kept, what is refused.

use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};

use aifirst_sandbox::{
    CopyLimits, Durability, ErrorKind, HardLinks, NameFault, Perm, Rename, Replace, Rules,
    TempName, Write,
};
use proptest::prelude::*;

use crate::mounts::{in_namespace, mount};
use crate::scene::{INSIDE, Scene, is_root, kind, rel, skipped};

const TEMP: [u8; 16] = [7; 16];

fn how() -> Write {
    Write::new(TempName::from_random(TEMP)).durability(Durability::None)
}

fn over() -> Write {
    how().replace(Replace::Atomic)
}

/// The name that `how` uses first.
fn temp_name() -> String {
    format!(".aifirst-write-{}", "07".repeat(16))
}

fn names(scene: &Scene) -> Vec<String> {
    let entry =
        |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = fs::read_dir(scene.host("ws")).unwrap().map(entry).collect();
    names.sort();
    names
}

#[test]
fn a_new_file_needs_a_free_name_and_leaves_nothing_beside_it() {
    let scene = Scene::new();
    let ws = scene.open();
    for durability in [
        Durability::None,
        Durability::File,
        Durability::FileAndFolder,
    ] {
        let path = format!("n-{durability:?}");
        let how = how().durability(durability).perm(Perm::new(0o600).unwrap());
        let stat = ws.write_file(&rel(&path), b"new", &how).unwrap();
        let meta = scene.ws(&path).metadata().unwrap();
        assert_eq!((stat.size, stat.identity.ino), (3, meta.ino()));
        assert_eq!(meta.mode() & 0o7777, 0o600);
    }
    assert_eq!(
        kind(ws.write_file(&rel("ok.txt"), b"x", &how())),
        ErrorKind::Exists
    );
    assert_eq!(fs::read_to_string(scene.ws("ok.txt")).unwrap(), INSIDE);
    assert_eq!(
        kind(ws.write_file(&rel("no/x"), b"x", &how())),
        ErrorKind::NotFound
    );
    assert_eq!(
        kind(ws.write_file(&rel("ok.txt/x"), b"x", &how())),
        ErrorKind::NotADirectory
    );
    assert!(names(&scene).iter().all(|name| !name.starts_with('.')));
}

#[test]
fn lesson_c8_t1_a_planted_temporary_name_is_passed_over() {
    let scene = Scene::new();
    let ws = scene.open();
    let before = scene.outside();
    scene.link("../outside/secret", &temp_name());
    ws.write_file(&rel("ok.txt"), b"new", &over()).unwrap();
    assert_eq!(fs::read_to_string(scene.ws("ok.txt")).unwrap(), "new");
    fs::remove_file(scene.ws(&temp_name())).unwrap();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    let fifo = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, scene.ws(&temp_name()), fifo, mode, 0).unwrap();
    ws.write_file(&rel("ok.txt"), b"newer", &over()).unwrap();
    assert_eq!(fs::read_to_string(scene.ws("ok.txt")).unwrap(), "newer");
    assert!(
        scene.ws(&temp_name()).symlink_metadata().is_ok(),
        "not ours to remove"
    );
    assert_eq!(scene.outside(), before);
}

#[test]
fn lesson_c8_t2_a_name_of_255_bytes_is_written_and_replaced() {
    let scene = Scene::new();
    let ws = scene.open();
    let path = rel(&"n".repeat(255));
    ws.write_file(&path, b"one", &how()).unwrap();
    ws.write_file(&path, b"two", &over()).unwrap();
    assert_eq!(ws.open_file(&path).unwrap().read_to_vec(9).unwrap(), b"two");
}

#[test]
fn t3_what_is_replaced_keeps_its_fields_and_what_is_no_file_is_refused() {
    let scene = Scene::new();
    let ws = scene.open();
    let target = scene.ws("ok.txt");
    let user = rustix::fs::setxattr(
        &target,
        "user.note",
        b"kept",
        rustix::fs::XattrFlags::empty(),
    );
    if is_root() {
        std::os::unix::fs::chown(&target, Some(1234), Some(4321)).unwrap();
    } else {
        skipped("only root gives files away");
    }
    fs::set_permissions(&target, fs::Permissions::from_mode(0o4440)).unwrap();
    let old = target.metadata().unwrap();
    ws.write_file(&rel("ok.txt"), b"new", &over()).unwrap();
    let new = target.metadata().unwrap();
    assert_ne!(new.ino(), old.ino());
    assert_eq!((new.uid(), new.gid()), (old.uid(), old.gid()));
    assert_eq!(new.mode() & 0o7777, 0o440, "setuid is not handed on");
    match user {
        Ok(()) => {
            let mut buffer = [0; 16];
            let len = rustix::fs::getxattr(&target, "user.note", &mut buffer[..]).unwrap();
            assert_eq!(&buffer[..len], b"kept");
        }
        Err(errno) => skipped(&format!("no user attributes here: {errno}")),
    }
    scene.link("ok.txt", "l");
    scene.link("../outside/secret", "out");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    let fifo = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, scene.ws("p"), fifo, mode, 0).unwrap();
    for (path, expected) in [
        ("l", ErrorKind::LinkDenied),
        ("out", ErrorKind::LinkDenied),
        ("a", ErrorKind::IsADirectory),
        ("p", ErrorKind::SpecialFile),
    ] {
        assert_eq!(
            kind(ws.write_file(&rel(path), b"x", &over())),
            expected,
            "{path}"
        );
    }
    for path in ["out", "p", "a"] {
        let in_place = kind(ws.append(&rel(path), b"x", Durability::None));
        assert!(
            in_place.is_refusal() || in_place == ErrorKind::IsADirectory,
            "{path}"
        );
    }
}

#[test]
fn an_acl_is_kept_and_none_is_inherited() {
    let scene = Scene::new();
    let ws = scene.open();
    // Version 2; user::rw- user:1234:r-- group::r-- mask::r-- other::--- (acl(5), posix_acl_xattr.h).
    let mut acl = 2_u32.to_le_bytes().to_vec();
    for (tag, perm, id) in [
        (1_u16, 6_u16, u32::MAX),
        (2, 4, 1234),
        (4, 4, u32::MAX),
        (16, 4, u32::MAX),
        (32, 0, u32::MAX),
    ] {
        acl.extend(tag.to_le_bytes());
        acl.extend(perm.to_le_bytes());
        acl.extend(id.to_le_bytes());
    }
    let set = |path: &str, name: &str| {
        rustix::fs::setxattr(scene.ws(path), name, &acl, rustix::fs::XattrFlags::empty())
    };
    let get = |path: &str| {
        let mut buffer = vec![0; 256];
        let name = "system.posix_acl_access";
        rustix::fs::getxattr(scene.ws(path), name, &mut buffer[..])
            .map(|len| buffer[..len].to_vec())
    };
    if let Err(errno) = set("ok.txt", "system.posix_acl_access") {
        return skipped(&format!("no ACLs here: {errno}"));
    }
    ws.write_file(&rel("ok.txt"), b"new", &over()).unwrap();
    assert_eq!(get("ok.txt").unwrap(), acl);
    fs::write(scene.ws("b/plain"), "old").unwrap();
    set("b", "system.posix_acl_default").unwrap();
    ws.write_file(&rel("b/plain"), b"new", &over()).unwrap();
    assert!(
        get("b/plain").is_err(),
        "the folder's default went to a file that had none"
    );
}

#[test]
fn b5_a_file_with_several_names_is_never_changed_in_place() {
    let scene = Scene::new();
    let before = scene.outside();
    fs::hard_link(scene.host("outside/secret"), scene.ws("h")).unwrap();
    let linked = scene.outside();
    let (deny, read) = (
        scene.open(),
        scene.open_with(Rules::default().hard_links(HardLinks::ReadOnly)),
    );
    assert_eq!(
        kind(deny.write_file(&rel("h"), b"x", &over())),
        ErrorKind::HardLinked
    );
    for ws in [&deny, &read] {
        let none = Durability::None;
        assert_eq!(
            kind(ws.append(&rel("h"), b"x", none)),
            ErrorKind::HardLinked
        );
        assert_eq!(kind(ws.truncate(&rel("h"), 0, none)), ErrorKind::HardLinked);
        let perm = Perm::new(0o777).unwrap();
        assert_eq!(kind(ws.set_perm(&rel("h"), perm)), ErrorKind::HardLinked);
    }
    assert_eq!(scene.outside(), linked);
    read.write_file(&rel("h"), b"mine", &over()).unwrap();
    assert_eq!(scene.outside(), before, "the link was broken, not followed");
}

#[test]
fn t4_what_a_killed_write_left_is_swept_and_one_under_way_is_not() {
    let scene = Scene::new();
    let ws = scene.open();
    fs::write(scene.ws(&temp_name()), "half").unwrap();
    let busy = scene.ws(&temp_name().replace("07", "08"));
    let held = fs::File::create(&busy).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    fs::write(scene.ws(".aifirst-write-other"), "not ours").unwrap();
    scene.link("ok.txt", &temp_name().replace("07", "09"));
    assert_eq!(
        ws.sweep_temporary(&aifirst_sandbox::RawRel::root())
            .unwrap(),
        1
    );
    assert!(!scene.ws(&temp_name()).exists());
    assert!(busy.exists() && scene.ws(".aifirst-write-other").exists());
}

#[test]
fn t4_a_full_disk_leaves_the_old_content_and_nothing_beside_it() {
    if !in_namespace("writing::t4_a_full_disk_leaves_the_old_content_and_nothing_beside_it") {
        return;
    }
    let scene = Scene::new();
    assert!(mount(
        &["-t", "tmpfs", "-o", "size=256k", "none"],
        &scene.host("ws")
    ));
    fs::write(scene.ws("old"), "old").unwrap();
    let ws = scene.open();
    let big = vec![7; 1 << 20];
    assert_eq!(
        kind(ws.write_file(&rel("old"), &big, &over())),
        ErrorKind::NoSpace
    );
    assert_eq!(
        kind(ws.write_file(&rel("new"), &big, &how())),
        ErrorKind::NoSpace
    );
    assert_eq!(names(&scene), ["old"]);
    assert_eq!(fs::read_to_string(scene.ws("old")).unwrap(), "old");
    ws.write_file(&rel("new"), b"small", &how()).unwrap();
}

#[test]
fn e_no_change_reaches_another_mount_or_replaces_its_root() {
    if !in_namespace("writing::e_no_change_reaches_another_mount_or_replaces_its_root") {
        return;
    }
    let scene = Scene::new();
    fs::create_dir(scene.ws("m")).unwrap();
    fs::write(scene.ws("file"), "").unwrap();
    let outside = scene.host("outside");
    assert!(mount(
        &["--bind", outside.to_str().unwrap()],
        &scene.ws("m")
    ));
    let secret = scene.host("outside/secret");
    assert!(mount(
        &["--bind", secret.to_str().unwrap()],
        &scene.ws("file")
    ));
    let ws = scene.open();
    let before = scene.outside();
    let none = Durability::None;
    let results = [
        ws.write_file(&rel("m/new"), b"x", &how()).map(drop),
        ws.write_file(&rel("file"), b"x", &over()).map(drop),
        ws.append(&rel("file"), b"x", none).map(drop),
        ws.truncate(&rel("m/secret"), 0, none).map(drop),
        ws.make_dir(&rel("m/q"), Perm::FOLDER),
        ws.make_dir_all(&rel("m/q/r"), Perm::FOLDER).map(drop),
        ws.rename(&rel("m/secret"), &rel("loot"), Rename::NoReplace),
        ws.rename(&rel("ok.txt"), &rel("m/x"), Rename::NoReplace),
        ws.rename(&rel("m"), &rel("n"), Rename::NoReplace),
        ws.copy_file(&rel("m/secret"), &rel("loot"), &how())
            .map(drop),
        ws.copy_tree(&rel("m"), &rel("loot"), &how(), CopyLimits::default())
            .map(drop),
        ws.remove_file(&rel("file")),
        ws.remove_tree(&rel("m")),
        ws.set_perm(&rel("file"), Perm::FILE),
        ws.make_symlink(&rel("m/l"), b"x"),
        ws.make_symlink(&rel("l"), b"m/secret"),
    ];
    for (index, result) in results.into_iter().enumerate() {
        assert_eq!(kind(result), ErrorKind::MountCrossing, "row {index}");
    }
    // Between two mounts of one workspace nothing is moved, and nothing copied instead.
    let listed =
        ws.with_rules(Rules::default().mounts(vec![aifirst_sandbox::RelPath::parse("m").unwrap()]));
    let moved = listed.rename(&rel("ok.txt"), &rel("m/x"), Rename::NoReplace);
    assert_eq!(kind(moved), ErrorKind::CrossDevice);
    assert_eq!(scene.outside(), before);
    listed.write_file(&rel("m/new"), b"listed", &how()).unwrap();
    assert_eq!(fs::read(scene.host("outside/new")).unwrap(), b"listed");
}

#[test]
fn the_fallback_gives_the_same_answers_to_changing_calls() {
    let scene = Scene::new();
    let ws = aifirst_sandbox::Workspace::open_walking(&scene.host("ws"), Rules::default()).unwrap();
    let before = scene.outside();
    scene.link("../outside/secret", "out");
    scene.link("../outside", "od");
    ws.write_file(&rel("n"), b"new", &how()).unwrap();
    ws.write_file(&rel("n"), b"newer", &over()).unwrap();
    ws.append(&rel("n"), b"!", Durability::FileAndFolder)
        .unwrap();
    ws.copy_tree(&rel("a"), &rel("c"), &how(), CopyLimits::default())
        .unwrap();
    ws.rename(&rel("c"), &rel("b/c"), Rename::NoReplace)
        .unwrap();
    ws.make_dir_all(&rel("x/y/z"), Perm::FOLDER).unwrap();
    ws.remove_tree(&rel("b")).unwrap();
    assert_eq!(fs::read(scene.ws("n")).unwrap(), b"newer!");
    assert_eq!(
        kind(ws.write_file(&rel("out"), b"x", &over())),
        ErrorKind::LinkDenied
    );
    assert_eq!(
        kind(ws.append(&rel("out"), b"x", Durability::None)),
        ErrorKind::Escape
    );
    for path in ["od/secret", "od/no"] {
        let path = rel(path);
        assert_eq!(kind(ws.write_file(&path, b"x", &over())), ErrorKind::Escape);
        assert_eq!(kind(ws.remove_tree(&path)), ErrorKind::Escape);
        assert_eq!(
            kind(ws.make_dir_all(&path, Perm::FOLDER)),
            ErrorKind::Escape
        );
    }
    assert_eq!(scene.outside(), before);
}

#[test]
fn appending_and_cutting_happen_in_place_through_links_inside() {
    let scene = Scene::new();
    let ws = scene.open();
    scene.link("../ok.txt", "a/l");
    let ino = scene.ws("ok.txt").metadata().unwrap().ino();
    let stat = ws
        .append(&rel("a/l"), b" and more", Durability::File)
        .unwrap();
    assert_eq!((stat.identity.ino, stat.size), (ino, 15));
    assert_eq!(
        fs::read_to_string(scene.ws("ok.txt")).unwrap(),
        "inside and more"
    );
    ws.truncate(&rel("ok.txt"), 6, Durability::None).unwrap();
    ws.truncate(&rel("ok.txt"), 8, Durability::None).unwrap();
    assert_eq!(fs::read(scene.ws("ok.txt")).unwrap(), b"inside\0\0");
    assert_eq!(
        kind(ws.append(&rel("new"), b"x", Durability::None)),
        ErrorKind::NotFound
    );
}

#[test]
fn t15_a_copy_keeps_holes_and_goes_neither_onto_itself_nor_out() {
    let scene = Scene::new();
    let ws = scene.open();
    let before = scene.outside();
    const SIZE: u64 = 64 << 20;
    let sparse = fs::File::create(scene.ws("sparse")).unwrap();
    sparse.write_all_at(b"middle", 20 << 20).unwrap();
    sparse.set_len(SIZE).unwrap();
    let stat = ws.copy_file(&rel("sparse"), &rel("copy"), &how()).unwrap();
    assert_eq!(stat.size, SIZE);
    let copy = scene.ws("copy").metadata().unwrap();
    assert!(copy.blocks() * 512 < 4 << 20, "{} blocks", copy.blocks());
    let copied = ws.open_file(&rel("copy")).unwrap();
    assert_eq!(copied.read_range(20 << 20, 6).unwrap(), b"middle");
    assert_eq!(copied.read_range(SIZE - 2, 100).unwrap(), b"\0\0");

    scene.link("ok.txt", "same");
    scene.link("../outside/secret", "out");
    scene.link("nowhere", "dangling");
    fs::hard_link(scene.ws("b/x"), scene.ws("b/y")).unwrap();
    let read = scene.open_with(Rules::default().hard_links(HardLinks::ReadOnly));
    for (ws, from, to, expected) in [
        (&ws, "ok.txt", "ok.txt", ErrorKind::Exists),
        (&ws, "same", "ok.txt", ErrorKind::Exists),
        (&read, "b/x", "b/y", ErrorKind::Exists),
        (&ws, "out", "new", ErrorKind::Escape),
        (&ws, "ok.txt", "dangling", ErrorKind::LinkDenied),
        (&ws, "b/x", "new", ErrorKind::HardLinked),
        (&ws, "a", "new", ErrorKind::IsADirectory),
    ] {
        assert_eq!(
            kind(ws.copy_file(&rel(from), &rel(to), &over())),
            expected,
            "{from} {to}"
        );
    }
    assert!(!scene.ws("new").exists() && !scene.ws("nowhere").exists());
    assert_eq!(scene.outside(), before);
}

#[test]
fn t15_a_tree_is_copied_but_not_into_itself() {
    let scene = Scene::new();
    let ws = scene.open();
    scene.link("../ok.txt", "a/l");
    fs::set_permissions(scene.ws("a/b"), fs::Permissions::from_mode(0o500)).unwrap();
    let limits = CopyLimits::default();
    let end = ws.copy_tree(&rel("a"), &rel("c"), &how(), limits).unwrap();
    assert_eq!((end.files, end.folders, end.links), (1, 2, 1));
    assert_eq!(fs::read_to_string(scene.ws("c/b/in.txt")).unwrap(), INSIDE);
    assert_eq!(
        fs::read_link(scene.ws("c/l")).unwrap().to_str(),
        Some("../ok.txt")
    );
    assert_eq!(scene.ws("c/b").metadata().unwrap().mode() & 0o777, 0o500);
    scene.link("a", "alias");
    for to in ["a", "a/new", "a/b/new", "alias/new"] {
        let copied = ws.copy_tree(&rel("a"), &rel(to), &how(), limits);
        assert_eq!(kind(copied), ErrorKind::IntoItself, "{to}");
    }
    let few = CopyLimits {
        entries: 1,
        ..limits
    };
    assert_eq!(
        kind(ws.copy_tree(&rel("a"), &rel("d"), &how(), few)),
        ErrorKind::LimitExceeded
    );
}

#[test]
fn a_lease_tells_of_writers() {
    use aifirst_sandbox::Leased;
    let scene = Scene::new();
    let file = scene.open().open_file(&rel("ok.txt")).unwrap();
    let writer = fs::File::options()
        .write(true)
        .open(scene.ws("ok.txt"))
        .unwrap();
    match file.lease().unwrap() {
        Leased::Written => {}
        Leased::Unknown => return skipped("no leases here"),
        other => panic!("{other:?}"),
    }
    drop(writer);
    let Leased::Held(lease) = file.lease().unwrap() else {
        panic!("nobody writes");
    };
    assert!(lease.is_whole().unwrap());
    // A reader is no reason; a writer that does not wait is told so, and the lease tells of it.
    drop(fs::File::open(scene.ws("ok.txt")).unwrap());
    assert!(lease.is_whole().unwrap());
    let flags = rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::NONBLOCK;
    let refused = rustix::fs::open(scene.ws("ok.txt"), flags, rustix::fs::Mode::empty());
    assert_eq!(refused.unwrap_err(), rustix::io::Errno::AGAIN);
    assert!(!lease.is_whole().unwrap());
    drop(lease);
    fs::write(scene.ws("ok.txt"), "free again").unwrap();
}

#[test]
fn bits_above_777_are_given_to_nothing() {
    for bits in [0o1000, 0o2755, 0o4777, 0o7777, u32::MAX] {
        assert_eq!(kind(Perm::new(bits)), ErrorKind::ModeDenied, "{bits:o}");
    }
    assert_eq!(Perm::new(0o777).unwrap().bits(), 0o777);
}

#[test]
fn n2_names_of_other_systems_are_refused_where_asked() {
    use aifirst_sandbox::{Names, RelPath};
    let scene = Scene::new();
    let (linux, portable) = (
        scene.open(),
        scene.open_with(Rules::default().names(Names::Portable)),
    );
    for (path, fault) in [
        ("a\\b", NameFault::NotPortable),
        ("C:x", NameFault::NotPortable),
        ("a/b?", NameFault::NotPortable),
        ("a./b", NameFault::TrailingDot),
        ("a ", NameFault::TrailingDot),
        ("CON", NameFault::DeviceName),
        ("a/nul.txt", NameFault::DeviceName),
        ("nul .txt", NameFault::DeviceName),
        ("com1", NameFault::DeviceName),
        ("COM¹.log", NameFault::DeviceName),
        ("lpt9", NameFault::DeviceName),
        ("conin$", NameFault::DeviceName),
    ] {
        linux.normalize(path).unwrap();
        RelPath::parse_as(path, Names::Linux).unwrap();
        let refused = ErrorKind::BadName(fault);
        assert_eq!(kind(portable.normalize(path)), refused, "{path}");
        assert_eq!(
            kind(RelPath::parse_as(path, Names::Portable)),
            refused,
            "{path}"
        );
    }
    for path in ["a/b.txt", ".git", "console", "com", "com10", "null", "lpt"] {
        portable.normalize(path).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn content_comes_back_as_it_was_written(
        steps in prop::collection::vec((0_u8..4, prop::collection::vec(any::<u8>(), 0..300)), 1..8)
    ) {
        let scene = Scene::new();
        let ws = scene.open();
        let (path, copy) = (rel("ok.txt"), rel("copy"));
        let mut model = INSIDE.as_bytes().to_vec();
        for (step, bytes) in steps {
            match step {
                0 => {
                    ws.write_file(&path, &bytes, &over()).unwrap();
                    model = bytes;
                }
                1 => {
                    ws.append(&path, &bytes, Durability::None).unwrap();
                    model.extend(bytes);
                }
                2 => {
                    ws.truncate(&path, bytes.len() as u64, Durability::None).unwrap();
                    model.resize(bytes.len(), 0);
                }
                _ => {
                    ws.copy_file(&path, &copy, &over()).unwrap();
                    ws.rename(&copy, &path, aifirst_sandbox::Rename::Over).unwrap();
                }
            }
            prop_assert_eq!(&fs::read(scene.ws("ok.txt")).unwrap(), &model);
        }
        prop_assert!(names(&scene).iter().all(|name| !name.starts_with('.')));
    }
}
