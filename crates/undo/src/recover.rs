//! Finds out what a dead process left half done, and brings it to one of its two ends.

use std::collections::BTreeMap;

use aifirst_sandbox::{Kind, RawRel, Side, Time};
use rusqlite::types::Value;
use rusqlite::{Connection, Transaction};

use crate::apply::{Back, Caller, Times, back, forward, motions, see, set_folder_times};
use crate::conflict::{Conflict, ConflictReason, OnConflict};
use crate::disk::{Depth, Place, is_astray, look};
use crate::engine::Engine;
use crate::error::{ErrorKind, Result};
use crate::fault;
use crate::journal::{self, Cause, DirTime, OpId, UnitId, UnitStatus};
use crate::settle::{Commit, Ending, SettleError, Settling, finish};
use crate::state::State;
use crate::steps::{ANY_MODE, Action, ChangeStatus, Entry, Found, SPOTS, Seen};
use crate::vision::{NewObject, Now, Vision};

/// Where recovery takes a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heading {
    /// Nothing was applied: it is only settled.
    Nothing,
    /// Everything was applied: it is kept.
    Keep,
    /// What was applied is taken back.
    Back,
    /// What was not applied is applied.
    Forward,
    /// An object of the store is missing: everything is left as it is.
    Leave,
}

/// How recovery ended for a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoveredAs {
    /// Nothing had been applied.
    Interrupted,
    /// Everything is applied.
    Done,
    /// Everything was taken back.
    RolledBack,
    /// Some paths were somebody else's and were left alone.
    WithConflict,
    /// An object of the store was missing.
    Damaged,
}

impl RecoveredAs {
    /// The stable name, in snake case, as the log has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Interrupted => "interrupted",
            Self::Done => "recovered_done",
            Self::RolledBack => "recovered_rolled_back",
            Self::WithConflict => "recovered_with_conflict",
            Self::Damaged => "damaged",
        }
    }
}

/// A unit that began and never settled. Whoever holds the workspace's lock knows that nobody is
/// working on it.
#[derive(Debug)]
pub struct Abandoned {
    unit: UnitId,
    op: OpId,
    cause: Cause,
    heading: Heading,
    entries: Vec<Entry>,
    dirs: Vec<DirTime>,
}

impl Abandoned {
    /// The unit's number in the journal.
    #[must_use]
    pub fn unit(&self) -> UnitId {
        self.unit
    }

    /// Its operation.
    #[must_use]
    pub fn op(&self) -> &OpId {
        &self.op
    }

    /// Why it was changing the workspace.
    #[must_use]
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// Where recovery will take it, by what the disk shows.
    #[must_use]
    pub fn heading(&self) -> Heading {
        self.heading
    }

    /// Every path of the workspace that it names.
    pub fn paths(&self) -> impl Iterator<Item = &RawRel> {
        self.entries.iter().flat_map(Entry::paths)
    }
}

/// A unit that recovery has brought to its end, and that is to be settled.
#[derive(Debug)]
#[must_use = "what was recovered must be settled, else it is recovered again"]
pub struct Recovered {
    engine: Engine,
    unit: UnitId,
    op: OpId,
    cause: Cause,
    outcome: RecoveredAs,
    conflicts: Vec<Conflict>,
    entries: Vec<Entry>,
    dirs: Vec<DirTime>,
}

impl Recovered {
    /// The unit's number in the journal.
    #[must_use]
    pub fn unit(&self) -> UnitId {
        self.unit
    }

    /// Its operation.
    #[must_use]
    pub fn op(&self) -> &OpId {
        &self.op
    }

    /// Why it was changing the workspace.
    #[must_use]
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// How it ended.
    #[must_use]
    pub fn outcome(&self) -> RecoveredAs {
        self.outcome
    }

