//! Writing whole files in one step: a new file beside the old one, then a rename.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::metadata::USER;
use super::place::{Place, place};
use crate::error::{Error, ErrorKind, Result};
use crate::fields;
use crate::handle::list;
use crate::identity::{Identity, Stat, stat_fd};
use crate::relpath::RawRel;
use crate::resolve::open_following;
use crate::rules::{Perm, Rules, judge_file};
use crate::workspace::Workspace;

/// What a write does where the name is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Replace {
    /// It fails; the name must be free.
    #[default]
    Refuse,
    /// The file there is replaced in one step: readers see the old content or the new.
    Atomic,
}

/// What is on disk when a write returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Durability {
    /// Nothing for sure.
    None,
    /// The content, before it gets its name: after a crash the name has the old content or the
    /// new, whole.
    #[default]
    File,
    /// The name too.
    FileAndFolder,
}

/// What the file is called while it is written: never derived from the target's name.
///
/// Made from random bytes that the caller brings, so that nobody can be there first; one that is
/// taken all the same is passed over, never opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TempName(u128);

/// What every such name begins with; 32 hexadecimal digits follow.
const PREFIX: &[u8] = b".aifirst-write-";

impl TempName {
    /// From 16 bytes of a cryptographic source.
    #[must_use]
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(u128::from_le_bytes(bytes))
    }

    /// Another one, for the next file or when this one is taken.
    pub(super) fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    fn name(self) -> String {
        format!("{}{:032x}", String::from_utf8_lossy(PREFIX), self.0)
    }
}

