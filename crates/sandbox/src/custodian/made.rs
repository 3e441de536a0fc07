//! Files in the making: opened for writing, given their fields, then a name.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;

use super::{At, Custodian, Sync};
use crate::error::{Error, ErrorKind, Result};
use crate::fields::{self, Xattrs, proc_error};
use crate::handle::{File, identity_of};
use crate::identity::{Identity, Stat, Time, stat_fd};
use crate::relpath::RawRel;
use crate::sys;

/// A new file, opened for writing. Dropped without a name, it is gone.
#[derive(Debug)]
pub struct Made {
    fd: OwnedFd,
    path: RawRel,
}

/// Whether content could be shared instead of copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cloned {
    /// The file now has all of it (`FICLONE`).
    Yes,
    /// The file system cannot; nothing was written.
    No,
}

impl Custodian {
    /// Makes a file without a name in a folder (`O_TMPFILE`), so that it inherits what that
    /// folder gives: group, default ACL, label. The kernel takes the umask from `mode`.
    ///
    /// # Errors
    /// `Unsupported` where the file system cannot; `NotFound`, `NoSpace`; else those of the
    /// system.
    pub fn make_unnamed(&self, dir: At<'_>, mode: u32) -> Result<Made> {
        const DOING: &str = "make a file in";
        let fd = self
            .root(dir.side)
            .open(
                &self.rules,
                dir.path,
                OFlags::TMPFILE | OFlags::RDWR,
                Mode::from_raw_mode(mode & 0o7777),
            )
            .map_err(|errno| match errno {
                // Kernels and file systems without O_TMPFILE see a folder opened for writing.
                Errno::ISDIR | Errno::INVAL => Error::new(ErrorKind::Unsupported, DOING),
                errno => Error::opening(DOING, errno),
            })
            .map_err(|error| error.at(dir.path))?;
        let path = dir.path.clone();
        Ok(Made { fd, path })
    }

    /// Makes a file under a free name, private while it is made; then exactly `mode`.
    ///
    /// # Errors
    /// `Exists`, `NotFound`, `RootItself`, `NoSpace`; else those of the system.
    pub fn make_file(&self, at: At<'_>, mode: u32) -> Result<Made> {
        const DOING: &str = "make the file";
        if at.path.is_root() {
            return Err(Error::new(ErrorKind::RootItself, DOING).at(at.path));
        }
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::RDWR;
        let fd = self
            .root(at.side)
            .open(&self.rules, at.path, flags, Mode::from_raw_mode(0o600))
            .map_err(|errno| Error::opening(DOING, errno).at(at.path))?;
        let path = at.path.clone();
        let made = Made { fd, path };
        if mode != 0o600 {
            made.set_mode(mode)?;
        }
        Ok(made)
    }

    /// Gives a file in the making a name (or one more). The name must be free.
    ///
    /// # Errors
    /// `Exists`; `CrossDevice` between mounts; `Unsupported` where `/proc` is not mounted; else
    /// those of the system.
    pub fn publish(&self, made: &Made, at: At<'_>) -> Result<()> {
        const DOING: &str = "name the file";
        let (parent, name) = self.parent(at, DOING)?;
        // The descriptor alone may be linked only with CAP_DAC_READ_SEARCH (open(2), O_TMPFILE).
        let source = sys::proc_path(made.fd.as_fd());
        rustix::fs::linkat(CWD, &source, &parent, name, AtFlags::SYMLINK_FOLLOW).map_err(|errno| {
            match errno {
                Errno::NOENT if stat_fd(parent.as_fd()).is_ok_and(|dir| dir.nlink > 0) => {
                    proc_error(DOING, errno)
                }
                errno => Error::moving(DOING, errno),
            }
            .at(at.path)
        })
    }
}

