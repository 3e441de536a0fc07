//! The one database of a workspace, and the copy of its head in `log.lock`.
//!
//! Every write takes `log.lock`, compares the log with the copy of its head, runs one
//! transaction, and writes the new head into the lock file. A log that lost its tail is thus found
//! before anything is appended to it, and by `verify`.
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aifirst_audit::{Durability, Head, HeadCopy, Installed, Timestamp};
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::folder::{cannot, open_private};
use super::lock::{Held, Lock};
use crate::context::Cancel;
use crate::env::{Env, rfc3339};
use crate::error::{Error, ErrorKind, Result};

/// How long a writer waits for its turn.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// The write-ahead log is moved into the database once it is larger, after the answer.
const CHECKPOINT_BYTES: u64 = 4 << 20;
/// The page size of SQLite's databases, by default and here.
const PAGE_BYTES: u64 = 4096;

/// What a transaction left, for the copy of the head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written {
    pub(crate) head: Head,
    pub(crate) durability: Durability,
}

/// Why a step with the database failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nothing was written.
    Clean(Error),
    /// A commit failed: whether it is there is not known, so the connection is not used again.
    Unknown(Error),
}

impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        Self::Clean(e)
    }
}

/// The database of one workspace, opened by one process.
pub(crate) struct Database {
    path: PathBuf,
    boot: String,
    lock: Lock,
    conn: Mutex<Option<Connection>>,
}

impl Database {
    /// Opens the database, making it with its genesis where it is new.
    pub(crate) fn open(dir: &Path, log: &str, env: &dyn Env, cancel: &Cancel) -> Result<Self> {
        let database = Self {
            path: dir.join("state.db"),
            boot: env.boot().to_owned(),
            lock: Lock::open(&dir.join("log.lock"))?,
            conn: Mutex::new(None),
        };
        let held = database.lock.take(PATIENCE, cancel)?;
        let mut conn = database.connect(&held)?;
        if aifirst_audit::check_format(&conn).map_err(Error::from)? == Installed::No
            || aifirst_audit::log_id(&conn).map_err(Error::from)?.is_none()
        {
            let head = begin_log(&mut conn, log, env)?;
            let written = Written {
                head,
                durability: Durability::Full,
            };
            database.copy_head(&held, &written)?;
        }
        // Refuses a journal that a newer program wrote; makes nothing that is there.
        aifirst_undo::install(&conn).map_err(Error::from)?;
        *database.slot() = Some(conn);
        drop(held);
        Ok(database)
    }

