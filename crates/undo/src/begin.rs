//! Looks at every path once more, then commits intent and unit in one synced transaction.

use aifirst_sandbox::{Kind, Made, RawRel, Time};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::conflict::OnConflict;
use crate::disk::{Depth, Place};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::fault;
use crate::journal::{self, Cause, DirTime, UnitId, UnitMeta};
use crate::stage::Staged;
use crate::state::State;
use crate::steps::{Action, ChangeView, Entry, SPOTS, Spot};
use crate::vision::{Now, Vision};

/// A unit that is in the journal and whose changes may now be made. The caller holds the
/// workspace's lock from before `begin` until after `settle`.
#[derive(Debug)]
#[must_use = "a unit that has begun must be applied and settled, else it is recovered as abandoned"]
pub struct Begun {
    pub(crate) engine: Engine,
    pub(crate) unit: UnitId,
    pub(crate) cause: Cause,
    pub(crate) entries: Vec<Entry>,
    pub(crate) made: Vec<Option<Made>>,
    pub(crate) dirs: Vec<DirTime>,
    pub(crate) had_conflicts: bool,
}

/// Why a unit did not begin.
#[derive(Debug)]
#[non_exhaustive]
pub enum BeginError<E> {
    /// A path is not what was staged for; nothing was written, and what was staged is removed.
    Changed(Error),
    /// The caller's half failed; nothing was written, and what was staged is removed.
    Join(E),
    /// The database or the disk failed before the commit; nothing was written.
    Failed(Error),
    /// The commit itself failed, so that nobody knows whether the unit is in the journal. Nothing
    /// is moved or deleted: close the connection; the next holder of the lock recovers.
    CommitUnknown(Error),
}

impl<E: std::fmt::Display> std::fmt::Display for BeginError<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Changed(e) | Self::Failed(e) | Self::CommitUnknown(e) => e.fmt(f),
            Self::Join(e) => e.fmt(f),
        }
    }
}

impl<E: std::error::Error> std::error::Error for BeginError<E> {}

impl Begun {
    /// The unit's number in the journal.
    #[must_use]
    pub fn unit(&self) -> UnitId {
        self.unit
    }

    /// The changes, in order, with what was before and what shall be.
    pub fn changes(&self) -> impl Iterator<Item = ChangeView<'_>> {
        self.entries.iter().map(ChangeView::from)
    }
}

