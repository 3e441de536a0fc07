//! The handles that undo's exactness needs, between a workspace and its store.
//!
//! Every field of every kind of object is reached, beneath the two roots like everything else
//! and through no link at all; the rules for types, link counts and mode bits do not bind it.

mod fields;
mod made;
mod probe;
mod tree;

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::error::{Error, ErrorKind, Result};
use crate::handle::{Dir, DirEntry, File, Pinned, handle_of};
use crate::identity::{Kind, Stat, stat_fd, stat_following};
use crate::ops::read::link_target;
use crate::ops::walk::{Ours, Visit, WalkEnd, WalkLimits, walk};
use crate::probe::require_proc;
use crate::relpath::RawRel;
use crate::resolve::Root;
use crate::rules::{HardLinks, Rules};
use crate::workspace::{Workspace, open_ambient};

pub use made::{Cloned, Made};
pub use probe::Probe;

/// Works on a workspace and the store beside it, for the undo engine alone.
///
/// Made only from a [`Workspace`] and a store folder that are opened together. It follows no
/// link and crosses no mount, whatever the workspace's rules are.
#[derive(Debug)]
pub struct Custodian {
    workspace: Workspace,
    store: Root,
    rules: Rules,
}

/// Which of the two roots a path starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The workspace.
    Workspace,
    /// The store.
    Store,
}

/// A place below one of the two roots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At<'a> {
    /// The root.
    pub side: Side,
    /// The path below it.
    pub path: &'a RawRel,
}

impl<'a> At<'a> {
    /// A place in the workspace.
    #[must_use]
    pub fn workspace(path: &'a RawRel) -> Self {
        Self {
            side: Side::Workspace,
            path,
        }
    }

    /// A place in the store.
    #[must_use]
    pub fn store(path: &'a RawRel) -> Self {
        Self {
            side: Side::Store,
            path,
        }
    }
}

/// How a rename treats the other name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum How {
    /// It must be free.
    NoReplace,
    /// Both must be there; they change places in one step.
    Exchange,
}

/// What a sync takes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sync {
    /// The content and what is needed to read it (`fdatasync`).
    Data,
    /// Every field too (`fsync`).
    All,
}

const LOOK: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW);
const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY);

impl Custodian {
    /// Opens the store of a workspace. The store must exist, be a folder and no link, and
    /// neither folder may lie within the other.
    ///
    /// # Errors
    /// `NotFound`; `BadRoot`; `Unsupported` where `/proc` is not mounted; else those of the
    /// system.
    pub fn open(workspace: &Workspace, store: &Path) -> Result<Self> {
        const DOING: &str = "open the store";
        require_proc()?;
        let fd = open_ambient(store, OFlags::NOFOLLOW, DOING)?;
        let stat = stat_fd(fd.as_fd()).map_err(|errno| Error::system(DOING, errno))?;
        let refuse = |why| Err(Error::new(ErrorKind::BadRoot, DOING).detail(why));
        if climbs_to(fd.as_fd(), &workspace.stat()?, DOING)? {
            return refuse("it lies in the workspace");
        }
        if climbs_to(workspace.root_fd(), &stat, DOING)? {
            return refuse("the workspace lies in it");
        }
        Ok(Self {
            workspace: workspace.clone(),
            store: Root {
                fd,
                backend: workspace.backend(),
            },
            rules: Rules::default().hard_links(HardLinks::ReadOnly),
        })
    }

    /// The workspace it works on.
    #[must_use]
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// The fields of what is at a place, links themselves included; `None` when there is
    /// nothing, or no folder where one would have to be.
    ///
    /// # Errors
    /// `LinkDenied`, `MountCrossing`; else those of the system.
    pub fn stat(&self, at: At<'_>) -> Result<Option<Stat>> {
        match self.root(at.side).look(&self.rules, at.path) {
            Ok(fd) => stat_fd(fd.as_fd())
                .map(Some)
                .map_err(|errno| Error::system("look at", errno).at(at.path)),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(errno) => Err(Error::opening("look at", errno).at(at.path)),
        }
    }

