//! Rule `unsafe`: unsafe code stands in the sandbox's `sys` alone, and the rest says so to the compiler.

use crate::source::words;
use crate::tree::{Problem, Tree};

const ROOM: &str = "crates/sandbox/src/sys";
const FORBID: &str = "#![forbid(unsafe_code)]";

pub(super) fn find(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, source) in tree.sources().filter(|(path, _)| !path.starts_with(ROOM)) {
        for (line, _) in words(&source.code, "unsafe") {
            problems.push(Problem::new(
                path,
                line,
                format!("unsafe code belongs into {ROOM}"),
            ));
        }
    }
    for name in tree.crates().into_iter().filter(|name| *name != "sandbox") {
        for file in ["lib.rs", "main.rs"] {
            let path = format!("crates/{name}/src/{file}");
            if tree
                .source(&path)
                .is_some_and(|source| !source.code.contains(FORBID))
            {
                problems.push(Problem::new(&path, 0, format!("does not say `{FORBID}`")));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::planted::tree;

    #[test]
    fn unsafe_outside_its_room_is_found() {
        for path in [
            "crates/sandbox/src/handle.rs",
            "crates/undo/tests/main.rs",
            "xtask/src/main.rs",
        ] {
            assert_eq!(
                find(&tree(&[(path, "//! A file.\nfn f() { unsafe { g() } }\n")])).len(),
                1,
                "{path}"
            );
        }
        assert_eq!(
            find(&tree(&[(
                "crates/sandbox/src/sys/mod.rs",
                "//! Calls.\nfn f() { unsafe { g() } }\n"
            )])),
            []
        );
    }

    #[test]
    fn a_root_that_forbids_nothing_is_found() {
        let with = |text: &str| {
            find(&tree(&[
                ("crates/undo/Cargo.toml", ""),
                ("crates/undo/src/lib.rs", text),
            ]))
            .len()
        };
        assert_eq!(with("//! A crate.\n"), 1);
        assert_eq!(with("//! A crate.\n// #![forbid(unsafe_code)]\n"), 1);
        assert_eq!(with("//! A crate.\n#![forbid(unsafe_code)]\n"), 0);
    }
}
