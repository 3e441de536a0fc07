//! From what people and agents write to the one spelling of a path.

use aifirst_sandbox::{ErrorKind, Leaf, NameFault, RawRel, RelPath, Rules, Workspace};
use proptest::prelude::*;

use crate::scene::{Scene, kind, rel};

/// What is spelled; `{ws}` is the root's own path. What it means, or why it is refused.
const TABLE: &[(&str, Result<&str, ErrorKind>)] = &[
    ("ok.txt", Ok("ok.txt")),
    ("./ok.txt", Ok("ok.txt")),
    ("././ok.txt", Ok("ok.txt")),
    (".//ok.txt", Ok("ok.txt")),
    ("a/b/in.txt", Ok("a/b/in.txt")),
    ("a//b///in.txt", Ok("a/b/in.txt")),
    ("a/./b/./in.txt", Ok("a/b/in.txt")),
    ("a/b/", Ok("a/b")),
    ("a/b/.", Ok("a/b")),
    ("a/b/../b/in.txt", Ok("a/b/in.txt")),
    ("nope/../ok.txt", Ok("ok.txt")),
    ("a/b/../../ok.txt", Ok("ok.txt")),
    ("ok.txt/", Ok("ok.txt")),
    (".", Ok(".")),
    ("./", Ok(".")),
    ("a/..", Ok(".")),
    ("a/../", Ok(".")),
    ("..", Err(ErrorKind::Escape)),
    ("../", Err(ErrorKind::Escape)),
    ("../ws/ok.txt", Err(ErrorKind::Escape)),
    ("../ws-evil/secret", Err(ErrorKind::Escape)),
    ("a/../../outside/secret", Err(ErrorKind::Escape)),
    ("a/../../ws/ok.txt", Err(ErrorKind::Escape)),
    ("./../outside/secret", Err(ErrorKind::Escape)),
    ("a//b//..//..//..//outside", Err(ErrorKind::Escape)),
    ("/", Err(ErrorKind::Escape)),
    ("//", Err(ErrorKind::Escape)),
    ("/etc/passwd", Err(ErrorKind::Escape)),
    ("/no/such/place", Err(ErrorKind::Escape)),
    ("/..", Err(ErrorKind::Escape)),
    ("{ws}", Ok(".")),
    ("{ws}/", Ok(".")),
    ("{ws}/ok.txt", Ok("ok.txt")),
    ("/{ws}//./a/b/../x", Ok("a/x")),
    ("{ws}/nope/new.txt", Ok("nope/new.txt")),
    ("{ws}/..", Err(ErrorKind::Escape)),
    ("{ws}/../ws/ok.txt", Ok("ok.txt")),
    ("{ws}/../ws-evil/secret", Err(ErrorKind::Escape)),
    ("{ws}-evil/secret", Err(ErrorKind::Escape)),
    ("{ws}/../outside/secret", Err(ErrorKind::Escape)),
    ("", Err(ErrorKind::BadName(NameFault::Empty))),
    ("~", Err(ErrorKind::BadName(NameFault::Tilde))),
    ("~/x", Err(ErrorKind::BadName(NameFault::Tilde))),
    ("./~/x", Err(ErrorKind::BadName(NameFault::Tilde))),
    ("a/../~/x", Err(ErrorKind::BadName(NameFault::Tilde))),
    ("a/~/x", Ok("a/~/x")),
    ("~backup", Ok("~backup")),
    ("a\0.png", Err(ErrorKind::BadName(NameFault::Nul))),
    ("a\u{1b}[2J", Err(ErrorKind::BadName(NameFault::Control))),
    ("a\nb", Err(ErrorKind::BadName(NameFault::Control))),
    ("a\u{202e}b", Err(ErrorKind::BadName(NameFault::Bidi))),
    ("a\u{200b}b", Err(ErrorKind::BadName(NameFault::Invisible))),
    // Nothing is decoded, folded or trimmed.
    ("%2e%2e/outside", Ok("%2e%2e/outside")),
    ("..\\outside", Ok("..\\outside")),
    ("\u{ff0e}\u{ff0e}/outside", Ok("\u{ff0e}\u{ff0e}/outside")),
    (" ../outside", Ok(" ../outside")),
    ("...", Ok("...")),
    ("file:///etc/passwd", Ok("file:/etc/passwd")),
    ("C:\\Windows", Ok("C:\\Windows")),
];

