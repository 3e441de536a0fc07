//! Questions to the log: filters, pages by key, operations by prefix.

use crate::digest::to_sql;
use crate::error::Result;
use crate::event::{Kind, Outcome};
use crate::rows::{Bodies, EventRow, read, select};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

/// Which way a page is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Order {
    /// From the last event to the first.
    #[default]
    NewestFirst,
    /// From the first event to the last.
    OldestFirst,
}

/// A question. All filters must match; without any, every event does.
///
/// Pages go on by key: `past` takes the number of the last row that was seen, so rows
/// appended meanwhile shift nothing.
#[derive(Debug, Clone, Default)]
pub struct Query {
    filters: Vec<(&'static str, String)>,
    order: Order,
    bodies: Bodies,
    past: Option<u64>,
    limit: Option<u32>,
}

impl Query {
    /// Every event, newest first, bodies read along, 100 to a page.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Events of this kind.
    #[must_use]
    pub fn kind(self, kind: Kind) -> Self {
        self.filter("kind", kind.as_str())
    }

    /// Events of this operation, by its whole id.
    #[must_use]
    pub fn op(self, id: &str) -> Self {
        self.filter("op", id)
    }

    /// Events of this session.
    #[must_use]
    pub fn session(self, session: &str) -> Self {
        self.filter("session", session)
    }

    /// Events of operations with this name.
    #[must_use]
    pub fn name(self, name: &str) -> Self {
        self.filter("name", name)
    }

    /// Events with this outcome.
    #[must_use]
    pub fn outcome(self, outcome: Outcome) -> Self {
        self.filter("outcome", outcome.as_str())
    }

    fn filter(mut self, column: &'static str, value: &str) -> Self {
        self.filters.push((column, value.to_owned()));
        self
    }

    /// Which way to read.
    #[must_use]
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Whether bodies are read along.
    #[must_use]
    pub fn bodies(mut self, bodies: Bodies) -> Self {
        self.bodies = bodies;
        self
    }

    /// Only rows that come after number `seq` in this order.
    #[must_use]
    pub fn past(mut self, seq: u64) -> Self {
        self.past = Some(seq);
        self
    }

    /// At most this many rows.
    #[must_use]
    pub fn limit(mut self, rows: u32) -> Self {
        self.limit = Some(rows);
        self
    }

    /// Reads one page.
    ///
    /// # Errors
    /// What the database says.
    pub fn page(&self, conn: &Connection) -> Result<Vec<EventRow>> {
        let (beyond, direction) = match self.order {
            Order::NewestFirst => ("e.seq < ?", "DESC"),
            Order::OldestFirst => ("e.seq > ?", "ASC"),
        };
        let mut conditions: Vec<String> = Vec::new();
        let mut values: Vec<Value> = Vec::new();
        for (column, value) in &self.filters {
            conditions.push(format!("e.{column} = ?"));
            values.push(Value::Text(value.clone()));
        }
        if let Some(past) = self.past {
            conditions.push(beyond.to_owned());
            values.push(Value::Integer(to_sql(past)?));
        }
        values.push(Value::Integer(self.limit.unwrap_or(100).into()));
        let mut sql = select(self.bodies).to_owned();
        if !conditions.is_empty() {
            sql.push_str(" WHERE ");
            sql.push_str(&conditions.join(" AND "));
        }
        sql.push_str(&format!(" ORDER BY e.seq {direction} LIMIT ?"));
        let mut statement = conn.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(values), |r| read(r, self.bodies))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

/// Ids of operations that begin with `prefix`, at most `limit`, each once, in order.
/// Ask for two to learn whether a prefix is unique.
///
/// # Errors
/// What the database says.
pub fn find_ops(conn: &Connection, prefix: &str, limit: u32) -> Result<Vec<String>> {
    // A range and not LIKE, which would take `_` for any character.
    let sql = "SELECT DISTINCT op FROM main.audit_event \
               WHERE op IS NOT NULL AND op >= ?1 AND op < ?2 ORDER BY op LIMIT ?3";
    let beyond = format!("{prefix}\u{10ffff}");
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map((prefix, beyond, limit), |r| r.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
