//! Rule `first-line`: every Rust file begins with one sentence that says what it is.

use crate::tree::{Problem, Tree};

pub(super) fn find(tree: &Tree) -> Vec<Problem> {
    tree.sources()
        .filter(|(_, source)| !is_sentence(source.text.lines().next().unwrap_or_default()))
        .map(|(path, _)| Problem::new(path, 1, "begins without `//! ` and one whole sentence"))
        .collect()
}

fn is_sentence(line: &str) -> bool {
    line.strip_prefix("//! ")
        .is_some_and(|said| said.split_whitespace().count() > 1 && said.ends_with(['.', '?', '!']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::planted::tree;

    #[test]
    fn a_file_without_its_sentence_is_found() {
        for bad in [
            "",
            "use x;\n",
            "//! A\n",
            "//!\n//! A sentence.\n",
            "// A sentence.\n",
            "//! A sentence that goes\n//! on.\n",
        ] {
            assert_eq!(
                find(&tree(&[("crates/a/src/x.rs", bad)])).len(),
                1,
                "{bad:?}"
            );
        }
        assert_eq!(
            find(&tree(&[("crates/a/src/x.rs", "//! A sentence.\nuse x;\n")])),
            []
        );
    }
}
