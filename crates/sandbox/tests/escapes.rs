//! Every way out that a path or a link can name.

use std::fs;

use aifirst_sandbox::{ErrorKind, Flow, Leaf, Links, RawRel, Rules, WalkEnd, WalkLimits};

use crate::scene::{INSIDE, Scene, kind, rel, text};

#[test]
fn lesson_b1_sibling_prefix_is_outside() {
    let scene = Scene::new();
    let ws = scene.open();
    let evil = scene.host("ws-evil/secret");
    assert_eq!(
        kind(ws.normalize(evil.to_str().unwrap())),
        ErrorKind::Escape
    );
    scene.link("../ws-evil", "evil");
    assert_eq!(kind(ws.open_file(&rel("evil/secret"))), ErrorKind::Escape);
    assert_eq!(kind(ws.open_dir(&rel("evil"))), ErrorKind::Escape);
}

/// Name of the link, its target, what reading through it gives.
fn link_rows(scene: &Scene) -> Vec<(&'static str, String, ErrorKind)> {
    let abs = |path: &str| scene.host(path).to_str().unwrap().to_owned();
    vec![
        ("out", "../outside/secret".into(), ErrorKind::Escape),
        ("outdir", "../outside/dir".into(), ErrorKind::Escape),
        ("abs", abs("outside/secret"), ErrorKind::Escape),
        // As openat2 has it: an absolute target leaves, wherever it comes back.
        ("absin", abs("ws/ok.txt"), ErrorKind::Escape),
        ("comesback", "../ws/ok.txt".into(), ErrorKind::Escape),
        ("absent", "../outside/new".into(), ErrorKind::Escape),
        ("absentabs", abs("outside/new"), ErrorKind::Escape),
        ("chain", "chain2".into(), ErrorKind::Escape),
        ("chain2", "a/../chain3".into(), ErrorKind::Escape),
        (
            "chain3",
            "a/b/../../../outside/secret".into(),
            ErrorKind::Escape,
        ),
        ("slash", "../outside/dir/".into(), ErrorKind::Escape),
        ("root", "/".into(), ErrorKind::Escape),
        ("dotdot", "..".into(), ErrorKind::Escape),
        (
            "proc",
            "/proc/self/root/etc/passwd".into(),
            ErrorKind::Escape,
        ),
        ("loop", "loop".into(), ErrorKind::LinkLoop),
        ("ping", "pong".into(), ErrorKind::LinkLoop),
        ("pong", "a/../ping".into(), ErrorKind::LinkLoop),
        ("dangling", "nothing/here".into(), ErrorKind::NotFound),
        ("lexical", "nothing/../ok.txt".into(), ErrorKind::NotFound),
        (
            "through",
            "ok.txt/../ok.txt".into(),
            ErrorKind::NotADirectory,
        ),
        ("filedot", "ok.txt/.".into(), ErrorKind::NotADirectory),
        ("fileslash", "ok.txt/".into(), ErrorKind::NotADirectory),
        ("ours", ".aifirst-x".into(), ErrorKind::ProtectedName),
    ]
}

#[test]
fn lesson_b2_links_out_are_refused_alike_whether_the_target_exists() {
    let scene = Scene::new();
    let rows = link_rows(&scene);
    for (name, target, _) in &rows {
        scene.link(target, name);
    }
    let ws = scene.open();
    let before = scene.outside();
    for (name, target, expected) in &rows {
        let path = rel(name);
        assert_eq!(kind(ws.open_file(&path)), *expected, "{name} -> {target}");
        assert_eq!(kind(ws.open_dir(&path)), *expected, "{name} -> {target}");
        assert_eq!(
            kind(ws.open_dir(&rel(&format!("{name}/x")))),
            *expected,
            "{name}"
        );
        let walked = ws.walk(&path, WalkLimits::default(), &mut |_| unreachable!());
        assert_eq!(kind(walked), *expected, "{name}");
        // The link itself can be looked at and read.
        assert!(ws.stat_at(&path).unwrap().is_some(), "{name}");
        assert_eq!(ws.read_link(&path).unwrap(), target.as_bytes(), "{name}");
        let denied = ws.with_rules(Rules::default().links(Links::Deny));
        assert_eq!(
            kind(denied.open_file(&path)),
            ErrorKind::LinkDenied,
            "{name}"
        );
    }
    let message = |name: &str| {
        let error = ws.open_file(&rel(name)).unwrap_err();
        (
            error.kind(),
            error.to_string().replace(&format!(" {name}:"), " NAME:"),
        )
    };
    assert_eq!(message("out"), message("absent"));
    assert_eq!(message("abs"), message("absentabs"));
    let absent = ws.resolve(&rel("absent"), Leaf::Follow);
    assert_eq!(kind(absent), ErrorKind::Escape);
    assert_eq!(scene.outside(), before);
}

