//! Rule `names`: the crates, modules, files, types, tests and fault points that pages name exist.

use crate::tree::{Problem, Tree};
use std::collections::BTreeSet;

const MAP: &str = "docs/architecture.md";
/// Names tests: a word in a comment does not make one.
const ATTACKS: &str = "docs/known-attacks.md";
const KERNEL: &str = "docs/kernel-features.md";

pub(super) fn find(tree: &Tree) -> Vec<Problem> {
    let known = known(tree);
    let tests: BTreeSet<&str> = tree
        .sources()
        .flat_map(|(_, source)| test_names(&source.code))
        .collect();
    let mut problems = Vec::new();
    for page in [MAP, "docs/life-of-an-operation.md", ATTACKS, KERNEL] {
        let Some(text) = tree.text(page) else {
            problems.push(Problem::new(page, 0, "is missing"));
            continue;
        };
        let mut room = String::new();
        for (at, line) in text.lines().enumerate() {
            if line.starts_with('#') {
                room = quoted(line)
                    .into_iter()
                    .find(|name| name.starts_with("crates/") || name == "xtask")
                    .unwrap_or_default();
            }
            for name in quoted(line) {
                let is_path = name.starts_with("docs/") || name.starts_with("crates/");
                let found = if page == ATTACKS && is_test_name(&name) {
                    tests.contains(name.as_str())
                } else if matches!(page, ATTACKS | KERNEL) && !is_path {
                    // What attackers write, and the kernel's names, are not ours to have.
                    true
                } else {
                    exists(tree, &known, &room, &name)
                };
                if !found {
                    let what = format!("names `{name}`, which is nowhere");
                    problems.push(Problem::new(page, at + 1, what));
                }
            }
        }
    }
    problems
}

/// The functions of a source that are tests, within `proptest!` too.
fn test_names(code: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for piece in code.split("#[test]").skip(1) {
        let Some((_, rest)) = piece.split_once("fn ") else {
            continue;
        };
        names.extend(
            rest.split(|c: char| !(c.is_alphanumeric() || c == '_'))
                .next(),
        );
    }
    names
}

/// Whether a name can be nothing but a test's: three words or more, joined by underscores.
fn is_test_name(name: &str) -> bool {
    name.matches('_').count() > 1
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// What stands between single backticks.
fn quoted(line: &str) -> Vec<String> {
    if line.starts_with("```") {
        return Vec::new();
    }
    line.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// Every identifier, and every word with dashes or dots, that stands anywhere in the sources and manifests.
fn known(tree: &Tree) -> BTreeSet<&str> {
    let mut known = BTreeSet::new();
    let manifests = tree
        .texts()
        .filter(|(path, _)| path.ends_with(".toml"))
        .map(|(_, text)| text);
    let sources = tree
        .sources()
        .filter(|(path, _)| !path.starts_with("xtask/src/tidy/"))
        .map(|(_, source)| source.text.as_str());
    for text in sources.chain(manifests) {
        known.extend(text.split(|c: char| !(c.is_alphanumeric() || c == '_')));
        known.extend(
            text.split(|c: char| !(c.is_alphanumeric() || "_-.".contains(c)))
                .map(|word| word.trim_matches('.')),
        );
    }
    known.remove("");
    known
}

fn exists(tree: &Tree, known: &BTreeSet<&str>, room: &str, name: &str) -> bool {
    // A command line, a sentence, a place of the system, a pattern: nothing that one file or word could be.
    if name.is_empty()
        || name.starts_with('/')
        || name.contains(|c: char| !(c.is_alphanumeric() || "_-./:".contains(c)))
    {
        return true;
    }
    let below = |prefix: &str| {
        [
            format!("{prefix}{name}"),
            format!("{prefix}{name}.rs"),
            format!("{prefix}{name}/mod.rs"),
        ]
    };
    let mut places = vec![below(""), below("crates/"), below("docs/")];
    if !room.is_empty() {
        places.extend([below(&format!("{room}/")), below(&format!("{room}/src/"))]);
    }
    if places.iter().flatten().any(|at| tree.has(at)) {
        return true;
    }
    if name.contains('/') {
        // `tests/main.rs` says: that of any crate.
        let ending = format!("/{name}");
        return tree.sources().any(|(path, _)| path.ends_with(&ending));
    }
    if name.ends_with('_') {
        return known
            .range(name..)
            .next()
            .is_some_and(|word| word.starts_with(name));
    }
    known.contains(name)
        || (name.contains("::") && name.split("::").all(|part| known.contains(part)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::planted::tree;

    fn with(map: &str, other: &str) -> Vec<Problem> {
        find(&tree(&[
            (
                "docs/architecture.md",
                &format!(
                    "# Map\n\n## `crates/undo`: brings back\n\n- `error`: kinds\n- `stage`: makes `Staged`\n{map}\n"
                ),
            ),
            ("docs/life-of-an-operation.md", other),
            ("docs/known-attacks.md", "none"),
            ("docs/kernel-features.md", "none"),
            ("crates/undo/Cargo.toml", "name = \"aifirst-undo\""),
            (
                "crates/undo/src/lib.rs",
                "//! Undo.\nmod error;\npub mod stage;\n#[cfg(test)]\nmod tests;\n",
            ),
            ("crates/undo/src/error.rs", "//! E.\n"),
            (
                "crates/undo/src/stage.rs",
                "//! S.\npub struct Staged; fn point() { fault(\"stage.synced\") }\n",
            ),
            (
                "crates/undo/tests/main.rs",
                "//! T.\nfn undo_of_undo_is_redo() {}\n",
            ),
        ]))
    }

    #[test]
    fn what_exists_may_be_named() {
        assert_eq!(
            with(
                "`crates/undo/src/stage.rs` `stage` `Staged` `aifirst-undo` `stage::Staged` `cargo xtask ci` `undo`",
                "`stage.synced` `undo_of_undo_is_redo`"
            ),
            []
        );
    }

    #[test]
    fn what_is_nowhere_is_found() {
        for bad in [
            "`gone_`",
            "`tests/gone.rs`",
            "`crates/undo/src/gone.rs`",
            "`Gone`",
            "`stage::Gone`",
            "`aifirst-gone`",
            "`docs/gone.md`",
        ] {
            assert_eq!(with(bad, "").len(), 1, "{bad}");
        }
        assert_eq!(with("", "`stage.gone`").len(), 1);
        assert_eq!(with("", "`no_such_test`").len(), 1);
    }

    #[test]
    fn an_attack_names_a_test_and_not_a_word() {
        let page = |name: &str| {
            let problems = find(&tree(&[
                ("docs/architecture.md", ""),
                ("docs/life-of-an-operation.md", ""),
                (
                    "docs/known-attacks.md",
                    &format!("| a way out | `{name}` |\n"),
                ),
                ("docs/kernel-features.md", ""),
                (
                    "crates/a/tests/main.rs",
                    "//! T.\n// a_word_of_a_comment\nfn a_word_no_test_is() {}\n#[test]\n#[ignore]\nfn a_sibling_prefix_is_outside() {}\nproptest! { #[test]\n fn any_path_stays_beneath(x in 0..1) {} }\n",
                ),
            ]));
            problems.len()
        };
        assert_eq!(page("a_sibling_prefix_is_outside"), 0);
        assert_eq!(page("any_path_stays_beneath"), 0);
        for bad in [
            "a_word_of_a_comment",
            "a_word_no_test_is",
            "a_test_nobody_wrote",
        ] {
            assert_eq!(page(bad), 1, "{bad}");
        }
    }
}
