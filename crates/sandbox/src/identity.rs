//! What was opened: kind, fields and identity, as `statx` tells them.

use rustix::fs::{AtFlags, Statx, StatxFlags, statx};
use rustix::io::Errno;
use std::os::fd::BorrowedFd;

/// A time of a file, as the file system keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time {
    /// Seconds since 1970-01-01 UTC, negative before.
    pub sec: i64,
    /// Nanoseconds within the second, below 1,000,000,000.
    pub nsec: u32,
}

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Dir,
    /// A symbolic link.
    Symlink,
    /// A named pipe.
    Fifo,
    /// A Unix socket's name.
    Socket,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
}

/// Which object it is, whatever it is called.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Device number; it holds for one boot or mount only.
    pub dev: u64,
    /// Inode number; it is given again when the object is gone.
    pub ino: u64,
    /// When the inode was made, where the file system keeps that.
    pub btime: Option<Time>,
    /// The mount it was reached through: never given again on Linux 6.8 and later.
    pub mount: u64,
    /// The file system's own handle with its type before it; only where it was asked for.
    pub handle: Option<Box<[u8]>>,
}

impl Identity {
    /// Whether both are the same object of one file system.
    ///
    /// By the file handle where both have one, else by inode number and birth time. Device and
    /// mount are left out, since they change from boot to boot; a caller that compares objects of
    /// different file systems compares those first.
    #[must_use]
    pub fn same_object(&self, other: &Self) -> bool {
        let born_together = match (self.btime, other.btime) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        };
        match (&self.handle, &other.handle) {
            (Some(a), Some(b)) => a == b && born_together,
            _ => self.ino == other.ino && born_together,
        }
    }

    /// Whether both are the same object now, on one running system.
    #[must_use]
    pub fn same_now(&self, other: &Self) -> bool {
        self.dev == other.dev && self.same_object(other)
    }
}

/// An object's fields at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub kind: Kind,
    /// Permission bits with setuid, setgid and sticky: `0o7777` at most.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Size in bytes.
    pub size: u64,
    /// Number of names (hard links).
    pub nlink: u32,
    /// Device number of a device node, else 0.
    pub rdev: u64,
    /// Space taken, in units of 512 bytes.
    pub blocks: u64,
    /// Last access.
    pub atime: Time,
    /// Last change of content.
    pub mtime: Time,
    /// Last change of anything.
    pub ctime: Time,
    /// Which object it is.
    pub identity: Identity,
}

/// `STATX_MNT_ID_UNIQUE` (Linux 6.8): rustix has no name for it yet.
const MOUNT_UNIQUE: u32 = 0x4000;

/// The fields of what an open descriptor refers to, `O_PATH` ones and links included.
pub(crate) fn stat_fd(fd: BorrowedFd<'_>) -> Result<Stat, Errno> {
    stat_below(fd, b"", AtFlags::EMPTY_PATH)
}

/// The fields of `name` in a folder; a link is not followed.
pub(crate) fn stat_name(dir: BorrowedFd<'_>, name: &[u8]) -> Result<Stat, Errno> {
    stat_below(dir, name, AtFlags::SYMLINK_NOFOLLOW)
}

/// Only for `Workspace::normalize`, which looks at the ancestors of the root by their paths.
pub(crate) fn stat_following(dir: BorrowedFd<'_>, path: &[u8]) -> Result<Stat, Errno> {
    stat_below(dir, path, AtFlags::empty())
}

/// Whether the system tells which mount a descriptor is on.
pub(crate) fn has_mount_id(fd: BorrowedFd<'_>) -> Result<bool, Errno> {
    let wanted = StatxFlags::MNT_ID | StatxFlags::from_bits_retain(MOUNT_UNIQUE);
    let got = statx(fd, c"", AtFlags::EMPTY_PATH, wanted)?;
    Ok(got.stx_mask & wanted.bits() != 0)
}

fn stat_below(dir: BorrowedFd<'_>, path: &[u8], flags: AtFlags) -> Result<Stat, Errno> {
    let mask = StatxFlags::BASIC_STATS
        | StatxFlags::BTIME
        | StatxFlags::MNT_ID
        | StatxFlags::from_bits_retain(MOUNT_UNIQUE);
    loop {
        match statx(dir, path, flags | AtFlags::NO_AUTOMOUNT, mask) {
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
            Ok(raw) => return from_raw(&raw),
        }
    }
}

fn from_raw(raw: &Statx) -> Result<Stat, Errno> {
    let time = |t: rustix::fs::StatxTimestamp| Time {
        sec: t.tv_sec,
        nsec: t.tv_nsec,
    };
    let mode = u32::from(raw.stx_mode);
    Ok(Stat {
        kind: kind_of(mode).ok_or(Errno::IO)?,
        mode: mode & 0o7777,
        uid: raw.stx_uid,
        gid: raw.stx_gid,
        size: raw.stx_size,
        nlink: raw.stx_nlink,
        rdev: rustix::fs::makedev(raw.stx_rdev_major, raw.stx_rdev_minor),
        blocks: raw.stx_blocks,
        atime: time(raw.stx_atime),
        mtime: time(raw.stx_mtime),
        ctime: time(raw.stx_ctime),
        identity: Identity {
            dev: rustix::fs::makedev(raw.stx_dev_major, raw.stx_dev_minor),
            ino: raw.stx_ino,
            btime: (raw.stx_mask & StatxFlags::BTIME.bits() != 0).then(|| time(raw.stx_btime)),
            mount: raw.stx_mnt_id,
            handle: None,
        },
    })
}

fn kind_of(mode: u32) -> Option<Kind> {
    use rustix::fs::FileType;
    kind_of_type(FileType::from_raw_mode(mode))
}

pub(crate) fn kind_of_type(kind: rustix::fs::FileType) -> Option<Kind> {
    use rustix::fs::FileType;
    match kind {
        FileType::RegularFile => Some(Kind::File),
        FileType::Directory => Some(Kind::Dir),
        FileType::Symlink => Some(Kind::Symlink),
        FileType::Fifo => Some(Kind::Fifo),
        FileType::Socket => Some(Kind::Socket),
        FileType::CharacterDevice => Some(Kind::CharDevice),
        FileType::BlockDevice => Some(Kind::BlockDevice),
        _ => None,
    }
}