    /// The paths that were left alone, and why.
    #[must_use]
    pub fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }

    /// Writes the outcome and the caller's rows in one transaction.
    ///
    /// # Errors
    /// As [`SettleError`] says; the unit then stays open and is recovered again.
    pub fn settle<E>(
        mut self,
        db: &mut Connection,
        join: impl FnOnce(&Transaction<'_>, &Settling<'_>) -> Result<(), E>,
    ) -> Result<RecoveredAs, SettleError<E>> {
        fault::point("recover.before_commit").map_err(SettleError::Failed)?;
        let status = match self.outcome {
            RecoveredAs::Interrupted => UnitStatus::Interrupted,
            RecoveredAs::Done => UnitStatus::Done,
            RecoveredAs::RolledBack => UnitStatus::RolledBack,
            RecoveredAs::WithConflict => UnitStatus::WithConflict,
            RecoveredAs::Damaged => UnitStatus::Damaged,
        };
        let (unit, conflicts) = (self.unit, std::mem::take(&mut self.conflicts));
        finish(
            &self.engine,
            db,
            Ending {
                unit,
                cause: self.cause,
                status,
                entries: &mut self.entries,
                dirs: &mut self.dirs,
                conflicts: &conflicts,
                commit: Commit::Synced,
            },
            join,
        )?;
        Ok(self.outcome)
    }
}

impl Engine {
    /// The units that dead processes left open, newest first, with what the disk shows of them.
    ///
    /// The caller holds the workspace's lock. Changes nothing.
    ///
    /// # Errors
    /// `Database`; `Guard` where a path cannot be looked at.
    pub fn abandoned(&self, conn: &Connection) -> Result<Vec<Abandoned>> {
        let rows = journal::unit_rows(
            conn,
            "WHERE u.status=0 ORDER BY u.id DESC",
            Vec::<Value>::new(),
        )?;
        rows.into_iter()
            .map(|row| {
                let entries = journal::entries(conn, row.id)?;
                let dirs = journal::dir_times(conn, row.id)?;
                let found = self.find(row.cause, &entries)?;
                Ok(Abandoned {
                    unit: row.id,
                    op: row.op,
                    cause: row.cause,
                    heading: heading(row.cause, &entries, &found),
                    entries,
                    dirs,
                })
            })
            .collect()
    }

    /// What the disk shows of each change.
    ///
    /// The changes of one unit may move each other's places (a folder renamed, then a file in it
    /// replaced). A unit comes along one line of steps, so the position on it that explains most
    /// of what is seen says where each change's places are at present.
    fn find(&self, cause: Cause, entries: &[Entry]) -> Result<Vec<Found>> {
        let mut paths: Vec<&RawRel> = entries.iter().flat_map(Entry::paths).collect();
        paths.sort();
        // Paths sort component by component: a folder's descendants follow it directly.
        let apart = paths
            .iter()
            .zip(paths.iter().skip(1))
            .all(|(a, b)| !b.starts_with(a));
        if apart {
            return entries
                .iter()
                .map(|entry| Ok(classify(cause, entry, &see(self.disk(), entry)?)))
                .collect();
        }
        let line = Line::new(entries)?;
        let mut looked = Looked::default();
        let mut best = (0, Vec::new());
        for position in 0..=line.vision.len() {
            let mut found = Vec::with_capacity(entries.len());
            let mut fitting = 1;
            for (seq, entry) in entries.iter().enumerate() {
                let seen = line.see(self, entry, seq, position, &mut looked)?;
                let is = classify(cause, entry, &seen);
                if is == Found::At(line.expected(seq, position)) {
                    fitting += 1;
                }
                found.push(is);
            }
            if fitting > best.0 {
                best = (fitting, found);
            }
        }
        Ok(best.1)
    }

