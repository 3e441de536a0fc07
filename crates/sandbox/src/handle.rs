//! Opened things: `Dir`, `File`, `Pinned`. A descriptor is held, never a path.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::error::{Error, ErrorKind, Result};
use crate::identity::{Identity, Kind, Stat, kind_of_type, stat_fd, stat_name};
use crate::relpath::RawRel;
use crate::rules::{Rules, judge_file};
use crate::sys;

/// Something that is held, not opened: of any kind, links included.
#[derive(Debug)]
pub struct Pinned {
    fd: OwnedFd,
    stat: Stat,
    path: RawRel,
}

impl Pinned {
    pub(crate) fn new(fd: OwnedFd, path: RawRel, doing: &'static str) -> Result<Self> {
        let stat = stat_fd(fd.as_fd()).map_err(|errno| Error::system(doing, errno).at(&path))?;
        Ok(Self { fd, stat, path })
    }

    /// Its fields when it was pinned.
    #[must_use]
    pub fn stat(&self) -> &Stat {
        &self.stat
    }

    /// Its fields now.
    ///
    /// # Errors
    /// Those of the system.
    pub fn restat(&self) -> Result<Stat> {
        stat_fd(self.fd.as_fd()).map_err(|errno| Error::system("look at", errno).at(&self.path))
    }

    /// Which object it is, with the file system's handle where it has one.
    ///
    /// # Errors
    /// Those of the system.
    pub fn identity(&self) -> Result<Identity> {
        identity_of(self.fd.as_fd(), &self.stat).map_err(|error| error.at(&self.path))
    }

    /// Opens the very same object for reading, once the rules have judged it.
    ///
    /// # Errors
    /// `SpecialFile`, `IsADirectory`, `LinkDenied` or `HardLinked` by the rules; `Unsupported`
    /// where `/proc` is not mounted; `Raced` when another object came; else those of the system.
    pub fn reopen_read(&self, rules: &Rules) -> Result<File> {
        const DOING: &str = "open";
        judge_file(&self.restat()?, rules, DOING).map_err(|error| error.at(&self.path))?;
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let fd = rustix::fs::open(sys::proc_path(self.fd.as_fd()), flags, Mode::empty()).map_err(
            |errno| {
                match errno {
                    // The object is held, so that only the way to it can be missing.
                    Errno::NOENT => Error::new(ErrorKind::Unsupported, DOING)
                        .detail("the proc file system is not mounted"),
                    errno => Error::system(DOING, errno),
                }
                .at(&self.path)
            },
        )?;
        let file = File::judged(fd, rules, self.path.clone(), DOING)?;
        if !file.stat.identity.same_now(&self.stat.identity) {
            return Err(Error::new(ErrorKind::Raced, DOING).at(&self.path));
        }
        Ok(file)
    }
}

pub(crate) fn identity_of(fd: BorrowedFd<'_>, stat: &Stat) -> Result<Identity> {
    let mut identity = stat.identity.clone();
    identity.handle = handle_of(fd)?;
    Ok(identity)
}

pub(crate) fn handle_of(fd: BorrowedFd<'_>) -> Result<Option<Box<[u8]>>> {
    match sys::file_handle(fd) {
        Ok(handle) => Ok(Some(handle)),
        // No handles on this file system, or the call is filtered (Docker's default profile).
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::PERM | Errno::OVERFLOW) => Ok(None),
        Err(errno) => Err(Error::system("identify", errno)),
    }
}

/// A regular file, opened for reading.
#[derive(Debug)]
pub struct File {
    fd: OwnedFd,
    stat: Stat,
    path: RawRel,
}

impl File {
    /// Judges what was opened; a type or link count that the rules refuse closes it again.
    pub(crate) fn judged(
        fd: OwnedFd,
        rules: &Rules,
        path: RawRel,
        doing: &'static str,
    ) -> Result<Self> {
        let stat = stat_fd(fd.as_fd()).map_err(|errno| Error::system(doing, errno).at(&path))?;
        judge_file(&stat, rules, doing).map_err(|error| error.at(&path))?;
        Ok(Self { fd, stat, path })
    }

    /// Its fields as they were when it was opened.
    #[must_use]
    pub fn stat(&self) -> &Stat {
        &self.stat
    }

    /// Its fields now.
    ///
    /// # Errors
    /// Those of the system.
    pub fn restat(&self) -> Result<Stat> {
        stat_fd(self.fd.as_fd()).map_err(|errno| Error::system("look at", errno).at(&self.path))
    }

    /// Which file it is, with the file system's handle where it has one.
    ///
    /// # Errors
    /// Those of the system.
    pub fn identity(&self) -> Result<Identity> {
        identity_of(self.fd.as_fd(), &self.stat).map_err(|error| error.at(&self.path))
    }

