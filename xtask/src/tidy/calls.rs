//! Rule `calls`: what `clippy.toml` forbids is used, and allowed, in the rooms alone.

use crate::rooms::{ROOMS, Right, may};
use crate::source::words;
use crate::tree::{Problem, Tree};

/// What each right is recognised by. Clippy judges by meaning, this by word: either alone can be talked round.
const MARKS: &[(&str, Right)] = &[
    ("std::fs", Right::Files),
    ("fs::File", Right::Files),
    ("File::open", Right::Files),
    ("OpenOptions", Right::Files),
    ("os::unix::fs::symlink", Right::Files),
    ("process::Command", Right::Processes),
    ("Command::new", Right::Processes),
    ("std::env", Right::Environment),
    ("env::var", Right::Environment),
    ("env::var_os", Right::Environment),
    ("SystemTime::now", Right::Clock),
    ("print!", Right::Print),
    ("println!", Right::Print),
    ("eprint!", Right::Print),
    ("eprintln!", Right::Print),
    ("dbg!", Right::Print),
];

pub(super) fn find(tree: &Tree) -> Vec<Problem> {
    let mut problems = misused(tree);
    for room in ROOMS.iter().filter(|room| {
        !tree
            .sources()
            .any(|(path, _)| path.starts_with(room.prefix))
    }) {
        let what = format!(
            "is a room no more ({}); its line in xtask/src/rooms.rs goes with it",
            room.why
        );
        problems.push(Problem::new(room.prefix, 0, what));
    }
    problems
}

fn misused(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, code) in tree.shipped() {
        for (mark, right) in MARKS.iter().filter(|(_, right)| !may(path, *right)) {
            for (line, _) in words(code, mark) {
                problems.push(Problem::new(path, line, format!("`{mark}` needs the right {right:?}, and this file is no such room (xtask/src/rooms.rs)")));
            }
        }
        for (line, attribute) in attributes(code) {
            // Test code of a library may be let off as a whole; what ships may not.
            let lets_off = ["allow(", "expect(", "warn("]
                .iter()
                .any(|level| attribute.contains(level));
            let words: String = attribute.split_whitespace().collect();
            if !lets_off || words.contains("cfg_attr(test,") {
                continue;
            }
            let judged: [(&[&str], &[Right], &str); 2] = [
                (
                    &[
                        "disallowed_methods",
                        "disallowed_types",
                        "disallowed_macros",
                    ],
                    &[
                        Right::Files,
                        Right::Processes,
                        Right::Environment,
                        Right::Clock,
                    ],
                    "allows forbidden calls",
                ),
                (
                    &["print_stdout", "print_stderr"],
                    &[Right::Print],
                    "allows printing",
                ),
            ];
            for (lints, rights, what) in judged {
                let about = lints.iter().any(|lint| attribute.contains(lint));
                if about && !rights.iter().any(|right| may(path, *right)) {
                    let what = format!("{what} and is no room (xtask/src/rooms.rs)");
                    problems.push(Problem::new(path, line, what));
                }
            }
        }
    }
    problems
}

/// Every attribute with the line it begins on, whole where it goes over several.
fn attributes(code: &str) -> impl Iterator<Item = (usize, &str)> {
    code.match_indices('#').filter_map(|(from, _)| {
        let rest = &code[from..];
        let open = rest.find('[').filter(|open| *open <= 2)?;
        let mut depth = 0_usize;
        for (at, c) in rest.char_indices().skip(open) {
            match c {
                '[' => depth += 1,
                ']' if depth == 1 => {
                    return Some((code[..from].matches('\n').count() + 1, &rest[..at]));
                }
                ']' => depth -= 1,
                _ => {}
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::planted::tree;

    #[test]
    fn forbidden_calls_outside_their_room_are_found() {
        for bad in [
            "use std::fs;",
            "fn f() { std::fs::read(p); }",
            "use std::process::Command;",
            "fn f() { std::env::var(x); }",
            "fn f() { SystemTime::now(); }",
            "fn f() { println!(); }",
            "#![allow(clippy::disallowed_methods, reason = \"x\")]",
            "#[allow(clippy::print_stdout)]\nfn f() {}",
            "#[allow(\n    clippy::disallowed_methods,\n    reason = \"[x]\"\n)]\nfn f() {}",
        ] {
            let text = format!("//! A file.\n{bad}\n");
            let tree = tree(&[("crates/runtime/src/pipeline.rs", text.as_str())]);
            assert!(!misused(&tree).is_empty(), "{bad}");
        }
    }

    #[test]
    fn rooms_tests_and_words_are_let_be() {
        let tree = tree(&[
            (
                "crates/runtime/src/home/mod.rs",
                "//! Home.\n#![allow(clippy::disallowed_methods, reason = \"x\")]\nuse std::fs;\n",
            ),
            (
                "crates/cli/src/main.rs",
                "//! Main.\nfn main() { std::env::args(); }\n",
            ),
            (
                "crates/audit/src/lib.rs",
                "//! Not `std::fs`.\n#![cfg_attr(\n    test,\n    allow(clippy::disallowed_methods, reason = \"x\"))]\nconst X: &str = \"println!\";\n#[cfg(test)]\nmod tests { use std::fs; }\n",
            ),
            ("crates/audit/tests/main.rs", "//! Tests.\nuse std::fs;\n"),
            ("xtask/src/main.rs", "//! Jobs.\nuse std::fs;\n"),
        ]);
        assert_eq!(misused(&tree), []);
    }

    #[test]
    fn a_room_that_is_gone_is_found() {
        let all: Vec<(String, &str)> = ROOMS
            .iter()
            .map(|room| (format!("{}/x.rs", room.prefix), "//! A file.\n"))
            .collect();
        let mut files: Vec<(&str, &str)> = all
            .iter()
            .map(|(path, text)| (path.as_str(), *text))
            .collect();
        assert_eq!(find(&tree(&files)), []);
        files.pop();
        assert_eq!(find(&tree(&files)).len(), 1);
    }
}
