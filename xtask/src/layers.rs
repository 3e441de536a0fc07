//! Job `layers`: the arrows between crates, and the order of modules inside them.

use crate::docs::declared;
use crate::source::words;
use crate::tree::{Problem, Tree};
use crate::{Failed, root};
use std::collections::BTreeMap;
use std::process::Command;

/// Which of our packages each may depend on, dev-dependencies included.
const ARROWS: &[(&str, &[&str])] = &[
    ("aifirst-sandbox", &[]),
    ("aifirst-audit", &[]),
    ("aifirst-redact", &[]),
    ("aifirst-undo", &["aifirst-sandbox"]),
    (
        "aifirst-runtime",
        &[
            "aifirst-sandbox",
            "aifirst-audit",
            "aifirst-undo",
            "aifirst-redact",
        ],
    ),
    ("aifirst-mcp", &["aifirst-runtime"]),
    ("aifirst", &["aifirst-runtime", "aifirst-mcp"]),
    ("xtask", &[]),
];

/// What is too heavy for a library that others embed: async, HTTP, terminals.
const HEAVY: &[&str] = &[
    "anstream",
    "async-std",
    "clap",
    "crossterm",
    "hyper",
    "indicatif",
    "ratatui",
    "reqwest",
    "smol",
    "tokio",
    "ureq",
];

/// Packages that stay light.
const LIBRARIES: &[&str] = &[
    "aifirst-sandbox",
    "aifirst-audit",
    "aifirst-redact",
    "aifirst-undo",
    "aifirst-runtime",
];

pub(crate) fn run(_: &[String]) -> Result<(), Failed> {
    let metadata = metadata()?;
    let tree = Tree::read(&root())
        .map_err(|error| Failed::new(format!("layers: the tree cannot be read: {error}")))?;
    let mut problems = arrows(&metadata);
    problems.extend(modules(&tree));
    problems.sort();
    if problems.is_empty() {
        let modules: usize = tree
            .crates()
            .iter()
            .map(|name| House::of(&tree, name).map_or(0, |h| h.order.len()))
            .sum();
        println!(
            "layers: {} crates and {modules} modules stand in order",
            tree.crates().len()
        );
        return Ok(());
    }
    for problem in &problems {
        eprintln!("{problem}");
    }
    Err(Failed::new(format!(
        "layers: {} arrows point the wrong way",
        problems.len()
    )))
}

fn metadata() -> Result<serde_json::Value, Failed> {
    let out = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .map_err(|error| Failed::new(format!("layers: cargo metadata: {error}")))?;
    if !out.status.success() {
        return Err(Failed::new(format!(
            "layers: cargo metadata: {}",
            String::from_utf8_lossy(&out.stderr)
        )));
    }
    serde_json::from_slice(&out.stdout)
        .map_err(|error| Failed::new(format!("layers: cargo metadata: {error}")))
}

/// Judges the dependencies that `cargo metadata` reports.
fn arrows(metadata: &serde_json::Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    let list = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    for package in list(&metadata["packages"]) {
        let name = text(&package["name"]);
        let Some((_, allowed)) = ARROWS.iter().find(|(from, _)| *from == name) else {
            problems.push(Problem::new(
                &name,
                0,
                "a package that the arrows (xtask/src/layers.rs) do not know",
            ));
            continue;
        };
        for dependency in list(&package["dependencies"]) {
            let on = text(&dependency["name"]);
            let ours = ARROWS.iter().any(|(other, _)| *other == on);
            if ours && !allowed.contains(&on.as_str()) {
                problems.push(Problem::new(&name, 0, format!("may not depend on `{on}`")));
            }
            // A test may be as heavy as it likes; what ships may not.
            let ships = dependency["kind"].as_str() != Some("dev");
            if ships && LIBRARIES.contains(&name.as_str()) && HEAVY.contains(&on.as_str()) {
                problems.push(Problem::new(
                    &name,
                    0,
                    format!("`{on}` is too heavy for a library that others embed"),
                ));
            }
        }
    }
    problems
}

/// The modules of one crate as its root declares them.
struct House<'a> {
    root: String,
    /// Names in the order of their `mod` lines.
    order: Vec<&'a str>,
    /// What the root re-exports, by the module it comes from.
    exports: BTreeMap<&'a str, &'a str>,
}

