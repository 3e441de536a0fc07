//! `Workspace`: a root folder, opened once and pinned, and the way from spellings to paths.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

use crate::error::{Error, ErrorKind, NameFault, Result};
use crate::handle::{Pinned, identity_of};
use crate::identity::{Identity, Stat, stat_fd, stat_following};
use crate::probe::{Backend, require_openat2, require_walk};
use crate::relpath::{self, RawRel, RelPath, check_characters};
use crate::resolve::{Leaf, Root, canonical};
use crate::rules::{Fallback, Rules};
use crate::sys;

/// A folder beneath which everything happens. Cheap to clone; clones share the descriptor.
///
/// The folder is pinned: renamed, it is still the same; replaced at its old path, the
/// replacement is not it.
#[derive(Clone, Debug)]
pub struct Workspace {
    pinned: Arc<PinnedRoot>,
    rules: Arc<Rules>,
}

#[derive(Debug)]
struct PinnedRoot {
    root: Root,
    identity: Identity,
}

/// What a path leads to, or would.
#[derive(Debug)]
#[non_exhaustive]
pub struct Resolved {
    /// The path spelled without links.
    pub path: RawRel,
    /// What is there.
    pub found: Option<Pinned>,
    /// How many trailing components of `path` do not exist; 0 when something was found.
    pub missing: usize,
}

/// The file system that holds the root.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FsInfo {
    /// Its type's number, as in `statfs(2)`.
    pub magic: i64,
    /// Its number among those mounted; lasts one boot or mount on many file systems.
    pub fsid: u64,
    /// Its own UUID in lower-case hexadecimal, where kernel and file system tell it.
    pub uuid: Option<String>,
    /// Whether its data is on another machine, as far as the type tells: FUSE may be either and
    /// counts as local.
    pub network: bool,
}

/// The network file systems of `linux/magic.h` and `statfs(2)`.
const NETWORK: [i64; 12] = [
    0x6969,      // nfs
    0x517b,      // smb
    0xfe53_4d42, // smb2
    0xff53_4d42, // cifs
    0x0102_1997, // 9p
    0x00c3_6400, // ceph
    0x5346_414f, // afs
    0x6b41_4653, // kafs
    0x7375_7245, // coda
    0x564c,      // ncp
    0x0bd0_0bd0, // lustre
    0x4750_4653, // gpfs
];

impl Workspace {
    /// Opens a folder by a path of the host; the only time that such a path is resolved.
    ///
    /// # Errors
    /// `NotFound`; `BadRoot` for the root of the file system and for what is no folder;
    /// `Unsupported` without `openat2`, unless the rules allow the fallback and it can work;
    /// else those of the system.
    pub fn open(path: &Path, rules: Rules) -> Result<Self> {
        Self::open_by(path, rules, |root, rules| match require_openat2(root) {
            Ok(()) => Ok(Backend::Openat2),
            Err(error)
                if error.kind() == ErrorKind::Unsupported && rules.fallback == Fallback::Walk =>
            {
                require_walk(root).map(|()| Backend::Walk)
            }
            Err(error) => Err(error),
        })
    }

    /// Opens a folder by the fallback alone, so that tests can compare the two.
    #[doc(hidden)]
    pub fn open_walking(path: &Path, rules: Rules) -> Result<Self> {
        Self::open_by(path, rules, |root, _| {
            require_walk(root).map(|()| Backend::Walk)
        })
    }

    fn open_by(
        path: &Path,
        rules: Rules,
        choose: impl FnOnce(BorrowedFd<'_>, &Rules) -> Result<Backend>,
    ) -> Result<Self> {
        const DOING: &str = "open the root";
        let fd = open_ambient(path, OFlags::empty(), DOING)?;
        let stat = stat_fd(fd.as_fd()).map_err(|errno| Error::system(DOING, errno))?;
        let top = stat_following(CWD, b"/").map_err(|errno| Error::system(DOING, errno))?;
        if stat.identity.same_now(&top.identity) {
            return Err(
                Error::new(ErrorKind::BadRoot, DOING).detail("it is the root of the file system")
            );
        }
        let backend = choose(fd.as_fd(), &rules)?;
        let identity = identity_of(fd.as_fd(), &stat)?;
        Ok(Self {
            pinned: Arc::new(PinnedRoot {
                root: Root { fd, backend },
                identity,
            }),
            rules: Arc::new(rules),
        })
    }

    /// The same folder under other rules.
    #[must_use]
    pub fn with_rules(&self, rules: Rules) -> Self {
        Self {
            pinned: Arc::clone(&self.pinned),
            rules: Arc::new(rules),
        }
    }

    /// What resolves its paths.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.pinned.root.backend
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Which folder the root is, with the file system's handle where it has one.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.pinned.identity
    }

    /// The root's fields now.
    ///
    /// # Errors
    /// Those of the system.
    pub fn stat(&self) -> Result<Stat> {
        stat_fd(self.root_fd()).map_err(|errno| Error::system("look at", errno).at(&RawRel::root()))
    }

    /// The file system that holds the root.
    ///
    /// # Errors
    /// Those of the system.
    pub fn file_system(&self) -> Result<FsInfo> {
        const DOING: &str = "ask the file system of";
        let failed = |errno| Error::system(DOING, errno).at(&RawRel::root());
        let raw = rustix::fs::fstatfs(self.root_fd()).map_err(failed)?;
        let fsid = rustix::fs::fstatvfs(self.root_fd()).map_err(failed)?.f_fsid;
        // The number's width and sign differ between architectures.
        #[allow(clippy::unnecessary_cast, reason = "i64 here, another type elsewhere")]
        let magic = (raw.f_type as i64) & 0xffff_ffff;
        Ok(FsInfo {
            magic,
            fsid,
            uuid: self.uuid(),
            network: NETWORK.contains(&magic),
        })
    }

