//! Walking trees.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use aifirst_sandbox::{
    Barrier, ErrorKind, Flow, Kind, RawRel, Unreadable, WalkEnd, WalkLimits, Workspace,
};

use crate::scene::{Scene, is_root, kind, rel, skipped};

fn walked(ws: &Workspace, from: &RawRel, limits: WalkLimits) -> (Vec<String>, WalkEnd) {
    let mut seen = Vec::new();
    let end = ws
        .walk(from, limits, &mut |entry| {
            seen.push(entry.path.to_string());
            Flow::Continue
        })
        .unwrap();
    (seen, end)
}

#[test]
fn a_walk_is_complete_in_order_and_follows_no_link() {
    let scene = Scene::new();
    scene.link("../outside", "out");
    scene.link("..", "a/up");
    fs::write(scene.ws("a-b"), "").unwrap();
    let ws = scene.open();
    let root = RawRel::root();
    let (seen, end) = walked(&ws, &root, WalkLimits::default());
    assert_eq!(end, WalkEnd::Complete);
    let expected = [
        "a",
        "a/b",
        "a/b/in.txt",
        "a/up",
        "a-b",
        "b",
        "b/x",
        "ok.txt",
        "out",
    ];
    assert_eq!(seen, expected);
    let mut sorted: Vec<RawRel> = seen.iter().map(|path| rel(path)).collect();
    sorted.sort();
    let sorted: Vec<String> = sorted.iter().map(ToString::to_string).collect();
    assert_eq!(seen, sorted, "the walk's order is the paths' own");
    scene.link("a", "alias");
    let (seen, _) = walked(&ws, &rel("alias"), WalkLimits::default());
    assert_eq!(
        seen,
        ["a/b", "a/b/in.txt", "a/up"],
        "the start is named without links"
    );
}

#[test]
fn a_walk_stops_skips_and_counts() {
    let scene = Scene::new();
    let ws = scene.open();
    let root = RawRel::root();
    let mut limits = WalkLimits::default();
    let all = walked(&ws, &root, limits).0.len() as u64;
    limits.entries = Some(all);
    assert_eq!(walked(&ws, &root, limits).1, WalkEnd::Complete);
    limits.entries = Some(all - 1);
    let (seen, end) = walked(&ws, &root, limits);
    assert_eq!((seen.len() as u64, end), (all - 1, WalkEnd::EntryLimit));
    let mut seen = Vec::new();
    let end = ws.walk(&root, WalkLimits::default(), &mut |entry| {
        seen.push(entry.path.to_string());
        match entry.path.as_bytes() {
            b"a" => Flow::SkipFolder,
            b"b/x" => Flow::Stop,
            _ => Flow::Continue,
        }
    });
    assert_eq!(end.unwrap(), WalkEnd::Stopped);
    assert_eq!(seen, ["a", "b", "b/x"]);
    assert_eq!(
        kind(ws.walk(&rel("nope"), WalkLimits::default(), &mut |_| Flow::Continue)),
        ErrorKind::NotFound
    );
    assert_eq!(
        kind(ws.walk(&rel("ok.txt"), WalkLimits::default(), &mut |_| {
            Flow::Continue
        })),
        ErrorKind::NotADirectory
    );
}

#[test]
fn a_walk_ends_with_an_error_beyond_its_depth() {
    let scene = Scene::new();
    let deep = ["d"; 12].join("/");
    fs::create_dir_all(scene.ws(&deep)).unwrap();
    let ws = scene.open();
    let mut limits = WalkLimits {
        depth: 12,
        ..WalkLimits::default()
    };
    assert_eq!(walked(&ws, &rel("d"), limits).0.len(), 11);
    limits.depth = 11;
    let error = ws
        .walk(&rel("d"), limits, &mut |_| Flow::Continue)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
}

#[test]
fn an_unreadable_folder_fails_the_walk_unless_it_is_to_be_visited() {
    let scene = Scene::new();
    fs::set_permissions(scene.ws("a"), fs::Permissions::from_mode(0o000)).unwrap();
    if is_root() {
        skipped("root reads every folder");
        return;
    }
    let ws = scene.open();
    let root = RawRel::root();
    assert_eq!(
        kind(ws.walk(&root, WalkLimits::default(), &mut |_| Flow::Continue)),
        ErrorKind::PermissionDenied
    );
    let limits = WalkLimits {
        unreadable: Unreadable::Visit,
        ..WalkLimits::default()
    };
    let mut barred = Vec::new();
    let end = ws.walk(&root, limits, &mut |entry| {
        barred.extend(
            entry
                .barrier
                .map(|barrier| (entry.path.to_string(), barrier)),
        );
        Flow::Continue
    });
    assert_eq!(end.unwrap(), WalkEnd::Complete);
    assert_eq!(barred, [("a".to_owned(), Barrier::Unreadable)]);
    fs::set_permissions(scene.ws("a"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_walk_holds_few_descriptors_at_any_depth() {
    let scene = Scene::new();
    fs::create_dir_all(scene.ws(&vec!["d"; 200].join("/"))).unwrap();
    let mut most = 0;
    let ws = scene.open();
    let before = fs::read_dir("/proc/self/fd").unwrap().count();
    let end = ws.walk(&rel("d"), WalkLimits::default(), &mut |entry| {
        assert_eq!(entry.stat.kind, Kind::Dir);
        most = most.max(fs::read_dir("/proc/self/fd").unwrap().count());
        Flow::Continue
    });
    assert_eq!(end.unwrap(), WalkEnd::Complete);
    // Other tests of this process hold some of their own meanwhile.
    assert!(most < before + 150, "{before} before, {most} at most");
}
