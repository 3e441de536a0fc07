//! System calls that rustix does not offer; the only unsafe code of the crate.
#![allow(unsafe_code)]

use std::ffi::{CString, c_int, c_long, c_uint};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::io::Errno;

/// `MAX_HANDLE_SZ` of `linux/exportfs.h`.
const HANDLE_BYTES: usize = 128;

#[repr(C)]
struct FileHandle {
    handle_bytes: c_uint,
    handle_type: c_int,
    bytes: [u8; HANDLE_BYTES],
}

/// `name_to_handle_at(2)` of an open descriptor: the type (4 bytes, little endian), then the
/// handle. `EOPNOTSUPP` where the file system has none.
pub(crate) fn file_handle(fd: BorrowedFd<'_>) -> Result<Box<[u8]>, Errno> {
    let mut handle = FileHandle {
        handle_bytes: c_uint::try_from(HANDLE_BYTES).unwrap_or_default(),
        handle_type: 0,
        bytes: [0; HANDLE_BYTES],
    };
    let mut mount: c_int = 0;
    // SAFETY: `FileHandle` begins as `struct file_handle` does and `handle_bytes` tells the room
    // that really follows; the path is a NUL-terminated literal; all three outlive the call.
    let done = unsafe {
        libc::name_to_handle_at(
            fd.as_raw_fd(),
            c"".as_ptr(),
            (&raw mut handle).cast::<libc::file_handle>(),
            &raw mut mount,
            libc::AT_EMPTY_PATH,
        )
    };
    check(c_long::from(done))?;
    let taken = usize::try_from(handle.handle_bytes).map_err(|_| Errno::OVERFLOW)?;
    let bytes = handle.bytes.get(..taken).ok_or(Errno::OVERFLOW)?;
    let mut out = handle.handle_type.to_le_bytes().to_vec();
    out.extend_from_slice(bytes);
    Ok(out.into())
}

/// `fchmodat2(2)` (Linux 6.6) of what the descriptor refers to, `O_PATH` ones included.
pub(crate) fn chmod_fd(fd: BorrowedFd<'_>, mode: u32) -> Result<(), Errno> {
    // SAFETY: four plain numbers and a NUL-terminated literal; nothing is written to.
    let done = unsafe {
        libc::syscall(
            libc::SYS_fchmodat2,
            fd.as_raw_fd(),
            c"".as_ptr(),
            mode,
            libc::AT_EMPTY_PATH,
        )
    };
    check(done)
}

/// What the page cache holds of a file, in pages.
#[repr(C)]
#[derive(Debug, Default)]
pub(crate) struct CacheState {
    cached: u64,
    pub(crate) dirty: u64,
    pub(crate) writeback: u64,
    evicted: u64,
    recently_evicted: u64,
}

#[repr(C)]
struct CacheRange {
    offset: u64,
    len: u64,
}

/// `cachestat(2)` (Linux 6.5) of a whole file. Its number is the same on every architecture but
/// alpha, and libc has no name for it yet.
const SYS_CACHESTAT: c_long = 451;

/// The state of a whole file in the page cache.
pub(crate) fn cache_state(fd: BorrowedFd<'_>) -> Result<CacheState, Errno> {
    // A length of 0 means: to the end.
    let range = CacheRange { offset: 0, len: 0 };
    let mut state = CacheState::default();
    // SAFETY: both structures are laid out as `linux/mman.h` has them and outlive the call.
    let done = unsafe {
        libc::syscall(
            SYS_CACHESTAT,
            fd.as_raw_fd(),
            &raw const range,
            &raw mut state,
            0 as c_uint,
        )
    };
    check(done)?;
    Ok(state)
}

/// `F_SETSIG` of `asm-generic/fcntl.h`, the same everywhere; libc names it on some systems only.
const F_SETSIG: c_int = 10;

/// Takes (`F_RDLCK`) or gives back (`F_UNLCK`) a lease; fcntl(2). Whoever breaks it sends SIGURG,
/// which does nothing by default, where the usual SIGIO would end the process.
pub(crate) fn set_lease(fd: BorrowedFd<'_>, kind: c_int) -> Result<(), Errno> {
    // SAFETY: plain numbers only; the descriptor is borrowed, hence open.
    let done = unsafe { libc::fcntl(fd.as_raw_fd(), F_SETSIG, libc::SIGURG) };
    check(c_long::from(done))?;
    // SAFETY: as above.
    let done = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETLEASE, kind) };
    check(c_long::from(done))
}

/// The lease that is held, or what a holder is asked to reduce it to.
pub(crate) fn lease(fd: BorrowedFd<'_>) -> Result<c_int, Errno> {
    // SAFETY: no argument is taken; the descriptor is borrowed, hence open.
    let kind = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETLEASE) };
    check(c_long::from(kind))?;
    Ok(kind)
}

#[repr(C)]
struct FsUuid {
    len: u8,
    uuid: [u8; 16],
}

