//! The log's tables in a database that others may share, and how such a database is opened.

use crate::digest::{Digest, Head};
use crate::error::{Error, ErrorKind, Result};
use crate::head_copy::Durability;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension};
use std::time::Duration;

/// SQLite's `application_id` of our databases: the letters `AIFS`.
pub const APPLICATION_ID: i32 = 0x4149_4653;

/// The format of the tables; newer ones are refused.
pub const SCHEMA_FORMAT: u32 = 1;

/// How long SQLite waits for another writer. Only a backstop: waiting in turn is the
/// business of whoever opens the database.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Type, name and exact text of everything that belongs to the log.
///
/// `verify` compares these texts with the stored ones, so they are written the way
/// SQLite keeps them.
pub(crate) const OBJECTS: &[(&str, &str, &str)] = &[
    (
        "table",
        "audit_meta",
        "CREATE TABLE audit_meta (\n  key TEXT PRIMARY KEY NOT NULL,\n  value TEXT NOT NULL\n) STRICT, WITHOUT ROWID",
    ),
    (
        "table",
        "audit_event",
        "CREATE TABLE audit_event (\n  seq INTEGER PRIMARY KEY NOT NULL CHECK (seq >= 0),\n  leaf BLOB NOT NULL CHECK (length(leaf) = 32),\n  chain BLOB NOT NULL CHECK (length(chain) = 32),\n  time TEXT NOT NULL,\n  kind TEXT NOT NULL,\n  op TEXT,\n  session TEXT,\n  name TEXT,\n  outcome TEXT,\n  bytes BLOB NOT NULL\n) STRICT",
    ),
    (
        "table",
        "audit_body",
        "CREATE TABLE audit_body (\n  seq INTEGER PRIMARY KEY NOT NULL REFERENCES audit_event (seq),\n  salt BLOB NOT NULL CHECK (length(salt) = 32),\n  bytes BLOB NOT NULL\n) STRICT",
    ),
    (
        "table",
        "audit_head",
        "CREATE TABLE audit_head (\n  id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),\n  size INTEGER NOT NULL,\n  hash BLOB NOT NULL CHECK (length(hash) = 32)\n) STRICT",
    ),
    (
        "index",
        "audit_event_op",
        "CREATE INDEX audit_event_op ON audit_event (op) WHERE op IS NOT NULL",
    ),
    (
        "index",
        "audit_event_session",
        "CREATE INDEX audit_event_session ON audit_event (session) WHERE session IS NOT NULL",
    ),
];

/// Makes a connection one of ours: write-ahead log, no trust in what a stored schema
/// brings along, no checkpoint behind our back. A fresh database gets our application id.
///
/// Synchronous is FULL afterwards; [`set_durability`] changes it between transactions.
///
/// # Errors
/// `NotALog` where the database is somebody else's, `Busy`, `ReadOnly`, `Io`.
pub fn configure(conn: &Connection) -> Result<()> {
    conn.busy_timeout(BUSY_TIMEOUT)?;
    // An append alone runs ten different statements, and others share the connection.
    conn.set_prepared_statement_cache_capacity(64);
    harden(conn)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let id: i32 = conn.pragma_query_value(None, "application_id", |r| r.get(0))?;
    let objects: i64 =
        conn.query_row("SELECT count(*) FROM main.sqlite_schema", [], |r| r.get(0))?;
    if id != APPLICATION_ID && (id != 0 || objects != 0) {
        return Err(not_ours());
    }
    let mode: String = conn.pragma_update_and_check(None, "journal_mode", "WAL", |r| r.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(Error::new(
            ErrorKind::CannotOpen,
            "the log's folder does not allow a write-ahead log",
        ));
    }
    set_durability(conn, Durability::Full)?;
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    if id != APPLICATION_ID {
        conn.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    Ok(())
}

/// What a planted trigger, view or function could do is switched off on every connection,
/// also on those that only read.
pub(crate) fn harden(conn: &Connection) -> Result<()> {
    for (option, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
    ] {
        conn.set_db_config(option, on)?;
    }
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "cell_size_check", true)?;
    Ok(())
}

