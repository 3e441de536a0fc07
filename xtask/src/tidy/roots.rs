//! Rule `roots`: a library's root holds words, modules and re-exports, and nothing else.

use crate::tree::{Problem, Tree};

pub(super) fn find(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for name in tree.crates() {
        let path = format!("crates/{name}/src/lib.rs");
        let Some(source) = tree.source(&path) else {
            continue;
        };
        for (at, line) in source.shipped.lines().enumerate() {
            let words: Vec<&str> = line
                .split_whitespace()
                .filter(|word| !word.starts_with("pub"))
                .collect();
            if matches!(
                words.first(),
                Some(
                    &("fn"
                        | "struct"
                        | "enum"
                        | "trait"
                        | "impl"
                        | "const"
                        | "static"
                        | "type"
                        | "unsafe"
                        | "macro_rules!")
                )
            ) {
                problems.push(Problem::new(
                    &path,
                    at + 1,
                    "belongs into a module of its own",
                ));
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
    fn code_in_a_root_is_found() {
        for bad in [
            "pub fn f() {}",
            "struct S;",
            "pub(crate) const X: u8 = 1;",
            "impl A {}",
        ] {
            let text = format!("//! A crate.\nmod a;\n{bad}\n");
            assert_eq!(
                find(&tree(&[
                    ("crates/a/Cargo.toml", ""),
                    ("crates/a/src/lib.rs", &text)
                ]))
                .len(),
                1,
                "{bad}"
            );
        }
        let good = "//! A crate.\n//! ```\n//! fn main() {}\n//! ```\n#![forbid(unsafe_code)]\nmod a;\npub use a::{\n    B,\n};\n#[cfg(test)]\nmod tests { fn x() {} }\n";
        assert_eq!(
            find(&tree(&[
                ("crates/a/Cargo.toml", ""),
                ("crates/a/src/lib.rs", good)
            ])),
            []
        );
    }
}
