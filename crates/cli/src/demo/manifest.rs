//! Everything about a tree that undo has to bring back, taken twice and compared.
#![allow(
    clippy::disallowed_methods,
    reason = "the demo looks at its own copy with other eyes than the guard's"
)]
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use aifirst_runtime::Cancel;
use sha2::{Digest as _, Sha256};

/// Names and values of extended attributes.
pub(crate) type Attributes = BTreeMap<Vec<u8>, Vec<u8>>;

/// What is compared of one entry. The inode's change time is the kernel's and comes back for
/// nobody; access times change by looking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Type and permission bits.
    pub(crate) mode: u32,
    owner: (u32, u32),
    modified: (i64, i64),
    links: u64,
    /// Bytes, for files.
    pub(crate) size: u64,
    content: Option<[u8; 32]>,
    target: Option<PathBuf>,
    attributes: Attributes,
}

impl Entry {
    pub(crate) fn is_file(&self) -> bool {
        self.mode & 0o170_000 == 0o100_000
    }

    pub(crate) fn is_folder(&self) -> bool {
        self.mode & 0o170_000 == 0o040_000
    }
}

/// A whole tree; the root itself under the empty path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manifest(pub(crate) BTreeMap<PathBuf, Entry>);

impl Manifest {
    /// Reads a tree.
    pub(crate) fn read(root: &Path, cancel: &Cancel) -> io::Result<Self> {
        let mut all = BTreeMap::new();
        let mut open = vec![PathBuf::new()];
        while let Some(relative) = open.pop() {
            if cancel.is_cancelled() {
                break;
            }
            let path = root.join(&relative);
            let entry = entry(&path)?;
            if entry.is_folder() {
                for child in fs::read_dir(&path)? {
                    open.push(relative.join(child?.file_name()));
                }
            }
            all.insert(relative, entry);
        }
        Ok(Self(all))
    }

    /// Entries without the root.
    pub(crate) fn entries(&self) -> u64 {
        u64::try_from(self.0.len().saturating_sub(1)).unwrap_or(u64::MAX)
    }

    /// Bytes of all files.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.values().map(|e| e.size).sum()
    }

    /// Each difference in a sentence, at most so many.
    pub(crate) fn differences(&self, now: &Self, most: usize) -> Vec<String> {
        let mut out = Vec::new();
        let paths = self
            .0
            .keys()
            .chain(now.0.keys().filter(|p| !self.0.contains_key(*p)));
        for path in paths {
            let shown = if path.as_os_str().is_empty() {
                ".".to_owned()
            } else {
                path.to_string_lossy().into_owned()
            };
            let text = match (self.0.get(path), now.0.get(path)) {
                (Some(a), Some(b)) if a == b => continue,
                (Some(a), Some(b)) => format!("{shown}: {}", a.what_differs(b)),
                (Some(_), None) => format!("{shown} is missing"),
                (None, _) => format!("{shown} is new"),
            };
            out.push(text);
            if out.len() == most {
                break;
            }
        }
        out
    }
}

impl Entry {
    fn what_differs(&self, b: &Self) -> String {
        let checks = [
            ("type or mode", self.mode != b.mode),
            ("owner", self.owner != b.owner),
            ("time", self.modified != b.modified),
            ("links", self.links != b.links),
            ("content", self.size != b.size || self.content != b.content),
            ("link target", self.target != b.target),
            ("attributes", self.attributes != b.attributes),
        ];
        let names: Vec<&str> = checks.iter().filter(|(_, d)| *d).map(|(n, _)| *n).collect();
        format!("{} differ", names.join(", "))
    }
}

fn entry(path: &Path) -> io::Result<Entry> {
    let data = fs::symlink_metadata(path)?;
    let mut content = None;
    if data.is_file() {
        let mut hash = Sha256::new();
        let mut file = File::open(path)?;
        let mut chunk = vec![0u8; 64 << 10];
        loop {
            match io::Read::read(&mut file, &mut chunk)? {
                0 => break,
                n => hash.update(chunk.get(..n).unwrap_or_default()),
            }
        }
        content = Some(hash.finalize().into());
    }
    Ok(Entry {
        mode: data.mode(),
        owner: (data.uid(), data.gid()),
        modified: (data.mtime(), data.mtime_nsec()),
        // A folder's count and size are the file system's affair; its entries are compared.
        links: if data.is_dir() { 0 } else { data.nlink() },
        size: if data.is_file() { data.len() } else { 0 },
        content,
        target: data.is_symlink().then(|| fs::read_link(path)).transpose()?,
        attributes: attributes(path)?,
    })
}

/// The extended attributes of a path, links not followed; none where there cannot be any.
pub(crate) fn attributes(path: &Path) -> io::Result<Attributes> {
    use rustix::io::Errno;
    let mut names = vec![0u8; 64 << 10];
    let length = match rustix::fs::llistxattr(path, names.as_mut_slice()) {
        Ok(n) => n,
        Err(Errno::NOTSUP | Errno::PERM | Errno::ACCESS) => return Ok(Attributes::new()),
        Err(e) => return Err(e.into()),
    };
    let mut out = Attributes::new();
    let names = names.get(..length).unwrap_or_default();
    for name in names.split(|b| *b == 0).filter(|n| !n.is_empty()) {
        let mut value = vec![0u8; 64 << 10];
        let os = OsString::from_vec(name.to_vec());
        match rustix::fs::lgetxattr(path, os.as_os_str(), value.as_mut_slice()) {
            Ok(n) => {
                value.truncate(n);
                out.insert(name.to_vec(), value);
            }
            Err(Errno::NODATA | Errno::PERM | Errno::ACCESS) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn every_kind_of_difference_is_seen() {
        let cancel = Cancel::new();
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::create_dir(root.join("d")).unwrap();
        fs::write(root.join("d/f"), "one").unwrap();
        symlink("f", root.join("d/l")).unwrap();
        let before = Manifest::read(root, &cancel).unwrap();
        assert_eq!(before.entries(), 3);
        assert!(before.differences(&before.clone(), 9).is_empty());

        let differs = |part: &str| {
            let now = Manifest::read(root, &cancel).unwrap();
            let all = before.differences(&now, 99).join("\n");
            assert!(all.contains(part), "{all:?} lacks {part:?}");
        };
        let f = File::options().write(true).open(root.join("d/f")).unwrap();
        let time = f.metadata().unwrap().modified().unwrap();
        fs::write(root.join("d/f"), "two").unwrap();
        f.set_modified(time).unwrap();
        differs("d/f: content differ");
        fs::write(root.join("d/f"), "one").unwrap();
        differs("d/f: time differ");
        f.set_modified(time).unwrap();
        fs::set_permissions(root.join("d/f"), fs::Permissions::from_mode(0o600)).unwrap();
        differs("d/f: type or mode differ");
        fs::remove_file(root.join("d/l")).unwrap();
        differs("d/l is missing");
        differs("d: time differ");
        fs::write(root.join("new"), "").unwrap();
        differs("new is new");
    }
}