/// Sets whether the next transactions wait for the disk. Has no effect inside one, which
/// is an error therefore.
///
/// # Errors
/// `Database` inside a transaction.
pub fn set_durability(conn: &Connection, durability: Durability) -> Result<()> {
    let level = match durability {
        Durability::Full => "FULL",
        Durability::Normal => "NORMAL",
    };
    Ok(conn.pragma_update(None, "synchronous", level)?)
}

/// Makes the log's tables, which must not be there. Meant to run in the caller's
/// transaction, together with [`crate::genesis`].
///
/// # Errors
/// `AlreadyThere`, or what the database says.
pub fn install(conn: &Connection) -> Result<()> {
    if installed(conn)? {
        return Err(Error::new(
            ErrorKind::AlreadyThere,
            "the log's tables are there already",
        ));
    }
    for (_, _, sql) in OBJECTS {
        conn.execute(sql, [])?;
    }
    conn.execute(
        "INSERT INTO main.audit_meta (key, value) VALUES ('format', ?1)",
        [SCHEMA_FORMAT.to_string()],
    )?;
    Ok(())
}

/// What a database holds of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Installed {
    /// No table of the log.
    No,
    /// The tables, in a format this program knows.
    Yes,
}

/// Looks whether the tables are there and in a format that this program knows.
///
/// # Errors
/// `NewerFormat` with both numbers, `Damaged` where the format is no number.
pub fn check_format(conn: &Connection) -> Result<Installed> {
    if !installed(conn)? {
        return Ok(Installed::No);
    }
    let found = meta(conn, "format")?;
    match found.as_deref().map(str::parse::<u32>) {
        Some(Ok(SCHEMA_FORMAT)) => Ok(Installed::Yes),
        Some(Ok(n)) if n > SCHEMA_FORMAT => Err(Error::new(
            ErrorKind::NewerFormat,
            format!("the log has format {n}; this program knows {SCHEMA_FORMAT}"),
        )),
        _ => Err(Error::new(
            ErrorKind::Damaged,
            "the log's format is not a known number",
        )),
    }
}

fn installed(conn: &Connection) -> Result<bool> {
    let sql =
        "SELECT count(*) FROM main.sqlite_schema WHERE type = 'table' AND name = 'audit_meta'";
    let n: i64 = conn.prepare_cached(sql)?.query_row([], |r| r.get(0))?;
    Ok(n != 0)
}

pub(crate) fn meta(conn: &Connection, key: &str) -> Result<Option<String>> {
    let sql = "SELECT value FROM main.audit_meta WHERE key = ?1";
    Ok(conn
        .prepare_cached(sql)?
        .query_row([key], |r| r.get(0))
        .optional()?)
}

/// The id of the log in this database; nothing before its genesis.
///
/// # Errors
/// What the database says.
pub fn log_id(conn: &Connection) -> Result<Option<String>> {
    meta(conn, "log")
}

/// The head as its row says it; [`Head::EMPTY`] before the genesis.
///
/// # Errors
/// `Damaged` where the row holds something else than a head.
pub fn head(conn: &Connection) -> Result<Head> {
    let sql = "SELECT size, hash FROM main.audit_head WHERE id = 1";
    let found = conn
        .prepare_cached(sql)?
        .query_row([], |r| {
            let size = u64::try_from(r.get::<_, i64>(0)?).ok();
            let hash = Digest::from_slice(r.get_ref(1)?.as_bytes()?);
            Ok(size.zip(hash))
        })
        .optional()?;
    match found {
        None => Ok(Head::EMPTY),
        Some(Some((size, hash))) => Ok(Head { size, hash }),
        Some(None) => Err(Error::new(ErrorKind::Damaged, "the head row holds no head")),
    }
}

fn not_ours() -> Error {
    Error::new(
        ErrorKind::NotALog,
        "the database belongs to another program",
    )
}
