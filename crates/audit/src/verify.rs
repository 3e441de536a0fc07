//! Proves that a log is what was written, or names the rows that are not. Knows no writer.

use crate::canonical;
use crate::digest::{Digest, Head, body_commit, chain, leaf, to_sql};
use crate::error::{ErrorKind, Result};
use crate::event::EVENT_FORMAT;
use crate::head_copy::HeadCopy;
use crate::inspect;
use crate::report::{ProblemKind as P, Report};
use crate::rows::blob;
use crate::schema;
use crate::view::Fields;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, Transaction, TransactionBehavior};

/// The copy of the head that the caller found.
///
/// Read it *before* calling [`verify`]: a live log may then be ahead of it, never behind.
#[derive(Debug, Default)]
#[non_exhaustive]
pub enum HeadCopyFound {
    /// None was looked for, or the file is not there or empty.
    #[default]
    None,
    /// This one.
    Copy(HeadCopy),
    /// One that cannot be read.
    Garbled,
}

impl From<Result<Option<HeadCopy>>> for HeadCopyFound {
    fn from(decoded: Result<Option<HeadCopy>>) -> Self {
        match decoded {
            Ok(Some(copy)) => Self::Copy(copy),
            Ok(None) => Self::None,
            Err(_) => Self::Garbled,
        }
    }
}

/// What a verification may rely on beside the database.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct VerifyOptions {
    head_copy: HeadCopyFound,
    boot: String,
    log: Option<String>,
}

impl VerifyOptions {
    /// Nothing but the database.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The copy of the head, and the id of the running boot.
    #[must_use]
    pub fn head_copy(mut self, found: impl Into<HeadCopyFound>, current_boot: &str) -> Self {
        self.head_copy = found.into();
        current_boot.clone_into(&mut self.boot);
        self
    }

    /// The id that the log must have.
    #[must_use]
    pub fn log(mut self, id: &str) -> Self {
        self.log = Some(id.to_owned());
        self
    }
}

/// Reads the whole log once, in one snapshot and constant memory.
///
/// Triggers and views are switched off on `conn` and stay so. Bytes, leaves, chain, numbers, columns, bodies, head row, head copy, schema and the
/// database's own structure are all compared; whatever cannot be compared is a problem.
///
/// # Errors
/// `Busy` where another connection locks readers out. What is found, unreadable places
/// included, is in the report.
pub fn verify(conn: &Connection, options: &VerifyOptions) -> Result<Report> {
    schema::harden(conn)?;
    // Within a caller's transaction its snapshot is used.
    let snapshot = if conn.is_autocommit() {
        Some(Transaction::new_unchecked(
            conn,
            TransactionBehavior::Deferred,
        )?)
    } else {
        None
    };
    let mut check = Check {
        conn,
        options,
        report: Report::new(),
        log: None,
    };
    let ran = check.run();
    let report = check.report;
    if let Some(snapshot) = snapshot {
        snapshot.finish()?;
    }
    ran.map(|()| report)
}

struct Check<'a> {
    conn: &'a Connection,
    options: &'a VerifyOptions,
    report: Report,
    log: Option<String>,
}