impl Staged {
    /// Looks at every path again, then writes the unit with before-states and planned
    /// after-states of every path, and the caller's rows, in one synced transaction.
    ///
    /// The caller holds the workspace's lock.
    ///
    /// # Errors
    /// As [`BeginError`] says; only after `CommitUnknown` is the connection to be closed.
    pub fn begin<E>(
        mut self,
        db: &mut Connection,
        meta: &UnitMeta,
        join: impl FnOnce(&Transaction<'_>, UnitId) -> Result<(), E>,
    ) -> Result<Begun, BeginError<E>> {
        let dirs = self.revalidate().map_err(|error| match error.kind() {
            ErrorKind::Changed | ErrorKind::Guard(aifirst_sandbox::ErrorKind::Raced) => {
                BeginError::Changed(error)
            }
            _ => BeginError::Failed(error),
        })?;
        fault::point("begin.revalidated").map_err(BeginError::Failed)?;
        let failed = |e| BeginError::Failed(Error::database("cannot begin", e));
        db.pragma_update(None, "synchronous", "FULL")
            .map_err(failed)?;
        let tx = db
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        let unit = self.write(&tx, meta, &dirs).map_err(BeginError::Failed)?;
        join(&tx, unit).map_err(BeginError::Join)?;
        fault::point("begin.before_commit").map_err(BeginError::Failed)?;
        if let Err(error) = tx.commit() {
            // Whether it is in the journal is for recovery to find out: what was staged stays.
            self.fresh.clear();
            self.engine.leaves_something();
            return Err(BeginError::CommitUnknown(Error::database(
                "cannot commit the beginning",
                error,
            )));
        }
        self.fresh.clear();
        let begun = Begun {
            engine: self.engine.clone(),
            unit,
            cause: meta.cause,
            entries: std::mem::take(&mut self.entries),
            made: std::mem::take(&mut self.made),
            dirs,
            had_conflicts: self
                .conflicts
                .iter()
                .any(|(_, conflict)| conflict.choice == OnConflict::KeepMine),
        };
        fault::point("begin.committed").map_err(BeginError::CommitUnknown)?;
        Ok(begun)
    }

    fn write(&self, tx: &Transaction<'_>, meta: &UnitMeta, dirs: &[DirTime]) -> Result<UnitId> {
        let unit = journal::put_unit(tx, meta, self.engine.now_us())?;
        for (seq, entry) in self.entries.iter().enumerate() {
            journal::put_entry(tx, unit, seq, entry)?;
        }
        for dir in dirs {
            journal::put_dir_time(tx, unit, dir)?;
        }
        for (seq, conflict) in &self.conflicts {
            journal::put_conflict(tx, unit, *seq, conflict)?;
        }
        Ok(unit)
    }

    /// Compares the disk with every before-state, and reads the times of the folders whose
    /// entries will change.
    fn revalidate(&mut self) -> Result<Vec<DirTime>> {
        let mut vision = Vision::default();
        let mut starts = Vec::new();
        for seq in 0..self.entries.len() {
            starts.push(vision.len());
            let new = self.new_object(seq);
            let Some(entry) = self.entries.get_mut(seq) else {
                continue;
            };
            for spot in SPOTS {
                same_as_staged(&self.engine, &vision, entry, spot, new)?;
            }
            if entry.action == Action::MakeDir {
                let parent = entry.path.parent().unwrap_or_else(RawRel::root);
                let seen = vision.look(
                    self.engine.disk(),
                    &Place::workspace(&parent),
                    Depth::Object,
                )?;
                if let Some(planned) = &mut entry.planned {
                    // What is born later than its folder's last change before it may be ours.
                    planned.btime = seen.map(|state| state.ctime);
                }
            }
            vision.plan(entry, new)?;
        }
        let mut dirs = folders(&self.entries);
        for dir in &mut dirs {
            let start = starts.get(dir.first).copied().unwrap_or(0);
            dir.before = match vision.now(&Place::workspace(&dir.path), start) {
                Now::Here(place) => self.engine.disk().stat(&place)?.map(|stat| stat.mtime),
                Now::Nothing | Now::Made => None,
            };
            dir.target = self
                .inverse_of
                .iter()
                .find(|earlier| earlier.path == dir.path)
                .and_then(|earlier| target(earlier, dir.before));
        }
        Ok(dirs)
    }
}

/// The time that a folder had before the unit whose inverse this is, if nobody changed the folder
/// since.
fn target(earlier: &DirTime, now: Option<Time>) -> Option<Time> {
    if earlier.after == now {
        earlier.before
    } else {
        None
    }
}

fn same_as_staged(
    engine: &Engine,
    vision: &Vision,
    entry: &Entry,
    spot: Spot,
    new: crate::vision::NewObject,
) -> Result<()> {
    use crate::vision::NewObject;
    let Some(place) = entry.place(spot) else {
        return Ok(());
    };
    let start = entry.action.vectors().first().copied().unwrap_or_default();
    let thing = crate::steps::get(&start, spot);
    if spot == Spot::S && new == NewObject::Unnamed {
        return Ok(());
    }
    let recorded = thing.and_then(|thing| entry.state_of(thing));
    let depth = match recorded {
        Some(State { tree: Some(_), .. }) => Depth::Tree,
        _ => Depth::Object,
    };
    let seen = vision.look(engine.disk(), &place, depth)?;
    let changed = |why: &'static str| {
        Err(Error::new(ErrorKind::Changed, "cannot go on with")
            .at(&entry.path)
            .detail(why))
    };
    match (recorded, seen) {
        (None, None) => Ok(()),
        (None, Some(_)) => changed("something is there"),
        (Some(_), None) => changed("nothing is there any more"),
        (Some(recorded), Some(seen)) => {
            let same = recorded.difference(&seen).is_none()
                && (recorded.kind != Kind::Dir || recorded.ctime == seen.ctime);
            if same || vision.moves(&place) && recorded.unedited(&seen) {
                Ok(())
            } else {
                changed("it was changed meanwhile")
            }
        }
    }
}

/// The workspace's folders in which names come and go, with the first and the last such change.
pub(crate) fn folders(entries: &[Entry]) -> Vec<DirTime> {
    let mut dirs: Vec<DirTime> = Vec::new();
    let mut known: std::collections::BTreeMap<RawRel, usize> = std::collections::BTreeMap::new();
    for (seq, entry) in entries.iter().enumerate() {
        for path in entry.paths() {
            let parent = path.parent().unwrap_or_else(RawRel::root);
            if let Some(&index) = known.get(&parent) {
                if let Some(dir) = dirs.get_mut(index) {
                    dir.last = seq;
                }
                continue;
            }
            known.insert(parent.clone(), dirs.len());
            dirs.push(DirTime {
                path: parent,
                first: seq,
                last: seq,
                before: None,
                target: None,
                after: None,
            });
        }
    }
    dirs
}
