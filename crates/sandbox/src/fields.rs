//! Fields of a held object, set and read through its descriptor: owner, mode, times, attributes.

use std::ffi::CString;
use std::os::fd::BorrowedFd;

use rustix::buffer::spare_capacity;
use rustix::fs::{
    AtFlags, CWD, Gid, IFlags, Mode, Timespec, Timestamps, UTIME_OMIT, Uid, XattrFlags,
};
use rustix::io::Errno;

use crate::error::{Error, ErrorKind, NameFault};
use crate::identity::Time;
use crate::sys;

/// Names and values, ordered by name.
pub(crate) type Xattrs = Vec<(Vec<u8>, Vec<u8>)>;

/// The object is held, so that `ENOENT` on the way through `/proc` means that there is none.
pub(crate) fn proc_error(doing: &'static str, errno: Errno) -> Error {
    match errno {
        Errno::NOENT => {
            Error::new(ErrorKind::Unsupported, doing).detail("the proc file system is not mounted")
        }
        Errno::RANGE | Errno::TOOBIG => {
            Error::new(ErrorKind::LimitExceeded, doing).detail("the attribute is too large")
        }
        Errno::INVAL => Error::name(NameFault::Empty)
            .doing(doing)
            .detail("the attribute's name is not accepted"),
        errno => Error::system(doing, errno),
    }
}

pub(crate) fn set_owner(fd: BorrowedFd<'_>, uid: u32, gid: u32) -> std::result::Result<(), Errno> {
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    rustix::fs::chownat(fd, c"", Some(uid), Some(gid), AtFlags::EMPTY_PATH)
}

pub(crate) fn set_mode(fd: BorrowedFd<'_>, mode: u32) -> std::result::Result<(), Errno> {
    let mode = mode & 0o7777;
    match sys::chmod_fd(fd, mode) {
        // Before Linux 6.6, or filtered by a profile older than the call.
        Err(Errno::NOSYS | Errno::PERM) => {
            rustix::fs::chmod(sys::proc_path(fd), Mode::from_raw_mode(mode))
        }
        done => done,
    }
}

/// What is not given stays as it is.
pub(crate) fn set_times(
    fd: BorrowedFd<'_>,
    atime: Option<Time>,
    mtime: Option<Time>,
) -> std::result::Result<(), Errno> {
    let raw = |time: Option<Time>| match time {
        Some(time) => Timespec {
            tv_sec: time.sec,
            tv_nsec: i64::from(time.nsec),
        },
        None => Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        },
    };
    let times = Timestamps {
        last_access: raw(atime),
        last_modification: raw(mtime),
    };
    match rustix::fs::utimensat(fd, c"", &times, AtFlags::EMPTY_PATH) {
        // Older kernels know no empty path here.
        Err(Errno::INVAL | Errno::NOENT) => {
            rustix::fs::utimensat(CWD, sys::proc_path(fd), &times, AtFlags::empty())
        }
        done => done,
    }
}

/// Through `/proc`, since the attribute calls take no `O_PATH` descriptor; the kernel's link
/// there leads to the held object itself, so that a symbolic link is not followed either.
pub(crate) fn xattrs(fd: BorrowedFd<'_>) -> std::result::Result<Xattrs, Errno> {
    let path = sys::proc_path(fd);
    let list =
        match growing(|buffer| rustix::fs::listxattr(&path, spare_capacity(buffer)).map(|_| ())) {
            Err(Errno::OPNOTSUPP) => return Ok(Vec::new()),
            list => list?,
        };
    let mut found = Vec::new();
    for name in list
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
    {
        match growing(|buffer| {
            rustix::fs::getxattr(&path, name, spare_capacity(buffer)).map(|_| ())
        }) {
            Ok(value) => found.push((name.to_vec(), value)),
            // Removed meanwhile, or listed but not for this user (some security labels).
            Err(Errno::NODATA | Errno::OPNOTSUPP) => {}
            Err(errno) => return Err(errno),
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Calls until the answer fits, up to what Linux allows at all (`XATTR_SIZE_MAX`, 64 KiB).
fn growing(
    mut call: impl FnMut(&mut Vec<u8>) -> std::result::Result<(), Errno>,
) -> std::result::Result<Vec<u8>, Errno> {
    for size in [256, 4096, 64 * 1024] {
        let mut buffer = Vec::with_capacity(size);
        match call(&mut buffer) {
            Err(Errno::RANGE) => {}
            done => return done.map(|()| buffer),
        }
    }
    Err(Errno::RANGE)
}

pub(crate) fn set_xattr(
    fd: BorrowedFd<'_>,
    name: &[u8],
    value: &[u8],
) -> std::result::Result<(), Errno> {
    let name = CString::new(name).map_err(|_| Errno::INVAL)?;
    rustix::fs::setxattr(sys::proc_path(fd), name, value, XattrFlags::empty())
}

pub(crate) fn remove_xattr(fd: BorrowedFd<'_>, name: &[u8]) -> std::result::Result<(), Errno> {
    let name = CString::new(name).map_err(|_| Errno::INVAL)?;
    match rustix::fs::removexattr(sys::proc_path(fd), name) {
        Err(Errno::NODATA) => Ok(()),
        done => done,
    }
}

pub(crate) fn inode_flags(fd: BorrowedFd<'_>) -> std::result::Result<Option<u32>, Errno> {
    match rustix::fs::ioctl_getflags(fd) {
        Ok(flags) => Ok(Some(flags.bits())),
        Err(Errno::NOTTY | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(None),
        Err(errno) => Err(errno),
    }
}

pub(crate) fn set_inode_flags(fd: BorrowedFd<'_>, flags: u32) -> std::result::Result<(), Errno> {
    rustix::fs::ioctl_setflags(fd, IFlags::from_bits_retain(flags))
}
