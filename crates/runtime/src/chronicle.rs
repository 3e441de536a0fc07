//! The log as people ask for it: one entry an operation, newest last, with what became of it.
use std::collections::HashMap;

use aifirst_audit::{Bodies, Cause, EventRow, Kind, Order, Outcome, Query, find_ops, row};
use aifirst_sandbox::RawRel;
use aifirst_undo::UnitFilter;
use rusqlite::Connection;
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::history::{EventView, LogEntry, LogFilter, LogWhat, UndoneBy};
use crate::ids::{OpId, Reference};
use crate::receipt::{DecisionView, PathView};

/// Rows read at a time: a long reader would keep the write-ahead log from shrinking.
const PAGE: u32 = 500;

/// What newer events said about an operation, while the log is read backwards.
#[derive(Default)]
struct Later {
    outcomes: HashMap<String, (Option<Outcome>, Option<String>)>,
    /// The newest undo or redo of each operation: what took it back, or `None` after a redo.
    toggled: HashMap<String, Option<UndoneBy>>,
}

/// The entries a filter asks for, oldest first.
pub(crate) fn log(conn: &Connection, filter: &LogFilter) -> Result<Vec<LogEntry>> {
    let mut entries = Vec::new();
    let mut later = Later::default();
    let mut before: Option<u64> = None;
    'pages: loop {
        let mut query = Query::new()
            .order(Order::NewestFirst)
            .bodies(Bodies::Load)
            .limit(PAGE);
        if let Some(seq) = before {
            query = query.past(seq);
        }
        let page = query.page(conn)?;
        let Some(last) = page.last().map(|r| r.seq) else {
            break;
        };
        before = Some(last);
        for row in &page {
            if filter.limit.is_some_and(|n| entries.len() >= n) {
                break 'pages;
            }
            entries.extend(later.entry(row).filter(|e| fits(e, filter)));
        }
    }
    entries.reverse();
    Ok(entries)
}

impl Later {
    /// Takes the next older row in; gives an entry where one begins with it.
    fn entry(&mut self, row: &EventRow) -> Option<LogEntry> {
        let event = row.event.as_ref()?;
        let op = event.op().unwrap_or_default().to_owned();
        let kind = event.kind()?;
        if kind == Kind::Outcome {
            let said = (event.outcome(), event.error().map(ToOwned::to_owned));
            self.outcomes.entry(op).or_insert(said);
            return None;
        }
        if kind == Kind::Confirmation {
            return None;
        }
        let (outcome, error) = match kind {
            Kind::Intent => self.outcomes.remove(&op).unwrap_or((None, None)),
            _ => (event.outcome(), event.error().map(ToOwned::to_owned)),
        };
        let cause = event.cause();
        let done = matches!(
            outcome,
            Some(Outcome::Done | Outcome::RecoveredDone | Outcome::RecoveredWithConflict)
        );
        let body = row.body.value();
        let mut entry = LogEntry {
            seq: row.seq,
            id: op.parse().ok(),
            time: event.time().unwrap_or_default().to_owned(),
            kind: word(kind, cause).to_owned(),
            operation: event.name().map(ToOwned::to_owned),
            outcome: outcome.map_or("open", Outcome::as_str).to_owned(),
            error,
            summary: text(body, "summary"),
            paths: paths(body),
            session: event.session().unwrap_or_default().to_owned(),
            client: actor(event.actor()),
            decision: event.decision().map(decision),
            in_force: false,
            undoable: false,
            undone_by: None,
            targets: event.targets().filter_map(|t| t.parse().ok()).collect(),
        };
        // Neither waits for an outcome: what was recovered has its own.
        if matches!(kind, Kind::Genesis | Kind::Recovery) {
            "done".clone_into(&mut entry.outcome);
        }
        if kind == Kind::Intent && done {
            match cause {
                Some(Cause::Undo | Cause::Redo) => self.toggle(&entry, cause == Some(Cause::Undo)),
                _ => {
                    entry.undone_by = self.toggled.get(&op).cloned().flatten();
                    entry.in_force = entry.undone_by.is_none();
                    entry.undoable = entry.in_force;
                }
            }
        }
        Some(entry)
    }

    fn toggle(&mut self, undo: &LogEntry, is_undo: bool) {
        let Some(id) = undo.id else { return };
        for target in &undo.targets {
            self.toggled.entry(target.to_string()).or_insert_with(|| {
                is_undo.then(|| UndoneBy {
                    id,
                    seq: undo.seq,
                    time: undo.time.clone(),
                    client: undo.client.clone(),
                    session: undo.session.clone(),
                })
            });
        }
    }
}