impl Made {
    /// Writes all of `content` at `offset` bytes from the beginning.
    ///
    /// # Errors
    /// `NoSpace`; else those of the system. What was written before stays.
    pub fn write_at(&self, offset: u64, content: &[u8]) -> Result<()> {
        let mut rest = content;
        let mut offset = offset;
        while !rest.is_empty() {
            match rustix::io::pwrite(&self.fd, rest, offset) {
                Ok(0) => return Err(self.failed("write", Errno::IO)),
                Ok(written) => {
                    rest = rest.get(written..).unwrap_or_default();
                    offset = offset.saturating_add(u64::try_from(written).unwrap_or(u64::MAX));
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(self.failed("write", errno)),
            }
        }
        Ok(())
    }

    /// Cuts or extends the file to `size` bytes; what is added reads as zero bytes.
    ///
    /// # Errors
    /// Those of the system.
    pub fn set_len(&self, size: u64) -> Result<()> {
        loop {
            match rustix::fs::ftruncate(&self.fd, size) {
                Err(Errno::INTR) => {}
                done => return done.map_err(|errno| self.failed("resize", errno)),
            }
        }
    }

    /// Its fields now.
    ///
    /// # Errors
    /// Those of the system.
    pub fn stat(&self) -> Result<Stat> {
        stat_fd(self.fd.as_fd()).map_err(|errno| self.failed("look at", errno))
    }

    /// Which file it is, with the file system's handle where it has one.
    ///
    /// # Errors
    /// Those of the system.
    pub fn identity(&self) -> Result<Identity> {
        identity_of(self.fd.as_fd(), &self.stat()?)
    }

    /// Sets owner and group; see [`Custodian::set_owner`].
    ///
    /// # Errors
    /// `PermissionDenied`; else those of the system.
    pub fn set_owner(&self, uid: u32, gid: u32) -> Result<()> {
        fields::set_owner(self.fd.as_fd(), uid, gid)
            .map_err(|errno| self.failed("set the owner of", errno))
    }

    /// Sets the permission bits, `0o7777` at most and exactly these.
    ///
    /// # Errors
    /// `PermissionDenied`; else those of the system.
    pub fn set_mode(&self, mode: u32) -> Result<()> {
        rustix::fs::fchmod(&self.fd, Mode::from_raw_mode(mode & 0o7777))
            .map_err(|errno| self.failed("set the mode of", errno))
    }

    /// Sets the time of the last change of content; every later write changes it again.
    ///
    /// # Errors
    /// Those of the system.
    pub fn set_times(&self, mtime: Time) -> Result<()> {
        fields::set_times(self.fd.as_fd(), None, Some(mtime))
            .map_err(|errno| self.failed("set the times of", errno))
    }

    /// Its extended attributes, ordered by name: what the folder gave it, or was set.
    ///
    /// # Errors
    /// As [`Custodian::xattrs`].
    pub fn xattrs(&self) -> Result<Xattrs> {
        const DOING: &str = "read the attributes of";
        fields::xattrs(self.fd.as_fd()).map_err(|e| proc_error(DOING, e).at(&self.path))
    }

    /// Sets one extended attribute.
    ///
    /// # Errors
    /// As [`Custodian::set_xattr`].
    pub fn set_xattr(&self, name: &[u8], value: &[u8]) -> Result<()> {
        const DOING: &str = "set an attribute of";
        fields::set_xattr(self.fd.as_fd(), name, value)
            .map_err(|errno| proc_error(DOING, errno).at(&self.path))
    }

    /// Removes one extended attribute; it is no error when it is not there.
    ///
    /// # Errors
    /// As [`Custodian::set_xattr`].
    pub fn remove_xattr(&self, name: &[u8]) -> Result<()> {
        const DOING: &str = "remove an attribute of";
        fields::remove_xattr(self.fd.as_fd(), name)
            .map_err(|errno| proc_error(DOING, errno).at(&self.path))
    }

    /// Its inode flags; `None` where the file system has none.
    ///
    /// # Errors
    /// Those of the system.
    pub fn inode_flags(&self) -> Result<Option<u32>> {
        fields::inode_flags(self.fd.as_fd())
            .map_err(|errno| self.failed("read the flags of", errno))
    }

    /// Sets its inode flags.
    ///
    /// # Errors
    /// `Unsupported`, `PermissionDenied`; else those of the system.
    pub fn set_inode_flags(&self, flags: u32) -> Result<()> {
        fields::set_inode_flags(self.fd.as_fd(), flags)
            .map_err(|errno| self.failed("set the flags of", errno))
    }

    /// Takes over another file's whole content without copying it, where the file system can.
    ///
    /// # Errors
    /// `NoSpace`; else those of the system.
    pub fn clone_from(&self, source: &File) -> Result<Cloned> {
        match rustix::fs::ioctl_ficlone(&self.fd, source.fd()) {
            Ok(()) => Ok(Cloned::Yes),
            Err(
                Errno::OPNOTSUPP
                | Errno::NOTTY
                | Errno::NOSYS
                | Errno::XDEV
                | Errno::INVAL
                | Errno::TXTBSY
                | Errno::PERM,
            ) => Ok(Cloned::No),
            Err(errno) => Err(self.failed("clone into", errno)),
        }
    }

    /// Makes it durable; its name is durable only once the folder was synced too.
    ///
    /// # Errors
    /// Those of the system; what reached the disk is unknown then.
    pub fn sync(&self, what: Sync) -> Result<()> {
        sync_fd(self.fd.as_fd(), what).map_err(|errno| self.failed("sync", errno))
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    fn failed(&self, doing: &'static str, errno: Errno) -> Error {
        Error::system(doing, errno).at(&self.path)
    }
}

impl io::Write for Made {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(&self.fd, buffer)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An interrupted sync is made again; any other failure is final, since the kernel reports it
/// once only.
pub(super) fn sync_fd(fd: BorrowedFd<'_>, what: Sync) -> std::result::Result<(), Errno> {
    loop {
        let done = match what {
            Sync::Data => rustix::fs::fdatasync(fd),
            Sync::All => rustix::fs::fsync(fd),
        };
        match done {
            Err(Errno::INTR) => {}
            done => return done,
        }
    }
}