#[test]
fn every_spelling_means_one_path_or_is_refused() {
    let scene = Scene::new();
    let ws = scene.open();
    let own = scene.host("ws").to_str().unwrap().to_owned();
    for (spelled, expected) in TABLE {
        let spelled = spelled.replace("{ws}", &own);
        let got = ws.normalize(&spelled);
        match expected {
            Ok(path) => assert_eq!(got.unwrap().as_str(), *path, "{spelled:?}"),
            Err(why) => {
                let error = got.unwrap_err();
                assert_eq!(error.kind(), *why, "{spelled:?}");
                assert!(!error.to_string().contains(&own), "{error}");
                assert!(!error.to_string().contains("/etc"), "{error}");
            }
        }
    }
}

#[test]
fn too_long_is_refused_before_anything_is_cleaned() {
    let scene = Scene::new();
    let ws = scene.open();
    let long = |text: &str, times: usize| text.repeat(times) + "ok.txt";
    let of = |spelled: String| kind(ws.normalize(&spelled));
    let fault = ErrorKind::BadName;
    assert_eq!(of("x".repeat(256)), fault(NameFault::NameTooLong));
    assert_eq!(of(long("a/", 2048)), fault(NameFault::PathTooLong));
    assert_eq!(of(long("a/../", 2000)), fault(NameFault::PathTooLong));
    assert_eq!(of(long("./", 3000)), fault(NameFault::PathTooLong));
    assert_eq!(of(long("a/", 256)), fault(NameFault::TooDeep));
    assert_eq!(
        ws.normalize(&long("a/../", 600)).unwrap().as_str(),
        "ok.txt"
    );
    let error = ws.normalize(&"x".repeat(5_000)).unwrap_err();
    assert!(
        error.to_string().len() < 600,
        "the spelling is cut: {error}"
    );
}

#[test]
fn lesson_a6_tilde_is_refused_and_no_folder_is_made() {
    let scene = Scene::new();
    let ws = scene.open();
    assert_eq!(
        kind(ws.normalize("~/x")),
        ErrorKind::BadName(NameFault::Tilde)
    );
    assert!(!scene.ws("~").exists());
}

#[test]
fn lesson_a10_linked_spellings_of_the_root_reach_the_same_workspace() {
    let scene = Scene::new();
    std::os::unix::fs::symlink(scene.host("ws"), scene.host("alias")).unwrap();
    std::os::unix::fs::symlink(scene.host(""), scene.host("up")).unwrap();
    let through = Workspace::open(&scene.host("alias"), Rules::default()).unwrap();
    let direct = scene.open();
    assert_eq!(through.identity(), direct.identity());
    for ws in [&through, &direct] {
        for spelling in ["ws", "alias", "up/ws", "up/up/alias"] {
            let spelled = scene.host(spelling).join("a/b/in.txt");
            let path = ws.normalize(spelled.to_str().unwrap()).unwrap();
            assert_eq!(path.as_str(), "a/b/in.txt", "{spelling}");
        }
    }
    assert_eq!(
        kind(direct.normalize(scene.host("up/ws-evil/secret").to_str().unwrap())),
        ErrorKind::Escape
    );
}

