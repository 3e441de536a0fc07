//! The files of the project, read once: sources parsed, other texts as they are.

use crate::source::Source;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// The project's files by their path from its root, `/`-separated.
#[derive(Debug)]
pub(crate) struct Tree {
    root: PathBuf,
    sources: BTreeMap<String, Source>,
    texts: BTreeMap<String, String>,
}

/// Something that breaks a rule, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) what: String,
}

impl Problem {
    pub(crate) fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            what: what.into(),
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.what),
            line => write!(f, "{}:{line}: {}", self.path, self.what),
        }
    }
}

impl Tree {
    /// Reads everything below `root` that is text, but what is built or kept by git.
    pub(crate) fn read(root: &Path) -> io::Result<Self> {
        let mut tree = Self {
            root: root.to_owned(),
            sources: BTreeMap::new(),
            texts: BTreeMap::new(),
        };
        tree.read_folder(root, "")?;
        Ok(tree)
    }

    fn read_folder(&mut self, folder: &Path, prefix: &str) -> io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let path = format!("{prefix}{name}");
            let kind = entry.file_type()?;
            // Corpora are bytes by design; `.git` and built things are not the project's text.
            let skipped = matches!(name.as_str(), ".git" | "target" | "artifacts" | "coverage")
                || path == "fuzz/corpus";
            if skipped || kind.is_symlink() {
                continue;
            }
            if kind.is_dir() {
                self.read_folder(&entry.path(), &format!("{path}/"))?;
            } else if kind.is_file()
                && let Ok(text) = String::from_utf8(std::fs::read(entry.path())?)
            {
                if name.ends_with(".rs") {
                    self.sources.insert(path, Source::parse(text));
                } else {
                    self.texts.insert(path, text);
                }
            }
        }
        Ok(())
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Every Rust file by its path.
    pub(crate) fn sources(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.sources
            .iter()
            .map(|(path, source)| (path.as_str(), source))
    }

    /// Every other text file by its path.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    pub(crate) fn source(&self, path: &str) -> Option<&Source> {
        self.sources.get(path)
    }

    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    /// Whether a file or a folder of that name was read.
    pub(crate) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let folder = format!("{path}/");
        self.sources.contains_key(path)
            || self.texts.contains_key(path)
            || self
                .sources
                .range(folder.clone()..)
                .next()
                .is_some_and(|(at, _)| at.starts_with(&folder))
            || self
                .texts
                .range(folder.clone()..)
                .next()
                .is_some_and(|(at, _)| at.starts_with(&folder))
    }

    /// The folder names directly below `crates/`.
    pub(crate) fn crates(&self) -> Vec<&str> {
        self.texts
            .keys()
            .filter_map(|path| path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml"))
            .filter(|name| !name.contains('/'))
            .collect()
    }

    /// What of a source file ships: nothing, where the whole file is a test module.
    pub(crate) fn shipped(&self) -> impl Iterator<Item = (&str, &str)> {
        self.sources()
            .filter(|(path, _)| path.starts_with("crates/") && path.contains("/src/"))
            .filter(|(path, _)| !self.is_test_module(path))
            .map(|(path, source)| (path, source.shipped.as_str()))
    }

    /// Whether a file below `src` is declared as `#[cfg(test)] mod name;`, or lies below one that is.
    fn is_test_module(&self, path: &str) -> bool {
        let mut module = path
            .strip_suffix("/mod.rs")
            .or_else(|| path.strip_suffix(".rs"))
            .unwrap_or(path);
        while let Some((parent, name)) = module.rsplit_once('/') {
            let declaring = ["lib.rs", "main.rs", "mod.rs"].map(|file| format!("{parent}/{file}"));
            let beside = format!("{parent}.rs");
            let declared = declaring
                .iter()
                .chain([&beside])
                .filter_map(|at| self.source(at))
                .any(|source| {
                    let declares = |code: &str| {
                        ["", "pub ", "pub(crate) "].iter().any(|public| {
                            code.lines()
                                .any(|line| line.trim().ends_with(&format!("{public}mod {name};")))
                        })
                    };
                    declares(&source.code) && !declares(&source.shipped)
                });
            if declared {
                return true;
            }
            if parent.ends_with("/src") {
                return false;
            }
            module = parent;
        }
        false
    }
}

#[cfg(test)]
pub(crate) mod planted {
    use super::Tree;

    /// A tree of the given files, for rules to be tried on.
    pub(crate) fn tree(files: &[(&str, &str)]) -> Tree {
        let folder = tempfile::tempdir().expect("a scratch folder");
        for (path, text) in files {
            let at = folder.path().join(path);
            std::fs::create_dir_all(at.parent().expect("a parent")).expect("made");
            std::fs::write(at, text).expect("written");
        }
        Tree::read(folder.path()).expect("read")
    }
}

#[cfg(test)]
mod tests {
    use super::planted::tree;

    #[test]
    fn a_test_module_in_its_own_file_does_not_ship() {
        let tree = tree(&[
            (
                "crates/a/src/lib.rs",
                "//! A.\nmod x;\n#[cfg(test)]\nmod try_it;\n",
            ),
            ("crates/a/src/x.rs", "//! X.\n#[cfg(test)]\nmod tests;\n"),
            ("crates/a/src/x/tests.rs", "//! T.\n"),
            ("crates/a/src/try_it/mod.rs", "//! T.\n"),
            ("crates/a/src/try_it/deep.rs", "//! T.\n"),
        ]);
        let shipped: Vec<_> = tree.shipped().map(|(path, _)| path).collect();
        assert_eq!(shipped, ["crates/a/src/lib.rs", "crates/a/src/x.rs"]);
    }

    #[test]
    fn folders_are_known_too() {
        let tree = tree(&[("crates/a/Cargo.toml", ""), ("docs/x.md", "")]);
        assert!(tree.has("docs") && tree.has("crates/a/") && tree.has("docs/x.md"));
        assert!(!tree.has("doc") && !tree.has("docs/y.md"));
        assert_eq!(tree.crates(), ["a"]);
    }
}