    /// Brings an abandoned unit to its end. Safe to repeat, also after a kill inside.
    ///
    /// # Errors
    /// Those of the disk; the unit then stays open.
    pub fn recover(&self, abandoned: Abandoned) -> Result<Recovered> {
        fault::point("recover.start")?;
        let Abandoned {
            unit,
            op,
            cause,
            mut entries,
            dirs,
            ..
        } = abandoned;
        let disk = self.disk();
        let found = self.find(cause, &entries)?;
        let heading = heading(cause, &entries, &found);
        let mut conflicts = Vec::new();
        let mut damaged = false;
        match heading {
            Heading::Nothing | Heading::Keep | Heading::Leave => {}
            Heading::Back => {
                for (seq, entry) in entries.iter_mut().enumerate().rev() {
                    // Its places may not even be there before those ahead of it are applied.
                    if found.get(seq) == Some(&Found::At(0)) {
                        entry.status = ChangeStatus::NotApplied;
                        continue;
                    }
                    match back(disk, entry, Caller::Recovery) {
                        Ok(Back::Before) => entry.status = ChangeStatus::TakenBack,
                        Ok(Back::Left(why)) => {
                            entry.status = ChangeStatus::Conflict;
                            entry.note = Some(why.text.to_owned());
                        }
                        // Who takes a folder away must not stop every later call.
                        Err(error) if is_astray(&error) => {
                            entry.status = ChangeStatus::Conflict;
                            entry.note = Some(error.to_string());
                        }
                        Err(error) => return Err(error),
                    }
                }
            }
            Heading::Forward => {
                for (entry, found) in entries.iter_mut().zip(&found) {
                    if *found == Found::At(entry.action.steps().len()) {
                        entry.status = ChangeStatus::Applied;
                        continue;
                    }
                    match forward(disk, entry, None, Caller::Recovery) {
                        Ok(()) => entry.status = ChangeStatus::Applied,
                        Err(error) => match error.kind() {
                            ErrorKind::Conflict | ErrorKind::Changed => {
                                entry.status = ChangeStatus::Conflict;
                                entry.note = Some(error.to_string());
                            }
                            _ if is_astray(&error) => {
                                entry.status = ChangeStatus::Conflict;
                                entry.note = Some(error.to_string());
                            }
                            ErrorKind::StoreDamaged => {
                                damaged = true;
                                entry.status = ChangeStatus::NotApplied;
                                entry.note = Some(error.to_string());
                            }
                            _ => return Err(error),
                        },
                    }
                }
            }
        }
        if matches!(heading, Heading::Nothing | Heading::Keep | Heading::Leave) {
            for (entry, found) in entries.iter_mut().zip(&found) {
                let end = entry.action.steps().len();
                entry.status = match found {
                    Found::At(n) if *n == end => ChangeStatus::Applied,
                    Found::At(_) => ChangeStatus::NotApplied,
                    Found::ForeignAfter if heading == Heading::Keep => {
                        // Applied, and the path went on to somebody else: what it displaced is
                        // still kept, so the change counts and the path is named.
                        entry.note = Some("somebody else changed the path since".to_owned());
                        ChangeStatus::Applied
                    }
                    Found::Damaged => {
                        damaged = true;
                        entry.note = Some("an object of the store is missing".to_owned());
                        ChangeStatus::Conflict
                    }
                    _ => {
                        entry.note = Some("somebody else changed the path".to_owned());
                        ChangeStatus::Conflict
                    }
                };
            }
        }
        if heading == Heading::Keep {
            self.finish_folders(&entries)?;
        }
        for entry in &entries {
            if entry.note.is_some() && !damaged {
                conflicts.push(Conflict {
                    path: entry.path.clone(),
                    reason: ConflictReason::Edited,
                    choice: OnConflict::KeepMine,
                    beside: None,
                });
            }
        }
        match heading {
            Heading::Keep | Heading::Forward => {
                set_folder_times(disk, &entries, &dirs, Times::Target)?;
            }
            Heading::Back if conflicts.is_empty() => {
                set_folder_times(disk, &entries, &dirs, Times::Before)?;
            }
            Heading::Nothing => self.finish_times(&entries, &dirs)?,
            Heading::Back | Heading::Leave => {}
        }
        let outcome = if damaged {
            RecoveredAs::Damaged
        } else if !conflicts.is_empty() {
            RecoveredAs::WithConflict
        } else {
            match heading {
                Heading::Nothing => RecoveredAs::Interrupted,
                Heading::Keep | Heading::Forward => RecoveredAs::Done,
                Heading::Back => RecoveredAs::RolledBack,
                Heading::Leave => RecoveredAs::Damaged,
            }
        };
        Ok(Recovered {
            engine: self.clone(),
            unit,
            op,
            cause,
            outcome,
            conflicts,
            entries,
            dirs,
        })
    }

