//! Opening and looking: what reads, and changes nothing.

use std::os::fd::AsFd;

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::error::{Error, ErrorKind, Result};
use crate::handle::{Dir, File, Pinned};
use crate::identity::{Kind, Stat, stat_fd};
use crate::relpath::RawRel;
use crate::resolve::{Leaf, canonical, open_following};
use crate::rules::refuse_protected;
use crate::workspace::Workspace;

impl Workspace {
    /// Holds what is at a path that goes through no link; a link as the last component is held
    /// itself.
    ///
    /// # Errors
    /// `NotFound`, `LinkDenied`, `MountCrossing`, `ProtectedName`; else those of the system.
    pub fn pin(&self, path: &RawRel) -> Result<Pinned> {
        const DOING: &str = "hold";
        refuse_protected(path, DOING)?;
        let fd = self
            .root()
            .look(self.rules(), path)
            .map_err(|errno| Error::opening(DOING, errno).at(path))?;
        Pinned::new(fd, path.clone(), DOING)
    }

    /// Opens a regular file for reading.
    ///
    /// # Errors
    /// `NotFound`, `IsADirectory`, `SpecialFile`, `HardLinked`, and those of
    /// [`Workspace::resolve`].
    pub fn open_file(&self, path: &RawRel) -> Result<File> {
        const DOING: &str = "open";
        let fd = open_following(self.root(), self.rules(), path, OFlags::RDONLY, DOING)?;
        File::judged(fd, self.rules(), path.clone(), DOING)
    }

    /// Opens a folder for listing.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`, and those of [`Workspace::resolve`].
    pub fn open_dir(&self, path: &RawRel) -> Result<Dir> {
        const DOING: &str = "open";
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let fd = open_following(self.root(), self.rules(), path, flags, DOING)?;
        Dir::new(fd, path.clone(), DOING)
    }

    /// The fields of what is at a path; a link as the last component is not followed. `None`
    /// when there is nothing.
    ///
    /// # Errors
    /// Those of [`Workspace::resolve`].
    pub fn stat_at(&self, path: &RawRel) -> Result<Option<Stat>> {
        const DOING: &str = "look at";
        let done = canonical(self.root(), self.rules(), path, Leaf::Keep, DOING)?;
        done.found
            .map(|fd| stat_fd(fd.as_fd()).map_err(|errno| Error::system(DOING, errno).at(path)))
            .transpose()
    }

    /// Where a symbolic link points to, byte for byte.
    ///
    /// # Errors
    /// `NotFound`; `Unsupported` when it is no link; and those of [`Workspace::resolve`].
    pub fn read_link(&self, path: &RawRel) -> Result<Vec<u8>> {
        const DOING: &str = "read the link";
        let done = canonical(self.root(), self.rules(), path, Leaf::Keep, DOING)?;
        let fd = done
            .found
            .ok_or_else(|| Error::new(ErrorKind::NotFound, DOING).at(path))?;
        link_target(fd.as_fd(), DOING).map_err(|error| error.at(path))
    }
}

/// The target of a link that is held with `O_PATH`.
pub(crate) fn link_target(fd: std::os::fd::BorrowedFd<'_>, doing: &'static str) -> Result<Vec<u8>> {
    let failed = |errno| Error::system(doing, errno);
    match rustix::fs::readlinkat(fd, c"", Vec::new()) {
        Ok(target) => Ok(target.into_bytes()),
        Err(Errno::NOENT | Errno::INVAL) if stat_fd(fd).map_err(failed)?.kind != Kind::Symlink => {
            Err(Error::new(ErrorKind::Unsupported, doing).detail("it is no symbolic link"))
        }
        Err(errno) => Err(failed(errno)),
    }
}
