//! The demo's private folder: a copy of a real tree, state and home of its own, gone afterwards.
#![allow(
    clippy::disallowed_methods,
    reason = "the demo copies a tree into a folder of its own; no workspace is reached"
)]
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use aifirst_runtime::Cancel;
use ignore::WalkBuilder;
use tempfile::TempDir;

/// The largest tree that is copied.
pub(crate) const LARGEST_BYTES: u64 = 200_000_000;
/// The most entries that are copied.
const MOST_ENTRIES: usize = 50_000;

/// The folder; it goes when this goes.
pub(crate) struct Scratch {
    dir: Option<TempDir>,
    root: PathBuf,
}

/// What lies in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A copy of this folder.
    Copied { from: PathBuf },
    /// The tree built in, and why.
    BuiltIn { why: String },
}

impl Scratch {
    /// Makes the folder, 0700, under a name nobody can guess.
    pub(crate) fn new(under: &Path) -> io::Result<Self> {
        let under = fs::canonicalize(under)?;
        let dir = tempfile::Builder::new()
            .prefix("aifirst-demo-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(under)?;
        let root = dir.path().to_owned();
        for name in ["project", "home", "outside"] {
            fs::create_dir(root.join(name))?;
        }
        Ok(Self {
            dir: Some(dir),
            root,
        })
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.root.join("project")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.root.join("state")
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// A folder outside of the workspace, for the escapes that must fail.
    pub(crate) fn outside(&self) -> PathBuf {
        self.root.join("outside")
    }

    /// Whether nothing was written outside of the workspace: neither into the folder that the
    /// escapes aimed at nor beside the project.
    pub(crate) fn outside_is_untouched(&self) -> io::Result<bool> {
        let mut beside = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            beside.push(entry?.file_name());
        }
        Ok(fs::read_dir(self.outside())?.next().is_none()
            && beside.iter().all(|n| {
                ["project", "home", "outside", "state"]
                    .iter()
                    .any(|k| n == k)
            }))
    }

    /// Whether one of the texts is in the database or the workspace's description. Nobody may
    /// have the database open: closing a descriptor of it drops SQLite's locks.
    pub(crate) fn state_holds(&self, texts: &[&str]) -> io::Result<bool> {
        fn search(folder: &Path, texts: &[&str]) -> io::Result<bool> {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                let name = entry.file_name();
                let name = name.to_string_lossy();
                if entry.file_type()?.is_dir() {
                    if search(&entry.path(), texts)? {
                        return Ok(true);
                    }
                } else if name.starts_with("state.db") || name == "workspace.json" {
                    let bytes = fs::read(entry.path())?;
                    // The texts are ASCII: what is replaced in between cannot hide them.
                    let text = String::from_utf8_lossy(&bytes);
                    if texts.iter().any(|t| text.contains(t)) {
                        return Ok(true);
                    }
                }
            }
            Ok(false)
        }
        search(&self.state(), texts)
    }

    /// Fills the project with a copy of the folder, else with the tree built in.
    pub(crate) fn fill(&self, from: &Path, cancel: &Cancel) -> io::Result<Source> {
        match plan(from, cancel) {
            Ok(entries) => {
                copy(&entries, &self.project(), cancel)?;
                Ok(Source::Copied {
                    from: from.to_owned(),
                })
            }
            Err(why) => {
                self.fill_built_in()?;
                Ok(Source::BuiltIn { why })
            }
        }
    }

