//! The choke point: root, path, intent → descriptor.
//!
//! The last word is always one `openat2` that follows no link and leaves no mount, on a path
//! without `..` (or, where that was chosen for want of it, a walk with the same rules); it cannot
//! end outside. A path that goes through links is first spelled without
//! them, link by link, and then opened like any other: a tree that changes meanwhile can make it
//! fail or reach another place inside, never one outside.

pub(crate) mod openat2;
pub(crate) mod walk;

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::error::{Error, ErrorKind, Result};
use crate::identity::{Kind, stat_fd};
use crate::probe::Backend;
use crate::relpath::RawRel;
use crate::rules::{Links, Rules, refuse_protected};
use openat2::Cross;

/// As many links as the kernel follows (`path_resolution(7)`).
const MAX_LINKS: usize = 40;
/// How often a resolution starts anew because the tree changed under it.
const MAX_RESTARTS: usize = 16;

/// What to do with a link as the last component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Leaf {
    /// Follow it, as the rules allow.
    Follow,
    /// Take the link itself.
    Keep,
}

/// An opened root folder.
#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) fd: OwnedFd,
    /// Chosen when the root was opened, for as long as it is.
    pub(crate) backend: Backend,
}

impl Root {
    /// Opens a path that goes through no link; a mount only where `rules` list it.
    pub(crate) fn open(
        &self,
        rules: &Rules,
        path: &RawRel,
        flags: OFlags,
        mode: Mode,
    ) -> std::result::Result<OwnedFd, Errno> {
        let open = match self.backend {
            Backend::Openat2 => openat2::open,
            Backend::Walk => walk::open,
        };
        let root = self.fd.as_fd();
        let Some(mount) = rules.mount_of(path) else {
            return open(root, path.as_operand(), flags, mode, Cross::Never);
        };
        // Only this one folder may be a mount: its parent is reached as any path is, then it
        // alone is entered, then nothing below it crosses again.
        let (Some(parent), Some(name)) = (mount.raw().parent(), mount.raw().name()) else {
            return Err(Errno::INVAL);
        };
        let look = OFlags::PATH | OFlags::DIRECTORY;
        let parent = self.open(rules, &parent, look, Mode::empty())?;
        let rest = path.strip(mount.raw()).unwrap_or_else(RawRel::root);
        if rest.is_root() {
            return open(parent.as_fd(), name, flags, mode, Cross::Listed);
        }
        let base = open(parent.as_fd(), name, look, Mode::empty(), Cross::Listed)?;
        open(base.as_fd(), rest.as_operand(), flags, mode, Cross::Never)
    }

    /// Opens a path to look at it, its last component never followed.
    pub(crate) fn look(&self, rules: &Rules, path: &RawRel) -> std::result::Result<OwnedFd, Errno> {
        self.open(rules, path, OFlags::PATH | OFlags::NOFOLLOW, Mode::empty())
    }
}

/// A path spelled without links, and what it leads to.
#[derive(Debug)]
pub(crate) struct Canonical {
    pub(crate) path: RawRel,
    pub(crate) found: Option<OwnedFd>,
    /// How many trailing components do not exist.
    pub(crate) missing: usize,
}

/// Spells a path without links, as the rules allow, and opens what it leads to.
pub(crate) fn canonical(
    root: &Root,
    rules: &Rules,
    path: &RawRel,
    leaf: Leaf,
    doing: &'static str,
) -> Result<Canonical> {
    refuse_protected(path, doing)?;
    // Nearly every path goes through no link: one call.
    match root.look(rules, path) {
        Ok(fd) => {
            let kind = stat_fd(fd.as_fd())
                .map_err(|e| Error::system(doing, e).at(path))?
                .kind;
            if kind != Kind::Symlink || leaf == Leaf::Keep {
                return Ok(Canonical {
                    path: path.clone(),
                    found: Some(fd),
                    missing: 0,
                });
            }
        }
        Err(Errno::NOENT | Errno::LOOP) => {}
        Err(errno) => return Err(Error::opening(doing, errno).at(path)),
    }
    for _ in 0..MAX_RESTARTS {
        if let Some(done) = spell(root, rules, path, leaf, doing)? {
            return Ok(done);
        }
    }
    Err(Error::new(ErrorKind::Raced, doing).at(path))
}

