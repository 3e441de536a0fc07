//! The journal's rows: units with their changes, states, folder times and conflicts.

mod codes;
mod states;
mod since;

use aifirst_sandbox::{RawRel, Time};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};

use self::codes::{action_code, action_from_code, status_code, status_from_code};
use self::states::{bits, get_state, put_state, time, unbits};
use crate::conflict::Conflict;
use crate::error::{Error, ErrorKind, Result};
use crate::steps::Entry;
use crate::store::Slot;

pub(crate) use self::since::{last_word, touched_below_since, touched_since};
pub(crate) use self::states::knows_moment;

/// The id of an operation, as log and journal share it: 10 random bytes.
pub type OpId = [u8; 10];

/// The number of a unit in its journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitId(pub(crate) i64);

impl UnitId {
    /// The number itself; units that began later have higher ones.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }
}

/// Why a unit changes the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// An operation.
    Do,
    /// The undo of an operation.
    Undo,
    /// The redo of an undone operation.
    Redo,
    /// The undo of a transaction's part.
    Rollback,
}

impl Cause {
    /// The stable name, in snake case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Do => "do",
            Self::Undo => "undo",
            Self::Redo => "redo",
            Self::Rollback => "rollback",
        }
    }

    fn code(self) -> i64 {
        match self {
            Self::Do => 1,
            Self::Undo => 2,
            Self::Redo => 3,
            Self::Rollback => 4,
        }
    }

    fn from_code(code: i64) -> Result<Self> {
        match code {
            1 => Ok(Self::Do),
            2 => Ok(Self::Undo),
            3 => Ok(Self::Redo),
            4 => Ok(Self::Rollback),
            _ => Err(damaged("an unknown cause")),
        }
    }
}

/// How a unit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnitStatus {
    /// Begun, and not settled: being applied, or abandoned.
    Open,
    /// Every change of it was applied.
    Done,
    /// It failed and was taken back whole.
    RolledBack,
    /// It ended before anything was applied.
    Interrupted,
    /// Some paths were left alone and are named; the rest was applied or taken back.
    WithConflict,
    /// An object of the store was missing; what is there was left as it is.
    Damaged,
}

impl UnitStatus {
    /// The stable name, in snake case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done => "done",
            Self::RolledBack => "rolled_back",
            Self::Interrupted => "interrupted",
            Self::WithConflict => "with_conflict",
            Self::Damaged => "damaged",
        }
    }

    pub(crate) fn code(self) -> i64 {
        match self {
            Self::Open => 0,
            Self::Done => 1,
            Self::RolledBack => 2,
            Self::Interrupted => 3,
            Self::WithConflict => 4,
            Self::Damaged => 5,
        }
    }

    fn from_code(code: i64) -> Result<Self> {
        match code {
            0 => Ok(Self::Open),
            1 => Ok(Self::Done),
            2 => Ok(Self::RolledBack),
            3 => Ok(Self::Interrupted),
            4 => Ok(Self::WithConflict),
            5 => Ok(Self::Damaged),
            _ => Err(damaged("an unknown status")),
        }
    }
}

/// What a unit is, apart from its changes.
#[derive(Debug, Clone)]
pub struct UnitMeta {
    /// Its operation.
    pub op: OpId,
    /// Why it changes the workspace.
    pub cause: Cause,
    /// The session that it belongs to.
    pub session: String,
    /// The operations that it undoes or redoes; none for `Do`.
    pub targets: Vec<OpId>,
}

/// A unit's own row.
#[derive(Debug, Clone)]
pub(crate) struct UnitRow {
    pub(crate) id: UnitId,
    pub(crate) op: OpId,
    pub(crate) cause: Cause,
    pub(crate) status: UnitStatus,
    pub(crate) session: String,
    pub(crate) begun_us: i64,
    pub(crate) ended_us: Option<i64>,
    pub(crate) kept_bytes: u64,
}

/// A folder whose entries a unit changes, with its mtime around the unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DirTime {
    /// Its path as the changes name it.
    pub(crate) path: RawRel,
    /// The first change in it, by number.
    pub(crate) first: usize,
    /// The last change in it, by number.
    pub(crate) last: usize,
    /// Before the unit; `None`: it was not there.
    pub(crate) before: Option<Time>,
    /// What the unit sets at its end; `None`: whatever its changes make of it.
    pub(crate) target: Option<Time>,
    /// After the unit.
    pub(crate) after: Option<Time>,
}

