//! Fields of what lies at a place: owner, mode, times, attributes. No link is ever followed.

use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::buffer::spare_capacity;
use rustix::fs::{
    AtFlags, CWD, Gid, IFlags, Mode, Timespec, Timestamps, UTIME_OMIT, Uid, XattrFlags,
};
use rustix::io::Errno;

use super::{At, Custodian, LOOK};
use crate::error::{Error, ErrorKind, NameFault, Result};
use crate::identity::{Kind, Time, stat_fd};
use crate::sys;

/// Names and values, ordered by name.
pub(super) type Xattrs = Vec<(Vec<u8>, Vec<u8>)>;

impl Custodian {
    /// Every extended attribute that this user may read, of any kind of object, ordered by
    /// name; none where the file system has no such thing. Works on files that may not be
    /// opened.
    ///
    /// # Errors
    /// `NotFound`, `LinkDenied`; `Unsupported` where `/proc` is not mounted; else those of the
    /// system.
    pub fn xattrs(&self, at: At<'_>) -> Result<Xattrs> {
        const DOING: &str = "read the attributes of";
        let fd = self.open_at(at, LOOK, DOING)?;
        xattrs(fd.as_fd()).map_err(|errno| proc_error(DOING, errno).at(at.path))
    }

    /// Sets one extended attribute.
    ///
    /// # Errors
    /// `NotFound`, `LinkDenied`, `Unsupported`, `PermissionDenied`, `NoSpace`; else those of the
    /// system.
    pub fn set_xattr(&self, at: At<'_>, name: &[u8], value: &[u8]) -> Result<()> {
        const DOING: &str = "set an attribute of";
        let fd = self.open_at(at, LOOK, DOING)?;
        set_xattr(fd.as_fd(), name, value).map_err(|errno| proc_error(DOING, errno).at(at.path))
    }

    /// Removes one extended attribute; it is no error when it is not there.
    ///
    /// # Errors
    /// As [`Custodian::set_xattr`].
    pub fn remove_xattr(&self, at: At<'_>, name: &[u8]) -> Result<()> {
        const DOING: &str = "remove an attribute of";
        let fd = self.open_at(at, LOOK, DOING)?;
        remove_xattr(fd.as_fd(), name).map_err(|errno| proc_error(DOING, errno).at(at.path))
    }

    /// The inode flags (`lsattr`) of a file or folder; `None` for other kinds, where the file
    /// system has none, and for what this user may not open.
    ///
    /// # Errors
    /// `NotFound`, `LinkDenied`; else those of the system.
    pub fn inode_flags(&self, at: At<'_>) -> Result<Option<u32>> {
        const DOING: &str = "read the flags of";
        let fd = match self.open_content(at, DOING) {
            Ok(Some(fd)) => fd,
            Ok(None) => return Ok(None),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => return Ok(None),
            Err(error) => return Err(error),
        };
        inode_flags(fd.as_fd()).map_err(|errno| Error::system(DOING, errno).at(at.path))
    }

    /// Sets the inode flags (`chattr`) of a file or folder.
    ///
    /// # Errors
    /// `Unsupported` for other kinds and file systems; `PermissionDenied`; else those of the
    /// system.
    pub fn set_inode_flags(&self, at: At<'_>, flags: u32) -> Result<()> {
        const DOING: &str = "set the flags of";
        let fd = self
            .open_content(at, DOING)?
            .ok_or_else(|| Error::new(ErrorKind::Unsupported, DOING).at(at.path))?;
        set_inode_flags(fd.as_fd(), flags).map_err(|errno| Error::system(DOING, errno).at(at.path))
    }

    /// Sets owner and group, of a link the link's own. The kernel takes setuid and setgid bits
    /// and capabilities away: set those afterwards.
    ///
    /// # Errors
    /// `NotFound`, `LinkDenied`, `PermissionDenied`; else those of the system.
    pub fn set_owner(&self, at: At<'_>, uid: u32, gid: u32) -> Result<()> {
        const DOING: &str = "set the owner of";
        let fd = self.open_at(at, LOOK, DOING)?;
        set_owner(fd.as_fd(), uid, gid).map_err(|errno| Error::system(DOING, errno).at(at.path))
    }