    /// A folder that was made and did not get its mode yet gets it.
    fn finish_folders(&self, entries: &[Entry]) -> Result<()> {
        for entry in entries {
            let mode = entry.planned.as_ref().map_or(ANY_MODE, |state| state.mode);
            if entry.action != Action::MakeDir || mode == ANY_MODE {
                continue;
            }
            let place = Place::workspace(&entry.path);
            match self.disk().stat(&place)? {
                Some(stat) if stat.kind == Kind::Dir && stat.mode != mode => {
                    self.disk().set_mode(&place, mode)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// A recovery that was itself killed after its last step and before the folder times finds
    /// nothing applied. A folder's time is ours when it is the moment at which one of our objects
    /// was last moved.
    fn finish_times(&self, entries: &[Entry], dirs: &[DirTime]) -> Result<()> {
        let mut moments = Vec::new();
        for entry in entries {
            for state in see(self.disk(), entry)?.iter().flatten() {
                moments.push(state.ctime);
            }
        }
        let plan = motions(entries)?;
        for dir in dirs {
            let (Some(before), Some(place)) = (dir.before, plan.first_place(dir)) else {
                continue;
            };
            let Some(stat) = self.disk().stat(&place)? else {
                continue;
            };
            let ours = moments.iter().any(|moment| near(*moment, stat.mtime));
            if stat.kind == Kind::Dir && stat.mtime != before && ours {
                self.disk().set_mtime(&place, before)?;
            }
        }
        Ok(())
    }
}

/// What an undo brings back lies in the store: if it is nowhere, somebody took it out of there.
fn classify(cause: Cause, entry: &Entry, seen: &Seen) -> Found {
    match (entry.action, seen) {
        (Action::Create, [None, _, None]) if cause != Cause::Do => Found::Damaged,
        _ => entry.classify(seen),
    }
}

/// The steps of a unit as one line, with where each change begins and ends on it.
struct Line {
    vision: Vision,
    spans: Vec<(usize, usize)>,
}

/// Every place is looked at once, however many positions are tried.
#[derive(Default)]
struct Looked(BTreeMap<(bool, RawRel), Option<State>>);

impl Looked {
    fn at(&mut self, engine: &Engine, place: &Place) -> Result<Option<State>> {
        let key = (place.side == Side::Store, place.path.clone());
        if let Some(state) = self.0.get(&key) {
            return Ok(state.clone());
        }
        let state = look(engine.disk(), place, Depth::Object)?;
        self.0.insert(key, state.clone());
        Ok(state)
    }
}

impl Line {
    fn new(entries: &[Entry]) -> Result<Self> {
        let mut line = Self {
            vision: Vision::default(),
            spans: Vec::new(),
        };
        for entry in entries {
            let start = line.vision.len();
            line.vision.plan(entry, NewObject::InSlot)?;
            line.spans.push((start, line.vision.len()));
        }
        Ok(line)
    }

    fn expected(&self, seq: usize, position: usize) -> usize {
        let (start, end) = self.spans.get(seq).copied().unwrap_or_default();
        position.clamp(start, end) - start
    }

    /// Looks at the places of a change where they are after the first `position` steps.
    fn see(
        &self,
        engine: &Engine,
        entry: &Entry,
        seq: usize,
        position: usize,
        looked: &mut Looked,
    ) -> Result<Seen> {
        let (start, end) = self.spans.get(seq).copied().unwrap_or_default();
        let mut seen: Seen = [None, None, None];
        for (spot, state) in SPOTS.iter().zip(seen.iter_mut()) {
            let Some(place) = entry.place(*spot) else {
                continue;
            };
            let now = if position >= end {
                Now::Here(self.vision.later(&place, end, position))
            } else if position <= start {
                self.vision.earlier(&place, position, start)
            } else {
                Now::Here(place)
            };
            if let Now::Here(place) = now {
                *state = looked.at(engine, &place)?;
            }
        }
        Ok(seen)
    }
}

/// Two stamps of one call: on most file systems the same, else within a clock tick.
fn near(a: Time, b: Time) -> bool {
    let nanos = |t: Time| i128::from(t.sec) * 1_000_000_000 + i128::from(t.nsec);
    (nanos(a) - nanos(b)).abs() <= 10_000_000
}

/// What is to be done, by DESIGN's table: an operation that is partly applied goes back, since its
/// new contents may be lost; an undo goes forward, since all it needs is in the store.
fn heading(cause: Cause, entries: &[Entry], found: &[Found]) -> Heading {
    let (mut none, mut all, mut damaged) = (true, true, false);
    for (entry, found) in entries.iter().zip(found) {
        let end = entry.action.steps().len();
        match found {
            Found::At(n) => {
                none &= *n == 0;
                all &= *n == end;
            }
            Found::ForeignAfter => none = false,
            Found::ForeignBefore => {}
            Found::Stranger => {
                none = false;
                all = false;
            }
            Found::Damaged => damaged = true,
        }
    }
    match (none, all) {
        _ if damaged && cause == Cause::Do => Heading::Leave,
        (true, _) => Heading::Nothing,
        (false, true) => Heading::Keep,
        (false, false) if cause == Cause::Do => Heading::Back,
        (false, false) => Heading::Forward,
    }
}
