//! Copying: content shared where the file system can, holes kept, a tree link by link.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::SeekFrom;
use rustix::io::Errno;

use super::walk::{Barrier, Flow, WalkEnd, WalkLimits};
use super::write::Write;
use crate::error::{Error, ErrorKind, Result};
use crate::handle::File;
use crate::identity::{Kind, Stat, stat_fd};
use crate::relpath::RawRel;
use crate::resolve::{Leaf, canonical};
use crate::rules::Perm;
use crate::workspace::Workspace;

/// How far the copy of a tree goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyLimits {
    /// Most components of a path in the source.
    pub depth: usize,
    /// Most files, folders and links.
    pub entries: u64,
}

impl Default for CopyLimits {
    fn default() -> Self {
        Self {
            depth: crate::relpath::MAX_DEPTH,
            entries: 1_000_000,
        }
    }
}

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyEnd {
    /// Regular files.
    pub files: u64,
    /// Folders, the top one included.
    pub folders: u64,
    /// Symbolic links.
    pub links: u64,
}

impl Workspace {
    /// Copies a regular file, as [`Workspace::write_file`] writes one; the copy's fields. A new
    /// file gets the source's permission bits, less the umask. Extents are shared where the file
    /// system can (`FICLONE`), holes stay holes.
    ///
    /// # Errors
    /// For the source those of [`Workspace::open_file`], for the target those of
    /// [`Workspace::write_file`]; `Exists` when both are the same file.
    pub fn copy_file(&self, from: &RawRel, to: &RawRel, how: &Write) -> Result<Stat> {
        let source = self.open_file(from).map_err(|error| error.doing("copy"))?;
        let how = how.perm(Perm::of(source.stat()));
        self.write_with(to, &how, Some(&source.stat().identity), &mut |target| {
            copy_content(&source, target).map_err(|errno| Error::system("copy", errno))
        })
        .map_err(|error| error.doing("copy"))
    }

    /// Copies a folder with everything below it to a name that must be free. Links are copied as
    /// links, and judged as [`Workspace::make_symlink`] does; `how` counts for each file, its
    /// `replace` does not.
    ///
    /// # Errors
    /// `IntoItself` when the target lies in the source; `Exists`; `LimitExceeded`, `SpecialFile`,
    /// `MountCrossing`, `ProtectedName`, `Escape`, and then what was copied before stays; those of
    /// [`Workspace::walk`] and [`Workspace::copy_file`].
    pub fn copy_tree(
        &self,
        from: &RawRel,
        to: &RawRel,
        how: &Write,
        limits: CopyLimits,
    ) -> Result<CopyEnd> {
        const DOING: &str = "copy";
        let spelled = |path, leaf| {
            canonical(self.root(), self.rules(), path, leaf, DOING).map(|done| done.path)
        };
        let (source, target) = (spelled(from, Leaf::Follow)?, spelled(to, Leaf::Keep)?);
        if target.starts_with(&source) {
            return Err(Error::new(ErrorKind::IntoItself, DOING).at(from));
        }
        let top = self
            .stat_at(&source)?
            .ok_or_else(|| Error::new(ErrorKind::NotFound, DOING).at(from))?;
        if top.kind != Kind::Dir {
            return Err(Error::new(ErrorKind::NotADirectory, DOING).at(from));
        }
        // Folders are made writable and get their own bits last, deepest first.
        let mut closed = vec![(target.clone(), Perm::of(&top))];
        self.make_dir(&target, OPEN)?;
        let mut end = CopyEnd {
            folders: 1,
            ..CopyEnd::default()
        };
        let mut how = how.replace(super::write::Replace::Refuse);
        let mut failure = None;
        let walked = self.walk(
            &source,
            WalkLimits {
                depth: limits.depth,
                entries: Some(limits.entries),
                ..WalkLimits::default()
            },
            &mut |entry| {
                how.temp = how.temp.next();
                let mut copy = || -> Result<()> {
                    let refuse = |kind| Err(Error::new(kind, DOING).at(entry.path));
                    match entry.barrier {
                        Some(Barrier::Mount) => return refuse(ErrorKind::MountCrossing),
                        Some(Barrier::Protected) => return refuse(ErrorKind::ProtectedName),
                        Some(Barrier::Unreadable) => return refuse(ErrorKind::PermissionDenied),
                        None => {}
                    }
                    let mut to = target.clone();
                    let below = entry.path.strip(&source).unwrap_or_else(RawRel::root);
                    for name in below.components() {
                        to = to.join(name)?;
                    }
                    match entry.stat.kind {
                        Kind::Dir => {
                            self.make_dir(&to, OPEN)?;
                            closed.push((to, Perm::of(entry.stat)));
                            end.folders += 1;
                        }
                        Kind::File => {
                            self.copy_file(entry.path, &to, &how)?;
                            end.files += 1;
                        }
                        Kind::Symlink => {
                            let link = self.read_link(entry.path)?;
                            self.make_symlink(&to, &link)?;
                            end.links += 1;
                        }
                        _ => return refuse(ErrorKind::SpecialFile),
                    }
                    Ok(())
                };
                match copy() {
                    Ok(()) => Flow::Continue,
                    Err(error) => {
                        failure = Some(error);
                        Flow::Stop
                    }
                }
            },
        )?;
        if let Some(error) = failure {
            return Err(error);
        }
        if walked == WalkEnd::EntryLimit {
            return Err(Error::new(ErrorKind::LimitExceeded, DOING)
                .detail(format!("more than {} entries", limits.entries))
                .at(from));
        }
        for (path, perm) in closed.into_iter().rev() {
            self.set_perm(&path, perm)?;
        }
        Ok(end)
    }
}

