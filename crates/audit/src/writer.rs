//! Appends, alone or inside a transaction that someone else opened.

use crate::body::Body;
use crate::canonical;
use crate::digest::{Digest, Head, leaf, to_sql};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Kind, is_id};
use crate::head_copy::{Durability, HeadCopy};
use crate::schema::{self, Installed};
use crate::time::Timestamp;
use crate::view::Fields;
use rusqlite::types::ValueRef;
use rusqlite::{
    Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, TransactionState,
};
use std::path::Path;

/// What an append gives back. It holds once the transaction commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The event's number.
    pub seq: u64,
    /// Its leaf.
    pub leaf: Digest,
    /// The head after it.
    pub head: Head,
}

/// Writes the first event of a new log: its format and its id.
///
/// # Errors
/// `AlreadyThere`; `InvalidEvent` where the id is not 1 to 64 letters, digits, `-`, `_`, `.`.
pub fn genesis(
    tx: &Transaction<'_>,
    log: &str,
    time: Timestamp,
    boot: impl Into<String>,
) -> Result<Receipt> {
    writing(tx)?;
    if !is_id(log) {
        return Err(Error::new(
            ErrorKind::InvalidEvent,
            "a log's id is 1 to 64 letters, digits, hyphens, underscores and dots",
        ));
    }
    if schema::log_id(tx)?.is_some() || schema::head(tx)?.size != 0 || last_row(tx)?.is_some() {
        return Err(Error::new(
            ErrorKind::AlreadyThere,
            "the log has begun already",
        ));
    }
    let event = Event::new(Kind::Genesis, time, boot);
    guarded(tx, || {
        tx.execute(
            "INSERT INTO main.audit_meta (key, value) VALUES ('log', ?1)",
            [log],
        )?;
        tx.execute(
            "INSERT INTO main.audit_head (id, size, hash) VALUES (1, 0, ?1)",
            [Head::EMPTY.hash.as_bytes()],
        )?;
        insert(tx, log, Head::EMPTY, &event, None)
    })
}

/// Appends one event inside a transaction that the caller opened with `BEGIN IMMEDIATE`
/// and commits. On error nothing of it is left in the transaction.
///
/// # Errors
/// `NotWriting` in a transaction that holds no write lock yet, `Damaged` where head and
/// last row differ, `InvalidEvent`, `TooLarge`, or what the database says.
pub fn append_in(tx: &Transaction<'_>, event: &Event, body: Option<&Body>) -> Result<Receipt> {
    writing(tx)?;
    if event.kind() == Kind::Genesis {
        return Err(Error::new(
            ErrorKind::AlreadyThere,
            "only the first event is a genesis",
        ));
    }
    let log = schema::log_id(tx)?
        .ok_or_else(|| Error::new(ErrorKind::NotALog, "the log has not begun yet"))?;
    let head = checked_head(tx)?;
    if let Some((intent, op)) = event.intent_link() {
        check_intent(tx, intent, op)?;
    }
    guarded(tx, || insert(tx, &log, head, event, body))
}

/// A deferred transaction that reads before it writes fails at once when another writer
/// was faster, whatever the timeout; so it is not even begun with one.
fn writing(tx: &Transaction<'_>) -> Result<()> {
    if tx.transaction_state(Some("main"))? == TransactionState::Write {
        Ok(())
    } else {
        Err(Error::new(
            ErrorKind::NotWriting,
            "an append needs a transaction begun with BEGIN IMMEDIATE",
        ))
    }
}

/// All or nothing, also when the caller commits in spite of our error.
fn guarded<T>(tx: &Transaction<'_>, body: impl FnOnce() -> Result<T>) -> Result<T> {
    let run = |sql: &str| -> Result<()> {
        tx.prepare_cached(sql)?.execute([])?;
        Ok(())
    };
    run("SAVEPOINT audit_append")?;
    match body() {
        Ok(value) => {
            run("RELEASE audit_append")?;
            Ok(value)
        }
        Err(e) => {
            // After some errors (a full disk) SQLite has rolled back everything already
            // and there is no savepoint left; the first error is the one that counts.
            let _ = run("ROLLBACK TO audit_append").and_then(|()| run("RELEASE audit_append"));
            Err(e)
        }
    }
}

/// The head, after a look whether the last row agrees with it.
fn checked_head(conn: &Connection) -> Result<Head> {
    let head = schema::head(conn)?;
    let last = last_row(conn)?;
    let expected = head.size.checked_sub(1).map(|seq| (seq, Some(head.hash)));
    if last == expected {
        Ok(head)
    } else {
        let e = Error::new(ErrorKind::Damaged, "the log's head and its last row differ");
        Err(match last {
            Some((seq, _)) => e.at(seq),
            None => e,
        })
    }
}

