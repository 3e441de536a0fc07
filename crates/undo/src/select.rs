//! Which operations there are, which are in force, and in which order they are undone and redone.

use aifirst_sandbox::RawRel;
use rusqlite::Connection;
use rusqlite::types::Value;

use crate::error::{Error, Result};
use crate::journal::{self, Cause, OpId, UnitId, UnitRow, UnitStatus};
use crate::steps::{Action, ChangeStatus};

/// One unit as lists show it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct UnitView {
    /// Its number in the journal.
    pub unit: UnitId,
    /// Its operation.
    pub op: OpId,
    /// Why it changed the workspace.
    pub cause: Cause,
    /// How it stands.
    pub status: UnitStatus,
    /// Its session.
    pub session: String,
    /// The operations that it undid or redid.
    pub targets: Vec<OpId>,
    /// When it began, in microseconds since 1970-01-01 UTC.
    pub begun_us: i64,
    /// When it settled.
    pub ended_us: Option<i64>,
    /// Bytes that the store keeps for its undo.
    pub kept_bytes: u64,
    /// Whether its changes are in force; always `false` of undos and redos.
    pub in_force: bool,
    /// Its changes, in order.
    pub paths: Vec<PathView>,
}

/// One change as lists show it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PathView {
    /// What was done.
    pub action: Action,
    /// The path.
    pub path: RawRel,
    /// The second path, of moves.
    pub path2: Option<RawRel>,
    /// How it stands.
    pub status: ChangeStatus,
}

/// Which units a list holds; newest first.
#[derive(Debug, Clone, Default)]
pub struct UnitFilter {
    /// Only those of this session.
    pub session: Option<String>,
    /// Only those older than this unit: the next page.
    pub before: Option<UnitId>,
    /// At most so many; `None`: all.
    pub limit: Option<u32>,
}

/// The units that fit, newest first.
///
/// # Errors
/// `Database`.
pub fn units(conn: &Connection, filter: &UnitFilter) -> Result<Vec<UnitView>> {
    let rows = journal::unit_rows(
        conn,
        "WHERE (?1 IS NULL OR u.session=?1) AND (?2 IS NULL OR u.id<?2)
         ORDER BY u.id DESC LIMIT ?3",
        vec![
            filter.session.clone().map_or(Value::Null, Value::Text),
            filter
                .before
                .map_or(Value::Null, |unit| Value::Integer(unit.0)),
            Value::Integer(filter.limit.map_or(-1, i64::from)),
        ],
    )?;
    rows.into_iter().map(|row| view(conn, row)).collect()
}

/// The unit of an operation, if the journal has one.
///
/// # Errors
/// `Database`.
pub fn unit(conn: &Connection, op: &OpId) -> Result<Option<UnitView>> {
    journal::unit_of(conn, op)?
        .map(|row| view(conn, row))
        .transpose()
}

/// The operations whose units began and never settled, newest first: recovery's work.
///
/// # Errors
/// `Database`.
pub fn open_units(conn: &Connection) -> Result<Vec<OpId>> {
    let rows = journal::unit_rows(conn, "WHERE u.status=0 ORDER BY u.id DESC", Vec::new())?;
    Ok(rows.into_iter().map(|row| row.op).collect())
}

fn view(conn: &Connection, row: UnitRow) -> Result<UnitView> {
    let paths = journal::outline(conn, row.id)?
        .into_iter()
        .map(|entry| PathView {
            action: entry.action,
            path: entry.path,
            path2: entry.path2,
            status: entry.status,
        })
        .collect();
    Ok(UnitView {
        unit: row.id,
        op: row.op,
        cause: row.cause,
        status: row.status,
        targets: journal::targets(conn, row.id)?,
        begun_us: row.begun_us,
        ended_us: row.ended_us,
        kept_bytes: row.kept_bytes,
        in_force: row.cause == Cause::Do && in_force(conn, row.id)?.is_some(),
        session: row.session,
        paths,
    })
}

/// The unit by which the operation of the unit `of` came into force, if it is in force.
pub(crate) fn in_force(conn: &Connection, of: UnitId) -> Result<Option<UnitRow>> {
    Ok(journal::last_word(conn, of)?
        .filter(|last| matches!(last.cause, Cause::Do | Cause::Redo))
        .map(|last| -> Result<Option<UnitRow>> {
            // Of an operation that recovery took back in part, only what is left counts.
            let counts = last.status != UnitStatus::WithConflict
                || last.cause != Cause::Do
                || journal::outline(conn, last.id)?
                    .iter()
                    .any(|entry| entry.status == ChangeStatus::Applied);
            Ok(counts.then_some(last))
        })
        .transpose()?
        .flatten())
}

/// The unit by which the operation of the unit `of` went out of force, if it can be redone.
pub(crate) fn undone(conn: &Connection, of: UnitId) -> Result<Option<UnitRow>> {
    Ok(journal::last_word(conn, of)?.filter(|last| last.cause == Cause::Undo))
}

/// The operation that brought `op` into force or out of it last: its newest undo or redo, else
/// itself; `None` when it changed nothing or never settled.
///
/// # Errors
/// `Database`.
pub fn last_word(conn: &Connection, op: &OpId) -> Result<Option<OpId>> {
    let Some(unit) = journal::unit_of(conn, op)? else {
        return Ok(None);
    };
    Ok(journal::last_word(conn, unit.id)?.map(|last| last.op))
}

/// Operations by the unit that had the last word on them, newest first.
fn by_last_word(
    conn: &Connection,
    session: Option<&str>,
    limit: Option<u32>,
    causes: &str,
) -> Result<Vec<OpId>> {
    let reading = |error| Error::database("cannot read the journal", error);
    let sql = format!(
        "WITH word(op, id, last) AS (
           SELECT d.op, d.id, MAX(d.id, COALESCE((
             SELECT MAX(u.id) FROM undo_unit_target t JOIN undo_unit u ON u.id=t.unit
             WHERE t.target=d.id AND u.status IN (1, 4)), 0))
           FROM undo_unit d WHERE d.cause=1 AND d.status IN (1, 4)
             AND (?1 IS NULL OR d.session=?1))
         SELECT w.op FROM word w JOIN undo_unit u ON u.id=w.last
         WHERE u.cause IN ({causes})
           AND (u.cause<>1 OR u.status=1 OR EXISTS(
             SELECT 1 FROM undo_change c WHERE c.unit=u.id AND c.status=1))
         ORDER BY w.last DESC LIMIT ?2"
    );
    let mut statement = conn.prepare_cached(&sql).map_err(reading)?;
    statement
        .query_map(
            rusqlite::params![session, limit.map_or(-1, i64::from)],
            |row| row.get(0),
        )
        .and_then(Iterator::collect)
        .map_err(reading)
}

/// The operations in force, the one that came into force last first: the order of plain undo.
/// `session`: only those of this session; `limit`: at most so many.
///
/// # Errors
/// `Database`.
pub fn undoable(conn: &Connection, session: Option<&str>, limit: Option<u32>) -> Result<Vec<OpId>> {
    by_last_word(conn, session, limit, "1, 3")
}

/// The operations that were undone, the one undone last first: the order of plain redo.
/// `session`: only those of this session; `limit`: at most so many.
///
/// # Errors
/// `Database`.
pub fn redoable(conn: &Connection, session: Option<&str>, limit: Option<u32>) -> Result<Vec<OpId>> {
    by_last_word(conn, session, limit, "2")
}
