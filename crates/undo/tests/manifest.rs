//! Everything that undo promises to bring back, of a whole tree, in comparable form.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub kind: char,
    pub mode: u32,
    pub owner: (u32, u32),
    pub mtime: (i64, i64),
    pub content: Vec<u8>,
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// The first path of the hard-link group, where there is more than one name inside.
    pub group: Option<PathBuf>,
}

pub type Manifest = BTreeMap<PathBuf, Item>;

pub fn of(root: &Path) -> Manifest {
    let mut all = Manifest::new();
    let mut inodes: BTreeMap<(u64, u64), Vec<PathBuf>> = BTreeMap::new();
    visit(root, Path::new(""), &mut all, &mut inodes);
    for names in inodes.values().filter(|names| names.len() > 1) {
        for name in names {
            all.get_mut(name).unwrap().group = Some(names[0].clone());
        }
    }
    all
}

fn visit(
    root: &Path,
    at: &Path,
    all: &mut Manifest,
    inodes: &mut BTreeMap<(u64, u64), Vec<PathBuf>>,
) {
    let full = root.join(at);
    let meta = fs::symlink_metadata(&full).unwrap();
    let kind = meta.file_type();
    let (letter, content) = if kind.is_dir() {
        ('d', Vec::new())
    } else if kind.is_symlink() {
        let target = fs::read_link(&full).unwrap();
        ('l', target.as_os_str().as_bytes().to_vec())
    } else if kind.is_fifo() {
        ('p', Vec::new())
    } else {
        ('f', fs::read(&full).unwrap_or_default())
    };
    if !kind.is_dir() {
        inodes
            .entry((meta.dev(), meta.ino()))
            .or_default()
            .push(at.to_owned());
    }
    all.insert(
        at.to_owned(),
        Item {
            kind: letter,
            mode: meta.mode() & 0o7777,
            owner: (meta.uid(), meta.gid()),
            mtime: (meta.mtime(), meta.mtime_nsec()),
            content,
            xattrs: xattrs(&full),
            group: None,
        },
    );
    if kind.is_dir() {
        let mut names: Vec<OsString> = fs::read_dir(&full)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        for name in names {
            visit(root, &at.join(name), all, inodes);
        }
    }
}

pub fn xattrs(path: &Path) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut list = vec![0_u8; 4096];
    let Ok(n) = rustix::fs::llistxattr(path, &mut list[..]) else {
        return Vec::new();
    };
    let mut found: Vec<(Vec<u8>, Vec<u8>)> = list[..n]
        .split(|&b| b == 0)
        .filter(|name| !name.is_empty())
        .map(|name| {
            let mut value = vec![0_u8; 4096];
            let name = name.to_vec();
            // Not readable for an ordinary user where the file itself is not.
            let n = rustix::fs::lgetxattr(path, &name[..], &mut value[..]).unwrap_or(0);
            value.truncate(n);
            (name, value)
        })
        .collect();
    found.sort();
    found
}

/// The differences, one line each, for messages that can be read.
pub fn differences(a: &Manifest, b: &Manifest) -> Vec<String> {
    let mut lines = Vec::new();
    for (path, item) in a {
        match b.get(path) {
            None => lines.push(format!("gone: {}", path.display())),
            Some(other) if other != item => {
                lines.push(format!("{}: {item:?} became {other:?}", path.display()));
            }
            Some(_) => {}
        }
    }
    for path in b.keys().filter(|path| !a.contains_key(*path)) {
        lines.push(format!("new: {}", path.display()));
    }
    lines
}

#[track_caller]
pub fn assert_same(a: &Manifest, b: &Manifest, what: &str) {
    let lines = differences(a, b);
    assert!(lines.is_empty(), "{what}:\n{}", lines.join("\n"));
}