    fn slot(&self) -> MutexGuard<'_, Option<Connection>> {
        self.conn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the connection and compares the log with the copy of its head.
    fn connect(&self, _: &Held) -> Result<Connection> {
        // Made before SQLite sees it, so that it and its -wal and -shm are 0600 at any umask. An
        // existing file is not opened: closing it again would drop SQLite's locks on it.
        if rustix::fs::lstat(&self.path).is_err() {
            open_private(&self.path)
                .map(drop)
                .map_err(|e| cannot("make the database", &e))?;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let conn = Connection::open_with_flags(&self.path, flags).map_err(Error::from)?;
        // SQLite opens a file without write right for reading only, and says so much later.
        if conn.is_readonly(rusqlite::MAIN_DB).map_err(Error::from)? {
            return Err(Error::new(
                ErrorKind::State,
                "the log's database cannot be written, so nothing could be recorded",
            )
            .with_code("state_read_only")
            .with_hint("make it writable, or name another state: --state DIR; `aifirst log` and `aifirst verify` still read it"));
        }
        aifirst_audit::configure(&conn).map_err(Error::from)?;
        if let Some(copy) = read_head_copy(self.lock.file())? {
            aifirst_audit::check_head_copy(&conn, &copy, &self.boot).map_err(Error::from)?;
        }
        Ok(conn)
    }

    /// Runs one step that writes, alone among all processes.
    ///
    /// The step gets the connection outside any transaction and says what it left.
    pub(crate) fn write<T>(
        &self,
        cancel: &Cancel,
        step: impl FnOnce(&mut Connection) -> std::result::Result<(T, Written), Failure>,
    ) -> Result<T> {
        let mut slot = self.slot();
        let held = self.lock.take(PATIENCE, cancel)?;
        let mut conn = match slot.take() {
            Some(conn) => conn,
            None => self.connect(&held)?,
        };
        let result = step(&mut conn);
        match result {
            Ok((value, written)) => {
                *slot = Some(conn);
                aifirst_undo::fault::point("outer.before_head_copy")?;
                self.copy_head(&held, &written)?;
                Ok(value)
            }
            Err(Failure::Clean(e)) => {
                *slot = Some(conn);
                Err(e)
            }
            // Dropped: the next one opens anew and sees what is really there.
            Err(Failure::Unknown(e)) => Err(e),
        }
    }

    /// One transaction with appends alone.
    pub(crate) fn append<T>(
        &self,
        durability: Durability,
        cancel: &Cancel,
        step: impl FnOnce(&Transaction<'_>) -> Result<(T, Head)>,
    ) -> Result<T> {
        let done = self.write(cancel, |conn| {
            aifirst_audit::set_durability(conn, durability).map_err(Error::from)?;
            let tx = conn
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .map_err(Error::from)?;
            let (value, head) = step(&tx)?;
            tx.commit().map_err(|e| Failure::Unknown(Error::from(e)))?;
            Ok((value, Written { head, durability }))
        });
        // A process that only reads grows the write-ahead log too.
        self.tidy();
        done
    }

    /// Reads; waits for no writer.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let mut slot = self.slot();
        if slot.is_none() {
            let held = self.lock.take(PATIENCE, &Cancel::new())?;
            *slot = Some(self.connect(&held)?);
        }
        match slot.as_ref() {
            Some(conn) => look(conn),
            None => Err(Error::new(ErrorKind::State, "the database is closed")),
        }
    }

    /// Moves the write-ahead log into the database once much of it is not there; after the answer.
    pub(crate) fn tidy(&self) {
        let mut wal = self.path.clone().into_os_string();
        wal.push("-wal");
        let size = rustix::fs::stat(&wal).map_or(0, |s| u64::try_from(s.st_size).unwrap_or(0));
        if size < CHECKPOINT_BYTES {
            return;
        }
        let slot = self.slot();
        let Some(conn) = slot.as_ref() else {
            return;
        };
        let pending = aifirst_audit::pending_pages(conn).unwrap_or(0);
        if u64::from(pending) * PAGE_BYTES < CHECKPOINT_BYTES {
            return;
        }
        if let Ok(Some(_held)) = self.lock.try_take() {
            // What cannot be moved now, because a reader needs it, is moved another time.
            let _ = aifirst_audit::checkpoint(conn);
        }
    }

    fn copy_head(&self, _: &Held, written: &Written) -> Result<()> {
        let previous = read_head_copy(self.lock.file())?;
        let copy = HeadCopy::after(
            previous.as_ref(),
            written.head,
            written.durability,
            &self.boot,
        );
        let bytes = copy.encode().map_err(Error::from)?;
        self.lock
            .file()
            .write_all_at(&bytes, 0)
            .map_err(|e| cannot("keep the copy of the log's head", &e))
    }
}

fn begin_log(conn: &mut Connection, log: &str, env: &dyn Env) -> Result<Head> {
    let time = Timestamp::parse(&rfc3339(env.now_us())).map_err(Error::from)?;
    let sql = |e: rusqlite::Error| Error::from(e);
    let tx = conn
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(sql)?;
    if aifirst_audit::check_format(&tx).map_err(Error::from)? == Installed::No {
        aifirst_audit::install(&tx).map_err(Error::from)?;
    }
    aifirst_undo::install(&tx).map_err(Error::from)?;
    let receipt = aifirst_audit::genesis(&tx, log, time, env.boot()).map_err(Error::from)?;
    tx.commit().map_err(sql)?;
    Ok(receipt.head)
}

/// Reads the copy of the head out of a `log.lock`.
pub(crate) fn read_head_copy(file: &std::fs::File) -> Result<Option<HeadCopy>> {
    let mut bytes = vec![0u8; HeadCopy::LEN];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|r| !r.is_empty()) {
        match file.read_at(rest, u64::try_from(filled).unwrap_or_default()) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(cannot("read the copy of the log's head", &e)),
        }
    }
    bytes.truncate(filled);
    HeadCopy::decode(&bytes).map_err(Error::from)
}
