//! Types, link counts and bits of what is opened.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::mpsc;
use std::time::Duration;

use aifirst_sandbox::{ErrorKind, HardLinks, Kind, Leaf, Rules, Workspace};
use rustix::fs::{CWD, FileType, Mode};

use crate::scene::{INSIDE, SECRET, Scene, kind, rel, skipped, text};

/// Runs what may hang; a hang is a failure of its own, not of the whole run.
fn within<T: Send + 'static>(what: &str, call: impl FnOnce() -> T + Send + 'static) -> T {
    let (tx, rx) = mpsc::channel();
    std::thread::spawn(move || tx.send(call()));
    rx.recv_timeout(Duration::from_secs(30))
        .unwrap_or_else(|_| panic!("{what} hangs"))
}

#[test]
fn lesson_b5_fifos_sockets_and_devices_are_neither_opened_nor_waited_for() {
    let scene = Scene::new();
    rustix::fs::mkfifoat(CWD, scene.ws("fifo"), Mode::from_raw_mode(0o666)).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(scene.ws("socket")).unwrap();
    let null = rustix::fs::makedev(1, 3);
    let device = rustix::fs::mknodat(
        CWD,
        scene.ws("null"),
        FileType::CharacterDevice,
        Mode::from_raw_mode(0o666),
        null,
    );
    scene.link("fifo", "tofifo");
    let mut rows = vec![("fifo", Kind::Fifo), ("socket", Kind::Socket)];
    match device {
        Ok(()) => rows.push(("null", Kind::CharDevice)),
        Err(errno) => skipped(&format!("no device node can be made: {errno}")),
    }
    let ws = scene.open();
    let custodian = scene.custodian();
    for (name, what) in rows {
        let path = rel(name);
        let shared = ws.clone();
        let opened = within(name, move || kind(shared.open_file(&path)));
        assert_eq!(opened, ErrorKind::SpecialFile, "{name}");
        let path = rel(name);
        assert_eq!(kind(ws.open_dir(&path)), ErrorKind::NotADirectory, "{name}");
        assert_eq!(ws.stat_at(&path).unwrap().unwrap().kind, what);
        let pinned = ws.pin(&path).unwrap();
        assert_eq!(kind(pinned.reopen_read(ws.rules())), ErrorKind::SpecialFile);
        // The custodian looks, but does not open them either.
        let at = aifirst_sandbox::At::workspace(&path);
        assert_eq!(kind(custodian.open_read(at)), ErrorKind::SpecialFile);
        custodian.sync(at, aifirst_sandbox::Sync::All).unwrap();
        assert_eq!(custodian.stat(at).unwrap().unwrap().kind, what);
    }
    let shared = ws.clone();
    let opened = within("tofifo", move || kind(shared.open_file(&rel("tofifo"))));
    assert_eq!(opened, ErrorKind::SpecialFile);
}

#[test]
fn lesson_b5_files_with_other_names_are_read_only_where_the_rules_say() {
    let scene = Scene::new();
    fs::hard_link(scene.host("outside/secret"), scene.ws("hard")).unwrap();
    let ws = scene.open();
    let error = ws.open_file(&rel("hard")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HardLinked);
    assert_eq!(error.facts(), Some("2 names"));
    let pinned = ws.pin(&rel("hard")).unwrap();
    assert_eq!(kind(pinned.reopen_read(ws.rules())), ErrorKind::HardLinked);
    let lenient = ws.with_rules(Rules::default().hard_links(HardLinks::ReadOnly));
    assert_eq!(text(&lenient.open_file(&rel("hard")).unwrap()), SECRET);
    assert_eq!(text(&pinned.reopen_read(lenient.rules()).unwrap()), SECRET);
    fs::remove_file(scene.host("outside/secret")).unwrap();
    assert_eq!(text(&ws.open_file(&rel("hard")).unwrap()), SECRET);
}

#[test]
fn setuid_files_are_read_as_files_and_their_bits_seen() {
    let scene = Scene::new();
    let mode = fs::Permissions::from_mode(0o4755);
    fs::set_permissions(scene.ws("ok.txt"), mode).unwrap();
    let file = scene.open().open_file(&rel("ok.txt")).unwrap();
    assert_eq!(file.stat().mode, 0o4755);
    assert_eq!(text(&file), INSIDE);
}

#[test]
fn folders_are_no_files_and_files_no_folders() {
    let scene = Scene::new();
    let ws = scene.open();
    assert_eq!(kind(ws.open_file(&rel("a"))), ErrorKind::IsADirectory);
    assert_eq!(
        kind(ws.open_file(&aifirst_sandbox::RawRel::root())),
        ErrorKind::IsADirectory
    );
    assert_eq!(kind(ws.open_dir(&rel("ok.txt"))), ErrorKind::NotADirectory);
    assert_eq!(
        kind(ws.open_file(&rel("ok.txt/x"))),
        ErrorKind::NotADirectory
    );
    assert_eq!(kind(ws.read_link(&rel("ok.txt"))), ErrorKind::Unsupported);
    assert_eq!(kind(ws.read_link(&rel("nope"))), ErrorKind::NotFound);
}

