//! Walking a tree: pre-order, in a stable order, following no link, with two descriptors.

use std::os::fd::AsFd;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::error::{Error, ErrorKind, Result};
use crate::handle::{DirEntry, list_by};
use crate::identity::{Kind, Stat, stat_fd, stat_name};
use crate::relpath::RawRel;
use crate::resolve::{Leaf, Root, canonical};
use crate::rules::{Rules, is_protected};
use crate::workspace::Workspace;

/// How far a walk goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalkLimits {
    /// Most components of an entry's path; a folder with entries beyond it is an error.
    pub depth: usize,
    /// Most entries visited; `None` for all.
    pub entries: Option<u64>,
    /// What an unreadable folder does to the walk.
    pub unreadable: Unreadable,
}

impl Default for WalkLimits {
    fn default() -> Self {
        Self {
            depth: crate::relpath::MAX_DEPTH,
            entries: None,
            unreadable: Unreadable::Fail,
        }
    }
}

/// What a folder that may not be listed does to a walk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unreadable {
    /// The walk fails: whoever counts on having seen everything must not go on.
    #[default]
    Fail,
    /// The folder is visited with [`Barrier::Unreadable`] and the walk goes on.
    Visit,
}

/// One thing met on a walk.
#[derive(Debug)]
#[non_exhaustive]
pub struct WalkEntry<'a> {
    /// Where it is, from the root.
    pub path: &'a RawRel,
    /// Its fields; of a link, the link's own.
    pub stat: &'a Stat,
    /// Why a folder's content does not follow, if it does not.
    pub barrier: Option<Barrier>,
}

/// Why a walk does not enter a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Barrier {
    /// Another mount begins there.
    Mount,
    /// The name is the runtime's own.
    Protected,
    /// It may not be listed.
    Unreadable,
}

/// What the visitor wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flow {
    /// On.
    Continue,
    /// On, but not into this folder.
    SkipFolder,
    /// No further.
    Stop,
}

/// How a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum WalkEnd {
    /// Everything was visited.
    Complete,
    /// The visitor stopped it.
    Stopped,
    /// The limit of entries was reached, and there was more.
    EntryLimit,
}

/// What a visitor is.
pub type Visit<'a> = dyn FnMut(&WalkEntry<'_>) -> Flow + 'a;

/// Whether the walk enters folders whose names are the runtime's own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ours {
    Barrier,
    Enter,
}

impl Workspace {
    /// Visits everything below a folder, parents first, siblings by the bytes of their names.
    /// The folder itself is not visited. No link is followed below it and no mount is entered
    /// that the rules do not list. What vanishes meanwhile is left out.
    ///
    /// # Errors
    /// `NotFound` and `NotADirectory` for the folder itself; `LimitExceeded` past the depth;
    /// `PermissionDenied` for an unreadable folder, unless it is to be visited; those of
    /// [`Workspace::resolve`].
    pub fn walk(
        &self,
        path: &RawRel,
        limits: WalkLimits,
        visit: &mut Visit<'_>,
    ) -> Result<WalkEnd> {
        const DOING: &str = "walk";
        let start = canonical(self.root(), self.rules(), path, Leaf::Follow, DOING)?;
        if start.missing > 0 {
            return Err(Error::new(ErrorKind::NotFound, DOING).at(path));
        }
        walk(
            self.root(),
            self.rules(),
            &start.path,
            limits,
            Ours::Barrier,
            visit,
        )
    }
}

/// How often a folder that keeps being exchanged is looked at again.
const TRIES: usize = 16;

/// The names of one folder that are still to be visited, last first.
struct Level {
    path: RawRel,
    rest: Vec<(DirEntry, Stat)>,
}

enum Opened {
    Folder(Stat, Level),
    Closed(Barrier),
    /// No folder, but this.
    Other(Stat),
    Gone,
}