/// Whether a name is one that a write may have left behind.
pub(super) fn is_temporary(name: &[u8]) -> bool {
    name.strip_prefix(PREFIX)
        .is_some_and(|rest| rest.len() == 32 && rest.iter().all(u8::is_ascii_hexdigit))
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Write {
    /// What it is called meanwhile.
    pub temp: TempName,
    /// What happens where the name is taken.
    pub replace: Replace,
    /// What is on disk afterwards.
    pub durability: Durability,
    /// The permission bits of a new file, less the umask; a replaced file's own are kept.
    pub perm: Perm,
}

impl Write {
    /// The defaults: the name must be free, the content is made durable, `0o666` less the umask.
    #[must_use]
    pub fn new(temp: TempName) -> Self {
        Self {
            temp,
            replace: Replace::default(),
            durability: Durability::default(),
            perm: Perm::FILE,
        }
    }

    /// The same with another choice for taken names.
    #[must_use]
    pub fn replace(mut self, replace: Replace) -> Self {
        self.replace = replace;
        self
    }

    /// The same with another choice of what is on disk.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// The same with other permission bits.
    #[must_use]
    pub fn perm(mut self, perm: Perm) -> Self {
        self.perm = perm;
        self
    }
}

/// How often a write begins anew because the name is taken or freed meanwhile.
const TRIES: usize = 16;

impl Workspace {
    /// Writes a whole file; its fields. A replaced file's permission bits (without setuid, setgid
    /// and sticky), `user.*` attributes and ACL are kept, its owner and group where the system
    /// permits that; it becomes another file, so that its other names keep the old content.
    ///
    /// # Errors
    /// `Exists`; for what has the name: `LinkDenied`, `IsADirectory`, `SpecialFile`, and
    /// `HardLinked` unless the rules allow to read such files; `NotFound`, `RootItself`,
    /// `ProtectedName`, and those of [`Workspace::resolve`]; `NoSpace`; `Unsupported` where a
    /// file is to be replaced and `/proc` is not mounted; else those of the system. The name has
    /// its old content then, unless it was the last step, the sync of the folder, that failed.
    pub fn write_file(&self, path: &RawRel, content: &[u8], how: &Write) -> Result<Stat> {
        self.write_with(path, how, None, &mut |fd| write_all(fd, content))
    }

    /// Removes the files that killed writes left in a folder; how many. A write under way keeps
    /// its own.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`, and those of [`Workspace::resolve`]; else those of the system.
    pub fn sweep_temporary(&self, folder: &RawRel) -> Result<u64> {
        const DOING: &str = "sweep";
        let failed = |errno| Error::system(DOING, errno).at(folder);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let fd = open_following(self.root(), self.rules(), folder, flags, DOING)?;
        let root = crate::resolve::Root {
            fd,
            backend: self.backend(),
        };
        let mut swept = 0;
        for entry in list(root.fd.as_fd()).map_err(failed)? {
            if !is_temporary(&entry.name) {
                continue;
            }
            let look = root.look(&Rules::default(), &RawRel::parse(&entry.name)?);
            let kind = match look.and_then(|fd| stat_fd(fd.as_fd())) {
                Ok(stat) => stat.kind,
                Err(Errno::NOENT) => continue,
                Err(errno) => return Err(failed(errno)),
            };
            // Only what a write makes: a planted FIFO is not opened, a folder is no leftover.
            if kind != crate::identity::Kind::File {
                continue;
            }
            let name = RawRel::parse(&entry.name)?;
            let Ok(file) = root.open(&Rules::default(), &name, OFlags::RDONLY, Mode::empty())
            else {
                continue;
            };
            if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
                continue;
            }
            match rustix::fs::unlinkat(&root.fd, &*entry.name, AtFlags::empty()) {
                Ok(()) => swept += 1,
                Err(Errno::NOENT) => {}
                Err(errno) => return Err(failed(errno)),
            }
        }
        Ok(swept)
    }

    /// The one way in which whole files come to be: `fill` writes the content.
    pub(super) fn write_with(
        &self,
        path: &RawRel,
        how: &Write,
        source: Option<&Identity>,
        fill: &mut Fill<'_>,
    ) -> Result<Stat> {
        let mut how = *how;
        for _ in 0..TRIES {
            let done = self.write_once(path, &how, source, fill);
            match done.map_err(|error| error.at(path))? {
                Some(stat) => return Ok(stat),
                None => how.temp = how.temp.next(),
            }
        }
        Err(Error::new(ErrorKind::Raced, DOING).at(path))
    }

    /// `None` when the name of the temporary file is taken, or the target's was meanwhile.
    fn write_once(
        &self,
        path: &RawRel,
        how: &Write,
        source: Option<&Identity>,
        fill: &mut Fill<'_>,
    ) -> Result<Option<Stat>> {
        let failed = |errno| Error::system(DOING, errno);
        let place = place(self, path, DOING)?;
        let old = place.look(DOING)?;
        if let Some((_, old)) = &old {
            if source.is_some_and(|source| source.same_now(&old.identity)) {
                return Err(
                    Error::new(ErrorKind::Exists, DOING).detail("both names are the same file")
                );
            }
            if how.replace == Replace::Refuse {
                return Err(Error::new(ErrorKind::Exists, DOING));
            }
            judge_file(old, self.rules(), DOING)?;
        }
        // What replaces a file is private until it has that file's fields.
        let perm = if old.is_some() {
            0o600
        } else {
            how.perm.bits()
        };
        let Some(fresh) = Fresh::make(&place, how.temp, perm).map_err(failed)? else {
            return Ok(None);
        };
        fill(&fresh.fd)?;
        if let Some((held, old)) = &old {
            fresh.take_fields(held, old)?;
        }
        if how.durability != Durability::None {
            sync(&fresh.fd).map_err(failed)?;
        }
        let stat = match fresh.publish(old.is_some()) {
            Ok(fd) => stat_fd(fd.as_fd()).map_err(failed)?,
            Err(Errno::EXIST) if how.replace == Replace::Atomic => return Ok(None),
            Err(errno) => return Err(Error::moving(DOING, errno)),
        };
        if how.durability == Durability::FileAndFolder {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY;
            let folder =
                place
                    .folder
                    .open(&Rules::default(), &RawRel::root(), flags, Mode::empty());
            folder.and_then(|fd| sync(&fd)).map_err(failed)?;
        }
        Ok(Some(stat))
    }
}

const DOING: &str = "write";

/// What writes the content.
pub(super) type Fill<'a> = dyn FnMut(&OwnedFd) -> Result<()> + 'a;

/// A file being written under a temporary name, which goes with it unless it was published.
struct Fresh<'a> {
    place: &'a Place<'a>,
    fd: OwnedFd,
    name: String,
    named: bool,
}