fn word(kind: Kind, cause: Option<Cause>) -> &'static str {
    match (kind, cause) {
        (Kind::Intent, Some(Cause::Undo)) => "undo",
        (Kind::Intent, Some(Cause::Redo)) => "redo",
        (Kind::Intent, Some(Cause::Rollback)) => "rollback",
        (Kind::Intent, _) => "change",
        (kind, _) => kind.as_str(),
    }
}

fn text(body: Option<&Value>, key: &str) -> Option<String> {
    body?.get(key)?.as_str().map(ToOwned::to_owned)
}

fn paths(body: Option<&Value>) -> Vec<PathView> {
    let list = body
        .and_then(|b| b.get("targets"))
        .and_then(Value::as_array);
    let path = |v: &Value| match (v.get("path"), v.get("path_b64")) {
        (Some(Value::String(path)), _) => Some(PathView::Text { path: path.clone() }),
        (_, Some(Value::String(b64))) => Some(PathView::Bytes {
            path_b64: b64.clone(),
        }),
        _ => None,
    };
    match list {
        Some(list) => list.iter().filter_map(path).collect(),
        // What was refused got no targets; its error says what it was about.
        None => body
            .and_then(|b| b.get("error"))
            .and_then(path)
            .into_iter()
            .collect(),
    }
}

fn actor(actor: Option<&Value>) -> String {
    let field = |name| {
        actor
            .and_then(|a| a.get(name))
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    field("client").to_owned()
}

fn decision(d: &Value) -> DecisionView {
    let field = |name: &str| d.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
    DecisionView {
        verdict: field("verdict").unwrap_or_default(),
        source: field("source").unwrap_or_default(),
        rule: field("rule").filter(|r| !r.is_empty()),
        by: field("by").filter(|by| by != "policy"),
    }
}

fn fits(entry: &LogEntry, filter: &LogFilter) -> bool {
    let below = |path: &PathView| match (path, filter.path.as_deref()) {
        (_, None) => true,
        (PathView::Text { path }, Some(want)) => {
            want == "."
                || path == want
                || path.strip_prefix(want).is_some_and(|r| r.starts_with('/'))
        }
        (PathView::Bytes { path_b64 }, Some(want)) => path_b64 == want,
    };
    let by_path = filter.path.is_none() || entry.paths.iter().any(below);
    let by_session = filter.session.as_ref().is_none_or(|s| *s == entry.session);
    let by_kind = match filter.what {
        LogWhat::All => true,
        LogWhat::Changes => matches!(entry.kind.as_str(), "change" | "undo" | "redo" | "rollback"),
    };
    by_path && by_session && by_kind
}

/// Which operations a reference may name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Among {
    /// Every operation in the log.
    All,
    /// Those that changed something, or undid or redid that.
    Changes,
}

/// The operation that a person named.
pub(crate) fn resolve(conn: &Connection, reference: &Reference, among: Among) -> Result<OpId> {
    let none = |what: String| {
        Error::new(ErrorKind::NoSuch, what).with_hint("`aifirst log` shows what can be named")
    };
    let id = match reference {
        Reference::Last => {
            let mut query = Query::new()
                .order(Order::NewestFirst)
                .bodies(Bodies::Skip)
                .limit(PAGE);
            if among == Among::Changes {
                query = query.kind(Kind::Intent);
            }
            let rows = query.page(conn)?;
            rows.iter()
                .find_map(|r| r.event.as_ref().and_then(|e| e.op()).map(ToOwned::to_owned))
                .ok_or_else(|| none("there is no operation yet".to_owned()))?
        }
        Reference::Number(n) => {
            let event = row(conn, *n, Bodies::Skip)?
                .ok_or_else(|| none(format!("the log has no entry @{n}")))?
                .event;
            event
                .as_ref()
                .and_then(|e| e.op())
                .map(ToOwned::to_owned)
                .ok_or_else(|| none(format!("the entry @{n} is no operation")))?
        }
        Reference::Prefix(prefix) => {
            let mut found = find_ops(conn, prefix, 2)?;
            match (found.pop(), found.pop()) {
                (Some(id), None) => id,
                (None, _) => return Err(none(format!("no operation's id begins with {prefix:?}"))),
                (Some(_), Some(_)) => {
                    return Err(Error::new(
                        ErrorKind::NoSuch,
                        format!("more than one operation's id begins with {prefix:?}"),
                    )
                    .with_code("ambiguous")
                    .with_hint("type more of its characters"));
                }
            }
        }
    };
    id.parse()
}

