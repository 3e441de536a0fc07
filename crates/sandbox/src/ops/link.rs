//! Making links: symbolic ones that stay inside, further names of a regular file.

use std::os::fd::AsFd;

use rustix::fs::{AtFlags, CWD};
use rustix::io::Errno;

use super::place::place;
use crate::error::{Error, ErrorKind, NameFault, Result};
use crate::identity::stat_fd;
use crate::relpath::{MAX_PATH, RawRel};
use crate::resolve::{Leaf, canonical};
use crate::rules::{HardLinks, judge_file};
use crate::sys;
use crate::workspace::Workspace;

impl Workspace {
    /// Makes a symbolic link. The target is stored byte for byte and need not exist, but it must
    /// be relative and stay inside, through whatever links it would go now. A `..` is accepted at
    /// its beginning only, where it means the same whatever else changes.
    ///
    /// # Errors
    /// `Escape` for an absolute or leaving target and for a `..` after a name; `BadName`;
    /// `Exists`, `NotFound`, `RootItself`, `ProtectedName` (of the target too), and those of
    /// [`Workspace::resolve`]; else those of the system.
    pub fn make_symlink(&self, path: &RawRel, target: &[u8]) -> Result<()> {
        const DOING: &str = "make the link";
        let place = place(self, path, DOING)?;
        self.judge_target(path, target, DOING)
            .map_err(|error| error.doing(DOING).at(path))?;
        rustix::fs::symlinkat(target, place.fd(), place.name)
            .map_err(|errno| Error::moving(DOING, errno).at(path))
    }

    fn judge_target(&self, path: &RawRel, target: &[u8], doing: &'static str) -> Result<()> {
        let fault = |fault| Err(Error::name(fault));
        let escape = |why| Err(Error::new(ErrorKind::Escape, doing).detail(why));
        if target.is_empty() {
            return fault(NameFault::Empty);
        }
        if target.contains(&0) {
            return fault(NameFault::Nul);
        }
        if target.len() > MAX_PATH {
            return fault(NameFault::PathTooLong);
        }
        if target.starts_with(b"/") {
            return escape("the target is absolute");
        }
        let parent = path.parent().unwrap_or_else(RawRel::root);
        // A link's target starts where the link really lies.
        let mut here = canonical(self.root(), self.rules(), &parent, Leaf::Follow, doing)?.path;
        let mut named = false;
        for part in target.split(|byte| *byte == b'/') {
            match part {
                b"" | b"." => {}
                b".." if named => return escape("the target has a `..` after a name"),
                b".." => match here.parent() {
                    Some(up) => here = up,
                    None => return escape("the target leaves the workspace"),
                },
                name => {
                    named = true;
                    here = here.join(name)?;
                }
            }
        }
        match canonical(self.root(), self.rules(), &here, Leaf::Follow, doing) {
            // It leads nowhere, or round in a circle: following it will fail, not leave.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::LinkLoop
                ) =>
            {
                Ok(())
            }
            done => done.map(drop),
        }
    }

    /// Gives a regular file a second name. The rules must allow reading files with several
    /// names, for that is what it becomes.
    ///
    /// # Errors
    /// `HardLinked` where the rules deny such files; `LinkDenied`, `IsADirectory`, `SpecialFile`
    /// for other sources; `Exists`, `NotFound`, `RootItself`, `CrossDevice`, `ProtectedName`;
    /// `Unsupported` where `/proc` is not mounted; those of [`Workspace::resolve`]; else those of
    /// the system.
    pub fn make_hard_link(&self, from: &RawRel, to: &RawRel) -> Result<()> {
        const DOING: &str = "make the hard link";
        if from.is_root() {
            return Err(Error::new(ErrorKind::RootItself, DOING).at(from));
        }
        let found = canonical(self.root(), self.rules(), from, Leaf::Keep, DOING)?.found;
        let source = found.ok_or_else(|| Error::new(ErrorKind::NotFound, DOING).at(from))?;
        let stat = stat_fd(source.as_fd()).map_err(|e| Error::system(DOING, e).at(from))?;
        judge_file(&stat, self.rules(), DOING).map_err(|error| error.at(from))?;
        if self.rules().hard_links == HardLinks::Deny {
            return Err(Error::new(ErrorKind::HardLinked, DOING)
                .detail("the rules allow no file with several names")
                .at(from));
        }
        let place = place(self, to, DOING)?;
        // What was judged is what gets the name: the held object, not whatever is there now.
        let source = sys::proc_path(source.as_fd());
        rustix::fs::linkat(
            CWD,
            &source,
            place.fd(),
            place.name,
            AtFlags::SYMLINK_FOLLOW,
        )
        .map_err(|errno| match errno {
            Errno::NOENT if stat_fd(place.fd()).is_ok_and(|dir| dir.nlink > 0) => {
                crate::fields::proc_error(DOING, errno)
            }
            errno => Error::moving(DOING, errno),
        })
        .map_err(|error| error.at(to))
    }
}