#[test]
fn a_file_is_read_whole_in_part_and_to_its_limit() {
    let scene = Scene::new();
    let content: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    fs::write(scene.ws("big"), &content).unwrap();
    fs::write(scene.ws("empty"), "").unwrap();
    let ws = scene.open();
    let file = ws.open_file(&rel("big")).unwrap();
    assert_eq!(file.read_to_vec(100_000).unwrap(), content);
    assert_eq!(kind(file.read_to_vec(99_999)), ErrorKind::LimitExceeded);
    let mut part = [0; 10];
    assert_eq!(file.read_at(99_995, &mut part).unwrap(), 5);
    assert_eq!(part[..5], content[99_995..]);
    let mut read = Vec::new();
    std::io::Read::read_to_end(&mut &file, &mut read).unwrap();
    assert_eq!(read, content);
    assert!(
        ws.open_file(&rel("empty"))
            .unwrap()
            .read_to_vec(0)
            .unwrap()
            .is_empty()
    );
    // Grown since it was opened: the limit holds for what there is now.
    let small = ws.open_file(&rel("ok.txt")).unwrap();
    fs::write(scene.ws("ok.txt"), &content).unwrap();
    assert_eq!(small.read_to_vec(1 << 20).unwrap(), content);
    assert_eq!(kind(small.read_to_vec(1000)), ErrorKind::LimitExceeded);
    assert_eq!(small.restat().unwrap().size, 100_000);
    assert_eq!(small.stat().size, INSIDE.len() as u64);
}

#[test]
fn what_is_held_is_the_object_whatever_its_name_becomes() {
    let scene = Scene::new();
    let ws = scene.open();
    let resolved = ws.resolve(&rel("ok.txt"), Leaf::Keep).unwrap();
    let pinned = resolved.found.unwrap();
    fs::rename(scene.ws("ok.txt"), scene.ws("other.txt")).unwrap();
    fs::write(scene.ws("ok.txt"), "new").unwrap();
    assert_eq!(text(&pinned.reopen_read(ws.rules()).unwrap()), INSIDE);
    let now = ws.pin(&rel("ok.txt")).unwrap();
    assert!(
        !now.identity()
            .unwrap()
            .same_object(&pinned.identity().unwrap())
    );
    let moved = ws.pin(&rel("other.txt")).unwrap();
    assert!(
        moved
            .identity()
            .unwrap()
            .same_object(&pinned.identity().unwrap())
    );
}

#[test]
fn roots_that_are_refused() {
    let scene = Scene::new();
    let open = |path: std::path::PathBuf| kind(Workspace::open(&path, Rules::default()));
    assert_eq!(open("/".into()), ErrorKind::BadRoot);
    assert_eq!(open("/tmp/..".into()), ErrorKind::BadRoot);
    assert_eq!(open(scene.ws("ok.txt")), ErrorKind::BadRoot);
    assert_eq!(open(scene.host("nothing")), ErrorKind::NotFound);
    let error = Workspace::open(&scene.host("nothing"), Rules::default()).unwrap_err();
    assert!(!error.to_string().contains('/'), "{error}");
}

#[test]
fn the_file_system_of_the_root_is_known() {
    let scene = Scene::new();
    let ws = scene.open();
    let info = ws.file_system().unwrap();
    assert_ne!(info.magic, 0);
    assert!(!info.network);
    assert!(info.uuid.is_none_or(|uuid| uuid.len() <= 32));
    assert_eq!(ws.stat().unwrap().kind, Kind::Dir);
}

#[test]
fn a_folder_lists_its_entries_in_order() {
    let scene = Scene::new();
    scene.link("ok.txt", "zlink");
    let ws = scene.open();
    let dir = ws.open_dir(&aifirst_sandbox::RawRel::root()).unwrap();
    let names: Vec<_> = dir.entries().unwrap().into_iter().map(|e| e.name).collect();
    assert_eq!(names, [&b"a"[..], b"b", b"ok.txt", b"zlink"].map(Box::from));
    assert_eq!(dir.entries().unwrap().len(), 4, "listed twice alike");
    assert_eq!(dir.stat(b"zlink").unwrap().unwrap().kind, Kind::Symlink);
    assert_eq!(dir.stat(b"nope").unwrap(), None);
    assert!(matches!(
        kind(dir.stat(b"../outside")),
        ErrorKind::BadName(_)
    ));
    assert!(matches!(kind(dir.stat(b"..")), ErrorKind::BadName(_)));
    assert_eq!(dir.folder().kind, Kind::Dir);
}
