//! The effects that the engine needs, as one trait, and what is read through it.

mod faulty;
mod real;

use aifirst_sandbox::{DirEntry, File, Flow, How, Kind, Made, RawRel, Side, Stat, Sync, Time};
use sha2::{Digest as _, Sha256};

pub use faulty::{FaultyDisk, Lasting};
pub use real::RealDisk;

pub use crate::place::Place;

use crate::error::{Error, ErrorKind, Result};
use crate::state::{State, Tree};

/// One field of an object that is being prepared.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Field<'a> {
    /// Owner and group; before the mode, because it clears setuid and setgid.
    Owner(u32, u32),
    /// One extended attribute.
    Xattr(&'a [u8], &'a [u8]),
    /// No such extended attribute.
    NoXattr(&'a [u8]),
    /// Exactly these permission bits.
    Mode(u32),
    /// Inode flags.
    Flags(u32),
}

/// Whether an `fsync` of a workspace folder makes a rename durable on its store side too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreSync {
    /// Yes, measured: ext4, xfs, btrfs.
    WithWorkspace,
    /// Not known: the store's folder is synced too.
    Apart,
}

/// The effects that the engine needs. Every path is one that no link is followed on.
pub trait Disk: Send + core::marker::Sync {
    /// Fields of what is there, or `None`.
    ///
    /// # Errors
    /// As the guard says.
    fn stat(&self, at: &Place) -> Result<Option<Stat>>;
    /// File handle of what is there, where the file system gives one.
    ///
    /// # Errors
    /// As the guard says.
    fn handle(&self, at: &Place) -> Result<Option<Vec<u8>>>;
    /// Extended attributes, sorted by name.
    ///
    /// # Errors
    /// As the guard says.
    fn xattrs(&self, at: &Place) -> Result<Vec<(Vec<u8>, Vec<u8>)>>;
    /// Inode flags, where the file system has them.
    ///
    /// # Errors
    /// As the guard says.
    fn flags(&self, at: &Place) -> Result<Option<u32>>;
    /// Target of a symbolic link.
    ///
    /// # Errors
    /// As the guard says.
    fn read_link(&self, at: &Place) -> Result<Vec<u8>>;
    /// Opens a file for reading.
    ///
    /// # Errors
    /// As the guard says.
    fn open(&self, at: &Place) -> Result<File>;
    /// Entries of a folder.
    ///
    /// # Errors
    /// As the guard says.
    fn list(&self, at: &Place) -> Result<Vec<DirEntry>>;
    /// Everything below a folder, before its children each, sorted by name.
    ///
    /// # Errors
    /// As the guard says.
    fn walk(&self, at: &Place, each: &mut dyn FnMut(&RawRel, &Stat) -> Flow) -> Result<()>;

