//! Job `docs`: writes what pages say about modules from the modules' own first lines.

use crate::tree::{Problem, Tree};
use crate::{Failed, root};

/// The page whose lists are generated.
pub(crate) const MAP: &str = "docs/architecture.md";
const BEGIN: &str = "<!-- modules of ";
const END: &str = "<!-- end of modules -->";

pub(crate) fn run(_: &[String]) -> Result<(), Failed> {
    let root = root();
    let tree = Tree::read(&root).map_err(|error| Failed::new(format!("docs: {error}")))?;
    let Some(map) = tree.text(MAP) else {
        return Err(Failed::new(format!("docs: {MAP} is missing")));
    };
    let fresh = renewed(&tree, map);
    if fresh == map {
        println!("docs: {MAP} is up to date");
        return Ok(());
    }
    std::fs::write(root.join(MAP), fresh)
        .map_err(|error| Failed::new(format!("docs: {MAP}: {error}")))?;
    println!("docs: {MAP} is renewed");
    Ok(())
}

/// Complains where the page is not what the sources say.
pub(crate) fn stale(tree: &Tree) -> Vec<Problem> {
    let Some(map) = tree.text(MAP) else {
        return vec![Problem::new(MAP, 0, "is missing")];
    };
    let mut problems = Vec::new();
    let fresh = renewed(tree, map);
    if let Some(at) = map
        .lines()
        .zip(fresh.lines())
        .position(|(old, new)| old != new)
        && fresh != map
    {
        problems.push(Problem::new(
            MAP,
            at + 1,
            "is stale: `cargo xtask docs` renews it",
        ));
    } else if fresh != map {
        problems.push(Problem::new(
            MAP,
            0,
            "is stale: `cargo xtask docs` renews it",
        ));
    }
    for name in tree.crates() {
        if !map.contains(&format!("{BEGIN}crates/{name} -->")) {
            let what = format!("lists no modules of `crates/{name}`");
            problems.push(Problem::new(MAP, 0, what));
        }
    }
    problems
}

/// The page with every list between its two marks written anew.
fn renewed(tree: &Tree, map: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for line in map.lines() {
        if line == END {
            inside = false;
        }
        if !inside {
            out.push_str(line);
            out.push('\n');
        }
        if let Some(at) = line
            .strip_prefix(BEGIN)
            .and_then(|rest| rest.strip_suffix(" -->"))
        {
            inside = true;
            out.push_str(&list(tree, &format!("{at}/src"), 0));
        }
    }
    out
}

/// A line for each module declared in the folder's root, those of folders below them.
fn list(tree: &Tree, folder: &str, depth: usize) -> String {
    let declaring = ["lib.rs", "main.rs", "mod.rs"].map(|file| format!("{folder}/{file}"));
    let beside = format!("{folder}.rs");
    let Some(source) = declaring
        .iter()
        .chain([&beside])
        .find_map(|at| tree.source(at))
    else {
        return String::new();
    };
    let mut out = String::new();
    for name in source.shipped.lines().filter_map(declared) {
        let file = [
            format!("{folder}/{name}.rs"),
            format!("{folder}/{name}/mod.rs"),
        ];
        let Some(module) = file.iter().find_map(|at| tree.source(at)) else {
            continue;
        };
        out.push_str(&"  ".repeat(depth));
        out.push_str(&format!("- `{name}`: {}\n", sentence(&module.text)));
        if depth == 0 {
            out.push_str(&list(tree, &format!("{folder}/{name}"), depth + 1));
        }
    }
    out
}

/// The module that a line declares in a file of its own.
pub(crate) fn declared(line: &str) -> Option<&str> {
    let line = line.trim();
    let line = line
        .strip_prefix("pub(crate) ")
        .or_else(|| line.strip_prefix("pub "))
        .unwrap_or(line);
    line.strip_prefix("mod ")?.strip_suffix(';')
}

/// A file's first line as it reads outside of rustdoc.
fn sentence(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let said = line.trim_start_matches("//!").trim().trim_end_matches('.');
    let said = said.replace("[`", "`").replace("`]", "`");
    let mut chars = said.chars();
    match (chars.next(), chars.clone().next()) {
        // `JSON` stays, `Writes` does not.
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::planted::tree;

    const SOURCES: &[(&str, &str)] = &[
        ("crates/a/Cargo.toml", ""),
        (
            "crates/a/src/lib.rs",
            "//! A.\nmod error;\npub mod ops;\n#[cfg(test)]\nmod tests;\n",
        ),
        (
            "crates/a/src/error.rs",
            "//! What went wrong: an [`Error`].\n",
        ),
        (
            "crates/a/src/ops/mod.rs",
            "//! The operations.\nmod write;\n",
        ),
        ("crates/a/src/ops/write.rs", "//! Writes a file.\n"),
    ];

    fn with(map: &str) -> Tree {
        let mut files = SOURCES.to_vec();
        files.push((MAP, map));
        tree(&files)
    }

    const FRESH: &str = "# Map\n<!-- modules of crates/a -->\n- `error`: what went wrong: an `Error`\n- `ops`: the operations\n  - `write`: writes a file\n<!-- end of modules -->\nEnd.\n";

    #[test]
    fn lists_come_from_first_lines() {
        let old = "# Map\n<!-- modules of crates/a -->\nold\n<!-- end of modules -->\nEnd.\n";
        assert_eq!(renewed(&with(old), old), FRESH);
        assert_eq!(renewed(&with(FRESH), FRESH), FRESH);
    }

    #[test]
    fn a_stale_or_missing_list_is_found() {
        assert_eq!(stale(&with(FRESH)), []);
        assert_eq!(stale(&with(&FRESH.replace("writes", "wrote"))).len(), 1);
        assert_eq!(
            stale(&with(&FRESH.replace("  - `write`: writes a file\n", ""))).len(),
            1
        );
        assert_eq!(stale(&with("# Map\n")).len(), 1);
    }
}
