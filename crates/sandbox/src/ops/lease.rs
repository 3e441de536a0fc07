//! Read leases: whether anybody holds a file open for writing, and the first to come.

use rustix::io::Errno;

use crate::error::{Error, Result};
use crate::handle::File;
use crate::sys;

/// What asking for a read lease found.
#[derive(Debug)]
#[non_exhaustive]
pub enum Leased<'a> {
    /// Nobody holds the file open for writing; whoever opens it so from now on waits until the
    /// lease goes, or for `/proc/sys/fs/lease-break-time` seconds.
    Held(Lease<'a>),
    /// Somebody holds it open for writing, perhaps this very process.
    Written,
    /// Not to be told: the file belongs to another user, or its file system has no leases.
    Unknown,
}

/// A read lease on an open file, given back when it is dropped (`F_SETLEASE` of `fcntl(2)`).
#[derive(Debug)]
pub struct Lease<'a> {
    file: &'a File,
}

impl File {
    /// Takes a read lease, if nobody holds the file open for writing.
    ///
    /// # Errors
    /// Those of the system.
    pub fn lease(&self) -> Result<Leased<'_>> {
        match sys::set_lease(self.fd(), libc::F_RDLCK) {
            Ok(()) => Ok(Leased::Held(Lease { file: self })),
            Err(Errno::AGAIN) => Ok(Leased::Written),
            Err(
                Errno::ACCESS
                | Errno::PERM
                | Errno::INVAL
                | Errno::NOLCK
                | Errno::NOSYS
                | Errno::OPNOTSUPP,
            ) => Ok(Leased::Unknown),
            Err(errno) => Err(Error::system("lease", errno).at(self.path())),
        }
    }
}

impl Lease<'_> {
    /// Whether still nobody asked to open the file for writing or to cut it.
    ///
    /// # Errors
    /// Those of the system.
    pub fn is_whole(&self) -> Result<bool> {
        sys::lease(self.file.fd())
            .map(|kind| kind == libc::F_RDLCK)
            .map_err(|errno| Error::system("lease", errno).at(self.file.path()))
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        // Closing the file gives it back as well.
        let _ = sys::set_lease(self.file.fd(), libc::F_UNLCK);
    }
}
