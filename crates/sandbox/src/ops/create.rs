//! Making folders.

use std::os::fd::AsFd;

use rustix::fs::{Mode, OFlags};

use super::place::place;
use crate::error::{Error, ErrorKind, Result};
use crate::identity::{Stat, stat_fd};
use crate::relpath::RawRel;
use crate::resolve::open_following;
use crate::rules::Perm;
use crate::workspace::Workspace;

/// How often making a whole path begins anew because somebody removes what it made.
const TRIES: usize = 16;

impl Workspace {
    /// Makes a folder. The kernel takes the umask from `perm`, or applies the parent's default
    /// ACL instead, and hands a setgid parent's group and bit on, as for any program.
    ///
    /// # Errors
    /// `Exists`, `NotFound`, `RootItself`, `ProtectedName`, and those of [`Workspace::resolve`];
    /// else those of the system.
    pub fn make_dir(&self, path: &RawRel, perm: Perm) -> Result<()> {
        const DOING: &str = "make the folder";
        let place = place(self, path, DOING)?;
        rustix::fs::mkdirat(place.fd(), place.name, Mode::from_raw_mode(perm.bits()))
            .map_err(|errno| Error::moving(DOING, errno).at(path))
    }

    /// Makes a folder and those it lies in, as far as they are missing; its fields. That another
    /// makes or removes some of them at the same time is no error.
    ///
    /// # Errors
    /// `NotADirectory` where something else has one of the names; `Raced` when somebody keeps
    /// removing them; as [`Workspace::make_dir`].
    pub fn make_dir_all(&self, path: &RawRel, perm: Perm) -> Result<Stat> {
        const DOING: &str = "make the folder";
        let taken = |result: Result<()>| match result {
            Err(error) if error.kind() == ErrorKind::Exists => Ok(()),
            done => done,
        };
        let mut last = None;
        for _ in 0..TRIES {
            let flags = OFlags::PATH | OFlags::DIRECTORY;
            match open_following(self.root(), self.rules(), path, flags, DOING) {
                Ok(fd) => {
                    return stat_fd(fd.as_fd()).map_err(|e| Error::system(DOING, e).at(path));
                }
                Err(error) if error.kind() == ErrorKind::NotFound => last = Some(error),
                Err(error) => return Err(error),
            }
            match taken(self.make_dir(path, perm)) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                done => {
                    done?;
                    continue;
                }
            }
            let mut here = RawRel::root();
            for name in path.components() {
                here = here.join(name)?;
                match taken(self.make_dir(&here, perm)) {
                    // Removed again, or a link that leads to nothing: the next try tells.
                    Err(error) if error.kind() == ErrorKind::NotFound => break,
                    done => done?,
                }
            }
        }
        Err(last.unwrap_or_else(|| Error::new(ErrorKind::Raced, DOING).at(path)))
    }
}
