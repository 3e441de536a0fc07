//! A log in a place where nothing may be written is read nevertheless, or it is said why not.
#![allow(
    clippy::disallowed_methods,
    reason = "whether a -wal stands beside the log decides how it can be read"
)]

use crate::error::{Error, ErrorKind, Result};
use crate::schema::{self, BUSY_TIMEOUT};
use rusqlite::{Connection, OpenFlags};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// How a log is read where nothing may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReadMode {
    /// There is no write-ahead log: the database is taken for unchanging.
    Immutable,
    /// There is one, and it is read along.
    WriteAheadLog,
}

/// An opened log, read only.
#[derive(Debug)]
pub struct ReadOnlyLog {
    conn: Connection,
    mode: ReadMode,
    path: PathBuf,
    seen: Stamp,
}

impl ReadOnlyLog {
    /// The connection.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.conn
    }

    /// How it is read.
    #[must_use]
    pub fn mode(&self) -> ReadMode {
        self.mode
    }

    /// Whether the files are still those that were opened. A bad verdict over files that
    /// changed meanwhile proves nothing.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        let now = Stamp::of(&self.path);
        // Reading may make a `-shm` file; it holds nothing of the log.
        (now.database, now.wal) == (self.seen.database, self.seen.wal)
    }
}

/// Opens a log without writing anything anywhere.
///
/// Without a `-wal` file the database is opened as immutable. With one it is opened
/// read-only, which needs the `-shm` file beside it or the right to make it.
///
/// # Errors
/// `CannotOpen` with the reason, `NotALog`, `NewerFormat`, `Damaged`.
pub fn open_read_only(path: &Path) -> Result<ReadOnlyLog> {
    let seen = Stamp::of(path);
    if seen.database.is_none() {
        return Err(Error::new(
            ErrorKind::CannotOpen,
            "the log's database is not there or may not be read",
        ));
    }
    // An empty one is left by a process that opened the log and wrote nothing.
    let mode = match seen.wal {
        Some((size, ..)) if size > 0 => ReadMode::WriteAheadLog,
        _ => ReadMode::Immutable,
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = match mode {
        ReadMode::Immutable => {
            Connection::open_with_flags(uri(path), flags | OpenFlags::SQLITE_OPEN_URI)
        }
        ReadMode::WriteAheadLog => Connection::open_with_flags(path, flags),
    };
    let conn = opened.map_err(Error::from)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    prepare(&conn).map_err(|e| explain(e, mode, &seen))?;
    Ok(ReadOnlyLog {
        conn,
        mode,
        path: path.to_owned(),
        seen,
    })
}

fn prepare(conn: &Connection) -> Result<()> {
    schema::harden(conn)?;
    let id: i32 = conn.pragma_query_value(None, "application_id", |r| r.get(0))?;
    let objects: i64 =
        conn.query_row("SELECT count(*) FROM main.sqlite_schema", [], |r| r.get(0))?;
    // A database whose every page was still in a lost `-wal` has neither; `verify` tells.
    if id != schema::APPLICATION_ID && (id != 0 || objects != 0) {
        return Err(Error::new(
            ErrorKind::NotALog,
            "the database belongs to another program",
        ));
    }
    schema::check_format(conn).map(|_| ())
}

fn explain(e: Error, mode: ReadMode, seen: &Stamp) -> Error {
    let unreachable = matches!(
        e.kind(),
        ErrorKind::CannotOpen | ErrorKind::ReadOnly | ErrorKind::Io
    );
    if !unreachable || mode == ReadMode::Immutable {
        return e;
    }
    let what = if seen.shm.is_some() {
        "the log has a -wal file that cannot be read here: its -shm file may not be used"
    } else {
        "the log has a -wal file, but its -shm file is missing and cannot be made here; \
         copy the folder to a place you may write to, and read it there"
    };
    Error::from_source(ErrorKind::CannotOpen, what, e)
}

/// SQLite's URI of a path: all but plain characters percent-encoded (RFC 3986).
fn uri(path: &Path) -> String {
    let mut out = String::from("file:");
    let bytes = path.as_os_str().as_bytes();
    // Two slashes at the start would make the first name an authority.
    let leading = bytes.iter().take_while(|b| **b == b'/').count();
    if leading > 1 {
        out.push('/');
    }
    let rest = if leading > 1 {
        bytes.get(leading..).unwrap_or_default()
    } else {
        bytes
    };
    for b in rest {
        match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(*b));
            }
            _ => {
                let _ = write!(out, "%{b:02X}");
            }
        }
    }
    out.push_str("?immutable=1");
    out
}

/// Size, inode and times of a file; the file itself is never opened, for closing a second
/// descriptor would drop SQLite's locks.
type FileStamp = Option<(u64, u64, i64, i64)>;

#[derive(Debug)]
struct Stamp {
    database: FileStamp,
    wal: FileStamp,
    shm: FileStamp,
}

impl Stamp {
    fn of(path: &Path) -> Self {
        let beside = |suffix: &str| {
            let mut name = OsString::from(path);
            name.push(suffix);
            stat(Path::new(&name))
        };
        Self {
            database: stat(path),
            wal: beside("-wal"),
            shm: beside("-shm"),
        }
    }
}

fn stat(path: &Path) -> FileStamp {
    let m = std::fs::metadata(path).ok()?;
    Some((m.size(), m.ino(), m.mtime(), m.mtime_nsec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_have_no_authority_no_query_and_no_fragment() {
        for (path, want) in [
            ("/a b/c?d#e%", "file:/a%20b/c%3Fd%23e%25?immutable=1"),
            ("//x/y", "file:/x/y?immutable=1"),
            ("x/y", "file:x/y?immutable=1"),
            ("é", "file:%C3%A9?immutable=1"),
        ] {
            assert_eq!(uri(Path::new(path)), want);
        }
    }
}