#[test]
fn links_that_stay_inside_are_followed_and_named_without_links() {
    let scene = Scene::new();
    for (name, target) in [
        ("l1", "ok.txt"),
        ("l2", "./a//b/in.txt"),
        ("l3", "a/b/../b/in.txt"),
        ("l4", "l3"),
        ("dirlink", "a/b"),
        ("dirslash", "a/b/"),
        ("a/up", "../ok.txt"),
        ("a/top", ".."),
    ] {
        scene.link(target, name);
    }
    let ws = scene.open();
    for (path, canonical) in [
        ("l1", "ok.txt"),
        ("l2", "a/b/in.txt"),
        ("l3", "a/b/in.txt"),
        ("l4", "a/b/in.txt"),
        ("dirlink/in.txt", "a/b/in.txt"),
        ("dirslash/in.txt", "a/b/in.txt"),
        ("a/up", "ok.txt"),
        ("a/top/a/top/l1", "ok.txt"),
    ] {
        let resolved = ws.resolve(&rel(path), Leaf::Follow).unwrap();
        assert_eq!(resolved.path, rel(canonical), "{path}");
        assert_eq!(resolved.missing, 0);
        assert_eq!(text(&ws.open_file(&rel(path)).unwrap()), INSIDE, "{path}");
        assert_eq!(kind(ws.pin(&rel("dirlink/in.txt"))), ErrorKind::LinkDenied);
    }
    let kept = ws.resolve(&rel("dirlink"), Leaf::Keep).unwrap();
    assert_eq!(kept.path, rel("dirlink"));
    let kept = ws.resolve(&rel("a/top/dirlink"), Leaf::Keep).unwrap();
    assert_eq!(kept.path, rel("dirlink"));
    assert!(
        ws.resolve(&rel("a/top"), Leaf::Follow)
            .unwrap()
            .path
            .is_root()
    );
    // Forty links are the kernel's bound, and ours.
    for n in 0..41 {
        scene.link(format!("n{}", n + 1), &format!("n{n}"));
    }
    fs::write(scene.ws("n41"), INSIDE).unwrap();
    assert_eq!(text(&ws.open_file(&rel("n1")).unwrap()), INSIDE);
    assert_eq!(kind(ws.open_file(&rel("n0"))), ErrorKind::LinkLoop);
}

#[test]
fn what_does_not_exist_is_counted() {
    let scene = Scene::new();
    scene.link("a/new", "dangling");
    scene.link("a", "dir");
    let ws = scene.open();
    for (path, canonical, missing) in [
        ("new", "new", 1),
        ("a/b/new", "a/b/new", 1),
        ("a/n1/n2/n3", "a/n1/n2/n3", 3),
        ("dangling", "a/new", 1),
        ("dangling/x", "a/new/x", 2),
        ("dir/n1/n2", "a/n1/n2", 2),
        ("ok.txt", "ok.txt", 0),
    ] {
        let resolved = ws.resolve(&rel(path), Leaf::Follow).unwrap();
        assert_eq!((resolved.path, resolved.missing), (rel(canonical), missing));
        assert_eq!(resolved.found.is_none(), missing > 0, "{path}");
    }
    assert_eq!(
        kind(ws.resolve(&rel("ok.txt/x"), Leaf::Follow)),
        ErrorKind::NotADirectory
    );
    assert_eq!(ws.stat_at(&rel("nothing/at/all")).unwrap(), None);
}

#[test]
fn lesson_b4_spellings_that_fooled_other_guards_are_no_paths() {
    for bytes in [
        &b"../"[..],
        b"..",
        b"a/..",
        b"a/../..",
        b"./a",
        b"a/.",
        b"a//b",
        b"a/",
        b"/a",
        b".",
        b"",
        b"link/",
        b"a/./../b",
    ] {
        assert!(RawRel::parse(bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn lesson_b7_no_byte_is_changed_or_cut() {
    let scene = Scene::new();
    let ws = scene.open();
    assert!(RawRel::parse(b"ok.txt\0.png").is_err());
    assert_eq!(
        kind(ws.open_file(&rel("%2e%2e/outside/secret"))),
        ErrorKind::NotFound
    );
    assert_eq!(kind(ws.open_file(&rel("ok.txt "))), ErrorKind::NotFound);
    fs::create_dir(scene.ws("%2e%2e")).unwrap();
    fs::write(scene.ws("%2e%2e/x"), INSIDE).unwrap();
    assert_eq!(text(&ws.open_file(&rel("%2e%2e/x")).unwrap()), INSIDE);
}

#[test]
fn a_root_moved_away_is_still_the_root_and_its_stand_in_is_not() {
    let scene = Scene::new();
    let ws = scene.open();
    fs::rename(scene.host("ws"), scene.host("moved")).unwrap();
    std::os::unix::fs::symlink("outside", scene.host("ws")).unwrap();
    assert_eq!(text(&ws.open_file(&rel("ok.txt")).unwrap()), INSIDE);
    assert_eq!(kind(ws.open_file(&rel("secret"))), ErrorKind::NotFound);
    let spelled = scene.host("ws/ok.txt");
    assert_eq!(
        kind(ws.normalize(spelled.to_str().unwrap())),
        ErrorKind::Escape
    );
    let spelled = scene.host("moved/ok.txt");
    assert_eq!(
        ws.normalize(spelled.to_str().unwrap()).unwrap().as_str(),
        "ok.txt"
    );
}

#[test]
fn a_deleted_root_holds_nothing() {
    let scene = Scene::new();
    let ws = scene.open();
    fs::remove_dir_all(scene.host("ws")).unwrap();
    assert_eq!(kind(ws.open_file(&rel("ok.txt"))), ErrorKind::NotFound);
    assert_eq!(ws.stat_at(&rel("ok.txt")).unwrap(), None);
    let mut seen = 0;
    let walked = ws.walk(&RawRel::root(), WalkLimits::default(), &mut |_| {
        seen += 1;
        Flow::Continue
    });
    assert!(matches!(walked, Ok(WalkEnd::Complete)) || walked.is_err());
    assert_eq!(seen, 0);
}