fn damaged(what: &'static str) -> Error {
    Error::new(ErrorKind::Database, "cannot read the journal").detail(what)
}

fn reading(error: rusqlite::Error) -> Error {
    Error::database("cannot read the journal", error)
}

fn writing(error: rusqlite::Error) -> Error {
    Error::database("cannot write the journal", error)
}

pub(crate) fn put_unit(conn: &Connection, meta: &UnitMeta, begun_us: i64) -> Result<UnitId> {
    let id = conn
        .prepare_cached(
            "INSERT INTO undo_unit(op, cause, status, session, on_crash, begun_us)
             VALUES(?1, ?2, 0, ?3, ?4, ?5)",
        )
        .and_then(|mut s| {
            s.insert(params![
                meta.op,
                meta.cause.code(),
                meta.session,
                i64::from(meta.cause != Cause::Do),
                begun_us
            ])
        })
        .map_err(writing)?;
    for target in &meta.targets {
        let n = conn
            .prepare_cached(
                "INSERT INTO undo_unit_target(unit, target)
                 SELECT ?1, id FROM undo_unit WHERE op=?2",
            )
            .and_then(|mut s| s.execute(params![id, target]))
            .map_err(writing)?;
        if n == 0 {
            return Err(Error::new(
                ErrorKind::NotFound,
                "cannot find the operation that this is to undo",
            ));
        }
    }
    Ok(UnitId(id))
}

pub(crate) fn put_entry(conn: &Connection, unit: UnitId, seq: usize, e: &Entry) -> Result<()> {
    let before = put_state(conn, e.before.as_ref())?;
    let before2 = put_state(conn, e.before2.as_ref())?;
    let planned = put_state(conn, e.planned.as_ref())?;
    let planned2 = put_state(conn, e.planned2.as_ref())?;
    conn.prepare_cached(
        "INSERT INTO undo_change(unit, seq, action, path, path2, before, before2, planned,
         planned2, slot, status, note) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)",
    )
    .and_then(|mut s| {
        s.execute(params![
            unit.0,
            seq_row(seq),
            action_code(e.action),
            e.path.as_bytes(),
            e.path2.as_ref().map(RawRel::as_bytes),
            before,
            before2,
            planned,
            planned2,
            e.slot.map(Slot::to_row),
            status_code(e.status),
            e.note,
        ])
    })
    .map(drop)
    .map_err(writing)
}

/// Writes what became of a change.
pub(crate) fn end_entry(conn: &Connection, unit: UnitId, seq: usize, e: &Entry) -> Result<()> {
    let after = put_state(conn, e.after.as_ref())?;
    let after2 = put_state(conn, e.after2.as_ref())?;
    let kept = put_state(conn, e.kept.as_ref())?;
    conn.prepare_cached(
        "UPDATE undo_change SET after=?3, after2=?4, kept=?5, status=?6, note=?7
         WHERE unit=?1 AND seq=?2",
    )
    .and_then(|mut s| {
        s.execute(params![
            unit.0,
            seq_row(seq),
            after,
            after2,
            kept,
            status_code(e.status),
            e.note
        ])
    })
    .map(drop)
    .map_err(writing)
}

fn seq_row(seq: usize) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

fn path(bytes: &[u8]) -> Result<RawRel> {
    RawRel::parse(bytes).map_err(|_| damaged("a path that is none"))
}

const ENTRY: &str = "action, path, path2, slot, before, before2, planned, planned2, after, after2,
    kept, status, note";

struct EntryRow {
    action: i64,
    path: Vec<u8>,
    path2: Option<Vec<u8>>,
    slot: Option<i64>,
    states: [Option<i64>; 7],
    status: i64,
    note: Option<String>,
}

fn entry_row(row: &Row<'_>) -> rusqlite::Result<EntryRow> {
    Ok(EntryRow {
        action: row.get(0)?,
        path: row.get(1)?,
        path2: row.get(2)?,
        slot: row.get(3)?,
        states: [
            row.get(4)?,
            row.get(5)?,
            row.get(6)?,
            row.get(7)?,
            row.get(8)?,
            row.get(9)?,
            row.get(10)?,
        ],
        status: row.get(11)?,
        note: row.get(12)?,
    })
}