    fn uuid(&self) -> Option<String> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let root = RawRel::root();
        let fd = self.root().open(&self.rules, &root, flags, Mode::empty());
        let uuid = sys::file_system_uuid(fd.ok()?.as_fd()).ok()?;
        if uuid.iter().all(|byte| *byte == 0) {
            return None;
        }
        Some(uuid.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The one way from what people and agents write to a path of the workspace.
    ///
    /// Relative spellings are taken lexically: `./`, doubled and trailing slashes go, `a/..` goes
    /// whatever `a` is. Absolute ones are cleaned the same way; then the ancestor that *is* the
    /// root, by identity, is looked for, so that every spelling of the root works that the
    /// system resolves. Nothing is decoded or expanded.
    ///
    /// # Errors
    /// `Escape` past the root or beside it; `BadName` for `~` as the first component, for
    /// characters that do not show, for what is empty or too long, and for names that the rules
    /// do not accept.
    pub fn normalize(&self, spelled: &str) -> Result<RelPath> {
        check_characters(spelled)
            .map_err(|fault| relpath::spelled(Error::name(fault), spelled.as_bytes()))?;
        let raw = self.normalize_raw(spelled.as_bytes())?;
        let path = raw
            .to_rel()
            .ok_or_else(|| Error::name(NameFault::NotUtf8).at(&raw))?;
        path.check_names(self.rules.names)?;
        Ok(path)
    }

    /// As [`Workspace::normalize`], byte for byte: names need not be text.
    ///
    /// # Errors
    /// As [`Workspace::normalize`], the characters excepted.
    pub fn normalize_raw(&self, spelled: &[u8]) -> Result<RawRel> {
        let fault = |fault| relpath::spelled(Error::name(fault), spelled);
        if spelled.is_empty() {
            return Err(fault(NameFault::Empty));
        }
        if spelled.contains(&0) {
            return Err(fault(NameFault::Nul));
        }
        // Longer ones would be cut to fit by the cleaning, which no system call would do.
        if spelled.len() > crate::relpath::MAX_PATH {
            return Err(fault(NameFault::PathTooLong));
        }
        let absolute = spelled.starts_with(b"/");
        let mut parts: Vec<&[u8]> = Vec::new();
        for part in spelled.split(|byte| *byte == b'/') {
            match part {
                b"" | b"." => {}
                b".." => {
                    // `/..` is `/`; past the workspace's root nothing is.
                    if parts.pop().is_none() && !absolute {
                        return Err(escape(spelled));
                    }
                }
                b"~" if parts.is_empty() && !absolute => return Err(fault(NameFault::Tilde)),
                _ => parts.push(part),
            }
        }
        let below = if absolute {
            self.below_root(&parts).ok_or_else(|| escape(spelled))?
        } else {
            parts.as_slice()
        };
        RawRel::from_stored(&below.join(&b'/'))
    }

    /// What follows the ancestor that is the root.
    fn below_root<'a, 'b>(&self, parts: &'a [&'b [u8]]) -> Option<&'a [&'b [u8]]> {
        let mut prefix = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            prefix.push(b'/');
            prefix.extend_from_slice(part);
            // What cannot be looked at is not our root, and neither is anything below it.
            let stat = stat_following(CWD, &prefix).ok()?;
            if stat.identity.same_now(&self.pinned.identity) {
                return parts.get(index + 1..);
            }
        }
        None
    }

    /// Follows a path through links, as the rules allow, to what it leads to or would.
    ///
    /// # Errors
    /// `Escape`, `LinkDenied`, `LinkLoop`, `MountCrossing`, `ProtectedName`, `NotADirectory`;
    /// `Raced` when the tree keeps changing; else those of the system.
    pub fn resolve(&self, path: &RawRel, leaf: Leaf) -> Result<Resolved> {
        const DOING: &str = "resolve";
        let done = canonical(self.root(), &self.rules, path, leaf, DOING)?;
        let found = done
            .found
            .map(|fd| Pinned::new(fd, done.path.clone(), DOING))
            .transpose()?;
        Ok(Resolved {
            path: done.path,
            found,
            missing: done.missing,
        })
    }

    pub(crate) fn root(&self) -> &Root {
        &self.pinned.root
    }

    pub(crate) fn root_fd(&self) -> BorrowedFd<'_> {
        self.pinned.root.fd.as_fd()
    }
}

fn escape(spelled: &[u8]) -> Error {
    relpath::spelled(Error::new(ErrorKind::Escape, "use the path"), spelled)
}

/// Opens a folder by a path of the host, to be a root.
pub(crate) fn open_ambient(path: &Path, flags: OFlags, doing: &'static str) -> Result<OwnedFd> {
    let flags = flags | OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    loop {
        match rustix::fs::openat(CWD, path.as_os_str().as_bytes(), flags, Mode::empty()) {
            Ok(fd) => return Ok(fd),
            Err(Errno::INTR) => {}
            Err(Errno::NOTDIR) => {
                return Err(Error::new(ErrorKind::BadRoot, doing).detail("it is not a folder"));
            }
            Err(Errno::LOOP) => {
                return Err(
                    Error::new(ErrorKind::BadRoot, doing).detail("a symbolic link leads there")
                );
            }
            Err(errno) => return Err(Error::system(doing, errno)),
        }
    }
}