    /// A new file without a name in the folder `dir`.
    ///
    /// # Errors
    /// As the guard says; `Unsupported` where the file system cannot.
    fn make_unnamed(&self, dir: &Place, mode: u32) -> Result<Made>;
    /// A new file with a name at which nothing may be.
    ///
    /// # Errors
    /// As the guard says.
    fn make_file(&self, at: &Place, mode: u32) -> Result<Made>;
    /// A new folder where nothing may be.
    ///
    /// # Errors
    /// As the guard says.
    fn make_dir(&self, at: &Place, mode: u32) -> Result<()>;
    /// Writes bytes into a prepared file.
    ///
    /// # Errors
    /// As the kernel says.
    fn write(&self, made: &Made, offset: u64, bytes: &[u8]) -> Result<()>;
    /// Shares the content of `from`, whole, where the file system can; says whether it did.
    ///
    /// # Errors
    /// As the kernel says.
    fn clone_content(&self, made: &Made, from: &File) -> Result<aifirst_sandbox::Cloned>;
    /// Sets one field of a prepared file.
    ///
    /// # Errors
    /// As the kernel says.
    fn set(&self, made: &Made, field: Field<'_>) -> Result<()>;
    /// Syncs a prepared file, fields included.
    ///
    /// # Errors
    /// As the kernel says.
    fn sync_made(&self, made: &Made) -> Result<()>;
    /// Gives an unnamed file its name, at which nothing may be.
    ///
    /// # Errors
    /// As the guard says.
    fn publish(&self, made: &Made, at: &Place) -> Result<()>;

    /// Renames without replacing, or exchanges.
    ///
    /// # Errors
    /// As the guard says.
    fn rename(&self, from: &Place, to: &Place, how: How) -> Result<()>;
    /// Sets the time of the last change of content.
    ///
    /// # Errors
    /// As the guard says.
    fn set_mtime(&self, at: &Place, mtime: Time) -> Result<()>;
    /// Sets exactly these permission bits.
    ///
    /// # Errors
    /// As the guard says.
    fn set_mode(&self, at: &Place, mode: u32) -> Result<()>;
    /// Removes an object of the store for good, with all below it.
    ///
    /// # Errors
    /// As the guard says.
    fn discard(&self, store_path: &RawRel) -> Result<()>;

    /// Syncs one object.
    ///
    /// # Errors
    /// As the kernel says.
    fn sync(&self, at: &Place, what: Sync) -> Result<()>;
    /// Syncs the whole file system.
    ///
    /// # Errors
    /// As the kernel says.
    fn sync_all(&self, side: Side) -> Result<()>;
    /// Whether a file has nothing that waits to be written; `None`: the kernel does not say.
    ///
    /// # Errors
    /// As the kernel says.
    fn is_clean(&self, at: &Place) -> Result<Option<bool>>;
    /// Whether the store's folders need their own sync after a rename.
    fn store_sync(&self) -> StoreSync;
}

/// The inode flags that a user sets (`FS_FL_USER_MODIFIABLE` and `FS_NOCOW_FL`, ioctl_iflags(2));
/// the file system changes others by itself, for instance when it indexes a folder.
const USER_FLAGS: u32 = 0x0003_80ff | 0x0080_0000 | 0x2000_0000 | 0x4000_0000;

/// Stands for attributes that may not be read; no attribute has an empty name.
pub(crate) const UNREADABLE: (Vec<u8>, Vec<u8>) = (Vec::new(), Vec::new());

/// How much of an object is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Its own fields.
    Object,
    /// Of a folder, also a counting walk over all below.
    Tree,
}

/// How often a place that keeps changing is looked at before that is an error.
const LOOKS: usize = 64;