pub(crate) fn walk(
    root: &Root,
    rules: &Rules,
    start: &RawRel,
    limits: WalkLimits,
    ours: Ours,
    visit: &mut Visit<'_>,
) -> Result<WalkEnd> {
    let walk = Walk {
        root,
        rules,
        limits,
    };
    let refuse = |kind| Err(Error::new(kind, "walk").at(start));
    let mut levels = match walk.enter(start)? {
        Opened::Folder(_, level) => vec![level],
        Opened::Closed(Barrier::Mount) => return refuse(ErrorKind::MountCrossing),
        Opened::Closed(_) => return Err(walk.denied(start)),
        Opened::Other(_) => return refuse(ErrorKind::NotADirectory),
        Opened::Gone => return refuse(ErrorKind::NotFound),
    };
    let mut visited = 0_u64;
    while let Some(level) = levels.last_mut() {
        let Some((entry, stat)) = level.rest.pop() else {
            levels.pop();
            continue;
        };
        let path = match level.path.join(&entry.name) {
            Ok(path) if path.depth() <= limits.depth => path,
            Ok(path) => return Err(walk.too_deep(&path)),
            Err(_) => return Err(walk.too_deep(&level.path)),
        };
        if limits.entries.is_some_and(|most| visited >= most) {
            return Ok(WalkEnd::EntryLimit);
        }
        let (stat, barrier, below) = if stat.kind != Kind::Dir {
            (stat, None, None)
        } else if ours == Ours::Barrier && is_protected(&entry.name) {
            (stat, Some(Barrier::Protected), None)
        } else {
            // A folder's fields are taken when it is entered, so that they fit what follows.
            match walk.enter(&path)? {
                Opened::Folder(stat, level) => (stat, None, Some(level)),
                Opened::Closed(Barrier::Unreadable) if limits.unreadable == Unreadable::Fail => {
                    return Err(walk.denied(&path));
                }
                Opened::Closed(barrier) => (stat, Some(barrier), None),
                Opened::Other(stat) => (stat, None, None),
                Opened::Gone => continue,
            }
        };
        visited += 1;
        let flow = visit(&WalkEntry {
            path: &path,
            stat: &stat,
            barrier,
        });
        match (flow, below) {
            (Flow::Stop, _) => return Ok(WalkEnd::Stopped),
            (Flow::Continue, Some(level)) => levels.push(level),
            _ => {}
        }
    }
    Ok(WalkEnd::Complete)
}

struct Walk<'a> {
    root: &'a Root,
    rules: &'a Rules,
    limits: WalkLimits,
}

impl Walk<'_> {
    /// What is at a path that was a folder a moment ago.
    fn enter(&self, path: &RawRel) -> Result<Opened> {
        for _ in 0..TRIES {
            match self.open(path)? {
                Opened::Gone => {}
                opened => return Ok(opened),
            }
            match self.look(path)? {
                // A folder again: it was exchanged between the two looks.
                Some(stat) if stat.kind == Kind::Dir => {}
                Some(stat) => return Ok(Opened::Other(stat)),
                None => return Ok(Opened::Gone),
            }
        }
        Err(Error::new(ErrorKind::Raced, "walk").at(path))
    }

    /// Opens, lists and closes one folder. It is reached from the root each time, so that no
    /// depth needs more descriptors and a folder moved away is not followed.
    fn open(&self, path: &RawRel) -> Result<Opened> {
        let failed = |errno| Error::opening("walk", errno).at(path);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let fd = match self.root.open(self.rules, path, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(Opened::Gone),
            Err(Errno::XDEV) => return Ok(Opened::Closed(Barrier::Mount)),
            Err(Errno::ACCESS | Errno::PERM) => return Ok(Opened::Closed(Barrier::Unreadable)),
            Err(errno) => return Err(failed(errno)),
        };
        let stat = stat_fd(fd.as_fd()).map_err(failed)?;
        let mut dir = rustix::fs::Dir::new(fd).map_err(failed)?;
        let entries = list_by(&mut dir).map_err(failed)?;
        let fd = dir.fd().map_err(failed)?;
        let mut rest = Vec::with_capacity(entries.len());
        for entry in entries.into_iter().rev() {
            match stat_name(fd, &entry.name) {
                Ok(stat) => rest.push((entry, stat)),
                Err(Errno::NOENT) => {}
                // A folder that may be listed but not searched: nothing in it can be looked at.
                Err(Errno::ACCESS) => return Ok(Opened::Closed(Barrier::Unreadable)),
                Err(errno) => return Err(failed(errno)),
            }
        }
        let path = path.clone();
        Ok(Opened::Folder(stat, Level { path, rest }))
    }

    fn look(&self, path: &RawRel) -> Result<Option<Stat>> {
        let failed = |errno| Error::opening("walk", errno).at(path);
        match self.root.look(self.rules, path) {
            Ok(fd) => stat_fd(fd.as_fd()).map(Some).map_err(failed),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(errno) => Err(failed(errno)),
        }
    }

    fn denied(&self, path: &RawRel) -> Error {
        Error::new(ErrorKind::PermissionDenied, "list").at(path)
    }

    fn too_deep(&self, path: &RawRel) -> Error {
        Error::new(ErrorKind::LimitExceeded, "walk")
            .detail(format!(
                "deeper than {} folders, or too long",
                self.limits.depth
            ))
            .at(path)
    }
}
