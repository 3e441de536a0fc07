//! Removing a kept tree of any depth with a bounded number of descriptors.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::{At, Custodian, Side, fields};
use crate::error::{Error, ErrorKind, Result};
use crate::handle::list;
use crate::identity::{Kind, stat_fd};
use crate::resolve::openat2::{Cross, open};

/// How many folders are held open at once; deeper ones are moved up to the tree's top first.
const HELD: usize = 64;
/// How often a tree that someone keeps filling is gone through.
const PASSES: usize = 100_000;

impl Custodian {
    /// Removes what lies at a place of the store, a tree of any depth included, following no
    /// link. Folders whose mode forbids it are opened up first.
    ///
    /// # Errors
    /// `PermissionDenied` for the workspace side, whatever is there; `NotFound`, `RootItself`,
    /// `MountCrossing`; else those of the system, and then part of the tree may be gone.
    pub fn remove_tree(&self, at: At<'_>) -> Result<()> {
        const DOING: &str = "remove the tree";
        if at.side != Side::Store {
            return Err(Error::new(ErrorKind::PermissionDenied, DOING)
                .detail("trees are removed in the store only")
                .at(at.path));
        }
        let failed = |errno| Error::moving(DOING, errno).at(at.path);
        let (parent, name) = self.parent(at, DOING)?;
        match rustix::fs::unlinkat(&parent, name, AtFlags::empty()) {
            Err(Errno::ISDIR | Errno::PERM) => {}
            done => return done.map_err(failed),
        }
        let top = enter(parent.as_fd(), name)
            .and_then(|top| top.ok_or(Errno::NOTDIR))
            .map_err(failed)?;
        let mut hoisted = 0;
        for _ in 0..PASSES {
            empty(&top, &mut hoisted).map_err(failed)?;
            match rustix::fs::unlinkat(&parent, name, AtFlags::REMOVEDIR) {
                Err(Errno::NOTEMPTY) => {}
                done => return done.map_err(failed),
            }
        }
        Err(Error::new(ErrorKind::Raced, DOING).at(at.path))
    }
}

/// Opens a folder by its name, opened up to its owner when its mode forbids it; `None` for what
/// is none.
fn enter(dir: BorrowedFd<'_>, name: &[u8]) -> std::result::Result<Option<OwnedFd>, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
    let try_open = || open(dir, name, flags, Mode::empty(), Cross::Never);
    match try_open() {
        Ok(fd) => {
            // Listing needs r, removing needs w and x: root has them anyway.
            if stat_fd(fd.as_fd())?.mode & 0o700 != 0o700 {
                match fields::set_mode(fd.as_fd(), 0o700) {
                    Ok(()) | Err(Errno::PERM | Errno::ROFS) => {}
                    Err(errno) => return Err(errno),
                }
            }
            Ok(Some(fd))
        }
        Err(Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(Errno::ACCESS) => {
            let look = OFlags::PATH | OFlags::NOFOLLOW;
            let held = open(dir, name, look, Mode::empty(), Cross::Never)?;
            if stat_fd(held.as_fd())?.kind != Kind::Dir {
                return Ok(None);
            }
            fields::set_mode(held.as_fd(), 0o700)?;
            try_open().map(Some)
        }
        Err(errno) => Err(errno),
    }
}

struct Level {
    fd: OwnedFd,
    name: Box<[u8]>,
    rest: Vec<Box<[u8]>>,
}

/// One pass over a tree: everything goes but what lies too deep, which is moved to the top for
/// the next pass.
fn empty(top: &OwnedFd, hoisted: &mut u64) -> std::result::Result<(), Errno> {
    let names = |fd: BorrowedFd<'_>| -> std::result::Result<Vec<Box<[u8]>>, Errno> {
        Ok(list(fd)?.into_iter().map(|entry| entry.name).collect())
    };
    let mut levels: Vec<Level> = Vec::new();
    let mut first = names(top.as_fd())?;
    loop {
        let next = match levels.last_mut() {
            Some(level) => level.rest.pop(),
            None => first.pop(),
        };
        let Some(name) = next else {
            let Some(done) = levels.pop() else {
                return Ok(());
            };
            let above = levels.last().map_or(top.as_fd(), |level| level.fd.as_fd());
            match rustix::fs::unlinkat(above, &*done.name, AtFlags::REMOVEDIR) {
                // Filled again meanwhile: the next pass sees it.
                Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY) => {}
                Err(errno) => return Err(errno),
            }
            continue;
        };
        let here = levels.last().map_or(top.as_fd(), |level| level.fd.as_fd());
        match rustix::fs::unlinkat(here, &*name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => continue,
            // POSIX lets unlink of a folder fail with EPERM; Linux says EISDIR.
            Err(Errno::ISDIR | Errno::PERM) => {}
            Err(errno) => return Err(errno),
        }
        if levels.len() >= HELD {
            hoist(here, &name, top.as_fd(), hoisted)?;
            continue;
        }
        match enter(here, &name) {
            Ok(Some(fd)) => {
                let rest = names(fd.as_fd())?;
                levels.push(Level { fd, name, rest });
            }
            Ok(None) => return Err(Errno::PERM),
            Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// Moves a folder to the top of the tree under a free name.
fn hoist(
    dir: BorrowedFd<'_>,
    name: &[u8],
    top: BorrowedFd<'_>,
    hoisted: &mut u64,
) -> std::result::Result<(), Errno> {
    let mut opened_up = false;
    loop {
        *hoisted += 1;
        let free = format!(".aifirst-hoist-{hoisted}");
        match rustix::fs::renameat_with(dir, name, top, free.as_bytes(), RenameFlags::NOREPLACE) {
            Err(Errno::EXIST) => {}
            // A folder without w of its own cannot change its `..`.
            Err(Errno::ACCESS) if !opened_up => {
                opened_up = true;
                drop(enter(dir, name)?);
            }
            Err(Errno::NOENT) => return Ok(()),
            done => return done,
        }
    }
}
