//! Removing kept trees, of any depth and any mode.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use aifirst_sandbox::{At, ErrorKind};
use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};

use crate::scene::{Scene, kind, manifest, rel};

/// Folders within folders, deeper than any path reaches; a file in every hundredth.
fn deep(top: &Path, levels: usize) {
    let open = |fd: &OwnedFd, name: &str| {
        openat(fd, name, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).unwrap()
    };
    let mut here = openat(CWD, top, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).unwrap();
    for level in 0..levels {
        mkdirat(&here, "d", Mode::RWXU).unwrap();
        if level % 100 == 0 {
            let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC;
            openat(&here, "file", flags, Mode::RWXU).unwrap();
            mkdirat(&here, "second", Mode::RWXU).unwrap();
        }
        here = open(&here, "d");
    }
}

#[test]
fn a_tree_of_depth_3000_goes_with_few_descriptors() {
    let scene = Scene::new();
    fs::create_dir(scene.host("store/tree")).unwrap();
    deep(&scene.host("store/tree"), 3000);
    let custodian = scene.custodian();
    let tree = rel("tree");
    let before = fs::read_dir("/proc/self/fd").unwrap().count();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let most = std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut most = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                most = most.max(fs::read_dir("/proc/self/fd").unwrap().count());
            }
            most
        });
        custodian.remove_tree(At::store(&tree)).unwrap();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        watch.join().unwrap()
    });
    // Other tests of this process hold some of their own meanwhile.
    assert!(most < before + 250, "{before} before, {most} at most");
    assert!(!scene.host("store/tree").exists());
    assert_eq!(fs::read_dir(scene.host("store")).unwrap().count(), 0);
}

#[test]
fn trees_go_whole_whatever_is_in_them_and_links_are_not_followed() {
    let scene = Scene::new();
    let before = scene.outside();
    let inside = manifest(&scene.host("ws"));
    let top = scene.host("store/tree");
    fs::create_dir_all(top.join("a/b/c")).unwrap();
    fs::write(top.join("a/b/f"), "x").unwrap();
    fs::create_dir(top.join(".aifirst-hoist-1")).unwrap();
    for (target, name) in [
        ("../../outside", "out"),
        ("/", "root"),
        ("..", "a/up"),
        ("no", "no"),
    ] {
        std::os::unix::fs::symlink(target, top.join(name)).unwrap();
    }
    rustix::fs::mkfifoat(CWD, top.join("fifo"), Mode::RWXU).unwrap();
    for (path, mode) in [
        ("a/b/f", 0o000),
        ("a/b/c", 0o000),
        ("a/b", 0o500),
        ("a", 0o100),
    ] {
        fs::set_permissions(top.join(path), fs::Permissions::from_mode(mode)).unwrap();
    }
    fs::set_permissions(&top, fs::Permissions::from_mode(0o000)).unwrap();
    let custodian = scene.custodian();
    let (tree, file, link) = (rel("tree"), rel("file"), rel("link"));
    custodian.remove_tree(At::store(&tree)).unwrap();
    assert!(!top.exists());
    assert_eq!(
        kind(custodian.remove_tree(At::store(&tree))),
        ErrorKind::NotFound
    );
    fs::write(scene.host("store/file"), "x").unwrap();
    std::os::unix::fs::symlink("../outside", scene.host("store/link")).unwrap();
    custodian.remove_tree(At::store(&file)).unwrap();
    custodian.remove_tree(At::store(&link)).unwrap();
    assert_eq!(fs::read_dir(scene.host("store")).unwrap().count(), 0);
    assert_eq!(scene.outside(), before);
    assert_eq!(manifest(&scene.host("ws")), inside);
}

#[test]
fn trees_of_the_workspace_are_never_removed_this_way() {
    let scene = Scene::new();
    let custodian = scene.custodian();
    let a = rel("a");
    let removed = custodian.remove_tree(At::workspace(&a));
    assert_eq!(kind(removed), ErrorKind::PermissionDenied);
    assert!(scene.ws("a/b/in.txt").exists());
}
