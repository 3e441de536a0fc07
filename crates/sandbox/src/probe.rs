//! What the kernel can do, tried once.

use std::os::fd::BorrowedFd;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::error::{Error, ErrorKind, Result};

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