impl<'a> House<'a> {
    fn of(tree: &'a Tree, name: &str) -> Option<Self> {
        let root = ["lib.rs", "main.rs"]
            .map(|file| format!("crates/{name}/src/{file}"))
            .into_iter()
            .find(|at| tree.source(at).is_some())?;
        let code = tree.source(&root)?.shipped.as_str();
        let order = code.lines().filter_map(declared).collect::<Vec<_>>();
        let mut exports = BTreeMap::new();
        for statement in code.split(';') {
            let Some((_, path)) = statement
                .split_once("pub use ")
                .or_else(|| statement.split_once("pub(crate) use "))
            else {
                continue;
            };
            let path = path
                .trim()
                .trim_start_matches("crate::")
                .trim_start_matches("self::");
            let Some((module, names)) = path.split_once("::") else {
                continue;
            };
            if let Some(module) = order.iter().find(|known| **known == module.trim()) {
                for word in names
                    .split(|c: char| !(c.is_alphanumeric() || c == '_'))
                    .filter(|word| !word.is_empty())
                {
                    exports.insert(word, *module);
                }
            }
        }
        Some(Self {
            root,
            order,
            exports,
        })
    }

    fn place(&self, name: &str) -> Option<usize> {
        let module = self
            .exports
            .get(name)
            .copied()
            .filter(|_| !self.order.contains(&name))
            .unwrap_or(name);
        self.order.iter().position(|known| *known == module)
    }
}

/// Every use of a module by one that stands before it.
fn modules(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for name in tree.crates() {
        let Some(house) = House::of(tree, name) else {
            continue;
        };
        if let Some(at) = house
            .order
            .iter()
            .position(|module| *module == "error")
            .filter(|at| *at != 0)
        {
            problems.push(Problem::new(
                &house.root,
                0,
                format!("`error` comes first, not at place {}", at + 1),
            ));
        }
        let src = format!("crates/{name}/src/");
        for (path, code) in tree.shipped().filter(|(path, _)| path.starts_with(&src)) {
            let inside = &path[src.len()..];
            let top = inside
                .split('/')
                .next()
                .unwrap_or(inside)
                .trim_end_matches(".rs");
            let Some(place) = house.order.iter().position(|module| *module == top) else {
                continue;
            };
            let depth = inside
                .trim_end_matches(".rs")
                .trim_end_matches("/mod")
                .split('/')
                .count();
            for (line, used) in used(code, depth) {
                if let Some(other) = house.place(&used).filter(|other| *other > place) {
                    let module = house.order.get(other).copied().unwrap_or_default();
                    let through = if module == used {
                        String::new()
                    } else {
                        format!(" (through `{used}`)")
                    };
                    problems.push(Problem::new(
                        path,
                        line,
                        format!("`{top}` stands before `{module}` and may not use it{through}"),
                    ));
                }
            }
        }
    }
    problems
}

/// The names right below the crate's root that a file of this depth uses, with their lines.
fn used(code: &str, depth: usize) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    // As many `super` as the file is deep reach the root of the crate; more dots than that belong to inner modules.
    let climbing = "super::".repeat(depth);
    for prefix in ["crate::", climbing.as_str()] {
        for (line, column) in words(code, prefix) {
            let start = code
                .split_inclusive('\n')
                .take(line - 1)
                .map(str::len)
                .sum::<usize>()
                + column;
            let before = &code[..start];
            if before.ends_with("super::") || before.ends_with("::") {
                continue;
            }
            let rest = code[start + prefix.len()..].trim_start();
            for name in first_names(rest) {
                if name != "super" {
                    found.push((line, name));
                }
            }
        }
    }
    found
}