/// `FS_IOC_GETFSUUID` = `_IOR(0x15, 0, struct fsuuid2)` of `linux/fs.h` (Linux 6.9).
const FS_IOC_GETFSUUID: u32 = 0x8011_1500;

/// The UUID of the file system that an opened (not `O_PATH`) descriptor lies on.
pub(crate) fn file_system_uuid(fd: BorrowedFd<'_>) -> Result<Vec<u8>, Errno> {
    let mut out = MaybeUninit::<FsUuid>::zeroed();
    // SAFETY: the request's number says that the kernel writes 17 bytes, which `FsUuid` has.
    let done = unsafe {
        libc::ioctl(
            fd.as_raw_fd(),
            FS_IOC_GETFSUUID as libc::Ioctl,
            out.as_mut_ptr(),
        )
    };
    check(c_long::from(done))?;
    // SAFETY: zeroed above, and every bit pattern of bytes is a value of `FsUuid`.
    let out = unsafe { out.assume_init() };
    let uuid = out
        .uuid
        .get(..usize::from(out.len))
        .ok_or(Errno::OVERFLOW)?;
    Ok(uuid.to_vec())
}

fn check(done: c_long) -> Result<(), Errno> {
    if done >= 0 {
        return Ok(());
    }
    let raw = std::io::Error::last_os_error().raw_os_error();
    Err(raw.map_or(Errno::IO, Errno::from_raw_os_error))
}

/// The kernel's own name for a descriptor: for the calls that take no descriptor, or none
/// opened with `O_PATH`. The last component is a link of the kernel's that leads to the very
/// object, also where that is a symbolic link itself.
pub(crate) fn proc_path(fd: BorrowedFd<'_>) -> CString {
    let text = format!("/proc/self/fd/{}", fd.as_raw_fd());
    // Digits only are put in, so that there is no NUL to stop at.
    CString::new(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn handles_tell_objects_apart() {
        let dir = tempfile::tempdir().unwrap();
        let open = |name: &str| std::fs::File::create(dir.path().join(name)).unwrap();
        let (a, b) = (open("a"), open("b"));
        match file_handle(a.as_fd()) {
            Err(Errno::OPNOTSUPP) => println!("skipped: no file handles on this file system"),
            first => {
                let first = first.unwrap();
                assert!(first.len() > 4);
                assert_eq!(first, file_handle(open("a").as_fd()).unwrap());
                assert_ne!(first, file_handle(b.as_fd()).unwrap());
            }
        }
    }

    #[test]
    fn chmod_reaches_a_path_descriptor() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let flags = rustix::fs::OFlags::PATH | rustix::fs::OFlags::CLOEXEC;
        let fd = rustix::fs::open(file.path(), flags, rustix::fs::Mode::empty()).unwrap();
        match chmod_fd(fd.as_fd(), 0o640) {
            Err(Errno::NOSYS) => println!("skipped: no fchmodat2 in this kernel"),
            done => {
                done.unwrap();
                let mode = file.path().metadata().unwrap().permissions().mode();
                assert_eq!(mode & 0o7777, 0o640);
            }
        }
    }

    #[test]
    fn a_synced_file_is_clean_and_a_written_one_is_not() {
        use std::io::Write as _;
        let dir = tempfile::tempdir().unwrap();
        let mut file = std::fs::File::create_new(dir.path().join("f")).unwrap();
        file.write_all(&[7; 8192]).unwrap();
        const TMPFS_MAGIC: i64 = 0x0102_1994;
        if rustix::fs::fstatfs(&file).unwrap().f_type == TMPFS_MAGIC {
            println!("skipped: tmpfs never writes its pages");
            return;
        }
        let Ok(before) = cache_state(file.as_fd()) else {
            println!("skipped: no cachestat in this kernel");
            return;
        };
        assert!(before.dirty + before.writeback > 0, "{before:?}");
        file.sync_all().unwrap();
        let after = cache_state(file.as_fd()).unwrap();
        assert_eq!(after.dirty + after.writeback, 0, "{after:?}");
    }

    #[test]
    fn a_lease_is_taken_told_and_given_back() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("f"), "").unwrap();
        let file = std::fs::File::open(dir.path().join("f")).unwrap();
        match set_lease(file.as_fd(), libc::F_RDLCK) {
            Err(Errno::INVAL | Errno::NOLCK) => println!("skipped: no leases here"),
            done => {
                done.unwrap();
                assert_eq!(lease(file.as_fd()).unwrap(), libc::F_RDLCK);
                set_lease(file.as_fd(), libc::F_UNLCK).unwrap();
                assert_eq!(lease(file.as_fd()).unwrap(), libc::F_UNLCK);
            }
        }
    }

    #[test]
    fn a_uuid_is_as_long_as_it_says() {
        let dir = tempfile::tempdir().unwrap();
        let dir = std::fs::File::open(dir.path()).unwrap();
        match file_system_uuid(dir.as_fd()) {
            Ok(uuid) => assert!(uuid.len() <= 16),
            Err(errno) => println!("skipped: no file system uuid here: {errno}"),
        }
    }
}