#[test]
fn names_that_are_not_text_are_reached_byte_for_byte() {
    let scene = Scene::new();
    let ws = scene.open();
    let raw = b"a/\xff\x1b.txt";
    std::fs::write(
        scene
            .ws("a")
            .join(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff\x1b.txt")),
        "raw",
    )
    .unwrap();
    let path = ws.normalize_raw(b"./a//\xff\x1b.txt").unwrap();
    assert_eq!(path.as_bytes(), raw);
    assert_eq!(path.to_rel(), None);
    assert_eq!(path.to_string(), r"a/\xff\x1b.txt");
    assert_eq!(crate::scene::text(&ws.open_file(&path).unwrap()), "raw");
}

#[test]
fn a_path_as_text_travels_as_text() {
    let path = RelPath::parse("src/lib.rs").unwrap();
    assert_eq!(path.as_utf8_path().extension(), Some("rs"));
    assert_eq!(path.parent().unwrap().as_str(), "src");
    assert_eq!(path.name(), Some("lib.rs"));
    assert_eq!(RelPath::root().as_str(), ".");
    assert_eq!(RelPath::root().join("x").unwrap().as_str(), "x");
    assert_eq!(kind(path.join("..")), ErrorKind::BadName(NameFault::DotDot));
    assert_eq!(kind(path.join("a/b")), ErrorKind::BadName(NameFault::Slash));
    let value = serde::de::value::StrDeserializer::<serde::de::value::Error>::new;
    let read = |text| <RelPath as serde::Deserialize>::deserialize(value(text));
    assert_eq!(read("src/lib.rs").unwrap(), path);
    assert!(read(".").unwrap().is_root());
    assert!(read("../x").is_err());
    assert!(read("").is_err());
}

/// A model of the structural rules, written another way round.
fn model(bytes: &[u8]) -> bool {
    let names: Vec<&[u8]> = bytes.split(|b| *b == b'/').collect();
    bytes.len() <= 4095
        && names.len() <= 256
        && names
            .iter()
            .all(|n| (1..=255).contains(&n.len()) && !n.contains(&0) && *n != b"." && *n != b"..")
}

fn token() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(vec![
            "a", "b", "ok.txt", "in.txt", "x", "..", ".", "", "~", "nope",
            "out", "outabs", "up", "self", "deep", "secret", "outside", "ws", "ws-evil",
        ]).prop_map(str::to_owned),
        1 => "\\PC{0,6}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parse_agrees_with_its_model(bytes in prop::collection::vec(
        prop::sample::select(b"a./\0~\xff".to_vec()), 0..24,
    )) {
        let parsed = RawRel::parse(&bytes);
        prop_assert_eq!(parsed.is_ok(), model(&bytes));
        if let Ok(path) = parsed {
            prop_assert_eq!(path.as_bytes(), &bytes[..]);
            let mut again = RawRel::root();
            for name in path.components() {
                again = again.join(name).unwrap();
            }
            prop_assert_eq!(&again, &path);
            prop_assert_eq!(RawRel::from_stored(path.as_bytes()).unwrap(), path);
        }
    }

    #[test]
    fn whatever_is_spelled_stays_beneath(
        parts in prop::collection::vec(token(), 0..7),
        start in prop::sample::select(vec!["", "/", "{ws}/", "{ws}", "./"]),
    ) {
        let scene = linked_scene();
        let ws = scene.open();
        let own = scene.host("ws").to_str().unwrap().to_owned();
        let spelled = start.replace("{ws}", &own) + &parts.join("/");
        let Ok(path) = ws.normalize(&spelled) else { return Ok(()) };
        prop_assert_eq!(RelPath::parse(path.as_str()).ok().or(path.is_root().then(RelPath::root)), Some(path.clone()));
        for leaf in [Leaf::Follow, Leaf::Keep] {
            if let Ok(resolved) = ws.resolve(&path, leaf) {
                prop_assert_eq!(resolved.found.is_none(), resolved.missing > 0);
                if let Some(found) = resolved.found {
                    let here = ws.pin(&resolved.path).unwrap();
                    prop_assert!(here.stat().identity.same_now(&found.stat().identity));
                }
                let host = scene.host("ws").join(resolved.path.to_rel().unwrap().as_str());
                if let Ok(real) = host.canonicalize() && leaf == Leaf::Follow {
                    prop_assert!(real.starts_with(scene.host("ws").canonicalize().unwrap()));
                }
            }
        }
        if let Ok(file) = ws.open_file(&path) {
            prop_assert_eq!(crate::scene::text(&file), crate::scene::INSIDE);
        }
    }
}

fn linked_scene() -> Scene {
    let scene = Scene::new();
    scene.link("../outside", "out");
    scene.link(scene.host("outside"), "outabs");
    scene.link("../..", "a/up");
    scene.link("self", "self");
    scene.link("a/b", "deep");
    scene.link("../../ok.txt", "a/b/x");
    scene
}

#[test]
fn rel_is_what_parse_gives() {
    assert_eq!(rel("a/b"), RelPath::parse("a/b").unwrap().into());
}