    /// Empties the project and fills it with the tree built in.
    pub(crate) fn fill_built_in(&self) -> io::Result<()> {
        let project = self.project();
        remove_all(&project)?;
        fs::create_dir(&project)?;
        for (path, text) in BUILT_IN {
            let path = project.join(path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(path, text)?;
        }
        fs::set_permissions(project.join("run.sh"), Permissions::from_mode(0o755))?;
        symlink("guide.md", project.join("docs/latest.md"))
    }

    /// Removes everything.
    pub(crate) fn remove(mut self) -> io::Result<()> {
        self.clear()
    }

    fn clear(&mut self) -> io::Result<()> {
        match self.dir.take() {
            Some(dir) => {
                remove_all(dir.path())?;
                // Nothing is left to remove; the guard must not try again.
                let _ = dir.keep();
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = self.clear();
    }
}

/// Removes a tree, also one with folders that may not be written.
fn remove_all(path: &Path) -> io::Result<()> {
    fn open_up(folder: &Path) -> io::Result<()> {
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open_up(&entry.path())?;
            }
        }
        Ok(())
    }
    open_up(path)?;
    fs::remove_dir_all(path)
}

enum Kind {
    Folder,
    File,
    Link(PathBuf),
}

struct Entry {
    from: PathBuf,
    to: PathBuf,
    kind: Kind,
    mode: u32,
    modified: SystemTime,
}

/// What would be copied, or why not.
fn plan(from: &Path, cancel: &Cancel) -> Result<Vec<Entry>, String> {
    let mut entries = Vec::new();
    let mut bytes = 0u64;
    let walk = WalkBuilder::new(from)
        .follow_links(false)
        .same_file_system(true)
        .sort_by_file_name(std::ffi::OsStr::cmp)
        .build();
    // What cannot be read is left out: the demo is about what is there, not about all of it.
    for found in walk.flatten() {
        if cancel.is_cancelled() {
            return Err("cancelled".to_owned());
        }
        let Ok(relative) = found.path().strip_prefix(from) else {
            continue;
        };
        let Ok(data) = fs::symlink_metadata(found.path()) else {
            continue;
        };
        let kind = if data.is_dir() {
            Kind::Folder
        } else if data.is_file() {
            bytes = bytes.saturating_add(data.len());
            Kind::File
        } else if data.is_symlink() {
            match fs::read_link(found.path()) {
                Ok(target) => Kind::Link(target),
                Err(_) => continue,
            }
        } else {
            continue;
        };
        entries.push(Entry {
            from: found.path().to_owned(),
            to: relative.to_owned(),
            kind,
            mode: data.mode() & 0o777,
            modified: data.modified().unwrap_or(SystemTime::UNIX_EPOCH),
        });
        if bytes > LARGEST_BYTES {
            return Err("the folder is larger than 200 MB".to_owned());
        }
        if entries.len() > MOST_ENTRIES {
            return Err(format!("the folder has more than {MOST_ENTRIES} entries"));
        }
    }
    Ok(entries)
}

fn copy(entries: &[Entry], project: &Path, cancel: &Cancel) -> io::Result<()> {
    for e in entries {
        if cancel.is_cancelled() {
            return Ok(());
        }
        let to = project.join(&e.to);
        match &e.kind {
            Kind::Folder if e.to.as_os_str().is_empty() => {}
            Kind::Folder => fs::create_dir(&to)?,
            Kind::Link(target) => symlink(target, &to)?,
            Kind::File => {
                let Ok(mut source) = File::open(&e.from) else {
                    continue;
                };
                let mut file = File::create_new(&to)?;
                io::copy(&mut source, &mut file)?;
                file.set_permissions(Permissions::from_mode(e.mode | 0o400))?;
                copy_attributes(&e.from, &to);
                file.set_modified(e.modified)?;
            }
        }
    }
    // Folders last, the deepest first: what is made in one changes its times.
    for e in entries
        .iter()
        .rev()
        .filter(|e| matches!(e.kind, Kind::Folder))
    {
        let to = project.join(&e.to);
        copy_attributes(&e.from, &to);
        let folder = File::open(&to)?;
        folder.set_permissions(Permissions::from_mode(e.mode | 0o700))?;
        folder.set_modified(e.modified)?;
    }
    Ok(())
}

/// Extended attributes of the user's own name space, where both sides have them.
fn copy_attributes(from: &Path, to: &Path) {
    for (name, value) in crate::demo::manifest::attributes(from).unwrap_or_default() {
        if name.starts_with(b"user.") {
            let _ =
                rustix::fs::lsetxattr(to, name.as_slice(), &value, rustix::fs::XattrFlags::empty());
        }
    }
}

/// Marks a path with an attribute, where the file system takes one.
pub(crate) fn mark(path: &Path) {
    let _ = rustix::fs::lsetxattr(
        path,
        "user.aifirst.demo",
        b"kept",
        rustix::fs::XattrFlags::empty(),
    );
}

const BUILT_IN: &[(&str, &str)] = &[
    (
        "README.md",
        "# Lighthouse\n\nA small program that counts ships.\n\nRun it with ./run.sh\n",
    ),
    ("run.sh", "#!/bin/sh\nexec python3 src/main.py \"$@\"\n"),
    (
        "src/main.py",
        "from harbour import Harbour\n\n\ndef main():\n    harbour = Harbour('north')\n    print(harbour.count())\n\n\nif __name__ == '__main__':\n    main()\n",
    ),
    (
        "src/harbour.py",
        "class Harbour:\n    def __init__(self, name):\n        self.name = name\n        self.ships = []\n\n    def count(self):\n        return len(self.ships)\n",
    ),
    (
        "tests/test_harbour.py",
        "from harbour import Harbour\n\n\ndef test_an_empty_harbour_has_no_ships():\n    assert Harbour('x').count() == 0\n",
    ),
    ("docs/guide.md", "# Guide\n\nShips come and go.\n"),
    (
        "docs/notes/todo.md",
        "- paint the tower\n- count at night\n",
    ),
    ("data/ships.csv", "name,length\nAnna,12\nBella,31\n"),
];