/// Looks at one place.
pub(crate) fn look(disk: &dyn Disk, at: &Place, depth: Depth) -> Result<Option<State>> {
    // A name can be exchanged between two calls: the fields of one object must not be taken for
    // another's, so identity and change time are asked again at the end.
    for _ in 0..LOOKS {
        let Some(stat) = disk.stat(at)? else {
            return Ok(None);
        };
        match fields(disk, at, &stat, depth) {
            Ok(state) => match disk.stat(at)? {
                Some(again)
                    if again.identity.ino == stat.identity.ino && again.ctime == stat.ctime =>
                {
                    return Ok(Some(state));
                }
                _ => {}
            },
            Err(error) if is_missing(&error) || is_raced(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::new(
        ErrorKind::Guard(aifirst_sandbox::ErrorKind::Raced),
        "cannot look at",
    )
    .at(&at.path)
    .detail("it keeps changing"))
}

fn fields(disk: &dyn Disk, at: &Place, stat: &Stat, depth: Depth) -> Result<State> {
    let mut state = State::from_stat(stat);
    state.handle = disk.handle(at)?;
    state.xattrs = match disk.xattrs(at) {
        // `user.*` of a file that we may not read (xattr(7)): an object that only moves keeps them
        // all the same.
        Err(error) if is_denied(&error) => vec![UNREADABLE],
        read => read?,
    };
    if matches!(state.kind, Kind::File | Kind::Dir) {
        state.flags = disk.flags(at)?.map(|flags| flags & USER_FLAGS);
    }
    if state.kind == Kind::Symlink {
        state.link = Some(disk.read_link(at)?);
    }
    if state.kind == Kind::Dir && depth == Depth::Tree {
        state.tree = Some(count(disk, at)?);
    }
    Ok(state)
}

/// Counts what lies below a folder, without reading any content.
fn count(disk: &dyn Disk, at: &Place) -> Result<Tree> {
    let (mut sum, mut shape) = (Sha256::new(), Sha256::new());
    let (mut entries, mut bytes) = (0_u64, 0_u64);
    let skip = if at.path.is_root() {
        0
    } else {
        at.path.as_bytes().len() + 1
    };
    let mut mount = None;
    let mut foreign = None;
    disk.walk(at, &mut |path, stat| {
        if *mount.get_or_insert(stat.identity.mount) != stat.identity.mount {
            foreign = Some(path.clone());
            return Flow::Stop;
        }
        // The walk names entries from the side's root; the same tree must count the same wherever
        // it lies.
        let Some(below) = path.as_bytes().get(skip..).filter(|b| !b.is_empty()) else {
            return Flow::Continue;
        };
        entries += 1;
        if stat.kind == Kind::File {
            bytes += stat.size;
        }
        let size = if stat.kind == Kind::Dir { 0 } else { stat.size };
        let mut line = Vec::with_capacity(below.len() + 64);
        line.extend_from_slice(&(below.len() as u64).to_le_bytes());
        line.extend_from_slice(below);
        line.push(crate::state::kind_code(stat.kind));
        line.extend_from_slice(&stat.mode.to_le_bytes());
        line.extend_from_slice(&size.to_le_bytes());
        line.extend_from_slice(&stat.identity.ino.to_le_bytes());
        push_time(&mut line, stat.mtime);
        shape.update(&line);
        push_time(&mut line, stat.ctime);
        sum.update(&line);
        Flow::Continue
    })?;
    if let Some(path) = foreign {
        // Renaming a folder takes the mounts below it along, and their content is not ours.
        return Err(
            Error::new(ErrorKind::NotReversible, "cannot keep the folder of")
                .at(&path)
                .detail("another mount begins there"),
        );
    }
    Ok(Tree {
        entries,
        bytes,
        digest: sum.finalize().into(),
        shape: shape.finalize().into(),
    })
}

fn push_time(line: &mut Vec<u8>, time: Time) {
    line.extend_from_slice(&time.sec.to_le_bytes());
    line.extend_from_slice(&time.nsec.to_le_bytes());
}

/// Digest of a file's present content, read at bounded memory.
pub(crate) fn content_digest(disk: &dyn Disk, at: &Place) -> Result<crate::state::Digest> {
    let file = disk.open(at)?;
    let mut sum = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut offset = 0_u64;
    loop {
        let n = file.read_at(offset, &mut buffer)?;
        if n == 0 {
            return Ok(sum.finalize().into());
        }
        sum.update(buffer.get(..n).unwrap_or_default());
        offset += n as u64;
    }
}

pub(crate) fn is_missing(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Guard(aifirst_sandbox::ErrorKind::NotFound)
    )
}

/// Whether the folder that a place lies in is gone: away, or something else took its name.
pub(crate) fn is_astray(error: &Error) -> bool {
    use aifirst_sandbox::ErrorKind as Guard;
    matches!(
        error.kind(),
        ErrorKind::Guard(Guard::NotFound | Guard::NotADirectory | Guard::LinkDenied)
    )
}

fn is_raced(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Guard(aifirst_sandbox::ErrorKind::Raced)
    )
}

pub(crate) fn is_denied(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Guard(aifirst_sandbox::ErrorKind::PermissionDenied)
    )
}

pub(crate) fn is_taken(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Guard(aifirst_sandbox::ErrorKind::Exists)
    )
}

pub(crate) fn is_unsupported(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Guard(aifirst_sandbox::ErrorKind::Unsupported)
    )
}