    /// Holds what is at a place.
    ///
    /// # Errors
    /// `NotFound`, `LinkDenied`, `MountCrossing`; else those of the system.
    pub fn pin(&self, at: At<'_>) -> Result<Pinned> {
        Pinned::new(self.open_at(at, LOOK, "hold")?, at.path.clone(), "hold")
    }

    /// The file system's handle of what is at a place, with its type before it (4 bytes, little
    /// endian); `None` where the file system has none.
    ///
    /// # Errors
    /// `NotFound`, `LinkDenied`, `MountCrossing`; else those of the system.
    pub fn handle(&self, at: At<'_>) -> Result<Option<Box<[u8]>>> {
        let fd = self.open_at(at, LOOK, "identify")?;
        handle_of(fd.as_fd()).map_err(|error| error.at(at.path))
    }

    /// Where a link points to, byte for byte.
    ///
    /// # Errors
    /// `NotFound`; `Unsupported` when it is no link; else those of the system.
    pub fn read_link(&self, at: At<'_>) -> Result<Vec<u8>> {
        const DOING: &str = "read the link";
        let fd = self.open_at(at, LOOK, DOING)?;
        link_target(fd.as_fd(), DOING).map_err(|error| error.at(at.path))
    }

    /// Opens a regular file for reading, however many names it has.
    ///
    /// # Errors
    /// `NotFound`, `IsADirectory`, `SpecialFile`, `LinkDenied`; else those of the system.
    pub fn open_read(&self, at: At<'_>) -> Result<File> {
        const DOING: &str = "open";
        let fd = self.open_at(at, OFlags::RDONLY, DOING)?;
        File::judged(fd, &self.rules, at.path.clone(), DOING)
    }

    /// A folder's entries, ordered by the bytes of their names.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`, `LinkDenied`; else those of the system.
    pub fn list(&self, at: At<'_>) -> Result<Vec<DirEntry>> {
        let fd = self.open_at(at, OFlags::RDONLY | OFlags::DIRECTORY, "list")?;
        Dir::new(fd, at.path.clone(), "list")?.entries()
    }

    /// Visits everything below a folder, as [`Workspace::walk`] does, the runtime's own names
    /// included.
    ///
    /// # Errors
    /// As [`Workspace::walk`].
    pub fn walk(&self, at: At<'_>, limits: WalkLimits, visit: &mut Visit<'_>) -> Result<WalkEnd> {
        walk(
            self.root(at.side),
            &self.rules,
            at.path,
            limits,
            Ours::Enter,
            visit,
        )
    }

