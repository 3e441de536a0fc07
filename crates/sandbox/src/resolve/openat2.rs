//! The kernel's own resolver: every path is opened here, or in `walk` where that was chosen, and nowhere else.

use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// How often an interrupted or raced resolution is tried again before it fails.
///
/// `openat2(2)` answers `EAGAIN` when a rename ran beside a path with `..`; ours have none, so
/// that it is rare. The bound is the one of libpathrs.
pub(super) const TRIES: usize = 128;

/// Whether the last component may be the root of another mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cross {
    /// No mount is crossed.
    Never,
    /// For a folder that the rules list by name.
    Listed,
}

/// Opens `path` below `base`, following no link of any kind.
///
/// `O_PATH | O_NOFOLLOW` yields a link itself where it is the last component. Never `O_TRUNC`:
/// what is opened is judged first.
pub(crate) fn open(
    base: BorrowedFd<'_>,
    path: &[u8],
    flags: OFlags,
    mode: Mode,
    cross: Cross,
) -> Result<OwnedFd, Errno> {
    let mut flags = (flags | OFlags::CLOEXEC) - OFlags::TRUNC;
    // openat2 refuses flags that mean nothing beside O_PATH.
    if !flags.contains(OFlags::PATH) {
        flags |= OFlags::NONBLOCK | OFlags::NOCTTY;
    }
    let mut resolve =
        ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_SYMLINKS;
    if cross == Cross::Never {
        resolve |= ResolveFlags::NO_XDEV;
    }
    for _ in 0..TRIES {
        match rustix::fs::openat2(base, path, flags, mode, resolve) {
            Err(Errno::INTR | Errno::AGAIN) => {}
            done => return done,
        }
    }
    Err(Errno::AGAIN)
}