/// `a` of `a::b`, and both of `{a::{b, c}, d}`.
fn first_names(rest: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.trim_start()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let Some(group) = rest.strip_prefix('{') else {
        return vec![name(rest)];
    };
    let (mut depth, mut names, mut start) = (0_usize, Vec::new(), 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' => {
                names.push(name(&group[start..at]));
                break;
            }
            ',' if depth == 0 => {
                names.push(name(&group[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::planted::tree;
    use serde_json::json;

    fn package(name: &str, on: &str, kind: Option<&str>) -> serde_json::Value {
        json!({"packages": [{"name": name, "dependencies": [{"name": on, "kind": kind}]}]})
    }

    #[test]
    fn an_arrow_against_the_current_is_found_in_tests_too() {
        assert_eq!(
            arrows(&package("aifirst-sandbox", "aifirst-audit", None)).len(),
            1
        );
        assert_eq!(
            arrows(&package("aifirst-audit", "aifirst-undo", Some("dev"))).len(),
            1
        );
        assert_eq!(arrows(&package("aifirst", "aifirst-undo", None)).len(), 1);
        assert_eq!(
            arrows(&package("aifirst-undo", "aifirst-sandbox", None)),
            []
        );
        assert_eq!(
            arrows(&package("aifirst-runtime", "aifirst-redact", Some("dev"))),
            []
        );
    }

    #[test]
    fn a_package_nobody_placed_is_found() {
        assert_eq!(arrows(&package("aifirst-new", "serde", None)).len(), 1);
    }

    #[test]
    fn heavy_things_stay_out_of_what_the_libraries_ship() {
        assert_eq!(arrows(&package("aifirst-runtime", "tokio", None)).len(), 1);
        assert_eq!(
            arrows(&package("aifirst-runtime", "tokio", Some("dev"))),
            []
        );
        assert_eq!(arrows(&package("aifirst", "clap", None)), []);
    }

    fn three(middle: &str) -> Vec<Problem> {
        modules(&tree(&[
            ("crates/a/Cargo.toml", ""),
            (
                "crates/a/src/lib.rs",
                "//! A.\nmod error;\npub mod first;\npub(crate) mod middle;\nmod last;\npub use last::{End, other as another};\n",
            ),
            ("crates/a/src/error.rs", "//! E.\n"),
            ("crates/a/src/first.rs", "//! F.\n"),
            ("crates/a/src/middle/mod.rs", middle),
            (
                "crates/a/src/middle/inner.rs",
                "//! I.\nuse super::*;\nuse super::super::first;\n",
            ),
            ("crates/a/src/last.rs", "//! L.\nuse crate::middle;\n"),
        ]))
    }

    #[test]
    fn modules_use_those_before_them() {
        assert_eq!(
            three(
                "//! M.\nuse crate::{error, first::{X, Y}};\nuse crate::middle::inner;\n// crate::last\n#[cfg(test)]\nmod tests { use crate::last; }\n"
            ),
            []
        );
    }

    #[test]
    fn modules_do_not_use_those_after_them() {
        for bad in [
            "use crate::last::End;",
            "use crate::{first, last};",
            "use crate::{\n    first::{X, Y},\n    last::End,\n};",
            "use crate::End;",
            "use crate::another;",
            "fn f(_: crate::last::End) {}",
            "use super::last;",
            "pub(crate) use super::{first, last::End};",
        ] {
            let problems = three(&format!("//! M.\n{bad}\n"));
            assert_eq!(problems.len(), 1, "{bad}: {problems:?}");
        }
    }

    #[test]
    fn deeper_files_count_their_supers() {
        let deep = |line: &str| {
            modules(&tree(&[
                ("crates/a/Cargo.toml", ""),
                ("crates/a/src/lib.rs", "//! A.\nmod first;\nmod last;\n"),
                (
                    "crates/a/src/first/mod.rs",
                    "//! F.\nmod last;\nmod inner;\n",
                ),
                ("crates/a/src/first/inner.rs", &format!("//! I.\n{line}\n")),
                ("crates/a/src/first/last.rs", "//! L.\n"),
                ("crates/a/src/last.rs", "//! L.\n"),
            ]))
        };
        assert_eq!(deep("use super::last;"), [], "a sibling of the same name");
        assert_eq!(deep("use super::super::last;").len(), 1);
    }

    #[test]
    fn error_stands_first() {
        let problems = modules(&tree(&[
            ("crates/a/Cargo.toml", ""),
            ("crates/a/src/lib.rs", "//! A.\nmod first;\nmod error;\n"),
        ]));
        assert_eq!(problems.len(), 1);
    }
}
