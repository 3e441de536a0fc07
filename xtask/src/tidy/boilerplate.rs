//! Rule `boilerplate`: what every crate and the project as a whole must have.

use crate::tree::{Problem, Tree};

/// Pages that stand at the top, with words that show they are what they say.
const PAGES: &[(&str, &str)] = &[
    ("README.md", "cargo xtask ci"),
    ("SECURITY.md", "Reporting"),
    ("CHANGELOG.md", "##"),
    ("CONTRIBUTING.md", "cargo xtask ci"),
    (
        "LICENSE-MIT",
        "Permission is hereby granted, free of charge",
    ),
    ("LICENSE-APACHE", "Apache License"),
];

pub(super) fn find(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (page, words) in PAGES {
        if !tree.text(page).is_some_and(|text| text.contains(words)) {
            problems.push(Problem::new(
                page,
                0,
                format!("is missing, or does not say \"{words}\""),
            ));
        }
    }
    for name in tree.crates() {
        let at = |rest: &str| format!("crates/{name}/{rest}");
        let manifest = tree.text(&at("Cargo.toml")).unwrap_or_default();
        if !manifest.contains("license") {
            problems.push(Problem::new(&at("Cargo.toml"), 0, "names no licence"));
        }
        if !manifest.contains("[lints]\nworkspace = true") {
            problems.push(Problem::new(
                &at("Cargo.toml"),
                0,
                "does not take the workspace's lints",
            ));
        }
        let mut needed = vec!["README.md", "tests/main.rs"];
        if tree.source(&at("src/lib.rs")).is_some() {
            needed.extend(["examples", "benches"]);
            // What cannot fail needs no error.
            let src = at("src/");
            if tree
                .shipped()
                .any(|(path, code)| path.starts_with(&src) && code.contains("Result<"))
            {
                needed.push("src/error.rs");
            }
        }
        for file in needed {
            // A module may be a folder.
            let folder = file
                .strip_suffix(".rs")
                .map(|module| at(&format!("{module}/mod.rs")));
            if !tree.has(&at(file)) && !folder.is_some_and(|at| tree.has(&at)) {
                problems.push(Problem::new(&at(file), 0, "is missing"));
            }
        }
        let tests = at("tests/");
        let alone = |path: &&str| {
            path.starts_with(&tests)
                && !path[tests.len()..].contains('/')
                && !path.ends_with("/main.rs")
        };
        if !manifest.contains("autotests = false")
            && let Some(path) = tree.sources().map(|(path, _)| path).find(alone)
        {
            problems.push(Problem::new(
                path,
                0,
                "would be a second test binary; it belongs into a module of tests/main.rs",
            ));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::planted::tree;

    const WHOLE: &[(&str, &str)] = &[
        ("README.md", "cargo xtask ci"),
        ("SECURITY.md", "## Reporting"),
        ("CHANGELOG.md", "## 0.1"),
        ("CONTRIBUTING.md", "cargo xtask ci"),
        (
            "LICENSE-MIT",
            "Permission is hereby granted, free of charge",
        ),
        ("LICENSE-APACHE", "Apache License"),
        (
            "crates/a/Cargo.toml",
            "license.workspace = true\n[lints]\nworkspace = true\n",
        ),
        ("crates/a/README.md", "a"),
        (
            "crates/a/src/lib.rs",
            "//! A crate.\npub fn f() -> Result<(), Error> {}",
        ),
        ("crates/a/src/error.rs", "//! An error."),
        ("crates/a/tests/main.rs", "//! All tests."),
        ("crates/a/tests/main/more.rs", "//! More tests."),
        ("crates/a/examples/x.rs", "//! An example."),
        ("crates/a/benches/x.rs", "//! A bench."),
    ];

    #[test]
    fn each_missing_file_is_found() {
        assert_eq!(find(&tree(WHOLE)), []);
        for missing in WHOLE.iter().map(|(path, _)| *path).filter(|path| {
            !path.contains("main/more")
                && !path.ends_with("Cargo.toml")
                && !path.ends_with("lib.rs")
        }) {
            let rest: Vec<_> = WHOLE
                .iter()
                .filter(|(path, _)| *path != missing)
                .copied()
                .collect();
            assert_eq!(find(&tree(&rest)).len(), 1, "{missing}");
        }
    }

    #[test]
    fn a_manifest_without_lints_or_licence_is_found() {
        let mut files = WHOLE.to_vec();
        files[6].1 = "";
        assert_eq!(find(&tree(&files)).len(), 2);
    }

    #[test]
    fn a_second_test_binary_is_found() {
        let mut files = WHOLE.to_vec();
        files.push(("crates/a/tests/other.rs", "//! Other tests."));
        assert_eq!(find(&tree(&files)).len(), 1);
        files[6].1 = "license\n[package]\nautotests = false\n[lints]\nworkspace = true\n";
        assert_eq!(find(&tree(&files)), []);
    }
}