    /// Makes a folder. The kernel takes the umask from `mode`, or applies the parent's default
    /// ACL instead, and hands a setgid parent's group on, as for any program.
    ///
    /// # Errors
    /// `Exists`, `NotFound`, `RootItself`; else those of the system.
    pub fn make_dir(&self, at: At<'_>, mode: u32) -> Result<()> {
        const DOING: &str = "make the folder";
        let (parent, name) = self.parent(at, DOING)?;
        rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(mode))
            .map_err(|errno| Error::moving(DOING, errno).at(at.path))
    }

    /// Makes a symbolic link; the target is stored as it is, and judged when it is followed.
    ///
    /// # Errors
    /// `Exists`, `NotFound`, `RootItself`; else those of the system.
    pub fn make_symlink(&self, at: At<'_>, target: &[u8]) -> Result<()> {
        const DOING: &str = "make the link";
        let (parent, name) = self.parent(at, DOING)?;
        rustix::fs::symlinkat(target, &parent, name)
            .map_err(|errno| Error::moving(DOING, errno).at(at.path))
    }

    /// Moves or exchanges names, within a root or between the two. Neither is followed.
    ///
    /// # Errors
    /// `CrossDevice` between mounts; `Exists`, `NotFound`, `IntoItself`, `RootItself`;
    /// `Unsupported` where the file system lacks the way asked for; else those of the system.
    pub fn rename(&self, from: At<'_>, to: At<'_>, how: How) -> Result<()> {
        const DOING: &str = "rename";
        let (old, old_name) = self.parent(from, DOING)?;
        let (new, new_name) = self.parent(to, DOING)?;
        let inside = from.side == to.side && from.path != to.path;
        if inside
            && (to.path.starts_with(from.path)
                || (how == How::Exchange && from.path.starts_with(to.path)))
        {
            return Err(Error::new(ErrorKind::IntoItself, DOING).at(from.path));
        }
        let flags = match how {
            How::NoReplace => RenameFlags::NOREPLACE,
            How::Exchange => RenameFlags::EXCHANGE,
        };
        rustix::fs::renameat_with(&old, old_name, &new, new_name, flags).map_err(|errno| {
            match errno {
                // What else is invalid was refused above: the file system knows no such flag.
                Errno::INVAL => Error::new(ErrorKind::Unsupported, DOING)
                    .detail("the file system cannot rename this way"),
                errno => Error::moving(DOING, errno),
            }
            .at(from.path)
        })
    }

    /// Gives the object at `from` a second name, within a root or between the two. A link is
    /// not followed.
    ///
    /// # Errors
    /// `CrossDevice` between mounts; `Exists`, `NotFound`, `RootItself`; `PermissionDenied` for
    /// folders; else those of the system.
    pub fn link(&self, from: At<'_>, to: At<'_>) -> Result<()> {
        const DOING: &str = "link";
        let (old, old_name) = self.parent(from, DOING)?;
        let (new, new_name) = self.parent(to, DOING)?;
        rustix::fs::linkat(&old, old_name, &new, new_name, AtFlags::empty())
            .map_err(|errno| Error::moving(DOING, errno).at(from.path))
    }

    /// Removes a name that is no folder.
    ///
    /// # Errors
    /// `NotFound`, `IsADirectory`, `RootItself`; else those of the system.
    pub fn unlink(&self, at: At<'_>) -> Result<()> {
        self.remove(at, AtFlags::empty(), "remove")
    }

    /// Removes an empty folder.
    ///
    /// # Errors
    /// `NotFound`, `NotEmpty`, `NotADirectory`, `RootItself`; else those of the system.
    pub fn remove_dir(&self, at: At<'_>) -> Result<()> {
        self.remove(at, AtFlags::REMOVEDIR, "remove the folder")
    }

    fn remove(&self, at: At<'_>, flags: AtFlags, doing: &'static str) -> Result<()> {
        let (parent, name) = self.parent(at, doing)?;
        rustix::fs::unlinkat(&parent, name, flags)
            .map_err(|errno| Error::moving(doing, errno).at(at.path))
    }

    /// Makes a file or a folder durable: a folder's names, a file's content and, by choice,
    /// its fields. What is neither has nothing to sync.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied` for what may not be opened; else those of the system.
    pub fn sync(&self, at: At<'_>, what: Sync) -> Result<()> {
        const DOING: &str = "sync";
        let Some(fd) = self.open_content(at, DOING)? else {
            return Ok(());
        };
        made::sync_fd(fd.as_fd(), what).map_err(|errno| Error::system(DOING, errno).at(at.path))
    }

    /// Makes everything on the file system of one root durable (`syncfs`).
    ///
    /// # Errors
    /// Those of the system.
    pub fn sync_file_system(&self, side: Side) -> Result<()> {
        const DOING: &str = "sync the file system of";
        let path = RawRel::root();
        let at = At { side, path: &path };
        let fd = self.open_at(at, OFlags::RDONLY | OFlags::DIRECTORY, DOING)?;
        rustix::fs::syncfs(&fd).map_err(|errno| Error::system(DOING, errno).at(&path))
    }

    /// Whether a file has nothing in memory that is not on disk yet; `None` where the kernel
    /// does not tell (`cachestat(2)`), or for what is no file.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied` for what may not be opened; else those of the system.
    pub fn is_clean(&self, at: At<'_>) -> Result<Option<bool>> {
        const DOING: &str = "look at the cache of";
        let fd = self.open_at(at, LOOK, DOING)?;
        let stat = stat_fd(fd.as_fd()).map_err(|e| Error::system(DOING, e).at(at.path))?;
        if stat.kind != Kind::File {
            return Ok(None);
        }
        let file = self.open_at(at, OFlags::RDONLY, DOING)?;
        Ok(crate::sys::cache_state(file.as_fd())
            .ok()
            .map(|state| state.dirty == 0 && state.writeback == 0))
    }

    pub(crate) fn root(&self, side: Side) -> &Root {
        match side {
            Side::Workspace => self.workspace.root(),
            Side::Store => &self.store,
        }
    }

    fn open_at(&self, at: At<'_>, flags: OFlags, doing: &'static str) -> Result<OwnedFd> {
        self.root(at.side)
            .open(&self.rules, at.path, flags, Mode::empty())
            .map_err(|errno| Error::opening(doing, errno).at(at.path))
    }

    /// Opens a file or folder for reading; `None` for every other kind, which is not opened.
    fn open_content(&self, at: At<'_>, doing: &'static str) -> Result<Option<OwnedFd>> {
        let seen = self.open_at(at, LOOK, doing)?;
        let failed = |errno| Error::system(doing, errno).at(at.path);
        let seen = stat_fd(seen.as_fd()).map_err(failed)?;
        if !matches!(seen.kind, Kind::File | Kind::Dir) {
            return Ok(None);
        }
        let fd = self.open_at(at, OFlags::RDONLY, doing)?;
        let opened = stat_fd(fd.as_fd()).map_err(failed)?;
        if !opened.identity.same_now(&seen.identity) {
            return Err(Error::new(ErrorKind::Raced, doing).at(at.path));
        }
        Ok(Some(fd))
    }

    /// The folder that a name lies in, held, and the name; the roots themselves lie in none.
    fn parent<'a>(&self, at: At<'a>, doing: &'static str) -> Result<(OwnedFd, &'a [u8])> {
        let (Some(parent), Some(name)) = (at.path.parent(), at.path.name()) else {
            return Err(Error::new(ErrorKind::RootItself, doing).at(at.path));
        };
        let fd = self
            .root(at.side)
            .open(&self.rules, &parent, FOLDER, Mode::empty())
            .map_err(|errno| Error::opening(doing, errno).at(at.path))?;
        Ok((fd, name))
    }
}

/// Whether `folder` is `ancestor` or lies below it, going up by `..` from the descriptor.
fn climbs_to(
    folder: std::os::fd::BorrowedFd<'_>,
    ancestor: &Stat,
    doing: &'static str,
) -> Result<bool> {
    let failed = |errno| Error::system(doing, errno);
    let mut here = stat_fd(folder).map_err(failed)?;
    let mut up: Vec<u8> = Vec::new();
    loop {
        if here.identity.same_now(&ancestor.identity) {
            return Ok(true);
        }
        up.extend_from_slice(if up.is_empty() { b".." } else { b"/.." });
        if up.len() > crate::relpath::MAX_PATH {
            return Err(Error::new(ErrorKind::LimitExceeded, doing).detail("it lies too deep"));
        }
        let next = stat_following(folder, &up).map_err(failed)?;
        // Only the root of everything is its own parent; a mount's root has the parent of its
        // mount point.
        if next.identity.same_now(&here.identity) && next.identity.mount == here.identity.mount {
            return Ok(false);
        }
        here = next;
    }
}