    /// Sets the permission bits, `0o7777` at most and exactly these; the umask does not matter.
    ///
    /// # Errors
    /// `NotFound`, `LinkDenied` for a link, whose bits mean nothing; `PermissionDenied`; else
    /// those of the system.
    pub fn set_mode(&self, at: At<'_>, mode: u32) -> Result<()> {
        const DOING: &str = "set the mode of";
        let fd = self.open_at(at, LOOK, DOING)?;
        let failed = |errno| proc_error(DOING, errno).at(at.path);
        if stat_fd(fd.as_fd()).map_err(failed)?.kind == Kind::Symlink {
            return Err(Error::new(ErrorKind::LinkDenied, DOING).at(at.path));
        }
        set_mode(fd.as_fd(), mode).map_err(failed)
    }

    /// Sets the time of the last change of content, of a link the link's own; the time of
    /// access stays.
    ///
    /// # Errors
    /// `NotFound`, `LinkDenied`, `PermissionDenied`; else those of the system.
    pub fn set_times(&self, at: At<'_>, mtime: Time) -> Result<()> {
        const DOING: &str = "set the times of";
        let fd = self.open_at(at, LOOK, DOING)?;
        set_times(fd.as_fd(), mtime).map_err(|errno| Error::system(DOING, errno).at(at.path))
    }
}

/// The object is held, so that `ENOENT` on the way through `/proc` means that there is none.
pub(super) fn proc_error(doing: &'static str, errno: Errno) -> Error {
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

pub(super) fn set_owner(fd: BorrowedFd<'_>, uid: u32, gid: u32) -> std::result::Result<(), Errno> {
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    rustix::fs::chownat(fd, c"", Some(uid), Some(gid), AtFlags::EMPTY_PATH)
}

pub(super) fn set_mode(fd: BorrowedFd<'_>, mode: u32) -> std::result::Result<(), Errno> {
    let mode = mode & 0o7777;
    match sys::chmod_fd(fd, mode) {
        // Before Linux 6.6, or filtered by a profile older than the call.
        Err(Errno::NOSYS | Errno::PERM) => {
            rustix::fs::chmod(sys::proc_path(fd), Mode::from_raw_mode(mode))
        }
        done => done,
    }
}

pub(super) fn set_times(fd: BorrowedFd<'_>, mtime: Time) -> std::result::Result<(), Errno> {
    let times = Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        },
        last_modification: Timespec {
            tv_sec: mtime.sec,
            tv_nsec: i64::from(mtime.nsec),
        },
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
pub(super) fn xattrs(fd: BorrowedFd<'_>) -> std::result::Result<Xattrs, Errno> {
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

pub(super) fn set_xattr(
    fd: BorrowedFd<'_>,
    name: &[u8],
    value: &[u8],
) -> std::result::Result<(), Errno> {
    let name = CString::new(name).map_err(|_| Errno::INVAL)?;
    rustix::fs::setxattr(sys::proc_path(fd), name, value, XattrFlags::empty())
}

pub(super) fn remove_xattr(fd: BorrowedFd<'_>, name: &[u8]) -> std::result::Result<(), Errno> {
    let name = CString::new(name).map_err(|_| Errno::INVAL)?;
    match rustix::fs::removexattr(sys::proc_path(fd), name) {
        Err(Errno::NODATA) => Ok(()),
        done => done,
    }
}

pub(super) fn inode_flags(fd: BorrowedFd<'_>) -> std::result::Result<Option<u32>, Errno> {
    match rustix::fs::ioctl_getflags(fd) {
        Ok(flags) => Ok(Some(flags.bits())),
        Err(Errno::NOTTY | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(None),
        Err(errno) => Err(errno),
    }
}

pub(super) fn set_inode_flags(fd: BorrowedFd<'_>, flags: u32) -> std::result::Result<(), Errno> {
    rustix::fs::ioctl_setflags(fd, IFlags::from_bits_retain(flags))
}
