//! Removing names: a file's, an empty folder's, a whole tree of any depth with few descriptors.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::place::place;
use super::walk::Ours;
use crate::error::{Error, ErrorKind, Result};
use crate::fields;
use crate::handle::list;
use crate::identity::{Kind, stat_fd};
use crate::relpath::RawRel;
use crate::resolve::Root;
use crate::rules::{Rules, is_protected};
use crate::workspace::Workspace;

/// How many folders are held open at once; deeper ones are moved up to the tree's top first.
const HELD: usize = 64;
/// How often a tree that someone keeps filling is gone through.
const PASSES: usize = 100_000;
/// What a folder is called that was moved up; left behind when a removal was cut short.
const HOIST: &str = ".aifirst-hoist-";

impl Workspace {
    /// Removes a name that is no folder: of a link the link itself, of a file with several names
    /// this one.
    ///
    /// # Errors
    /// `IsADirectory`, `NotFound`, `RootItself`, `ProtectedName`, and those of
    /// [`Workspace::resolve`]; else those of the system.
    pub fn remove_file(&self, path: &RawRel) -> Result<()> {
        self.remove_name(path, AtFlags::empty(), "remove")
    }

    /// Removes an empty folder.
    ///
    /// # Errors
    /// `NotEmpty`, `NotADirectory`, `NotFound`, `RootItself`, `ProtectedName`, and those of
    /// [`Workspace::resolve`]; else those of the system.
    pub fn remove_dir(&self, path: &RawRel) -> Result<()> {
        self.remove_name(path, AtFlags::REMOVEDIR, "remove the folder")
    }

    /// Removes what is there, a tree of any depth included, with at most 128 descriptors. Links
    /// are removed, never followed; no mount is entered; no mode is changed.
    ///
    /// # Errors
    /// `NotFound`, `RootItself`; `ProtectedName` when a name of the runtime's own is met,
    /// `MountCrossing`, `PermissionDenied`, and then part of the tree may be gone; `Raced` when
    /// somebody keeps filling it; those of [`Workspace::resolve`]; else those of the system.
    pub fn remove_tree(&self, path: &RawRel) -> Result<()> {
        const DOING: &str = "remove the tree";
        let place = place(self, path, DOING)?;
        clear(&place.folder, place.name, Closed::Fail, Ours::Barrier)
            .map_err(|stopped| stopped.error(DOING).at(path))
    }

    fn remove_name(&self, path: &RawRel, flags: AtFlags, doing: &'static str) -> Result<()> {
        let place = place(self, path, doing)?;
        rustix::fs::unlinkat(place.fd(), place.name, flags)
            .map_err(|errno| Error::moving(doing, errno).at(path))
    }
}

/// What a folder does to a removal whose mode forbids it to its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// It ends it.
    Fail,
    /// Its mode is changed first.
    OpenUp,
}

/// Why a removal ended early.
#[derive(Debug)]
pub(crate) enum Stopped {
    System(Errno),
    Protected,
    Raced,
}

impl From<Errno> for Stopped {
    fn from(errno: Errno) -> Self {
        Self::System(errno)
    }
}

impl Stopped {
    pub(crate) fn error(&self, doing: &'static str) -> Error {
        match self {
            // Folders are opened without leaving the mount, so that this is what EXDEV means.
            Self::System(errno @ Errno::XDEV) => Error::opening(doing, *errno),
            Self::System(errno) => Error::moving(doing, *errno),
            Self::Protected => Error::new(ErrorKind::ProtectedName, doing)
                .detail("a name of the runtime's own lies in it"),
            Self::Raced => Error::new(ErrorKind::Raced, doing),
        }
    }
}

/// Removes one name and all below it.
pub(crate) fn clear(
    parent: &Root,
    name: &[u8],
    closed: Closed,
    ours: Ours,
) -> std::result::Result<(), Stopped> {
    let no_folder = match rustix::fs::unlinkat(&parent.fd, name, AtFlags::empty()) {
        Err(Errno::ISDIR) => Errno::NOTDIR,
        // POSIX lets unlink of a folder fail with EPERM; Linux says EISDIR, and EPERM of what
        // may not be removed.
        Err(Errno::PERM) => Errno::PERM,
        done => return Ok(done?),
    };
    let mut removal = Removal {
        top: enter(parent, name, closed)?.ok_or(no_folder)?,
        hoisted: 0,
        closed,
        ours,
    };
    for _ in 0..PASSES {
        removal.pass()?;
        match rustix::fs::unlinkat(&parent.fd, name, AtFlags::REMOVEDIR) {
            Err(Errno::NOTEMPTY) => {}
            done => return Ok(done?),
        }
    }
    Err(Stopped::Raced)
}

