//! Mode, times, `user.*` attributes, and the inode flags to be looked at.

use std::os::fd::AsFd;

use rustix::fs::OFlags;

use super::place::hold_to_change;
use crate::error::{Error, ErrorKind, Result};
use crate::fields;
use crate::handle::File;
use crate::identity::{Kind, Time};
use crate::relpath::RawRel;
use crate::resolve::open_following;
use crate::rules::Perm;
use crate::workspace::Workspace;

/// The attributes that programs may use for themselves (`xattr(7)`).
pub(super) const USER: &[u8] = b"user.";

/// The times to set; what is not given stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Times {
    /// Last access.
    pub accessed: Option<Time>,
    /// Last change of content.
    pub modified: Option<Time>,
}

impl Workspace {
    /// Sets the permission bits of a file or folder; a file loses setuid, setgid and sticky, a
    /// folder keeps the latter two. Works on what may not be opened.
    ///
    /// # Errors
    /// `LinkDenied`, `HardLinked` whatever the rules are, `SpecialFile`, `NotFound`,
    /// `RootItself`, `PermissionDenied`, and those of [`Workspace::resolve`]; else those of the
    /// system.
    pub fn set_perm(&self, path: &RawRel, perm: Perm) -> Result<()> {
        const DOING: &str = "set the mode of";
        let (fd, stat) = hold_to_change(self, path, DOING)?;
        let kept = match stat.kind {
            Kind::Dir => stat.mode & 0o3000,
            _ => 0,
        };
        fields::set_mode(fd.as_fd(), perm.bits() | kept)
            .map_err(|errno| fields::proc_error(DOING, errno).at(path))
    }

    /// Sets the times of a file or folder. Works on what may not be opened.
    ///
    /// # Errors
    /// As [`Workspace::set_perm`].
    pub fn set_times(&self, path: &RawRel, times: Times) -> Result<()> {
        const DOING: &str = "set the times of";
        let (fd, _) = hold_to_change(self, path, DOING)?;
        fields::set_times(fd.as_fd(), times.accessed, times.modified)
            .map_err(|errno| fields::proc_error(DOING, errno).at(path))
    }

    /// The `user.*` attributes of a file or folder, ordered by name; none where the file system
    /// has no such thing.
    ///
    /// # Errors
    /// As [`Workspace::set_perm`].
    pub fn user_xattrs(&self, path: &RawRel) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        const DOING: &str = "read the attributes of";
        let (fd, _) = hold_to_change(self, path, DOING)?;
        let mut found = fields::xattrs(fd.as_fd())
            .map_err(|errno| fields::proc_error(DOING, errno).at(path))?;
        found.retain(|(name, _)| name.starts_with(USER));
        Ok(found)
    }

    /// Sets one `user.*` attribute of a file or folder.
    ///
    /// # Errors
    /// `AttributeDenied` for every other name; `LimitExceeded`, `NoSpace`, `Unsupported`; as
    /// [`Workspace::set_perm`].
    pub fn set_user_xattr(&self, path: &RawRel, name: &[u8], value: &[u8]) -> Result<()> {
        const DOING: &str = "set an attribute of";
        only_user(name, DOING).map_err(|error| error.at(path))?;
        let (fd, _) = hold_to_change(self, path, DOING)?;
        fields::set_xattr(fd.as_fd(), name, value)
            .map_err(|errno| fields::proc_error(DOING, errno).at(path))
    }

    /// Removes one `user.*` attribute; it is no error when it is not there.
    ///
    /// # Errors
    /// As [`Workspace::set_user_xattr`].
    pub fn remove_user_xattr(&self, path: &RawRel, name: &[u8]) -> Result<()> {
        const DOING: &str = "remove an attribute of";
        only_user(name, DOING).map_err(|error| error.at(path))?;
        let (fd, _) = hold_to_change(self, path, DOING)?;
        fields::remove_xattr(fd.as_fd(), name)
            .map_err(|errno| fields::proc_error(DOING, errno).at(path))
    }

    /// The inode flags (`lsattr`) of a file or folder; `None` where the file system has none.
    ///
    /// # Errors
    /// `NotFound`, `SpecialFile`, `HardLinked`, and those of [`Workspace::resolve`]; else those
    /// of the system.
    pub fn inode_flags(&self, path: &RawRel) -> Result<Option<u32>> {
        const DOING: &str = "read the flags of";
        let failed = |errno| Error::system(DOING, errno).at(path);
        let fd = open_following(self.root(), self.rules(), path, OFlags::RDONLY, DOING)?;
        let stat = crate::identity::stat_fd(fd.as_fd()).map_err(failed)?;
        if stat.kind == Kind::Dir {
            return fields::inode_flags(fd.as_fd()).map_err(failed);
        }
        let file = File::judged(fd, self.rules(), path.clone(), DOING)?;
        fields::inode_flags(file.fd()).map_err(failed)
    }
}

fn only_user(name: &[u8], doing: &'static str) -> Result<()> {
    if name.len() > USER.len() && name.starts_with(USER) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::AttributeDenied, doing))
}
