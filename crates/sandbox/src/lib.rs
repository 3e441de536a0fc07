//! Opens what lies beneath a root folder, and nothing else.
//!
//! ```
//! use aifirst_sandbox::{Rules, TempName, Workspace, Write};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # std::fs::write(dir.path().join("notes.txt"), "hello")?;
//! let workspace = Workspace::open(dir.path(), Rules::default())?;
//! let path = workspace.normalize("./src/../notes.txt")?;
//! let text = workspace.open_file(&path)?.read_to_vec(1 << 20)?;
//! assert_eq!(text, b"hello");
//! # let random = [7; 16];
//! let how = Write::new(TempName::from_random(random));
//! let copy = workspace.normalize("copy.txt")?;
//! workspace.write_file(&copy, &text, &how)?;
//! assert_eq!(workspace.normalize("../x").unwrap_err().code(), "escape");
//! # Ok(())
//! # }
//! ```
//!
//! Promised: no call opens, reads or changes anything outside the root, whatever else changes
//! the tree meanwhile; the kernel's `openat2(2)` decides, on a descriptor that is held. FIFOs,
//! sockets and devices are never waited for, other mounts never entered unless listed, files
//! with other names not opened unless allowed and never changed in place, and the root itself
//! never replaced or removed. A file that is replaced has its old content or the new, whole.
//!
//! Not promised: anything against root or the kernel; that a file's hard links, counted when it
//! is opened, stay as they were; that a folder opened inside stays inside while it is held, by a
//! reader or for the moment in which a name is made, moved or removed in it.

#![deny(unsafe_code)]
#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, reason = "tests use real files")
)]

#[cfg(not(target_os = "linux"))]
compile_error!("the guard needs openat2(2), which only Linux has");

mod error;

mod relpath;

mod identity;

mod sys;

mod probe;

mod rules;

mod resolve;

mod fields;

mod handle;

mod workspace;

mod ops;

mod custodian;

pub use custodian::{At, Cloned, Custodian, How, Made, Probe, Side, Sync};
pub use error::{Error, ErrorKind, NameFault, Result};
pub use handle::{Dir, DirEntry, File, Pinned};
pub use identity::{Identity, Kind, Stat, Time};
pub use ops::copy::{CopyEnd, CopyLimits};
pub use ops::lease::{Lease, Leased};
pub use ops::metadata::Times;
pub use ops::rename::Rename;
pub use ops::walk::{Barrier, Flow, Unreadable, Visit, WalkEnd, WalkEntry, WalkLimits};
pub use ops::write::{Durability, Replace, TempName, Write};
pub use probe::Backend;
pub use relpath::{MAX_DEPTH, MAX_NAME, MAX_PATH, Names, RawRel, RelPath};
pub use resolve::Leaf;
pub use rules::{Fallback, HardLinks, Links, Perm, Rules, is_protected};
pub use workspace::{FsInfo, Resolved, Workspace};
