//! Changing a file in place: appending to it, cutting it.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::place::judge_change;
use super::write::{Durability, sync, write_all};
use crate::error::{Error, Result};
use crate::identity::{Stat, stat_fd};
use crate::relpath::RawRel;
use crate::resolve::open_following;
use crate::workspace::Workspace;

impl Workspace {
    /// Appends to an existing file; its fields afterwards. `FileAndFolder` asks no more than
    /// `File` here, since no name changes.
    ///
    /// # Errors
    /// `HardLinked`, whatever the rules are, since the content has other names; `IsADirectory`,
    /// `SpecialFile`, `NotFound`, and those of [`Workspace::resolve`]; `NoSpace`; else those of
    /// the system. What was written before it failed stays.
    pub fn append(&self, path: &RawRel, content: &[u8], durability: Durability) -> Result<Stat> {
        const DOING: &str = "append to";
        let fd = self.open_to_change(path, OFlags::APPEND, DOING)?;
        write_all(&fd, content).map_err(|error| error.doing(DOING).at(path))?;
        finish(&fd, durability, path, DOING)
    }

    /// Cuts or extends an existing file to `size` bytes in place; its fields afterwards. What is
    /// added reads as zero bytes.
    ///
    /// # Errors
    /// As [`Workspace::append`]; nothing was changed then, unless it was the sync that failed.
    pub fn truncate(&self, path: &RawRel, size: u64, durability: Durability) -> Result<Stat> {
        const DOING: &str = "truncate";
        let fd = self.open_to_change(path, OFlags::empty(), DOING)?;
        loop {
            match rustix::fs::ftruncate(&fd, size) {
                Err(Errno::INTR) => {}
                Err(errno) => return Err(Error::system(DOING, errno).at(path)),
                Ok(()) => return finish(&fd, durability, path, DOING),
            }
        }
    }

    /// Opens, then judges; only the caller changes anything, after that.
    fn open_to_change(&self, path: &RawRel, flags: OFlags, doing: &'static str) -> Result<OwnedFd> {
        let flags = flags | OFlags::WRONLY;
        let fd = open_following(self.root(), self.rules(), path, flags, doing)?;
        let stat = stat_fd(fd.as_fd()).map_err(|errno| Error::system(doing, errno).at(path))?;
        judge_change(&stat, doing).map_err(|error| error.at(path))?;
        Ok(fd)
    }
}

fn finish(
    fd: &OwnedFd,
    durability: Durability,
    path: &RawRel,
    doing: &'static str,
) -> Result<Stat> {
    let failed = |errno| Error::system(doing, errno).at(path);
    if durability != Durability::None {
        sync(fd).map_err(failed)?;
    }
    stat_fd(fd.as_fd()).map_err(failed)
}