fn last_row(conn: &Connection) -> Result<Option<(u64, Option<Digest>)>> {
    let sql = "SELECT seq, chain FROM main.audit_event ORDER BY seq DESC LIMIT 1";
    let row = conn
        .prepare_cached(sql)?
        .query_row([], |r| {
            let chain = match r.get_ref(1)? {
                ValueRef::Blob(bytes) => Digest::from_slice(bytes),
                _ => None,
            };
            Ok((r.get::<_, i64>(0)?, chain))
        })
        .optional()?;
    Ok(row.map(|(seq, chain)| (u64::try_from(seq).unwrap_or(u64::MAX), chain)))
}

/// An outcome belongs to one intent of the same operation, and each intent has at most one.
fn check_intent(conn: &Connection, intent: u64, op: &str) -> Result<()> {
    let found: Option<bool> = conn
        .prepare_cached("SELECT kind = 'intent' AND op IS ?2 FROM main.audit_event WHERE seq = ?1")?
        .query_row((to_sql(intent)?, op), |r| r.get(0))
        .optional()?;
    if found != Some(true) {
        return Err(Error::new(
            ErrorKind::InvalidEvent,
            format!("event {intent} is no intent of this operation"),
        )
        .at(intent));
    }
    let mut outcomes = conn.prepare_cached(
        "SELECT bytes FROM main.audit_event WHERE op = ?1 AND kind = 'outcome' AND seq > ?2",
    )?;
    let mut rows = outcomes.query((op, to_sql(intent)?))?;
    while let Some(row) = rows.next()? {
        let settled = match row.get_ref(0)? {
            ValueRef::Blob(bytes) => Fields::parse(bytes).and_then(|f| f.intent),
            _ => None,
        };
        if settled == Some(intent) {
            return Err(Error::new(
                ErrorKind::InvalidEvent,
                format!("intent {intent} has an outcome already"),
            )
            .at(intent));
        }
    }
    Ok(())
}

fn insert(
    tx: &Transaction<'_>,
    log: &str,
    head: Head,
    event: &Event,
    body: Option<&Body>,
) -> Result<Receipt> {
    let seq = head.size;
    let sealed = body.map(Body::seal).transpose()?;
    let commit = sealed.as_ref().map(|(_, commit)| *commit);
    let bytes = event.encode(log, seq, commit)?;
    // What `verify` would refuse is never stored.
    canonical::check(&bytes)?;
    let fields = Fields::parse(&bytes)
        .ok_or_else(|| Error::new(ErrorKind::InvalidEvent, "the event cannot be read back"))?;
    let leaf = leaf(&bytes);
    let after = head.after(&leaf);
    tx.prepare_cached(
        "INSERT INTO main.audit_event \
         (seq, leaf, chain, time, kind, op, session, name, outcome, bytes) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute((
        to_sql(seq)?,
        leaf.as_bytes(),
        after.hash.as_bytes(),
        fields.time.as_ref(),
        fields.kind.as_ref(),
        fields.op.as_deref(),
        fields.session.as_deref(),
        fields.name.as_deref(),
        fields.outcome.as_deref(),
        bytes.as_slice(),
    ))?;
    if let Some((body, (bytes, _))) = body.zip(sealed.as_ref()) {
        tx.prepare_cached("INSERT INTO main.audit_body (seq, salt, bytes) VALUES (?1, ?2, ?3)")?
            .execute((to_sql(seq)?, body.salt(), bytes))?;
    }
    let moved = tx
        .prepare_cached("UPDATE main.audit_head SET size = ?1, hash = ?2 WHERE id = 1")?
        .execute((to_sql(after.size)?, after.hash.as_bytes()))?;
    if moved != 1 {
        return Err(Error::new(
            ErrorKind::Damaged,
            "the log's head row is missing",
        ));
    }
    Ok(Receipt {
        seq,
        leaf,
        head: after,
    })
}

/// The stored chain value of a row: nothing without the row, nothing in it where it is no digest.
fn chain_at(conn: &Connection, seq: u64) -> Result<Option<Option<Digest>>> {
    let Ok(key) = to_sql(seq) else {
        return Ok(None);
    };
    let mut statement = conn.prepare_cached("SELECT chain FROM main.audit_event WHERE seq = ?1")?;
    let found = statement.query_row([key], |r| {
        Ok(r.get_ref(0)?.as_blob().ok().and_then(Digest::from_slice))
    });
    Ok(found.optional()?)
}

