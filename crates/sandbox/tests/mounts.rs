//! Other mounts below the root, in a mount namespace of the test's own.

use std::path::Path;
use std::process::Command;

use aifirst_sandbox::{
    At, Barrier, Custodian, ErrorKind, Flow, How, Leaf, RawRel, RelPath, Rules, WalkEnd,
    WalkLimits, Workspace,
};

use crate::scene::{INSIDE, SECRET, Scene, is_root, kind, rel, skipped, text};

const INNER: &str = "AIFIRST_SANDBOX_TEST_MOUNTS";

/// Runs one test of this binary in a mount namespace; `true` inside of it.
pub(crate) fn in_namespace(test: &str) -> bool {
    if std::env::var_os(INNER).is_some() {
        return true;
    }
    let mut unshare = Command::new("unshare");
    unshare.args(["-m", "--propagation", "private"]);
    if !is_root() {
        unshare.args(["-U", "-r"]);
    }
    let possible = Command::new(unshare.get_program())
        .args(unshare.get_args())
        .arg("true")
        .output();
    if !possible.is_ok_and(|output| output.status.success()) {
        skipped("no mount namespace can be made here");
        return false;
    }
    let run = unshare
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", test])
        .env(INNER, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    print!("{said}{}", String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success());
    false
}

pub(crate) fn mount(arguments: &[&str], at: &Path) -> bool {
    let run = Command::new("mount").args(arguments).arg(at).output();
    run.is_ok_and(|output| output.status.success())
}

#[test]
fn lesson_b5_mounts_are_not_entered_unless_listed() {
    if !in_namespace("mounts::lesson_b5_mounts_are_not_entered_unless_listed") {
        return;
    }
    let scene = Scene::new();
    for folder in ["ws/bind", "ws/tmp/deep", "ws/proc", "ws/a/same"] {
        std::fs::create_dir_all(scene.host(folder)).unwrap();
    }
    std::fs::write(scene.ws("file"), INSIDE).unwrap();
    let outside = scene.host("outside");
    let outside = outside.to_str().unwrap();
    assert!(mount(&["--bind", outside], &scene.ws("bind")));
    assert!(mount(
        &["--bind", scene.ws("b").to_str().unwrap()],
        &scene.ws("a/same")
    ));
    assert!(mount(&["-t", "tmpfs", "none"], &scene.ws("tmp")));
    std::fs::write(scene.ws("tmp/x"), INSIDE).unwrap();
    let secret = scene.host("outside/secret");
    assert!(mount(
        &["--bind", secret.to_str().unwrap()],
        &scene.ws("file")
    ));
    let proc = mount(&["--bind", "/proc"], &scene.ws("proc"))
        || mount(&["-t", "proc", "none"], &scene.ws("proc"));
    scene.link("bind/secret", "link");

    let ws = scene.open();
    let mut rows = vec!["bind/secret", "tmp/x", "file", "link", "a/same/x"];
    if proc {
        rows.extend(["proc/self/root/etc/passwd", "proc/version"]);
    } else {
        skipped("no proc file system can be mounted here");
    }
    for path in rows {
        assert_eq!(
            kind(ws.open_file(&rel(path))),
            ErrorKind::MountCrossing,
            "{path}"
        );
        if path != "link" {
            assert_eq!(
                kind(ws.stat_at(&rel(path))),
                ErrorKind::MountCrossing,
                "{path}"
            );
        }
    }
    assert_eq!(kind(ws.open_dir(&rel("bind"))), ErrorKind::MountCrossing);
    let missing = kind(ws.resolve(&rel("bind/nothing"), Leaf::Follow));
    assert_eq!(
        missing,
        ErrorKind::MountCrossing,
        "missing and existing alike"
    );

    let mut barred = Vec::new();
    let end = ws.walk(&RawRel::root(), WalkLimits::default(), &mut |entry| {
        barred.extend(
            entry
                .barrier
                .map(|barrier| (entry.path.to_string(), barrier)),
        );
        Flow::Continue
    });
    assert_eq!(end.unwrap(), WalkEnd::Complete);
    let mut expected = vec!["a/same", "bind", "tmp"];
    if proc {
        expected.insert(2, "proc");
    }
    let expected: Vec<_> = expected
        .iter()
        .map(|p| ((*p).to_owned(), Barrier::Mount))
        .collect();
    assert_eq!(barred, expected);

    // Listed ones are entered, and nothing else with them.
    let listed = |names: &[&str]| {
        let mounts = names
            .iter()
            .map(|name| RelPath::parse(name).unwrap())
            .collect();
        ws.with_rules(Rules::default().mounts(mounts))
    };
    let open = listed(&["bind", "a/same"]);
    assert_eq!(text(&open.open_file(&rel("bind/secret")).unwrap()), SECRET);
    assert_eq!(text(&open.open_file(&rel("link")).unwrap()), SECRET);
    assert_eq!(text(&open.open_file(&rel("a/same/x")).unwrap()), INSIDE);
    assert!(open.open_dir(&rel("bind")).is_ok());
    assert_eq!(
        kind(open.open_file(&rel("tmp/x"))),
        ErrorKind::MountCrossing
    );
    assert!(
        mount(&["-t", "tmpfs", "none"], &scene.ws("tmp/deep")) || {
            std::fs::create_dir(scene.ws("tmp/deep")).unwrap();
            mount(&["-t", "tmpfs", "none"], &scene.ws("tmp/deep"))
        }
    );
    std::fs::write(scene.ws("tmp/deep/y"), INSIDE).unwrap();
    let outer = listed(&["tmp"]);
    assert!(outer.open_file(&rel("tmp/x")).is_ok());
    assert_eq!(
        kind(outer.open_file(&rel("tmp/deep/y"))),
        ErrorKind::MountCrossing
    );
    assert!(
        listed(&["tmp", "tmp/deep"])
            .open_file(&rel("tmp/deep/y"))
            .is_ok()
    );
    let inner = listed(&["tmp/deep"]);
    assert_eq!(
        kind(inner.open_file(&rel("tmp/deep/y"))),
        ErrorKind::MountCrossing,
        "a listed mount does not open the one around it"
    );
}

#[test]
fn a_root_that_is_a_mount_itself_works() {
    if !in_namespace("mounts::a_root_that_is_a_mount_itself_works") {
        return;
    }
    let scene = Scene::new();
    assert!(mount(&["-t", "tmpfs", "none"], &scene.host("ws")));
    std::fs::write(scene.ws("x"), INSIDE).unwrap();
    let ws = scene.open();
    assert_eq!(text(&ws.open_file(&rel("x")).unwrap()), INSIDE);
    assert_eq!(ws.file_system().unwrap().magic, 0x0102_1994);
}

#[test]
fn a_custodian_crosses_no_mount_and_says_when_two_are_apart() {
    if !in_namespace("mounts::a_custodian_crosses_no_mount_and_says_when_two_are_apart") {
        return;
    }
    let scene = Scene::new();
    assert!(mount(&["-t", "tmpfs", "none"], &scene.host("store")));
    std::fs::create_dir(scene.ws("bind")).unwrap();
    let outside = scene.host("outside");
    assert!(mount(
        &["--bind", outside.to_str().unwrap()],
        &scene.ws("bind")
    ));
    let before = scene.outside();
    let custodian = scene.custodian();
    let (ok, kept) = (rel("ok.txt"), rel("kept"));
    let (from, to) = (At::workspace(&ok), At::store(&kept));
    assert_eq!(
        kind(custodian.rename(from, to, How::NoReplace)),
        ErrorKind::CrossDevice
    );
    assert_eq!(kind(custodian.link(from, to)), ErrorKind::CrossDevice);
    let probe = custodian.probe().unwrap();
    assert!(
        !probe.rename && !probe.link && !probe.exchange && !probe.clone,
        "{probe:?}"
    );
    for path in ["bind/secret", "bind/dir/f", "bind"] {
        let path = rel(path);
        let at = At::workspace(&path);
        assert_eq!(
            kind(custodian.set_mode(at, 0o777)),
            ErrorKind::MountCrossing
        );
        assert_eq!(kind(custodian.stat(at)), ErrorKind::MountCrossing);
        assert!(
            custodian
                .rename(at, At::workspace(&kept), How::NoReplace)
                .is_err()
        );
        assert!(custodian.unlink(at).is_err());
        assert!(custodian.remove_dir(at).is_err());
    }
    assert_eq!(scene.outside(), before);
}

#[test]
fn a_full_and_a_read_only_file_system_say_so() {
    if !in_namespace("mounts::a_full_and_a_read_only_file_system_say_so") {
        return;
    }
    let scene = Scene::new();
    let both = scene.host("both");
    std::fs::create_dir(&both).unwrap();
    assert!(mount(&["-t", "tmpfs", "-o", "size=64k", "none"], &both));
    std::fs::create_dir(both.join("ws")).unwrap();
    std::fs::create_dir(both.join("store")).unwrap();
    let ws = Workspace::open(&both.join("ws"), Rules::default()).unwrap();
    let custodian = Custodian::open(&ws, &both.join("store")).unwrap();
    let (big, new) = (rel("big"), rel("new"));
    let made = custodian.make_file(At::store(&big), 0o600).unwrap();
    let error = made.write_at(0, &[7; 256 * 1024]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSpace);
    assert_eq!(error.path(), Some("big"));
    custodian.unlink(At::store(&big)).unwrap();
    drop(made);
    assert!(mount(&["-o", "remount,ro", "none"], &both));
    assert_eq!(
        kind(custodian.make_file(At::workspace(&new), 0o600)),
        ErrorKind::ReadOnly
    );
    assert_eq!(
        kind(custodian.make_dir(At::workspace(&new), 0o700)),
        ErrorKind::ReadOnly
    );
    assert_eq!(kind(custodian.probe()), ErrorKind::ReadOnly);
}

#[test]
fn without_proc_what_needs_it_is_refused() {
    if !in_namespace("mounts::without_proc_what_needs_it_is_refused") {
        return;
    }
    let scene = Scene::new();
    let custodian = scene.custodian();
    let ws = scene.open();
    assert!(mount(&["-t", "tmpfs", "none"], Path::new("/proc")));
    assert_eq!(text(&ws.open_file(&rel("ok.txt")).unwrap()), INSIDE);
    assert_eq!(
        kind(Custodian::open(&ws, &scene.host("store"))),
        ErrorKind::Unsupported
    );
    let pinned = ws.pin(&rel("ok.txt")).unwrap();
    assert_eq!(kind(pinned.reopen_read(ws.rules())), ErrorKind::Unsupported);
    let ok = rel("ok.txt");
    assert_eq!(
        kind(custodian.xattrs(At::workspace(&ok))),
        ErrorKind::Unsupported
    );
    // A made-up /proc leads to another object, which is seen.
    std::fs::create_dir_all("/proc/self/fd").unwrap();
    for fd in 0..1000 {
        std::fs::hard_link(scene.host("outside/secret"), format!("/proc/self/fd/{fd}"))
            .or_else(|_| std::fs::write(format!("/proc/self/fd/{fd}"), SECRET))
            .unwrap();
    }
    assert_eq!(kind(pinned.reopen_read(ws.rules())), ErrorKind::Raced);
    assert_eq!(
        kind(Custodian::open(&ws, &scene.host("store"))),
        ErrorKind::Unsupported
    );
}