    /// Reads at `offset` bytes from the beginning, up to the buffer's length; 0 is the end.
    ///
    /// # Errors
    /// Those of the system.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        loop {
            match rustix::io::pread(&self.fd, &mut *buffer, offset) {
                Err(Errno::INTR) => {}
                done => return done.map_err(|errno| self.failed(errno)),
            }
        }
    }

    /// The whole content from the beginning, at most `limit` bytes.
    ///
    /// # Errors
    /// `LimitExceeded` when there is more; else those of the system.
    pub fn read_to_vec(&self, limit: u64) -> Result<Vec<u8>> {
        let over = || {
            Error::new(ErrorKind::LimitExceeded, "read")
                .detail(format!("more than {limit} bytes"))
                .at(&self.path)
        };
        if self.stat.size > limit {
            return Err(over());
        }
        // One byte more than the size: a full read that stays below it is the end.
        let room = usize::try_from(self.stat.size).unwrap_or(usize::MAX);
        let mut content = Vec::new();
        content
            .try_reserve_exact(room.saturating_add(1))
            .map_err(|_| self.failed(Errno::NOMEM))?;
        loop {
            let before = content.len();
            let offset = u64::try_from(before).unwrap_or(u64::MAX);
            match rustix::io::pread(&self.fd, spare_capacity(&mut content), offset) {
                Err(Errno::INTR) => {}
                Err(errno) => return Err(self.failed(errno)),
                Ok(0) => return Ok(content),
                Ok(_) => {
                    let now = u64::try_from(content.len()).unwrap_or(u64::MAX);
                    if now > limit {
                        return Err(over());
                    }
                    // What statx called the size, with room left over: a file at rest is read.
                    if now == self.stat.size && content.len() < content.capacity() {
                        return Ok(content);
                    }
                    if content.len() == content.capacity() {
                        content
                            .try_reserve(64 * 1024)
                            .map_err(|_| self.failed(Errno::NOMEM))?;
                    }
                }
            }
        }
    }

    /// Reads the `len` bytes from `offset` on, fewer only where the file ends before.
    ///
    /// # Errors
    /// Those of the system.
    pub fn read_range(&self, offset: u64, len: usize) -> Result<Vec<u8>> {
        // A size that is claimed is no reason to take the memory for it.
        let mut content = Vec::new();
        let mut buffer = vec![0; len.min(64 * 1024)];
        while content.len() < len {
            let rest = (len - content.len()).min(buffer.len());
            let part = buffer.get_mut(..rest).unwrap_or_default();
            let at = u64::try_from(content.len())
                .ok()
                .and_then(|read| offset.checked_add(read))
                .ok_or_else(|| self.failed(Errno::OVERFLOW))?;
            let read = self.read_at(at, part)?;
            if read == 0 {
                break;
            }
            content
                .try_reserve(read)
                .map_err(|_| self.failed(Errno::NOMEM))?;
            content.extend_from_slice(part.get(..read).unwrap_or_default());
        }
        Ok(content)
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    pub(crate) fn path(&self) -> &RawRel {
        &self.path
    }

    fn failed(&self, errno: Errno) -> Error {
        Error::system("read", errno).at(&self.path)
    }
}

impl io::Read for &File {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(&self.fd, buffer)?)
    }
}

impl io::Read for File {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }
}

/// A folder, opened for listing.
#[derive(Debug)]
pub struct Dir {
    fd: OwnedFd,
    stat: Stat,
    path: RawRel,
}

/// One name in a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DirEntry {
    /// The name, byte for byte.
    pub name: Box<[u8]>,
    /// What it is, where the file system's listing says so.
    pub kind: Option<Kind>,
}

impl Dir {
    pub(crate) fn new(fd: OwnedFd, path: RawRel, doing: &'static str) -> Result<Self> {
        let stat = stat_fd(fd.as_fd()).map_err(|errno| Error::system(doing, errno).at(&path))?;
        Ok(Self { fd, stat, path })
    }

    /// Its fields when it was opened.
    #[must_use]
    pub fn folder(&self) -> &Stat {
        &self.stat
    }

    /// Its entries without `.` and `..`, ordered by the bytes of their names.
    ///
    /// # Errors
    /// Those of the system.
    pub fn entries(&self) -> Result<Vec<DirEntry>> {
        list(self.fd.as_fd()).map_err(|errno| Error::system("list", errno).at(&self.path))
    }

    /// The fields of one entry; a link is not followed. `None` when there is none.
    ///
    /// # Errors
    /// `BadName` when `name` is not one component; else those of the system.
    pub fn stat(&self, name: &[u8]) -> Result<Option<Stat>> {
        let path = self.path.join(name)?;
        match stat_name(self.fd.as_fd(), name) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(Error::system("look at", errno).at(&path)),
        }
    }
}

/// The names in an opened folder, sorted. It is opened anew, so that calls do not share a place.
pub(crate) fn list(dir: BorrowedFd<'_>) -> std::result::Result<Vec<DirEntry>, Errno> {
    list_by(&mut rustix::fs::Dir::read_from(dir)?)
}

/// As `list`, of a folder that was opened for nothing else: one open less.
pub(crate) fn list_by(dir: &mut rustix::fs::Dir) -> std::result::Result<Vec<DirEntry>, Errno> {
    let mut entries = Vec::new();
    for entry in dir {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        // A hostile file system may answer with anything; what is no single name is no entry.
        if matches!(name, b"." | b".." | b"") || name.contains(&b'/') {
            continue;
        }
        entries.push(DirEntry {
            name: name.into(),
            kind: kind_of_type(entry.file_type()),
        });
    }
    entries.sort_unstable();
    Ok(entries)
}