/// Compares the log with a copy of its head. Whoever writes asks this before the first
/// append after opening, and before it makes a log where it finds none: appending to a log
/// that lost its tail would cover the loss.
///
/// # Errors
/// `RolledBack` where the log is shorter than the copy says, `Forked` where it is
/// another history.
pub fn check_head_copy(conn: &Connection, copy: &HeadCopy, current_boot: &str) -> Result<()> {
    // No table at all is how a young log looks whose `-wal` was taken away.
    let there = schema::check_format(conn)? == Installed::Yes;
    for head in copy.binding(current_boot) {
        let Some(last) = head.size.checked_sub(1) else {
            continue;
        };
        let found = if there { chain_at(conn, last)? } else { None };
        match found {
            Some(Some(hash)) if hash == head.hash => {}
            Some(_) => {
                return Err(Error::new(
                    ErrorKind::Forked,
                    format!("at event {last} the log is another one than its head copy says"),
                )
                .at(last));
            }
            None => {
                return Err(Error::new(
                    ErrorKind::RolledBack,
                    format!("the log ends before event {last}, which its head copy names"),
                )
                .at(last));
            }
        }
    }
    Ok(())
}

/// A log in a database of its own.
#[derive(Debug)]
pub struct Log {
    conn: Connection,
    since_checkpoint: u32,
}

/// After so many appends the write-ahead log is moved into the database where nobody
/// is in the way.
const CHECKPOINT_EVERY: u32 = 4096;

impl Log {
    /// Makes a new database with a new log and its genesis, synced.
    ///
    /// # Errors
    /// `AlreadyThere`, `NotALog`, `CannotOpen`, `InvalidEvent`, `Full`, `Io`.
    pub fn create(path: &Path, log: &str, time: Timestamp, boot: &str) -> Result<(Self, Receipt)> {
        let conn = Connection::open_with_flags(path, flags() | OpenFlags::SQLITE_OPEN_CREATE)?;
        schema::configure(&conn)?;
        let tx = Transaction::new_unchecked(&conn, TransactionBehavior::Immediate)?;
        schema::install(&tx)?;
        let receipt = genesis(&tx, log, time, boot)?;
        tx.commit()?;
        Ok((Self::of(conn), receipt))
    }

    /// Opens a database that holds a log.
    ///
    /// # Errors
    /// `CannotOpen`, `NotALog`, `NewerFormat`, `Damaged`, `ReadOnly`.
    pub fn open(path: &Path) -> Result<Self> {
        let conn = Connection::open_with_flags(path, flags())?;
        schema::configure(&conn)?;
        match schema::check_format(&conn)? {
            Installed::Yes => Ok(Self::of(conn)),
            Installed::No => Err(Error::new(ErrorKind::NotALog, "the database holds no log")),
        }
    }

    fn of(conn: Connection) -> Self {
        Self {
            conn,
            since_checkpoint: 0,
        }
    }

    /// Appends one event in a transaction of its own and waits as `durability` says.
    ///
    /// # Errors
    /// Those of [`append_in`]; `Busy` where another writer held on for too long.
    pub fn append(
        &mut self,
        event: &Event,
        body: Option<&Body>,
        durability: Durability,
    ) -> Result<Receipt> {
        // Each time: what someone set on our connection meanwhile must not make FULL a lie.
        schema::set_durability(&self.conn, durability)?;
        let tx = self
            .conn
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let receipt = append_in(&tx, event, body)?;
        tx.commit()?;
        self.since_checkpoint += 1;
        if self.since_checkpoint >= CHECKPOINT_EVERY {
            self.since_checkpoint = 0;
            // The event is in; a checkpoint that cannot run now runs another time.
            let _ = checkpoint(&self.conn);
        }
        Ok(receipt)
    }

    /// The connection, to read with.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.conn
    }
}

fn flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

/// How many pages of the write-ahead log are not in the database yet. The file's size does not
/// tell: it is written anew from its beginning and stays as large as it ever was.
///
/// # Errors
/// What the database says.
pub fn pending_pages(conn: &Connection) -> Result<u32> {
    let (in_wal, moved): (i64, i64) = conn
        .prepare_cached("PRAGMA main.wal_checkpoint(NOOP)")?
        .query_row([], |r| Ok((r.get(1)?, r.get(2)?)))?;
    Ok(u32::try_from(in_wal.saturating_sub(moved)).unwrap_or_default())
}

/// Moves what it can from the write-ahead log into the database without waiting for
/// anyone. Gives the number of pages that stay behind because a reader needs them.
///
/// # Errors
/// What the database says.
pub fn checkpoint(conn: &Connection) -> Result<u32> {
    let (in_wal, moved): (i64, i64) =
        conn.query_row("PRAGMA main.wal_checkpoint(PASSIVE)", [], |r| {
            Ok((r.get(1)?, r.get(2)?))
        })?;
    Ok(u32::try_from(in_wal.saturating_sub(moved)).unwrap_or_default())
}
