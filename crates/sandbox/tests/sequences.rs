//! Random calls on trees full of links: nothing outside changes, and no descriptor is left.

use std::fs;

use aifirst_sandbox::{At, Flow, How, Leaf, RawRel, Side, Sync, Time, WalkLimits};
use proptest::prelude::*;

use crate::scene::{SECRET, Scene};

#[derive(Clone, Debug)]
enum Call {
    Read(RawRel),
    Resolve(RawRel),
    List(RawRel),
    Walk(RawRel),
    Make(Side, RawRel),
    Unnamed(Side, RawRel),
    Folder(Side, RawRel),
    Link(Side, RawRel, Vec<u8>),
    Rename(Side, RawRel, Side, RawRel, How),
    Double(Side, RawRel, Side, RawRel),
    Unlink(Side, RawRel),
    RemoveDir(Side, RawRel),
    RemoveTree(Side, RawRel),
    Fields(Side, RawRel),
}

fn path() -> impl Strategy<Value = RawRel> {
    let name = prop::sample::select(vec!["a", "b", "ok.txt", "x", "out", "abs", "up", "new"]);
    prop::collection::vec(name, 0..4).prop_map(|names| {
        names
            .iter()
            .fold(RawRel::root(), |at, name| at.join(name.as_bytes()).unwrap())
    })
}

fn side() -> impl Strategy<Value = Side> {
    prop::sample::select(vec![Side::Workspace, Side::Store])
}

fn call() -> impl Strategy<Value = Call> {
    let target = prop::sample::select(vec![
        &b"../outside"[..],
        b"../../outside/secret",
        b"..",
        b"../..",
        b"a",
        b"/",
        b"../ws/a",
        b"ok.txt",
    ]);
    let how = prop::sample::select(vec![How::NoReplace, How::Exchange]);
    prop_oneof![
        path().prop_map(Call::Read),
        path().prop_map(Call::Resolve),
        path().prop_map(Call::List),
        path().prop_map(Call::Walk),
        (side(), path()).prop_map(|(s, p)| Call::Make(s, p)),
        (side(), path()).prop_map(|(s, p)| Call::Unnamed(s, p)),
        (side(), path()).prop_map(|(s, p)| Call::Folder(s, p)),
        (side(), path(), target).prop_map(|(s, p, t)| Call::Link(s, p, t.to_vec())),
        (side(), path(), side(), path(), how)
            .prop_map(|(s, p, t, q, how)| Call::Rename(s, p, t, q, how)),
        (side(), path(), side(), path()).prop_map(|(s, p, t, q)| Call::Double(s, p, t, q)),
        (side(), path()).prop_map(|(s, p)| Call::Unlink(s, p)),
        (side(), path()).prop_map(|(s, p)| Call::RemoveDir(s, p)),
        (side(), path()).prop_map(|(s, p)| Call::RemoveTree(s, p)),
        (side(), path()).prop_map(|(s, p)| Call::Fields(s, p)),
    ]
}

/// Descriptors of this process that lead into the scene.
fn held(scene: &Scene) -> usize {
    let top = scene.host("");
    fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
        .filter(|target| target.starts_with(&top))
        .count()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_outside_changes_and_no_descriptor_is_left(calls in prop::collection::vec(call(), 1..24)) {
        let scene = Scene::new();
        scene.link("../outside", "out");
        scene.link(scene.host("outside"), "a/abs");
        scene.link("../..", "a/up");
        scene.link("../outside/secret", "b/out");
        let before = (scene.outside(), fs::metadata(scene.host("")).unwrap().modified().unwrap());
        let ws = scene.open();
        let custodian = scene.custodian();
        let resting = held(&scene);
        for call in calls {
            match call {
                Call::Read(path) => {
                    if let Ok(file) = ws.open_file(&path) {
                        prop_assert_ne!(crate::scene::text(&file), SECRET);
                    }
                }
                Call::Resolve(path) => {
                    for leaf in [Leaf::Follow, Leaf::Keep] {
                        let _ = ws.resolve(&path, leaf);
                        let _ = ws.stat_at(&path);
                        let _ = ws.read_link(&path);
                    }
                }
                Call::List(path) => {
                    if let Ok(dir) = ws.open_dir(&path) {
                        prop_assert!(dir.stat(b"secret").unwrap().is_none());
                    }
                }
                Call::Walk(path) => {
                    let _ = ws.walk(&path, WalkLimits::default(), &mut |_| Flow::Continue);
                }
                Call::Make(side, path) => {
                    if let Ok(made) = custodian.make_file(At { side, path: &path }, 0o644) {
                        made.write_at(0, b"made").unwrap();
                    }
                }
                Call::Unnamed(side, path) => {
                    let parent = path.parent().unwrap_or_else(RawRel::root);
                    if let Ok(made) = custodian.make_unnamed(At { side, path: &parent }, 0o644) {
                        let _ = custodian.publish(&made, At { side, path: &path });
                    }
                }
                Call::Folder(side, path) => drop(custodian.make_dir(At { side, path: &path }, 0o755)),
                Call::Link(side, path, target) => {
                    drop(custodian.make_symlink(At { side, path: &path }, &target));
                }
                Call::Rename(side, path, other, to, how) => {
                    let to = At { side: other, path: &to };
                    drop(custodian.rename(At { side, path: &path }, to, how));
                }
                Call::Double(side, path, other, to) => {
                        let to = At { side: other, path: &to };
                        drop(custodian.link(At { side, path: &path }, to));
                }
                Call::Unlink(side, path) => {
                    drop(custodian.unlink(At { side, path: &path }));
                }
                Call::RemoveDir(side, path) => drop(custodian.remove_dir(At { side, path: &path })),
                Call::RemoveTree(side, path) => {
                    let removed = custodian.remove_tree(At { side, path: &path });
                    prop_assert!(side == Side::Store || removed.is_err());
                }
                Call::Fields(side, path) => {
                    let at = At { side, path: &path };
                    let _ = custodian.set_mode(at, 0o700);
                    let _ = custodian.set_times(at, Time { sec: 1, nsec: 2 });
                    let _ = custodian.set_xattr(at, b"user.x", b"y");
                    let _ = custodian.sync(at, Sync::Data);
                    let _ = custodian.xattrs(at);
                }
            }
        }
        prop_assert_eq!(held(&scene), resting);
        prop_assert!(scene.host("ws").is_dir() && scene.host("store").is_dir());
        let after = (scene.outside(), fs::metadata(scene.host("")).unwrap().modified().unwrap());
        prop_assert_eq!(after, before);
    }
}