fn entry(conn: &Connection, row: EntryRow) -> Result<Entry> {
    let [before, before2, planned, planned2, after, after2, kept] = row.states;
    Ok(Entry {
        action: action_from_code(row.action)?,
        path: path(&row.path)?,
        path2: row.path2.as_deref().map(path).transpose()?,
        slot: row.slot.and_then(Slot::from_row),
        before: get_state(conn, before)?,
        before2: get_state(conn, before2)?,
        planned: get_state(conn, planned)?,
        planned2: get_state(conn, planned2)?,
        after: get_state(conn, after)?,
        after2: get_state(conn, after2)?,
        kept: get_state(conn, kept)?,
        status: status_from_code(row.status)?,
        note: row.note,
    })
}

/// All changes of a unit, in order.
pub(crate) fn entries(conn: &Connection, unit: UnitId) -> Result<Vec<Entry>> {
    let mut statement = conn
        .prepare_cached(&format!(
            "SELECT {ENTRY} FROM undo_change WHERE unit=?1 ORDER BY seq"
        ))
        .map_err(reading)?;
    let rows = statement
        .query_map([unit.0], entry_row)
        .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
        .map_err(reading)?;
    rows.into_iter().map(|row| entry(conn, row)).collect()
}

/// A unit's changes without their states, for lists.
pub(crate) fn outline(conn: &Connection, unit: UnitId) -> Result<Vec<Entry>> {
    let mut statement = conn
        .prepare_cached(
            "SELECT action, path, path2, slot, NULL, NULL, NULL, NULL, NULL, NULL, NULL, status,
             note FROM undo_change WHERE unit=?1 ORDER BY seq",
        )
        .map_err(reading)?;
    let rows = statement
        .query_map([unit.0], entry_row)
        .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
        .map_err(reading)?;
    rows.into_iter().map(|row| entry(conn, row)).collect()
}

pub(crate) fn put_dir_time(conn: &Connection, unit: UnitId, d: &DirTime) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO undo_dir_time(unit, path, first_seq, last_seq, before_s, before_ns, target_s,
         target_ns) VALUES(?1,?2,?3,?4,?5,?6,?7,?8)",
    )
    .and_then(|mut s| {
        s.execute(params![
            unit.0,
            d.path.as_bytes(),
            seq_row(d.first),
            seq_row(d.last),
            d.before.map(|t| t.sec),
            d.before.map(|t| t.nsec),
            d.target.map(|t| t.sec),
            d.target.map(|t| t.nsec),
        ])
    })
    .map(drop)
    .map_err(writing)
}

pub(crate) fn end_dir_time(conn: &Connection, unit: UnitId, d: &DirTime) -> Result<()> {
    conn.prepare_cached(
        "UPDATE undo_dir_time SET after_s=?3, after_ns=?4 WHERE unit=?1 AND path=?2",
    )
    .and_then(|mut s| {
        s.execute(params![
            unit.0,
            d.path.as_bytes(),
            d.after.map(|t| t.sec),
            d.after.map(|t| t.nsec),
        ])
    })
    .map(drop)
    .map_err(writing)
}

pub(crate) fn dir_times(conn: &Connection, unit: UnitId) -> Result<Vec<DirTime>> {
    let mut statement = conn
        .prepare_cached(
            "SELECT path, first_seq, last_seq, before_s, before_ns, target_s, target_ns, after_s,
             after_ns FROM undo_dir_time WHERE unit=?1 ORDER BY path",
        )
        .map_err(reading)?;
    let rows = statement
        .query_map([unit.0], |row| {
            Ok((
                row.get::<_, Vec<u8>>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, i64>(2)?,
                time(row, 3, 4)?,
                time(row, 5, 6)?,
                time(row, 7, 8)?,
            ))
        })
        .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
        .map_err(reading)?;
    rows.into_iter()
        .map(|(bytes, first, last, before, target, after)| {
            Ok(DirTime {
                path: RawRel::from_stored(&bytes).map_err(|_| damaged("a path that is none"))?,
                first: usize::try_from(first).unwrap_or(0),
                last: usize::try_from(last).unwrap_or(0),
                before,
                target,
                after,
            })
        })
        .collect()
}

