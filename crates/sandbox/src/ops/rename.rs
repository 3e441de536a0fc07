//! Moving and exchanging names within a workspace.

use rustix::fs::RenameFlags;
use rustix::io::Errno;

use super::place::place;
use crate::error::{Error, ErrorKind, Result};
use crate::relpath::RawRel;
use crate::resolve::{Leaf, canonical};
use crate::workspace::Workspace;

/// What a rename does with the other name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Rename {
    /// It must be free.
    #[default]
    NoReplace,
    /// Both must be taken; they change places in one step.
    Exchange,
    /// What has it goes, in one step: a file or link by anything but a folder, an empty folder
    /// by a folder.
    Over,
}

impl Workspace {
    /// Moves a name. Of a link the link itself is moved; neither name is followed. Nothing is
    /// ever copied: between mounts it fails.
    ///
    /// # Errors
    /// `Exists`, `NotFound`, `NotEmpty`, `IsADirectory`, `NotADirectory`, `IntoItself`;
    /// `RootItself` for either name; `CrossDevice` between mounts, `MountCrossing` for a mount
    /// point; `Unsupported` where the file system lacks the way asked for; `ProtectedName`, and
    /// those of [`Workspace::resolve`]; else those of the system.
    pub fn rename(&self, from: &RawRel, to: &RawRel, how: Rename) -> Result<()> {
        const DOING: &str = "rename";
        let old = place(self, from, DOING)?;
        let new = place(self, to, DOING)?;
        let flags = match how {
            Rename::NoReplace => RenameFlags::NOREPLACE,
            Rename::Exchange => RenameFlags::EXCHANGE,
            Rename::Over => RenameFlags::empty(),
        };
        let done = rustix::fs::renameat_with(old.fd(), old.name, new.fd(), new.name, flags);
        let Err(errno) = done else {
            return Ok(());
        };
        // Each of the two could be the folder that the other lies in.
        if matches!(errno, Errno::INVAL | Errno::NOTEMPTY | Errno::EXIST) {
            let (a, b) = (self.spelled_out(from)?, self.spelled_out(to)?);
            let within = a != b && (b.starts_with(&a) || a.starts_with(&b));
            if within && (errno == Errno::INVAL || b.starts_with(&a)) {
                return Err(Error::new(ErrorKind::IntoItself, DOING).at(from));
            }
        }
        Err(match errno {
            Errno::INVAL => Error::new(ErrorKind::Unsupported, DOING)
                .detail("the file system cannot rename this way"),
            errno => Error::moving(DOING, errno),
        }
        .at(from))
    }

    fn spelled_out(&self, path: &RawRel) -> Result<RawRel> {
        canonical(self.root(), self.rules(), path, Leaf::Keep, "rename").map(|done| done.path)
    }
}