/// What a folder is made with while it is filled.
const OPEN: Perm = Perm::PRIVATE_FOLDER;

/// Copies the whole content into an empty file.
fn copy_content(source: &File, target: &OwnedFd) -> std::result::Result<(), Errno> {
    if rustix::fs::ioctl_ficlone(target, source.fd()).is_ok() {
        return Ok(());
    }
    let size = source.stat().size;
    let mut at = 0;
    while at < size {
        let (from, to) = match data(source.fd(), at, size) {
            Ok(Some(range)) => range,
            Ok(None) => break,
            // No holes are told of here: all of it is data.
            Err(Errno::INVAL | Errno::OPNOTSUPP) => (at, size),
            Err(errno) => return Err(errno),
        };
        copy_range(source, target, from, to)?;
        at = to;
    }
    // The hole at the end; where the source was cut meanwhile, the copy ends there too.
    let size = stat_fd(source.fd())?.size.min(size);
    rustix::fs::ftruncate(target, size)
}

/// The next part that is no hole, at or after `at`.
fn data(fd: BorrowedFd<'_>, at: u64, size: u64) -> std::result::Result<Option<(u64, u64)>, Errno> {
    let from = match rustix::fs::seek(fd, SeekFrom::Data(at)) {
        Ok(from) => from,
        Err(Errno::NXIO) => return Ok(None),
        Err(errno) => return Err(errno),
    };
    let to = match rustix::fs::seek(fd, SeekFrom::Hole(from)) {
        Ok(to) => to.min(size),
        // Cut meanwhile.
        Err(Errno::NXIO) => return Ok(None),
        Err(errno) => return Err(errno),
    };
    Ok((from < to).then_some((from, to)))
}

/// Copies `from..to`, in the kernel where it can; a file that was cut meanwhile ends early.
fn copy_range(
    source: &File,
    target: &OwnedFd,
    from: u64,
    to: u64,
) -> std::result::Result<(), Errno> {
    let (mut input, mut output) = (from, from);
    while input < to {
        let len = usize::try_from((to - input).min(1 << 30)).unwrap_or(1 << 30);
        match rustix::fs::copy_file_range(
            source.fd(),
            Some(&mut input),
            target,
            Some(&mut output),
            len,
        ) {
            Ok(0) => break,
            Ok(_) | Err(Errno::INTR) => {}
            Err(
                Errno::XDEV
                | Errno::INVAL
                | Errno::NOSYS
                | Errno::OPNOTSUPP
                | Errno::PERM
                | Errno::BADF
                | Errno::IO,
            ) => break,
            Err(errno) => return Err(errno),
        }
    }
    // What is left: the kernel cannot copy here, or pretends that there is nothing (as it does
    // for the files of some virtual file systems).
    let mut buffer = vec![0; 64 * 1024];
    while input < to {
        let most = usize::try_from(to - input).unwrap_or(usize::MAX);
        let part = buffer.len().min(most);
        let part = buffer.get_mut(..part).unwrap_or_default();
        let read = match rustix::io::pread(source.fd(), &mut *part, input) {
            Ok(0) => break,
            Ok(read) => read,
            Err(Errno::INTR) => continue,
            Err(errno) => return Err(errno),
        };
        let mut rest = part.get(..read).unwrap_or_default();
        while !rest.is_empty() {
            match rustix::io::pwrite(target.as_fd(), rest, input) {
                Ok(0) => return Err(Errno::IO),
                Ok(written) => {
                    rest = rest.get(written..).unwrap_or_default();
                    input += u64::try_from(written).unwrap_or_default();
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
    }
    Ok(())
}
