//! Fields of what lies at a place: owner, mode, times, attributes. No link is ever followed.

use std::os::fd::AsFd;

use super::{At, Custodian, LOOK};
use crate::error::{Error, ErrorKind, Result};
use crate::fields::{
    Xattrs, inode_flags, proc_error, remove_xattr, set_inode_flags, set_mode, set_owner, set_times,
    set_xattr, xattrs,
};
use crate::identity::{Kind, Time, stat_fd};

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
        set_times(fd.as_fd(), None, Some(mtime))
            .map_err(|errno| Error::system(DOING, errno).at(at.path))
    }
}
