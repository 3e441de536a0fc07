//! Names that belong to the runtime, by name, by disguise and through links.

use std::fs;

use aifirst_sandbox::{Barrier, ErrorKind, Flow, Leaf, RawRel, WalkEnd, WalkLimits};

use crate::scene::{INSIDE, Scene, kind, rel};

#[test]
fn lesson_b8_protected_names_are_refused_by_name_case_and_link() {
    let scene = Scene::new();
    fs::create_dir(scene.ws(".aifirst-store-1")).unwrap();
    fs::write(scene.ws(".aifirst-store-1/k"), INSIDE).unwrap();
    scene.link(".aifirst-store-1", "innocent");
    scene.link("a/../.aifirst-store-1/k", "file");
    scene.link("../.aifirst-store-1", "a/deep");
    scene.link(".aifirst-new", "dangling");
    let ws = scene.open();
    for path in [
        ".aifirst-store-1",
        ".aifirst-store-1/k",
        ".AIFIRST-store-1/k",
        ".AiFirst-Store-1",
        ".aifir\u{17f}t-x",
        ".ai\u{200d}first-x",
        "a/.aifirst-x/y",
        "innocent/k",
        "file",
        "a/deep/k",
        "dangling",
    ] {
        assert_eq!(
            kind(ws.open_file(&rel(path))),
            ErrorKind::ProtectedName,
            "{path}"
        );
        assert_eq!(
            kind(ws.resolve(&rel(path), Leaf::Follow)),
            ErrorKind::ProtectedName,
            "{path}"
        );
    }
    for path in [".aifirst-store-1", "innocent", "a/deep"] {
        assert_eq!(
            kind(ws.open_dir(&rel(path))),
            ErrorKind::ProtectedName,
            "{path}"
        );
    }
    for path in [".aifirst-store-1/k", "innocent/k"] {
        assert_eq!(
            kind(ws.stat_at(&rel(path))),
            ErrorKind::ProtectedName,
            "{path}"
        );
        assert!(ws.pin(&rel(path)).is_err(), "{path}");
    }
    // The controls: names that only resemble ours.
    for name in [".aifirst", "aifirst-x", ".aifirs-t"] {
        fs::write(scene.ws(name), INSIDE).unwrap();
        assert!(ws.open_file(&rel(name)).is_ok(), "{name}");
    }
}

#[test]
fn a_walk_shows_our_folder_and_does_not_enter_it() {
    let scene = Scene::new();
    fs::create_dir(scene.ws("a/.aifirst-x")).unwrap();
    fs::write(scene.ws("a/.aifirst-x/k"), INSIDE).unwrap();
    let mut barred = Vec::new();
    let end = scene
        .open()
        .walk(&RawRel::root(), WalkLimits::default(), &mut |entry| {
            assert_ne!(entry.path, &rel("a/.aifirst-x/k"));
            if let Some(barrier) = entry.barrier {
                barred.push((entry.path.clone(), barrier));
            }
            Flow::Continue
        });
    assert_eq!(end.unwrap(), WalkEnd::Complete);
    assert_eq!(barred, [(rel("a/.aifirst-x"), Barrier::Protected)]);
}
