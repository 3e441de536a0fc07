//! The journal's tables and their format version.

use rusqlite::{Connection, OptionalExtension as _};

use crate::error::{Error, ErrorKind, Result};

/// The format that this build writes, and the newest that it reads.
pub const FORMAT: i64 = 1;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS undo_meta(
  key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS undo_unit(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  op BLOB NOT NULL UNIQUE CHECK(length(op)=10),
  parent INTEGER REFERENCES undo_unit,
  cause INTEGER NOT NULL CHECK(cause BETWEEN 1 AND 4),
  status INTEGER NOT NULL CHECK(status BETWEEN 0 AND 5),
  session TEXT NOT NULL,
  on_crash INTEGER NOT NULL CHECK(on_crash BETWEEN 0 AND 1),
  begun_us INTEGER NOT NULL, ended_us INTEGER,
  kept_bytes INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX IF NOT EXISTS undo_unit_open ON undo_unit(id) WHERE status=0;
CREATE INDEX IF NOT EXISTS undo_unit_session ON undo_unit(session, id);
CREATE TABLE IF NOT EXISTS undo_unit_target(
  unit INTEGER NOT NULL REFERENCES undo_unit,
  target INTEGER NOT NULL REFERENCES undo_unit,
  PRIMARY KEY(unit, target)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS undo_unit_target_by_target ON undo_unit_target(target, unit);
CREATE TABLE IF NOT EXISTS undo_xattrs(
  id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE CHECK(length(digest)=32),
  data BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS undo_state(
  id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL CHECK(kind BETWEEN 1 AND 7),
  mode INTEGER, uid INTEGER NOT NULL, gid INTEGER NOT NULL,
  size INTEGER NOT NULL,
  mtime_s INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
  ctime_s INTEGER NOT NULL, ctime_ns INTEGER NOT NULL,
  btime_s INTEGER, btime_ns INTEGER,
  nlink INTEGER NOT NULL, rdev INTEGER NOT NULL,
  link BLOB, xattrs INTEGER REFERENCES undo_xattrs, flags INTEGER,
  dev INTEGER NOT NULL, ino INTEGER NOT NULL, handle BLOB,
  digest BLOB CHECK(digest IS NULL OR length(digest)=32),
  tree_entries INTEGER, tree_bytes INTEGER,
  tree_digest BLOB CHECK(tree_digest IS NULL OR length(tree_digest)=32),
  tree_shape BLOB CHECK(tree_shape IS NULL OR length(tree_shape)=32)) STRICT;
CREATE INDEX IF NOT EXISTS undo_state_moment ON undo_state(ino, ctime_s, ctime_ns);
CREATE TABLE IF NOT EXISTS undo_change(
  unit INTEGER NOT NULL REFERENCES undo_unit, seq INTEGER NOT NULL,
  action INTEGER NOT NULL CHECK(action BETWEEN 1 AND 8),
  path BLOB NOT NULL, path2 BLOB,
  before INTEGER REFERENCES undo_state, before2 INTEGER REFERENCES undo_state,
  planned INTEGER REFERENCES undo_state, planned2 INTEGER REFERENCES undo_state,
  after INTEGER REFERENCES undo_state, after2 INTEGER REFERENCES undo_state,
  slot INTEGER, kept INTEGER REFERENCES undo_state,
  status INTEGER NOT NULL CHECK(status BETWEEN 0 AND 4),
  note TEXT,
  PRIMARY KEY(unit, seq)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS undo_change_path ON undo_change(path, unit, seq);
CREATE INDEX IF NOT EXISTS undo_change_path2 ON undo_change(path2, unit, seq)
  WHERE path2 IS NOT NULL;
CREATE INDEX IF NOT EXISTS undo_change_slot ON undo_change(slot) WHERE slot IS NOT NULL;
CREATE TABLE IF NOT EXISTS undo_dir_time(
  unit INTEGER NOT NULL REFERENCES undo_unit, path BLOB NOT NULL,
  first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL,
  before_s INTEGER, before_ns INTEGER,
  target_s INTEGER, target_ns INTEGER,
  after_s INTEGER, after_ns INTEGER,
  PRIMARY KEY(unit, path)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS undo_conflict(
  unit INTEGER NOT NULL REFERENCES undo_unit, seq INTEGER NOT NULL,
  path BLOB NOT NULL,
  reason INTEGER NOT NULL, choice INTEGER,
  beside BLOB,
  PRIMARY KEY(unit, seq, path)) STRICT, WITHOUT ROWID;
";

/// Makes the journal's tables where they are not there, and checks their format where they are.
///
/// Runs in the transaction that is open, if one is.
///
/// # Errors
/// `NewerFormat` when a newer build made them, and nothing is touched; `Database`.
pub fn install(conn: &Connection) -> Result<()> {
    if let Some(format) = format(conn)? {
        return check(format);
    }
    let failed = |error| Error::database("cannot make the journal", error);
    conn.execute_batch(TABLES).map_err(failed)?;
    conn.execute(
        "INSERT OR IGNORE INTO undo_meta(key, value) VALUES('format', ?1)",
        [FORMAT],
    )
    .map_err(failed)?;
    Ok(())
}

/// The format of the journal in this database, or `None` where there is no journal.
///
/// # Errors
/// `Database`.
pub fn format(conn: &Connection) -> Result<Option<i64>> {
    let failed = |error| Error::database("cannot read the journal's format", error);
    let table: Option<i64> = conn
        .query_row(
            "SELECT 1 FROM sqlite_schema WHERE type='table' AND name='undo_meta'",
            [],
            |row| row.get(0),
        )
        .optional()
        .map_err(failed)?;
    if table.is_none() {
        return Ok(None);
    }
    conn.query_row(
        "SELECT value FROM undo_meta WHERE key='format'",
        [],
        |row| row.get(0),
    )
    .optional()
    .map_err(failed)
}

fn check(format: i64) -> Result<()> {
    if format == FORMAT {
        Ok(())
    } else {
        Err(
            Error::new(ErrorKind::NewerFormat, "cannot use the journal").detail(format!(
                "it has format {format}, this version knows format {FORMAT}"
            )),
        )
    }
}
