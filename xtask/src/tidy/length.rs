//! Rule `length`: a file past 600 lines says why at its top.

use crate::tree::{Problem, Tree};

const LIMIT: usize = 600;

pub(super) fn find(tree: &Tree) -> Vec<Problem> {
    tree.sources()
        .filter(|(_, source)| source.text.lines().count() > LIMIT)
        .filter(|(_, source)| {
            !source
                .text
                .lines()
                .take(10)
                .any(|line| line.starts_with("//! Long because "))
        })
        .map(|(path, source)| {
            let lines = source.text.lines().count();
            Problem::new(
                path,
                0,
                format!("{lines} lines and no `//! Long because …` among its first ten"),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::planted::tree;

    #[test]
    fn a_long_file_without_a_reason_is_found() {
        let long = "//! A file.\n".to_owned() + &"\n".repeat(LIMIT);
        assert_eq!(find(&tree(&[("crates/a/src/x.rs", &long)])).len(), 1);
        let told = long.replacen('\n', "\n//! Long because it is a table.\n", 1);
        assert_eq!(find(&tree(&[("crates/a/src/x.rs", &told)])), []);
        assert_eq!(find(&tree(&[("crates/a/src/x.rs", "//! A file.\n")])), []);
    }
}
