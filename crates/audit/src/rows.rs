//! Stored rows as they are read: by number, with or without their bodies.

use crate::digest::{Digest, body_commit, leaf, to_sql};
use crate::error::Result;
use crate::view::EventView;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::Value;

/// One row of the log.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EventRow {
    /// The row's number.
    pub seq: u64,
    /// The stored bytes, which are the hashed bytes.
    pub bytes: Vec<u8>,
    /// The event in them; nothing where the bytes are damaged.
    pub event: Option<EventView>,
    /// Its body.
    pub body: BodyState,
    /// The stored leaf; nothing where it is not 32 bytes.
    pub leaf: Option<Digest>,
}

impl EventRow {
    /// Whether the bytes still give the stored leaf. The rest is `verify`'s business.
    #[must_use]
    pub fn is_as_written(&self) -> bool {
        self.leaf == Some(leaf(&self.bytes))
    }
}

/// What is there of an event's body.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum BodyState {
    /// The event has none.
    None,
    /// It was not asked for.
    NotLoaded,
    /// It is there and matches its commitment.
    Present(Value),
    /// The event names one that is not there.
    Missing,
    /// What is there is not what the event names.
    Damaged,
}

impl BodyState {
    /// The body, where it is there and right.
    #[must_use]
    pub fn value(&self) -> Option<&Value> {
        match self {
            Self::Present(value) => Some(value),
            _ => None,
        }
    }
}

/// Whether bodies are read along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Bodies {
    /// They are.
    #[default]
    Load,
    /// They are not.
    Skip,
}

/// The row with this number.
///
/// # Errors
/// What the database says.
pub fn row(conn: &Connection, seq: u64, bodies: Bodies) -> Result<Option<EventRow>> {
    let Ok(key) = to_sql(seq) else {
        return Ok(None);
    };
    let sql = format!("{} WHERE e.seq = ?1", select(bodies));
    let mut statement = conn.prepare_cached(&sql)?;
    Ok(statement.query_row([key], |r| read(r, bodies)).optional()?)
}

/// The beginning of every query for rows; `read` knows its columns.
pub(crate) fn select(bodies: Bodies) -> &'static str {
    match bodies {
        Bodies::Load => {
            "SELECT e.seq, e.bytes, e.leaf, b.salt, b.bytes \
             FROM main.audit_event e LEFT JOIN main.audit_body b ON b.seq = e.seq"
        }
        Bodies::Skip => "SELECT e.seq, e.bytes, e.leaf FROM main.audit_event e",
    }
}

pub(crate) fn read(row: &Row<'_>, bodies: Bodies) -> rusqlite::Result<EventRow> {
    let seq = u64::try_from(row.get::<_, i64>(0)?).unwrap_or_default();
    let bytes = blob(row.get_ref(1)?).unwrap_or_default().to_vec();
    let event = EventView::parse(&bytes);
    let stored_leaf = blob(row.get_ref(2)?).and_then(Digest::from_slice);
    let named = event
        .as_ref()
        .is_some_and(|e| e.json().get("body").is_some());
    let body = match bodies {
        _ if !named => BodyState::None,
        Bodies::Skip => BodyState::NotLoaded,
        Bodies::Load => body(
            event.as_ref().and_then(EventView::body_commit),
            blob(row.get_ref(3)?),
            blob(row.get_ref(4)?),
        ),
    };
    Ok(EventRow {
        seq,
        bytes,
        event,
        body,
        leaf: stored_leaf,
    })
}

fn body(commit: Option<Digest>, salt: Option<&[u8]>, bytes: Option<&[u8]>) -> BodyState {
    let Some((salt, bytes)) = salt.zip(bytes) else {
        return BodyState::Missing;
    };
    let matches = <&[u8; 32]>::try_from(salt).is_ok_and(|s| commit == Some(body_commit(s, bytes)));
    match serde_json::from_slice(bytes) {
        Ok(value) if matches => BodyState::Present(value),
        _ => BodyState::Damaged,
    }
}

pub(crate) fn blob(value: ValueRef<'_>) -> Option<&[u8]> {
    match value {
        ValueRef::Blob(bytes) => Some(bytes),
        _ => None,
    }
}
