//! The store: a private folder on the workspace's mount that holds staged and kept objects.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the store's own folders are made here, before a workspace is opened with them"
)]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use aifirst_sandbox::RawRel;

use crate::error::{Error, ErrorKind, Result};
use crate::place::Place;

/// First line of the file `id`: what the folder is, and its format.
const MAGIC: &str = "aifirst store 1";

/// Where the store lies, which decides what else it must say about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// In the state folder, which is private already.
    State,
    /// Beside the workspace, where other programs meet it.
    Sibling,
}

/// A store's folder, made or found.
#[derive(Debug, Clone)]
pub struct Store {
    path: PathBuf,
    id: String,
}

/// The number of one object in the store: the tag of the engine that made it, and a random half.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Slot(u64);

impl Slot {
    pub(crate) fn new(tag: Tag, random: u32) -> Self {
        Self((u64::from(tag.0) << 32) | u64::from(random))
    }

    pub(crate) fn from_row(number: i64) -> Option<Self> {
        u64::try_from(number).ok().map(Self)
    }

    pub(crate) fn to_row(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }

    pub(crate) fn tag(self) -> Tag {
        Tag(u32::try_from(self.0 >> 32).unwrap_or_default())
    }

    /// `k/<low byte>/<number>`, all in lower-case hex.
    pub(crate) fn place(self) -> Place {
        let text = format!("k/{:02x}/{:016x}", self.0 & 0xff, self.0);
        // Three plain components of hex digits are always a path.
        Place::store(&RawRel::parse(text.as_bytes()).unwrap_or_else(|_| RawRel::root()))
    }

    pub(crate) fn parse(name: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(name).ok().filter(|t| t.len() == 16)?;
        u64::from_str_radix(text, 16)
            .ok()
            .filter(|n| *n <= i64::MAX.unsigned_abs())
            .map(Self)
    }
}

/// The upper half of all slots of one engine: 31 random bits, registered beside its owner's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Tag(u32);

impl Tag {
    pub(crate) fn new(random: u32) -> Self {
        Self(random & 0x7fff_ffff)
    }

    /// The name of the registration of `owner`: `s/<owner>.<tag>`.
    pub(crate) fn registration(self, owner: &str) -> Result<RawRel> {
        Ok(RawRel::parse(
            format!("s/{owner}.{:08x}", self.0).as_bytes(),
        )?)
    }

    /// Owner and tag of a registration's name.
    pub(crate) fn parse(name: &[u8]) -> Option<(String, Self)> {
        let text = std::str::from_utf8(name).ok()?;
        let (owner, tag) = text.rsplit_once('.')?;
        let tag = u32::from_str_radix(tag, 16)
            .ok()
            .filter(|_| tag.len() == 8)?;
        Some((owner.to_owned(), Self(tag)))
    }
}

/// Whether `owner` may stand in a name of the store.
pub(crate) fn is_owner_name(owner: &str) -> bool {
    !owner.is_empty()
        && owner.len() <= 128
        && owner
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

impl Store {
    /// Makes a store, or finishes making one that a crash left half made.
    ///
    /// `id` is a name of letters, digits, `-` and `_`, by which the store is known again.
    ///
    /// # Errors
    /// `StoreMissing` when the folder holds another store or cannot be made; `BadChangeSet` for a
    /// bad id.
    pub fn create(path: &Path, id: &str, placement: Placement) -> Result<Self> {
        if !is_owner_name(id) {
            return Err(Error::new(
                ErrorKind::BadChangeSet,
                "cannot name a store so",
            ));
        }
        let failed = |error: std::io::Error| {
            let kind = match error.kind() {
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                    ErrorKind::NoSpace
                }
                _ => ErrorKind::StoreMissing,
            };
            Error::new(kind, "cannot make the store").because(error)
        };
        let store = Self {
            path: path.to_owned(),
            id: id.to_owned(),
        };
        if store.check().is_ok() {
            return Ok(store);
        }
        private_dir(path).map_err(failed)?;
        let found = store.read_id();
        if found.as_ref().is_ok_and(|text| text.is_some()) {
            return Err(Error::new(ErrorKind::StoreMissing, "cannot make the store")
                .detail("the folder holds another store"));
        }
        private_dir(&path.join("k")).map_err(failed)?;
        private_dir(&path.join("s")).map_err(failed)?;
        for byte in 0..=255_u8 {
            private_dir(&path.join(format!("k/{byte:02x}"))).map_err(failed)?;
        }
        if placement == Placement::Sibling {
            write(&path.join(".gitignore"), b"*\n").map_err(failed)?;
            write(
                &path.join("CACHEDIR.TAG"),
                b"Signature: 8a477f597d28d172789f06886806bc55\n",
            )
            .map_err(failed)?;
        }
        // Last: a folder without it is not a store yet.
        write(&path.join("id"), format!("{MAGIC}\n{id}\n").as_bytes()).map_err(failed)?;
        for folder in [path.join("k"), path.to_owned()] {
            fs::File::open(folder)
                .and_then(|f| f.sync_all())
                .map_err(failed)?;
        }
        if let Some(parent) = path.parent() {
            fs::File::open(parent)
                .and_then(|f| f.sync_all())
                .map_err(failed)?;
        }
        store.check()?;
        Ok(store)
    }

    /// Opens a store that must be there and have this id.
    ///
    /// # Errors
    /// `StoreMissing` when it is not there or another; `NewerFormat` when a newer build made it.
    pub fn open(path: &Path, id: &str) -> Result<Self> {
        let store = Self {
            path: path.to_owned(),
            id: id.to_owned(),
        };
        store.check()?;
        Ok(store)
    }

    /// The folder, on the host.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name by which it is known again.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    fn read_id(&self) -> std::io::Result<Option<String>> {
        match fs::read_to_string(self.path.join("id")) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn check(&self) -> Result<()> {
        let missing =
            |why: &str| Error::new(ErrorKind::StoreMissing, "cannot open the store").detail(why);
        let meta = fs::symlink_metadata(&self.path).map_err(|error| {
            Error::new(ErrorKind::StoreMissing, "cannot open the store").because(error)
        })?;
        if !meta.is_dir() {
            return Err(missing("there is no folder in its place"));
        }
        if meta.permissions().mode() & 0o077 != 0 {
            return Err(missing("others may enter it"));
        }
        let text = self
            .read_id()
            .map_err(|e| Error::new(ErrorKind::StoreMissing, "cannot open the store").because(e))?
            .ok_or_else(|| missing("it has no id"))?;
        let (magic, rest) = text.split_once('\n').unwrap_or((&text, ""));
        if magic != MAGIC {
            return Err(if magic.starts_with("aifirst store ") {
                Error::new(ErrorKind::NewerFormat, "cannot open the store")
                    .detail("a newer version made it")
            } else {
                missing("it is no store")
            });
        }
        if rest.trim_end() != self.id {
            return Err(missing("it is another store"));
        }
        Ok(())
    }
}

fn private_dir(path: &Path) -> std::io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => fs::set_permissions(path, fs::Permissions::from_mode(0o700)),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            if fs::symlink_metadata(path)?.is_dir() {
                fs::set_permissions(path, fs::Permissions::from_mode(0o700))
            } else {
                Err(error)
            }
        }
        Err(error) => Err(error),
    }
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = match fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            // A crash may have left it empty or torn; it is ours, in our folder.
            fs::remove_file(path)?;
            fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)?
        }
        Err(error) => return Err(error),
    };
    // At any umask.
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    file.write_all(bytes)?;
    file.sync_all()
}