/// Opens a folder by its name; `None` for what is none.
fn enter(dir: &Root, name: &[u8], closed: Closed) -> std::result::Result<Option<Root>, Errno> {
    let rules = Rules::default();
    let path = RawRel::parse(name).map_err(|_| Errno::INVAL)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
    let try_open = || {
        dir.open(&rules, &path, flags, Mode::empty())
            .map(|fd| Root {
                fd,
                backend: dir.backend,
            })
    };
    match try_open() {
        Ok(root) => {
            // Listing needs r, removing needs w and x: root has them anyway.
            if closed == Closed::OpenUp && stat_fd(root.fd.as_fd())?.mode & 0o700 != 0o700 {
                match fields::set_mode(root.fd.as_fd(), 0o700) {
                    Ok(()) | Err(Errno::PERM | Errno::ROFS) => {}
                    Err(errno) => return Err(errno),
                }
            }
            Ok(Some(root))
        }
        Err(Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(Errno::ACCESS) if closed == Closed::OpenUp => {
            let held = dir.look(&rules, &path)?;
            if stat_fd(held.as_fd())?.kind != Kind::Dir {
                return Ok(None);
            }
            fields::set_mode(held.as_fd(), 0o700)?;
            try_open().map(Some)
        }
        Err(errno) => Err(errno),
    }
}

/// Whether a name was given by a removal that was cut short.
fn is_hoisted(name: &[u8]) -> bool {
    name.strip_prefix(HOIST.as_bytes())
        .is_some_and(|rest| !rest.is_empty() && rest.iter().all(u8::is_ascii_digit))
}

struct Level {
    root: Root,
    name: Box<[u8]>,
    rest: Vec<Box<[u8]>>,
}

struct Removal {
    top: Root,
    hoisted: u64,
    closed: Closed,
    ours: Ours,
}

impl Removal {
    fn names(&self, fd: BorrowedFd<'_>) -> std::result::Result<Vec<Box<[u8]>>, Stopped> {
        let names: Vec<Box<[u8]>> = list(fd)?.into_iter().map(|entry| entry.name).collect();
        let kept = |name: &[u8]| {
            is_protected(name) && !is_hoisted(name) && !super::write::is_temporary(name)
        };
        if self.ours == Ours::Barrier && names.iter().any(|name| kept(name)) {
            return Err(Stopped::Protected);
        }
        Ok(names)
    }

    /// One pass over a tree: everything goes but what lies too deep, which is moved to the top
    /// for the next pass.
    fn pass(&mut self) -> std::result::Result<(), Stopped> {
        let mut levels: Vec<Level> = Vec::new();
        let mut first = self.names(self.top.fd.as_fd())?;
        loop {
            let next = match levels.last_mut() {
                Some(level) => level.rest.pop(),
                None => first.pop(),
            };
            let Some(name) = next else {
                let Some(done) = levels.pop() else {
                    return Ok(());
                };
                let above = levels.last().map_or(&self.top, |level| &level.root);
                match rustix::fs::unlinkat(&above.fd, &*done.name, AtFlags::REMOVEDIR) {
                    // Filled again meanwhile: the next pass sees it. Or exchanged for a file.
                    Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY | Errno::NOTDIR) => {}
                    Err(errno) => return Err(errno.into()),
                }
                continue;
            };
            let here = levels.last().map_or(&self.top, |level| &level.root);
            match rustix::fs::unlinkat(&here.fd, &*name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => continue,
                Err(Errno::ISDIR | Errno::PERM) => {}
                Err(errno) => return Err(errno.into()),
            }
            if levels.len() >= HELD {
                hoist(here, &name, &self.top, &mut self.hoisted, self.closed)?;
                continue;
            }
            match enter(here, &name, self.closed) {
                Ok(Some(root)) => {
                    let rest = self.names(root.fd.as_fd())?;
                    levels.push(Level { root, name, rest });
                }
                Ok(None) => return Err(Errno::PERM.into()),
                Err(Errno::NOENT) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

/// Moves a folder to the top of the tree under a free name.
fn hoist(
    dir: &Root,
    name: &[u8],
    top: &Root,
    hoisted: &mut u64,
    closed: Closed,
) -> std::result::Result<(), Errno> {
    let mut opened_up = closed == Closed::Fail;
    loop {
        *hoisted += 1;
        let free = format!("{HOIST}{hoisted}");
        match rustix::fs::renameat_with(
            &dir.fd,
            name,
            &top.fd,
            free.as_bytes(),
            RenameFlags::NOREPLACE,
        ) {
            Err(Errno::EXIST) => {}
            // A folder without w of its own cannot change its `..`.
            Err(Errno::ACCESS) if !opened_up => {
                opened_up = true;
                drop(enter(dir, name, closed)?);
            }
            Err(Errno::NOENT) => return Ok(()),
            done => return done,
        }
    }
}
