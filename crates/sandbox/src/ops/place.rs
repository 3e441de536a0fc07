//! The folder that a name lies in, held, for the calls that take a folder and a name.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::error::{Error, ErrorKind, Result};
use crate::identity::{Kind, Stat, stat_fd};
use crate::relpath::RawRel;
use crate::resolve::{Leaf, Root, canonical, open_following};
use crate::rules::{Rules, judge_file, refuse_protected};
use crate::workspace::Workspace;

/// A name in a folder that is held; whether it is taken is for the system call to say.
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub(super) folder: Root,
    pub(super) name: &'a [u8],
}

/// Reaches the folder of a path, through links as the rules allow. The root lies in none.
pub(super) fn place<'a>(
    workspace: &Workspace,
    path: &'a RawRel,
    doing: &'static str,
) -> Result<Place<'a>> {
    let (Some(parent), Some(name)) = (path.parent(), path.name()) else {
        return Err(Error::new(ErrorKind::RootItself, doing).at(path));
    };
    refuse_protected(path, doing)?;
    let flags = OFlags::PATH | OFlags::DIRECTORY;
    let (root, rules) = (workspace.root(), workspace.rules());
    let fd = open_following(root, rules, &parent, flags, doing).map_err(|error| error.at(path))?;
    let backend = workspace.backend();
    Ok(Place {
        folder: Root { fd, backend },
        name,
    })
}

impl Place<'_> {
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.folder.fd.as_fd()
    }

    /// Holds what has the name, if anything; a link itself.
    pub(super) fn look(&self, doing: &'static str) -> Result<Option<(OwnedFd, Stat)>> {
        match self
            .folder
            .look(&Rules::default(), &RawRel::parse(self.name)?)
        {
            Ok(fd) => {
                let stat = stat_fd(fd.as_fd()).map_err(|errno| Error::system(doing, errno))?;
                Ok(Some((fd, stat)))
            }
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(Error::opening(doing, errno)),
        }
    }
}

/// Holds a file or folder whose fields are to be changed in place, where no other name shows the
/// change: a link, a file with several names and the root are refused, whatever the rules are.
pub(super) fn hold_to_change(
    workspace: &Workspace,
    path: &RawRel,
    doing: &'static str,
) -> Result<(OwnedFd, Stat)> {
    if path.is_root() {
        return Err(Error::new(ErrorKind::RootItself, doing).at(path));
    }
    let done = canonical(workspace.root(), workspace.rules(), path, Leaf::Keep, doing)?;
    let fd = done
        .found
        .ok_or_else(|| Error::new(ErrorKind::NotFound, doing).at(path))?;
    let stat = stat_fd(fd.as_fd()).map_err(|errno| Error::system(doing, errno).at(path))?;
    if stat.kind != Kind::Dir {
        judge_change(&stat, doing).map_err(|error| error.at(path))?;
    }
    Ok((fd, stat))
}

/// Judges a file that is to be changed in place.
pub(super) fn judge_change(stat: &Stat, doing: &'static str) -> Result<()> {
    judge_file(stat, &Rules::default(), doing)
}