/// One pass, component by component; `None` when the tree changed under it.
fn spell(
    root: &Root,
    rules: &Rules,
    path: &RawRel,
    leaf: Leaf,
    doing: &'static str,
) -> Result<Option<Canonical>> {
    let refuse = |kind| Error::new(kind, doing).at(path);
    let failed = |errno| Error::opening(doing, errno).at(path);
    // Innermost first, so that the next one is popped.
    let mut pending: Vec<Box<[u8]>> = path.components().rev().map(Into::into).collect();
    let mut here = RawRel::root();
    let mut found: Option<OwnedFd> = None;
    let mut links = 0;
    while let Some(name) = pending.pop() {
        match &*name {
            // Only links' targets bring these two; both need a folder to stand on.
            b"." | b".." => {
                let look = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW;
                match root.open(rules, &here, look, Mode::empty()) {
                    Ok(fd) => found = Some(fd),
                    Err(Errno::NOENT | Errno::LOOP) => return Ok(None),
                    Err(errno) => return Err(failed(errno)),
                }
                if &*name == b".." {
                    here = here.parent().ok_or_else(|| refuse(ErrorKind::Escape))?;
                    found = None;
                }
                continue;
            }
            _ => {}
        }
        let next = here
            .join(&name)
            .map_err(|error| error.doing(doing).at(path))?;
        refuse_protected(&next, doing)?;
        let fd = match root.look(rules, &next) {
            Ok(fd) => fd,
            Err(Errno::LOOP) => return Ok(None),
            Err(Errno::NOENT) => return missing(next, &pending, path, doing).map(Some),
            Err(errno) => return Err(failed(errno)),
        };
        let kind = stat_fd(fd.as_fd()).map_err(failed)?.kind;
        if kind != Kind::Symlink || (pending.is_empty() && leaf == Leaf::Keep) {
            here = next;
            found = Some(fd);
            continue;
        }
        if rules.links == Links::Deny {
            return Err(refuse(ErrorKind::LinkDenied));
        }
        links += 1;
        if links > MAX_LINKS {
            return Err(refuse(ErrorKind::LinkLoop));
        }
        let target = rustix::fs::readlinkat(&fd, c"", Vec::new()).map_err(failed)?;
        let target = target.as_bytes();
        if target.starts_with(b"/") {
            return Err(refuse(ErrorKind::Escape));
        }
        if target.ends_with(b"/") {
            pending.push((*b".").into());
        }
        let parts = target.split(|byte| *byte == b'/');
        pending.extend(parts.rev().filter(|part| !part.is_empty()).map(Into::into));
        found = None;
    }
    let found = match found {
        Some(fd) => fd,
        None => match root.look(rules, &here) {
            Ok(fd) => fd,
            Err(Errno::NOENT | Errno::LOOP) => return Ok(None),
            Err(errno) => return Err(failed(errno)),
        },
    };
    Ok(Some(Canonical {
        path: here,
        found: Some(found),
        missing: 0,
    }))
}

/// `first` does not exist: what is still pending would lie below it.
fn missing(
    first: RawRel,
    pending: &[Box<[u8]>],
    path: &RawRel,
    doing: &'static str,
) -> Result<Canonical> {
    let mut whole = first;
    let mut missing = 1;
    for name in pending.iter().rev() {
        match &**name {
            b"." => {}
            // Where nothing is, nothing leads upwards either.
            b".." => return Err(Error::new(ErrorKind::NotFound, doing).at(path)),
            name => {
                whole = whole
                    .join(name)
                    .map_err(|error| error.doing(doing).at(path))?;
                missing += 1;
            }
        }
    }
    refuse_protected(&whole, doing)?;
    Ok(Canonical {
        path: whole,
        found: None,
        missing,
    })
}

/// Opens what a path leads to, through links as the rules allow.
pub(crate) fn open_following(
    root: &Root,
    rules: &Rules,
    path: &RawRel,
    flags: OFlags,
    doing: &'static str,
) -> Result<OwnedFd> {
    refuse_protected(path, doing)?;
    let failed = |errno| Error::opening(doing, errno).at(path);
    match root.open(rules, path, flags, Mode::empty()) {
        Ok(fd) => return Ok(fd),
        Err(Errno::LOOP) => {}
        Err(errno) => return Err(failed(errno)),
    }
    for _ in 0..MAX_RESTARTS {
        let found = canonical(root, rules, path, Leaf::Follow, doing)?;
        if found.missing > 0 {
            return Err(Error::new(ErrorKind::NotFound, doing).at(path));
        }
        match root.open(rules, &found.path, flags, Mode::empty()) {
            Ok(fd) => return Ok(fd),
            Err(Errno::LOOP) => {}
            Err(errno) => return Err(failed(errno)),
        }
    }
    Err(Error::new(ErrorKind::Raced, doing).at(path))
}