impl Check<'_> {
    fn run(&mut self) -> Result<()> {
        match self.begin().and_then(|found| match found {
            Found::Log => self.rows().and_then(|()| self.rest()),
            Found::Nothing => {
                self.nothing();
                Ok(())
            }
        }) {
            Ok(()) => {}
            // Nobody knows anything yet, and asking again may help.
            Err(e) if e.can_retry() => return Err(e),
            Err(e) if e.kind() == ErrorKind::NewerFormat => {
                self.report.add(P::NewerFormat, None, e.to_string());
            }
            Err(e) => {
                let next = self.report.size;
                let cause = std::error::Error::source(&e).map(ToString::to_string);
                let text = format!(
                    "cannot be read from row {next} on: {e}{}",
                    cause.map(|c| format!(" ({c})")).unwrap_or_default()
                );
                self.report.add(P::Unreadable, Some(next), text);
            }
        }
        Ok(())
    }

    /// Schema first: what the rows say counts only if the tables are what they seem.
    fn begin(&mut self) -> Result<Found> {
        let found = inspect::look(self.conn)?;
        for (kind, text) in found.strange {
            self.report.add(kind, None, text);
        }
        if !found.any {
            return Ok(Found::Nothing);
        }
        match schema::check_format(self.conn) {
            Err(e) if e.kind() == ErrorKind::Damaged => {
                self.report.add(P::Schema, None, e.to_string());
            }
            other => {
                other?;
            }
        }
        self.log = schema::log_id(self.conn)?;
        let expected = self.options.log.as_deref();
        if self.log.is_none() {
            self.report
                .add(P::Schema, None, "the log's id is not there");
        } else if expected.is_some() && expected != self.log.as_deref() {
            self.report
                .add(P::OtherLog, None, "the database holds another log");
        }
        Ok(Found::Log)
    }

    /// No table at all: the beginning of a log whose `-wal` was taken away looks so too.
    fn nothing(&mut self) {
        let options = self.options;
        match &options.head_copy {
            HeadCopyFound::Copy(copy) if copy.binding(&options.boot).any(|h| h.size > 0) => {
                self.head_copy(&[]);
            }
            HeadCopyFound::Garbled => self.head_copy(&[]),
            _ => self
                .report
                .add(P::Unreadable, None, "the database holds no log"),
        }
    }

    fn rows(&mut self) -> Result<()> {
        let wanted = self.wanted();
        let mut met: Vec<(u64, Digest)> = Vec::new();
        let mut state = Running::default();
        let mut statement = self.conn.prepare(
            "SELECT e.seq, e.leaf, e.chain, e.bytes, e.time, e.kind, e.op, e.session, e.name, \
             e.outcome, b.seq, b.salt, b.bytes \
             FROM main.audit_event AS e NOT INDEXED \
             LEFT JOIN main.audit_body AS b ON b.seq = e.seq ORDER BY e.seq",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            self.row(row, &mut state)?;
            if wanted.contains(&Some(state.next)) {
                met.push((state.next, state.chain));
            }
        }
        self.report.head = Head {
            size: state.next,
            hash: state.chain,
        };
        self.head_row(&state)?;
        if state.next == 0 {
            self.report
                .add(P::Genesis, Some(0), "row 0, the genesis, is not there");
        }
        self.head_copy(&met);
        state.notes(&mut self.report);
        Ok(())
    }

    /// The sizes at which the head copy says something.
    fn wanted(&self) -> [Option<u64>; 2] {
        match &self.options.head_copy {
            HeadCopyFound::Copy(copy) => {
                let mut sizes = copy.binding(&self.options.boot).map(|h| h.size);
                [sizes.next(), sizes.next()]
            }
            _ => [None, None],
        }
    }

    fn row(&mut self, row: &Row<'_>, state: &mut Running) -> Result<()> {
        let number: i64 = row.get(0)?;
        self.report.size = self.report.size.saturating_add(1);
        let Some(seq) = u64::try_from(number).ok().filter(|seq| *seq >= state.next) else {
            self.report
                .add(P::ExtraRow, None, format!("a row has the number {number}"));
            return Ok(());
        };
        let gap = seq > state.next;
        if gap {
            let text = match seq - 1 {
                last if last == state.next => format!("row {last} is missing"),
                last => format!("rows {} to {last} are missing", state.next),
            };
            self.report.add(P::MissingRows, Some(state.next), text);
        }
        let bytes = blob(row.get_ref(3)?).unwrap_or_default();
        let stored_leaf = blob(row.get_ref(1)?).and_then(Digest::from_slice);
        let stored_chain = blob(row.get_ref(2)?).and_then(Digest::from_slice);
        let real_leaf = leaf(bytes);
        if stored_leaf != Some(real_leaf) {
            let text = format!("row {seq}: the bytes do not give the stored leaf");
            self.report.add(P::BytesChanged, Some(seq), text);
        }
        // Goes on from what is stored, so that one change is reported once and where it is.
        let link = stored_leaf.unwrap_or(real_leaf);
        if !gap && stored_chain != Some(chain(&state.chain, &link)) {
            let text = format!("row {seq} does not follow from the row before it");
            self.report.add(P::ChainBroken, Some(seq), text);
        }
        state.chain = stored_chain.unwrap_or_else(|| chain(&state.chain, &link));
        state.next = seq.saturating_add(1);
        if let Err(e) = canonical::check(bytes) {
            self.report
                .add(P::NotCanonical, Some(seq), format!("row {seq}: {e}"));
        }
        match Fields::parse(bytes) {
            Some(fields) => self.event(row, seq, bytes, &fields, state),
            None => {
                let text = format!("row {seq} holds no event");
                self.report.add(P::NotCanonical, Some(seq), text);
                Ok(())
            }
        }
    }

    fn event(
        &mut self,
        row: &Row<'_>,
        seq: u64,
        bytes: &[u8],
        fields: &Fields<'_>,
        state: &mut Running,
    ) -> Result<()> {
        if fields.v > EVENT_FORMAT {
            let text = format!("row {seq} has event format {}", fields.v);
            self.report.add(P::NewerFormat, Some(seq), text);
        } else if fields.v != EVENT_FORMAT {
            let text = format!("row {seq} has event format {}, which never was", fields.v);
            self.report.add(P::NotCanonical, Some(seq), text);
        }
        if fields.seq != seq {
            self.other_number(seq, fields.seq, bytes)?;
        }
        if self.log.as_deref() != Some(&*fields.log) {
            let text = format!("row {seq} belongs to another log");
            self.report.add(P::OtherLog, Some(seq), text);
        }
        if (fields.kind == "genesis") != (seq == 0) {
            let text = format!("row {seq}: the genesis is the first event, and no other is");
            self.report.add(P::Genesis, Some(seq), text);
        }
        let columns = [
            ("time", 4, Some(&fields.time)),
            ("kind", 5, Some(&fields.kind)),
            ("op", 6, fields.op.as_ref()),
            ("session", 7, fields.session.as_ref()),
            ("name", 8, fields.name.as_ref()),
            ("outcome", 9, fields.outcome.as_ref()),
        ];
        for (name, index, said) in columns {
            let same = match (row.get_ref(index)?, said) {
                (ValueRef::Null, None) => true,
                (ValueRef::Text(stored), Some(said)) => stored == said.as_bytes(),
                _ => false,
            };
            if !same {
                let text = format!("row {seq}: the column {name} differs from the bytes");
                self.report.add(P::ColumnDiffers, Some(seq), text);
            }
        }
        self.body(row, seq, fields)?;
        state.count(seq, fields);
        Ok(())
    }

    fn other_number(&mut self, seq: u64, said: u64, bytes: &[u8]) -> Result<()> {
        let twin: bool = match to_sql(said) {
            Ok(key) => self.conn.query_row(
                "SELECT EXISTS (SELECT 1 FROM main.audit_event WHERE seq = ?1 AND bytes = ?2)",
                (key, bytes),
                |r| r.get(0),
            )?,
            Err(_) => false,
        };
        let kind = if twin { P::Duplicate } else { P::NumberDiffers };
        let text = format!("row {seq} holds event {said}");
        self.report.add(kind, Some(seq), text);
        Ok(())
    }

    fn body(&mut self, row: &Row<'_>, seq: u64, fields: &Fields<'_>) -> Result<()> {
        let there = !matches!(row.get_ref(10)?, ValueRef::Null);
        let Some(commit) = fields.commit() else {
            if there {
                let text = format!("row {seq} has a body that its event does not name");
                self.report.add(P::BodyExtra, Some(seq), text);
            }
            return Ok(());
        };
        if !there {
            let text = format!("row {seq}: the body is missing");
            self.report.add(P::BodyMissing, Some(seq), text);
            return Ok(());
        }
        let salt = blob(row.get_ref(11)?).and_then(|s| <&[u8; 32]>::try_from(s).ok());
        let found = salt
            .zip(blob(row.get_ref(12)?))
            .map(|(s, b)| body_commit(s, b));
        if found.is_none() || found != commit {
            let text = format!("row {seq}: the body is not the one that the event names");
            self.report.add(P::BodyChanged, Some(seq), text);
        }
        Ok(())
    }

    fn head_row(&mut self, state: &Running) -> Result<()> {
        let only: bool = self.conn.query_row(
            "SELECT count(*) = 1 AND count(*) FILTER (WHERE id = 1) = 1 FROM main.audit_head",
            [],
            |r| r.get(0),
        )?;
        let head = match schema::head(self.conn) {
            Ok(head) if only => head,
            Ok(_) => {
                self.report
                    .add(P::HeadRow, None, "there is not one head row");
                return Ok(());
            }
            Err(e) if e.kind() == ErrorKind::Damaged => {
                self.report.add(P::HeadRow, None, e.to_string());
                return Ok(());
            }
            Err(e) => return Err(e),
        };
        if head.size > state.next {
            let text = match head.size - 1 {
                last if last == state.next => format!("row {last}, the last, is missing"),
                last => format!("rows {} to {last}, the last ones, are missing", state.next),
            };
            self.report.add(P::MissingRows, Some(state.next), text);
        } else if head.size < state.next {
            let text = format!("row {} lies beyond the head row", head.size);
            self.report.add(P::ExtraRow, Some(head.size), text);
        } else if head.hash != state.chain {
            let last = head.size.saturating_sub(1);
            let text = format!("the head row does not follow from row {last}");
            self.report.add(P::HeadRow, Some(last), text);
        }
        Ok(())
    }

    fn head_copy(&mut self, met: &[(u64, Digest)]) {
        let copy = match &self.options.head_copy {
            HeadCopyFound::None => {
                let note =
                    "no copy of the head was compared: a tail cut off cleanly would not show";
                return self.report.notes.push(note.to_owned());
            }
            HeadCopyFound::Garbled => {
                return self.report.add(
                    P::HeadCopyGarbled,
                    None,
                    "the copy of the head is garbled",
                );
            }
            HeadCopyFound::Copy(copy) => copy,
        };
        if copy.boot != self.options.boot {
            let note = "the copy of the head is of another boot: only its synced part binds";
            self.report.notes.push(note.to_owned());
        }
        let end = self.report.head.size;
        for head in copy.binding(&self.options.boot) {
            let Some(last) = head.size.checked_sub(1) else {
                continue;
            };
            let found = met.iter().find(|(size, _)| *size == head.size);
            if head.size > end {
                let text =
                    format!("the log ends before row {end}; the copy of its head names row {last}");
                return self.report.add(P::OlderThanHeadCopy, Some(end), text);
            }
            if found.is_none_or(|(_, hash)| *hash != head.hash) {
                let text = format!(
                    "up to row {last} it is another history than the copy of the head says"
                );
                return self.report.add(P::OtherThanHeadCopy, Some(last), text);
            }
        }
    }

    /// What no row leads to: bodies without events, and the database's own structure.
    fn rest(&mut self) -> Result<()> {
        let mut statement = self.conn.prepare(
            "SELECT b.seq FROM main.audit_body AS b WHERE NOT EXISTS \
             (SELECT 1 FROM main.audit_event AS e WHERE e.seq = b.seq)",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let number: i64 = row.get(0)?;
            let text = format!("there is a body for row {number}, which is not there");
            self.report
                .add(P::BodyExtra, u64::try_from(number).ok(), text);
        }
        for table in ["audit_event", "audit_body", "audit_head", "audit_meta"] {
            let mut statement = self
                .conn
                .prepare(&format!("PRAGMA main.integrity_check({table})"))?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let text: String = row.get(0)?;
                if text != "ok" {
                    self.report
                        .add(P::Structure, None, format!("the table {table}: {text}"));
                }
            }
        }
        Ok(())
    }
}

/// What is carried from row to row.
struct Running {
    next: u64,
    chain: Digest,
    intents: u64,
    outcomes: u64,
    time: String,
    clock_back: Option<u64>,
}

impl Default for Running {
    fn default() -> Self {
        Self {
            next: 0,
            chain: Digest::ZERO,
            intents: 0,
            outcomes: 0,
            time: String::new(),
            clock_back: None,
        }
    }
}

impl Running {
    fn count(&mut self, seq: u64, fields: &Fields<'_>) {
        match &*fields.kind {
            "intent" => self.intents += 1,
            "outcome" => self.outcomes += 1,
            _ => {}
        }
        if *fields.time < *self.time {
            self.clock_back.get_or_insert(seq);
        }
        self.time.clear();
        self.time.push_str(&fields.time);
    }

    fn notes(&self, report: &mut Report) {
        match self.intents.saturating_sub(self.outcomes) {
            0 => {}
            1 => report
                .notes
                .push("one intent has no outcome yet".to_owned()),
            n => report
                .notes
                .push(format!("{n} intents have no outcome yet")),
        }
        if let Some(seq) = self.clock_back {
            report
                .notes
                .push(format!("the clock went back before row {seq}"));
        }
    }
}

enum Found {
    Log,
    Nothing,
}
