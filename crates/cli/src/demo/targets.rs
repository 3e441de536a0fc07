//! What the demo's agent picks on in the tree it finds.
#![allow(
    clippy::disallowed_methods,
    reason = "the demo reads its own copy to find a line worth editing"
)]
use std::fs;
use std::path::{Path, PathBuf};

use crate::demo::manifest::Manifest;

/// Largest file looked into.
const LARGEST: u64 = 256 << 10;

/// The agent's victims, as paths in the workspace.
#[derive(Clone, Debug)]
pub(crate) struct Targets {
    pub(crate) new_file: String,
    pub(crate) edit: String,
    /// A line of the file that stands in it once.
    pub(crate) line: String,
    pub(crate) moved: (String, String),
    pub(crate) folder: String,
    pub(crate) folder_entries: u64,
    /// A link out of the workspace, to be made.
    pub(crate) link: String,
}

impl Targets {
    /// Picks; none when the tree is too small to show everything.
    pub(crate) fn pick(root: &Path, tree: &Manifest) -> Option<Self> {
        let below = |folder: &Path| {
            let n = tree.0.keys().filter(|p| p.starts_with(folder)).count();
            u64::try_from(n.saturating_sub(1)).unwrap_or(u64::MAX)
        };
        // Of the folders at the top the fullest: that is the loss a person fears.
        let (folder, folder_entries) = tree
            .0
            .iter()
            .filter(|(p, e)| e.is_folder() && p.components().count() == 1 && p.to_str().is_some())
            .map(|(p, _)| (p, below(p)))
            .filter(|(_, n)| *n > 0)
            .max_by_key(|(_, n)| *n)?;
        let mut files: Vec<&PathBuf> = tree
            .0
            .iter()
            .filter(|(p, e)| e.is_file() && p.to_str().is_some())
            .map(|(p, _)| p)
            .collect();
        files.sort_by_key(|p| (p.starts_with(folder), !is_readme(p), p.components().count()));
        let (edit, line) = files
            .iter()
            .filter(|p| tree.0.get(**p).is_some_and(|e| e.size <= LARGEST))
            .find_map(|p| Some((*p, unique_line(&root.join(p))?)))?;
        let moved = *files.iter().find(|p| **p != edit)?;
        let free = |wanted: &str| {
            (0..100)
                .map(|n| match n {
                    0 => wanted.to_owned(),
                    n => format!("{wanted}-{n}"),
                })
                .find(|name| !tree.0.contains_key(Path::new(name)))
        };
        let name = moved.file_name()?.to_str()?;
        let beside = moved.with_file_name(format!("moved-{name}"));
        Some(Self {
            new_file: free("deploy.env")?,
            edit: edit.to_str()?.to_owned(),
            line,
            moved: (moved.to_str()?.to_owned(), free(beside.to_str()?)?),
            folder: folder.to_str()?.to_owned(),
            folder_entries,
            link: free("shortcut")?,
        })
    }
}

fn is_readme(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|n| n.to_string_lossy().to_lowercase().starts_with("readme"))
}

fn unique_line(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines()
        .find(|l| l.trim().len() >= 8 && text.matches(*l).count() == 1)
        .map(str::to_owned)
}