pub(crate) fn put_conflict(
    conn: &Connection,
    unit: UnitId,
    seq: usize,
    c: &Conflict,
) -> Result<()> {
    conn.prepare_cached(
        "INSERT OR REPLACE INTO undo_conflict(unit, seq, path, reason, choice, beside)
         VALUES(?1,?2,?3,?4,?5,?6)",
    )
    .and_then(|mut s| {
        s.execute(params![
            unit.0,
            seq_row(seq),
            c.path.as_bytes(),
            c.reason.code(),
            c.choice.code(),
            c.beside.as_ref().map(RawRel::as_bytes),
        ])
    })
    .map(drop)
    .map_err(writing)
}

pub(crate) fn end_unit(
    conn: &Connection,
    unit: UnitId,
    status: UnitStatus,
    ended_us: i64,
    kept_bytes: u64,
) -> Result<()> {
    conn.prepare_cached(
        "UPDATE undo_unit SET status=?2, ended_us=?3, kept_bytes=?4 WHERE id=?1 AND status=0",
    )
    .and_then(|mut s| s.execute(params![unit.0, status.code(), ended_us, bits(kept_bytes)]))
    .map_err(writing)
    .and_then(|n| {
        if n == 1 {
            Ok(())
        } else {
            Err(damaged("the unit is settled already"))
        }
    })
}

/// Units that fit the condition `filter` (SQL over `u`, with `values`), in the order it says.
pub(crate) fn unit_rows(
    conn: &Connection,
    filter: &str,
    values: Vec<Value>,
) -> Result<Vec<UnitRow>> {
    let mut statement = conn
        .prepare_cached(&format!(
            "SELECT u.id, u.op, u.cause, u.status, u.session, u.begun_us, u.ended_us, u.kept_bytes
             FROM undo_unit u {filter}"
        ))
        .map_err(reading)?;
    let rows = statement
        .query_map(params_from_iter(values), |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, OpId>(1)?,
                row.get::<_, i64>(2)?,
                row.get::<_, i64>(3)?,
                row.get::<_, String>(4)?,
                row.get::<_, i64>(5)?,
                row.get::<_, Option<i64>>(6)?,
                row.get::<_, i64>(7)?,
            ))
        })
        .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
        .map_err(reading)?;
    rows.into_iter()
        .map(
            |(id, op, cause, status, session, begun_us, ended_us, kept)| {
                Ok(UnitRow {
                    id: UnitId(id),
                    op,
                    cause: Cause::from_code(cause)?,
                    status: UnitStatus::from_code(status)?,
                    session,
                    begun_us,
                    ended_us,
                    kept_bytes: unbits(kept),
                })
            },
        )
        .collect()
}

/// The unit of an operation.
pub(crate) fn unit_of(conn: &Connection, op: &OpId) -> Result<Option<UnitRow>> {
    Ok(unit_rows(conn, "WHERE u.op=?1", vec![Value::Blob(op.to_vec())])?.pop())
}

/// The operations that a unit undoes or redoes.
pub(crate) fn targets(conn: &Connection, unit: UnitId) -> Result<Vec<OpId>> {
    conn.prepare_cached(
        "SELECT u.op FROM undo_unit_target t JOIN undo_unit u ON u.id=t.target
         WHERE t.unit=?1 ORDER BY t.target",
    )
    .and_then(|mut s| {
        s.query_map([unit.0], |row| row.get(0))
            .and_then(Iterator::collect)
    })
    .map_err(reading)
}

/// Whether some row needs the object in this slot. What an operation had prepared and never put in
/// place, or took back, nobody needs once the unit is settled.
pub(crate) fn needs_slot(conn: &Connection, slot: Slot) -> Result<bool> {
    conn.prepare_cached(
        "SELECT EXISTS(SELECT 1 FROM undo_change c JOIN undo_unit u ON u.id=c.unit
         WHERE c.slot=?1 AND NOT (u.cause=1 AND u.status<>0 AND c.status IN (2, 4)
           AND c.action IN (1, 2, 5)))",
    )
    .and_then(|mut s| s.query_row([slot.to_row()], |row| row.get(0)))
    .map_err(reading)
}