/// The name of an operation, as the log has it.
pub(crate) fn operation_name(conn: &Connection, id: OpId) -> Result<String> {
    let rows = Query::new()
        .op(&id.to_string())
        .order(Order::OldestFirst)
        .bodies(Bodies::Skip)
        .limit(1)
        .page(conn)?;
    let name = rows
        .first()
        .and_then(|r| r.event.as_ref())
        .and_then(|e| e.name());
    Ok(name.unwrap_or("unknown").to_owned())
}

/// The row with which an operation begins.
pub(crate) fn first_row(conn: &Connection, id: OpId) -> Result<u64> {
    let rows = Query::new()
        .op(&id.to_string())
        .order(Order::OldestFirst)
        .bodies(Bodies::Skip)
        .limit(1)
        .page(conn)?;
    rows.first()
        .map(|r| r.seq)
        .ok_or_else(|| Error::new(ErrorKind::NoSuch, format!("the log has no operation {id}")))
}

/// Which operations count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Force {
    /// Those in force.
    InForce,
    /// Those that were undone too.
    Any,
}

/// The operations that touched a path or something below it, newest first.
pub(crate) fn touching(conn: &Connection, path: &RawRel, force: Force) -> Result<Vec<OpId>> {
    let mut found = Vec::new();
    let mut filter = UnitFilter {
        limit: Some(PAGE),
        ..UnitFilter::default()
    };
    loop {
        let page = aifirst_undo::units(conn, &filter)?;
        let Some(last) = page.last() else {
            return Ok(found);
        };
        filter.before = Some(last.unit);
        for unit in page {
            let touches = unit
                .paths
                .iter()
                .flat_map(|p| std::iter::once(&p.path).chain(&p.path2))
                .any(|p| p.starts_with(path));
            let counts = force == Force::Any || unit.in_force;
            if touches && counts && unit.cause == aifirst_undo::Cause::Do {
                found.push(OpId::from_bytes(unit.op));
            }
        }
    }
}

/// The entry that is no operation, such as the genesis.
pub(crate) fn bare_entry(
    conn: &Connection,
    seq: u64,
) -> Result<Option<(LogEntry, Vec<EventView>)>> {
    let Some(row) = row(conn, seq, Bodies::Load)? else {
        return Ok(None);
    };
    if row.event.as_ref().and_then(|e| e.op()).is_some() {
        return Ok(None);
    }
    let entry = Later::default().entry(&row);
    Ok(entry.map(|entry| (entry, vec![event_view(&row)])))
}

/// The entry of one operation, and its events.
pub(crate) fn entry(conn: &Connection, id: OpId) -> Result<(LogEntry, Vec<EventView>)> {
    let rows = Query::new()
        .op(&id.to_string())
        .order(Order::OldestFirst)
        .bodies(Bodies::Load)
        .page(conn)?;
    // Newest first, as the list is read: what had the last word on it, then itself.
    let mut later = Later::default();
    if let Some(by) = aifirst_undo::last_word(conn, &id.to_bytes())?
        && by != id.to_bytes()
    {
        let events = Query::new()
            .op(&OpId::from_bytes(by).to_string())
            .order(Order::NewestFirst)
            .bodies(Bodies::Load)
            .page(conn)?;
        for row in &events {
            later.entry(row);
        }
    }
    let found: Vec<_> = rows
        .iter()
        .rev()
        .filter_map(|row| later.entry(row))
        .collect();
    let entry = found
        .into_iter()
        .find(|e| e.id == Some(id))
        .ok_or_else(|| Error::new(ErrorKind::NoSuch, format!("the log has no operation {id}")))?;
    Ok((entry, rows.iter().map(event_view).collect()))
}

/// An event as it is stored.
fn event_view(row: &EventRow) -> EventView {
    EventView {
        seq: row.seq,
        leaf: row.leaf.map(|l| l.to_string()).unwrap_or_default(),
        event: row
            .event
            .as_ref()
            .map(|e| e.json().clone())
            .unwrap_or_default(),
        body: row.body.value().cloned(),
    }
}

/// What needs a person: conflicts and damage that nobody undid or looked at since.
pub(crate) fn attention(conn: &Connection) -> Result<Vec<LogEntry>> {
    let mut found = Vec::new();
    for outcome in [
        Outcome::Damaged,
        Outcome::RecoveredWithConflict,
        Outcome::Unknown,
    ] {
        let rows = Query::new()
            .outcome(outcome)
            .order(Order::NewestFirst)
            .bodies(Bodies::Skip)
            .limit(10)
            .page(conn)?;
        for row in rows {
            let op = row.event.as_ref().and_then(|e| e.op()).map(str::parse);
            if let Some(Ok(id)) = op {
                found.push(entry(conn, id)?.0);
            }
        }
    }
    Ok(found)
}
