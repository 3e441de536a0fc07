//! Set-ups of the suite that are no single call.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::process::Command;

use aifirst_sandbox::{
    Backend, ErrorKind, Fallback, Leaf, RawRel, Replace, Rules, TempName, Workspace, Write,
};
use proptest::prelude::*;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::kernel::{INNER, inner, traced};
use crate::scene::{INSIDE, Scene, kind, manifest, rel, text};

#[test]
fn without_openat2_a_walk_may_be_chosen_and_shows() {
    if inner() {
        let scene = Scene::new();
        let rules = Rules::default().fallback(Fallback::Walk);
        let ws = scene.open_with(rules);
        assert_eq!(ws.backend(), Backend::Walk);
        assert_eq!(ws.backend().code(), "walk");
        assert_eq!(
            text(&ws.open_file(&rel("a/b/in.txt")).unwrap()),
            INSIDE,
            "it works"
        );
        // Other rules for the same folder change nothing of it.
        assert_eq!(ws.with_rules(Rules::default()).backend(), Backend::Walk);
        return;
    }
    let scene = Scene::new();
    let chosen = scene.open_with(Rules::default().fallback(Fallback::Walk));
    assert_eq!(
        chosen.backend(),
        Backend::Openat2,
        "where it is, it is used"
    );
    for errno in ["ENOSYS", "EPERM"] {
        let name = "attacks::alone::without_openat2_a_walk_may_be_chosen_and_shows";
        let inject = format!("inject=openat2:error={errno}");
        let Some((passed, trace)) = traced(name, &["-e", "trace=openat2", "-e", &inject]) else {
            return;
        };
        assert_eq!(
            trace.matches("(INJECTED)").count(),
            1,
            "asked once, for good"
        );
        assert!(passed, "{errno}");
    }
}

/// The content is on disk before it gets its name: a disk that fails then has changed nothing.
#[test]
fn t5_a_sync_that_fails_leaves_the_old_content_and_says_so() {
    if inner() {
        let scene = Scene::new();
        let ws = scene.open();
        for (path, replace) in [
            ("ok.txt", Replace::Atomic),
            ("a/b/in.txt", Replace::Atomic),
            ("new", Replace::Refuse),
        ] {
            let before = manifest(&scene.host("ws"));
            let how = Write::new(TempName::from_random([9; 16])).replace(replace);
            let error = ws.write_file(&rel(path), b"later", &how).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Io, "{error}");
            assert_eq!(error.raw_os_error(), Some(5), "{error}");
            assert_eq!(manifest(&scene.host("ws")), before, "{path}");
        }
        return;
    }
    let name = "attacks::alone::t5_a_sync_that_fails_leaves_the_old_content_and_says_so";
    let inject = "inject=fsync,fdatasync:error=EIO";
    if let Some((passed, trace)) = traced(name, &["-e", "trace=fsync,fdatasync", "-e", inject]) {
        assert!(passed);
        assert_eq!(trace.matches("(INJECTED)").count(), 3, "one each");
    }
}

#[test]
fn fields_of_an_entry_are_of_the_folder_that_was_opened() {
    let scene = Scene::new();
    fs::create_dir(scene.ws("d")).unwrap();
    fs::write(scene.ws("d/f"), INSIDE).unwrap();
    scene.link("../outside/dir", "dlink");
    let own = fs::metadata(scene.ws("d/f")).unwrap().ino();
    for ws in [scene.open(), walking(&scene, Rules::default())] {
        let dir = ws.open_dir(&rel("d")).unwrap();
        let swap = || {
            let (d, link) = (scene.ws("d"), scene.ws("dlink"));
            renameat_with(CWD, d, CWD, link, RenameFlags::EXCHANGE).unwrap();
        };
        swap();
        assert_eq!(dir.entries().unwrap().len(), 1);
        assert_eq!(dir.stat(b"f").unwrap().unwrap().identity.ino, own);
        assert!(dir.stat(b"keep").unwrap().is_none());
        assert_eq!(kind(ws.open_file(&rel("d/f"))), ErrorKind::Escape);
        swap();
    }
}

/// What cannot be prevented is at least no more than said: the held folder, wherever it is now.
#[test]
fn a_folder_moved_out_while_it_is_held_is_still_that_folder() {
    let scene = Scene::new();
    for ws in [scene.open(), walking(&scene, Rules::default())] {
        let dir = ws.open_dir(&rel("a")).unwrap();
        let away = scene.host("outside/away");
        fs::rename(scene.ws("a"), &away).unwrap();
        let names: Vec<_> = dir.entries().unwrap().into_iter().map(|e| e.name).collect();
        assert_eq!(names, [Box::from(&b"b"[..])], "nothing of outside");
        assert_eq!(kind(ws.open_file(&rel("a/b/in.txt"))), ErrorKind::NotFound);
        assert_eq!(kind(ws.open_dir(&rel("a"))), ErrorKind::NotFound);
        fs::rename(&away, scene.ws("a")).unwrap();
    }
}

