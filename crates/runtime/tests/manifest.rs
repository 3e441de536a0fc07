//! Everything about a tree that undo promises to bring back, as comparable lines.
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use sha2::{Digest, Sha256};

/// One line a path: kind, mode, owner, times, content, link target, attributes.
pub fn manifest(root: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        lines.push(line(root, &folder));
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            if meta.is_dir() {
                folders.push(path);
            } else {
                lines.push(line(root, &path));
            }
        }
    }
    lines.sort();
    lines
}

fn line(root: &Path, path: &Path) -> String {
    let m = fs::symlink_metadata(path).unwrap();
    let name = path.strip_prefix(root).unwrap();
    let what = if m.file_type().is_symlink() {
        format!("-> {:?}", fs::read_link(path).unwrap())
    } else if m.is_file() {
        let hash = Sha256::digest(fs::read(path).unwrap());
        format!("{} bytes {hash:x?}", m.len())
    } else {
        "folder".to_owned()
    };
    let links = if m.is_dir() { 0 } else { m.nlink() };
    format!(
        "{:?} mode {:o} owner {}:{} mtime {}.{:09} links {links} {what} {:?}",
        name.as_os_str().as_bytes().escape_ascii().to_string(),
        m.mode(),
        m.uid(),
        m.gid(),
        m.mtime(),
        m.mtime_nsec(),
        xattrs(path)
    )
}

fn xattrs(path: &Path) -> Vec<(String, Vec<u8>)> {
    let mut names = vec![0u8; 4096];
    let Ok(n) = rustix::fs::llistxattr(path, &mut names[..]) else {
        return Vec::new();
    };
    let mut all: Vec<_> = names[..n]
        .split(|b| *b == 0)
        .filter(|n| !n.is_empty())
        .map(|name| {
            let mut value = vec![0u8; 4096];
            let name = String::from_utf8(name.to_vec()).unwrap();
            let n = rustix::fs::lgetxattr(path, &name, &mut value[..]).unwrap_or(0);
            value.truncate(n);
            (name, value)
        })
        .collect();
    all.sort();
    all
}
