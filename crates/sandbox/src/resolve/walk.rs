//! The opt-in fallback: component by component, for systems that filter `openat2` away.
//!
//! The answers are those of `openat2` with the flags that the crate gives it. No component is
//! a link and none is `..`, so that nothing is ever started anew: each folder is held before the
//! next name is looked up in it, and is on the mount that the walk began on.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::openat2::{Cross, TRIES};
use crate::identity::{Kind, Stat, stat_fd};

const FOLDER: OFlags = OFlags::PATH
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW);

/// As `openat2::open`, with the same answers.
pub(crate) fn open(
    base: BorrowedFd<'_>,
    path: &[u8],
    flags: OFlags,
    mode: Mode,
    cross: Cross,
) -> Result<OwnedFd, Errno> {
    for _ in 0..TRIES {
        match once(base, path, flags, mode, cross) {
            Err(Errno::AGAIN) => {}
            done => return done,
        }
    }
    Err(Errno::AGAIN)
}

fn once(
    base: BorrowedFd<'_>,
    path: &[u8],
    flags: OFlags,
    mode: Mode,
    cross: Cross,
) -> Result<OwnedFd, Errno> {
    // The caller's own wish decides what a link as the last component is answered with.
    let keeps = flags.contains(OFlags::NOFOLLOW);
    let mut flags = (flags | OFlags::CLOEXEC | OFlags::NOFOLLOW) - OFlags::TRUNC;
    if !flags.contains(OFlags::PATH) {
        flags |= OFlags::NONBLOCK | OFlags::NOCTTY;
    }
    if path == b"." {
        return step(base, path, flags, mode);
    }
    let mount = match cross {
        Cross::Never => Some(stat_fd(base)?.identity.mount),
        Cross::Listed => None,
    };
    let mut held: Option<OwnedFd> = None;
    let mut names = path.split(|byte| *byte == b'/').peekable();
    while let Some(name) = names.next() {
        // No path of the crate has one of these; with one, staying beneath would be luck.
        if matches!(name, b"" | b"." | b"..") {
            return Err(Errno::INVAL);
        }
        let here = held.as_ref().map_or(base, |fd| fd.as_fd());
        if names.peek().is_none() {
            return leaf(here, name, flags, mode, mount, keeps);
        }
        held = Some(folder(here, name, mount)?);
    }
    Err(Errno::INVAL)
}

/// A folder on the way; what it is not is said as `openat2` says it.
fn folder(here: BorrowedFd<'_>, name: &[u8], mount: Option<u64>) -> Result<OwnedFd, Errno> {
    match step(here, name, FOLDER, Mode::empty()) {
        Ok(fd) => {
            on_mount(&stat_fd(fd.as_fd())?, mount)?;
            Ok(fd)
        }
        Err(Errno::NOTDIR) => Err(no_folder(here, name, mount)?),
        Err(errno) => Err(errno),
    }
}

fn leaf(
    here: BorrowedFd<'_>,
    name: &[u8],
    flags: OFlags,
    mode: Mode,
    mount: Option<u64>,
    keeps: bool,
) -> Result<OwnedFd, Errno> {
    match step(here, name, flags, mode) {
        Ok(fd) => {
            let stat = stat_fd(fd.as_fd())?;
            on_mount(&stat, mount)?;
            if stat.kind == Kind::Symlink && !keeps {
                return Err(Errno::LOOP);
            }
            Ok(fd)
        }
        // The kernel looks at mount and link before it looks at the type.
        Err(Errno::NOTDIR) => match no_folder(here, name, mount)? {
            Errno::LOOP if keeps => Err(Errno::NOTDIR),
            errno => Err(errno),
        },
        Err(errno @ (Errno::NXIO | Errno::ACCESS | Errno::ISDIR | Errno::NODEV | Errno::ROFS)) => {
            let fd = look(here, name)?;
            on_mount(&stat_fd(fd.as_fd())?, mount)?;
            Err(errno)
        }
        Err(errno) => Err(errno),
    }
}

/// Why a name is no folder: another mount, a link, or nothing but that.
fn no_folder(here: BorrowedFd<'_>, name: &[u8], mount: Option<u64>) -> Result<Errno, Errno> {
    let fd = look(here, name)?;
    let stat = stat_fd(fd.as_fd())?;
    on_mount(&stat, mount)?;
    Ok(match stat.kind {
        Kind::Symlink => Errno::LOOP,
        // It was none a moment ago: the caller may try again.
        Kind::Dir => Errno::AGAIN,
        _ => Errno::NOTDIR,
    })
}

fn look(here: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    step(here, name, flags, Mode::empty())
}

fn on_mount(stat: &Stat, mount: Option<u64>) -> Result<(), Errno> {
    match mount {
        Some(mount) if stat.identity.mount != mount => Err(Errno::XDEV),
        _ => Ok(()),
    }
}

/// One name in one folder.
fn step(here: BorrowedFd<'_>, name: &[u8], flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    loop {
        match rustix::fs::openat(here, name, flags | OFlags::CLOEXEC, mode) {
            Err(Errno::INTR) => {}
            done => return done,
        }
    }
}
