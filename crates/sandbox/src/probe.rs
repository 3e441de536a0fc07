//! What the kernel can do, tried once.

use std::os::fd::BorrowedFd;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::error::{Error, ErrorKind, Result};
use crate::identity::has_mount_id;

/// What resolves the paths of a workspace; chosen when it is opened, never changed after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// One `openat2(2)`: the kernel decides.
    Openat2,
    /// Component by component, each held before the next: several calls for each path.
    Walk,
}

impl Backend {
    /// The stable word for it, for records and programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Openat2 => "openat2",
            Self::Walk => "walk",
        }
    }
}

/// Refuses a system on which a walk could not tell mounts apart.
pub(crate) fn require_walk(root: BorrowedFd<'_>) -> Result<()> {
    match has_mount_id(root) {
        Ok(true) => Ok(()),
        Ok(false) => Err(
            Error::new(ErrorKind::Unsupported, "guard the workspace").detail(
                "openat2 is missing or filtered, and so are the mount ids of statx (Linux 5.8)",
            ),
        ),
        Err(errno) => Err(Error::system("open the root", errno)),
    }
}

/// Refuses a system without a working `openat2`: on a folder that is open already, every answer
/// but success means that the call is missing or filtered.
pub(crate) fn require_openat2(root: BorrowedFd<'_>) -> Result<()> {
    // Exactly what every later call asks for, so that success here means success there.
    let resolve = ResolveFlags::BENEATH
        | ResolveFlags::NO_MAGICLINKS
        | ResolveFlags::NO_SYMLINKS
        | ResolveFlags::NO_XDEV;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    loop {
        match rustix::fs::openat2(root, c".", flags, Mode::empty(), resolve) {
            Ok(_) => return Ok(()),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(errno @ (Errno::MFILE | Errno::NFILE | Errno::NOMEM)) => {
                return Err(Error::system("open the root", errno));
            }
            Err(_) => {
                let version = rustix::system::uname()
                    .release()
                    .to_string_lossy()
                    .into_owned();
                return Err(
                    Error::new(ErrorKind::Unsupported, "guard the workspace").detail(format!(
                        "openat2 is missing or filtered, kernel {version}; Linux 5.6 has it"
                    )),
                );
            }
        }
    }
}

/// Refuses a system whose `/proc` is missing or is another file system: names there stand for
/// descriptors, in the calls that take none.
pub(crate) fn require_proc() -> Result<()> {
    const DOING: &str = "use the proc file system";
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let kind = rustix::fs::openat(CWD, c"/proc/self/fd", flags, Mode::empty())
        .and_then(rustix::fs::fstatfs)
        .map(|info| info.f_type);
    match kind {
        Ok(rustix::fs::PROC_SUPER_MAGIC) => Ok(()),
        Ok(_) | Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS) => {
            Err(Error::new(ErrorKind::Unsupported, DOING).detail("it is not mounted at /proc"))
        }
        Err(errno) => Err(Error::system(DOING, errno)),
    }
}