#[test]
fn with_no_descriptor_left_calls_fail_and_hold_none() {
    if !inner() {
        let name = "attacks::alone::with_no_descriptor_left_calls_fail_and_hold_none";
        let run = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", name])
            .env(INNER, "1")
            .output()
            .unwrap();
        print!("{}", String::from_utf8_lossy(&run.stdout));
        assert!(
            run.status.success(),
            "{}",
            String::from_utf8_lossy(&run.stderr)
        );
        return;
    }
    let scene = Scene::new();
    scene.link("a/b/in.txt", "l");
    let every = [scene.open(), walking(&scene, Rules::default())];
    let held = || fs::read_dir("/proc/self/fd").unwrap().count();
    let before = held();
    let most = getrlimit(Resource::Nofile);
    let mut failed = 0;
    // The first free number is `before - 1`: reading the list of them took one itself.
    for room in 0..6 {
        let current = Some(u64::try_from(before).unwrap() - 1 + room);
        for ws in &every {
            let limit = Rlimit { current, ..most };
            setrlimit(Resource::Nofile, limit).unwrap();
            let read = ws.open_file(&rel("l")).map(drop);
            let listed = ws.open_dir(&rel("a/b")).and_then(|dir| dir.entries());
            let resolved = ws.resolve(&rel("l"), Leaf::Follow).map(drop);
            setrlimit(Resource::Nofile, most).unwrap();
            for error in [read.err(), listed.err(), resolved.err()]
                .into_iter()
                .flatten()
            {
                assert_eq!(error.kind(), ErrorKind::Io, "{error}");
                assert!(error.can_retry(), "{error}");
                failed += 1;
            }
            assert_eq!(held(), before, "a descriptor is left");
        }
    }
    assert!(failed > 0, "the limit was never met");
    assert!(every.iter().all(|ws| ws.open_file(&rel("l")).is_ok()));
}

pub(super) fn walking(scene: &Scene, rules: Rules) -> Workspace {
    Workspace::open_walking(&scene.host("ws"), rules).unwrap()
}

#[derive(Clone, Debug)]
enum Thing {
    File(Vec<&'static str>),
    Dir(Vec<&'static str>),
    Link(Vec<&'static str>, &'static str),
    Fifo(Vec<&'static str>),
    Hard(Vec<&'static str>),
}

const NAMES: [&str; 5] = ["a", "b", "x", "ok.txt", ".aifirst-x"];

fn names() -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(NAMES.to_vec()), 1..4)
}

fn thing() -> impl Strategy<Value = Thing> {
    let target = prop::sample::select(vec![
        "a",
        "b/x",
        "../a",
        "..",
        ".",
        "../..",
        "../../outside/secret",
        "/",
        "nope",
        "x/",
        "./b/../a",
    ]);
    prop_oneof![
        names().prop_map(Thing::File),
        names().prop_map(Thing::Dir),
        (names(), target).prop_map(|(at, to)| Thing::Link(at, to)),
        names().prop_map(Thing::Fifo),
        names().prop_map(Thing::Hard),
    ]
}

/// What a call came to, so that two can be compared.
fn said<T>(result: Result<T, aifirst_sandbox::Error>, what: impl Fn(T) -> String) -> String {
    match result {
        Ok(value) => what(value),
        Err(error) => format!("{error} ({:?})", error.raw_os_error()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// On any tree, both give the same object or the same refusal, to the letter.
    #[test]
    fn both_backends_give_the_same_answers(
        things in prop::collection::vec(thing(), 0..12),
        asked in prop::collection::vec(names(), 1..12),
    ) {
        let scene = Scene::new();
        for thing in things {
            let at = |names: &[&str]| scene.ws(&names.join("/"));
            // What is there already, or has no folder, is left.
            match thing {
                // Never over a FIFO, which would wait.
                Thing::File(names) => drop(fs::File::create_new(at(&names))),
                Thing::Dir(names) => drop(fs::create_dir(at(&names))),
                Thing::Link(names, target) => drop(symlink(target, at(&names))),
                Thing::Fifo(names) => drop(rustix::fs::mkfifoat(CWD, at(&names), 0o600.into())),
                Thing::Hard(names) => drop(fs::hard_link(scene.ws("b/x"), at(&names))),
            }
        }
        let listed = vec![aifirst_sandbox::RelPath::parse("a").unwrap()];
        for rules in [Rules::default(), Rules::default().mounts(listed)] {
            let (one, other) = (scene.open_with(rules.clone()), walking(&scene, rules));
            for names in &asked {
                let path = rel(&names.join("/"));
                let answers = |ws: &Workspace, path: &RawRel| {
                    let ino = |stat: &aifirst_sandbox::Stat| format!("{:?}", stat.identity);
                    vec![
                        said(ws.open_file(path), |file| ino(file.stat())),
                        said(ws.open_dir(path), |dir| ino(dir.folder())),
                        said(ws.pin(path), |pinned| ino(pinned.stat())),
                        said(ws.stat_at(path), |stat| format!("{:?}", stat.map(|s| s.identity))),
                        said(ws.read_link(path), |target| format!("{target:?}")),
                        said(ws.resolve(path, Leaf::Follow), |r| format!("{} {}", r.path, r.missing)),
                        said(ws.resolve(path, Leaf::Keep), |r| format!("{} {}", r.path, r.missing)),
                    ]
                };
                prop_assert_eq!(answers(&one, &path), answers(&other, &path), "{}", path);
            }
        }
    }
}