impl<'a> Fresh<'a> {
    fn make(
        place: &'a Place<'a>,
        temp: TempName,
        perm: u32,
    ) -> std::result::Result<Option<Self>, Errno> {
        let name = temp.name();
        let path = RawRel::parse(name.as_bytes()).map_err(|_| Errno::INVAL)?;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::RDWR;
        let mode = Mode::from_raw_mode(perm);
        let fd = match place.folder.open(&Rules::default(), &path, flags, mode) {
            Ok(fd) => fd,
            Err(Errno::EXIST) => return Ok(None),
            Err(errno) => return Err(errno),
        };
        let fresh = Self {
            place,
            fd,
            name,
            named: true,
        };
        // Tells a sweep that somebody is at work; where there are no locks, none is told.
        let _ = rustix::fs::flock(&fresh.fd, FlockOperation::NonBlockingLockExclusive);
        Ok(Some(fresh))
    }

    /// Owner, attributes, ACL and mode of the file that is to be replaced.
    fn take_fields(&self, held: &OwnedFd, old: &Stat) -> Result<()> {
        let failed = |errno| Error::system(DOING, errno);
        let (old_fd, new_fd) = (held.as_fd(), self.fd.as_fd());
        let new = stat_fd(new_fd).map_err(failed)?;
        if (new.uid, new.gid) != (old.uid, old.gid) {
            // Only root gives files away; a group of one's own can be kept without.
            let whole = fields::set_owner(new_fd, old.uid, old.gid);
            if whole.is_err() && new.gid != old.gid {
                let _ = fields::set_owner(new_fd, new.uid, old.gid);
            }
        }
        let mut acl = false;
        let known = fields::xattrs(old_fd).map_err(|errno| fields::proc_error(DOING, errno))?;
        for (name, value) in known {
            let is_acl = name == ACL;
            if is_acl || name.starts_with(USER) {
                acl |= is_acl;
                fields::set_xattr(new_fd, &name, &value)
                    .map_err(|errno| fields::proc_error(DOING, errno))?;
            }
        }
        if !acl {
            // The folder's default ACL may have given it one.
            match fields::remove_xattr(new_fd, ACL) {
                Ok(()) | Err(Errno::OPNOTSUPP) => {}
                Err(errno) => return Err(fields::proc_error(DOING, errno)),
            }
        }
        rustix::fs::fchmod(&self.fd, Mode::from_raw_mode(Perm::of(old).bits())).map_err(failed)
    }

    /// Gives it the target's name.
    fn publish(mut self, over: bool) -> std::result::Result<OwnedFd, Errno> {
        let (dir, from, to) = (self.place.fd(), self.name.as_bytes(), self.place.name);
        let flags = if over {
            RenameFlags::empty()
        } else {
            RenameFlags::NOREPLACE
        };
        match rustix::fs::renameat_with(dir, from, dir, to, flags) {
            Ok(()) => self.named = false,
            // The file system knows no such flag: a second name is refused where one is taken.
            Err(Errno::INVAL) if !over => {
                rustix::fs::linkat(dir, from, dir, to, AtFlags::empty())?;
            }
            Err(errno) => return Err(errno),
        }
        rustix::io::fcntl_dupfd_cloexec(&self.fd, 0)
    }
}

impl Drop for Fresh<'_> {
    fn drop(&mut self) {
        if self.named {
            // Best effort: a sweep removes what stays.
            let _ = rustix::fs::unlinkat(self.place.fd(), &*self.name, AtFlags::empty());
        }
    }
}

const ACL: &[u8] = b"system.posix_acl_access";

/// Writes all of `content` where the descriptor stands.
pub(super) fn write_all(fd: &OwnedFd, content: &[u8]) -> Result<()> {
    let mut rest = content;
    while !rest.is_empty() {
        match rustix::io::write(fd, rest) {
            Ok(0) => return Err(Error::system(DOING, Errno::IO)),
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(Error::system(DOING, errno)),
        }
    }
    Ok(())
}

/// An interrupted sync is made again; any other failure is final, since the kernel reports it
/// once only.
pub(super) fn sync(fd: &OwnedFd) -> std::result::Result<(), Errno> {
    loop {
        match rustix::fs::fsync(fd) {
            Err(Errno::INTR) => {}
            done => return done,
        }
    }
}
