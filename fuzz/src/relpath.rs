//! Any bytes are either refused as a path or keep every promise of one.

use aifirst_sandbox::{RawRel, RelPath, Rules, Workspace};
use std::sync::OnceLock;

/// Tries `data` as a stored path, as a path of a person and as a spelling to normalise.
///
/// # Panics
/// Where a promise does not hold.
pub fn check(data: &[u8]) {
    raw(data);
    if let Ok(text) = std::str::from_utf8(data) {
        text_path(text);
        normalized(text);
    }
}

fn raw(data: &[u8]) {
    let Ok(path) = RawRel::parse(data) else {
        assert!(!is_plain(data), "a plain path was refused: {data:?}");
        return;
    };
    assert!(is_plain(data), "accepted: {data:?}");
    assert_eq!(path.as_bytes(), data, "a byte was changed");
    assert_eq!(path.components().count(), path.depth());
    let parent = path.parent().expect("only the root has none");
    let name = path.name().expect("only the root has none");
    assert_eq!(parent.join(name).expect("it was a path"), path);
    assert!(path.starts_with(&parent) && path.starts_with(&RawRel::root()));
    assert!(!parent.starts_with(&path));
    shown(&path.to_string());
    if let Some(rel) = path.to_rel() {
        assert_eq!(rel.as_str().as_bytes(), data);
    }
}

fn text_path(text: &str) {
    let Ok(path) = RelPath::parse(text) else {
        return;
    };
    assert_eq!(path.as_str(), text);
    assert!(is_plain(text.as_bytes()));
    assert!(
        !text.chars().any(char::is_control),
        "a control character passed"
    );
    shown(&path.to_string());
}

/// What a path prints never commands a terminal.
fn shown(text: &str) {
    let commands = |c: char| {
        c.is_control()
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
    };
    assert!(!text.chars().any(commands), "printed raw: {text:?}");
}

fn normalized(text: &str) {
    let Ok(path) = workspace().normalize(text) else {
        return;
    };
    if !path.is_root() {
        assert!(
            is_plain(path.as_str().as_bytes()),
            "{text:?} became {path:?}"
        );
    }
    assert_ne!(
        text.split('/').next(),
        Some("~"),
        "a home was taken for a name"
    );
    if !text.starts_with('/') {
        let expected =
            lexical(text).unwrap_or_else(|| panic!("{text:?} leaves the root and became {path:?}"));
        assert_eq!(
            path.components().collect::<Vec<_>>(),
            expected
                .iter()
                .map(|name| name.as_bytes())
                .collect::<Vec<_>>()
        );
        assert_eq!(
            workspace()
                .normalize(&text.replace('/', "//"))
                .ok()
                .as_ref(),
            Some(&path)
        );
    }
}

/// What a relative spelling means, said a second time and in another way.
fn lexical(text: &str) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    for name in text.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop()?;
            }
            name => names.push(name),
        }
    }
    Some(names)
}

fn is_plain(data: &[u8]) -> bool {
    let mut depth = 0;
    let mut names = data.split(|byte| *byte == b'/').inspect(|_| depth += 1);
    let plain = names
        .all(|name| !matches!(name, b"" | b"." | b"..") && name.len() <= 255 && !name.contains(&0));
    plain && depth <= 256 && data.len() <= 4095
}

fn workspace() -> &'static Workspace {
    static ONE: OnceLock<(tempfile::TempDir, Workspace)> = OnceLock::new();
    let (_, workspace) = ONE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let workspace = Workspace::open(folder.path(), Rules::default()).expect("opened");
        (folder, workspace)
    });
    workspace
}
