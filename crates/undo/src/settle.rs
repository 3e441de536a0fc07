//! Syncs the changed folders, then commits the outcome with the after-states of every path.

use std::collections::BTreeSet;

use aifirst_sandbox::{RawRel, Side, Sync};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::apply::{Applied, Outcome, motions};
use crate::conflict::Conflict;
use crate::disk::{Depth, Place, StoreSync, is_denied, look};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::fault;
use crate::journal::{self, Cause, DirTime, UnitId, UnitStatus};
use crate::steps::{Action, ChangeStatus, ChangeView, Entry, Spot};

/// From this many folders on, one sync of the file system is cheaper than one for each.
const SYNC_EACH_BELOW: usize = 16;

/// A unit whose outcome is in the journal.
#[derive(Debug)]
pub struct Settled {
    unit: UnitId,
    status: UnitStatus,
    kept_bytes: u64,
    outcome: Outcome,
    entries: Vec<Entry>,
}

impl Settled {
    /// The unit's number in the journal.
    #[must_use]
    pub fn unit(&self) -> UnitId {
        self.unit
    }

    /// How the unit ended.
    #[must_use]
    pub fn status(&self) -> UnitStatus {
        self.status
    }

    /// How many bytes the store keeps for its undo.
    #[must_use]
    pub fn kept_bytes(&self) -> u64 {
        self.kept_bytes
    }

    /// What became of the changes.
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// The outcome itself, with its error.
    #[must_use]
    pub fn into_outcome(self) -> Outcome {
        self.outcome
    }

    /// The changes, in order, as they are now.
    pub fn changes(&self) -> impl Iterator<Item = ChangeView<'_>> {
        self.entries.iter().map(ChangeView::from)
    }
}

/// What the caller's half of the settling transaction gets to see.
#[derive(Debug)]
pub struct Settling<'a> {
    pub(crate) unit: UnitId,
    pub(crate) status: UnitStatus,
    pub(crate) kept_bytes: u64,
    pub(crate) entries: &'a [Entry],
}

impl Settling<'_> {
    /// The unit's number in the journal.
    #[must_use]
    pub fn unit(&self) -> UnitId {
        self.unit
    }

    /// How the unit ends.
    #[must_use]
    pub fn status(&self) -> UnitStatus {
        self.status
    }

    /// How many bytes the store keeps for its undo.
    #[must_use]
    pub fn kept_bytes(&self) -> u64 {
        self.kept_bytes
    }

    /// The changes, in order, with their after-states.
    pub fn changes(&self) -> impl Iterator<Item = ChangeView<'_>> {
        self.entries.iter().map(ChangeView::from)
    }
}

/// Why a unit did not settle. It stays open in the journal: close the connection; the next holder
/// of the lock recovers.
#[derive(Debug)]
#[non_exhaustive]
pub enum SettleError<E> {
    /// The disk or the database failed.
    Failed(Error),
    /// The caller's half failed; nothing was written.
    Join(E),
}

impl<E: std::fmt::Display> std::fmt::Display for SettleError<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Failed(e) => e.fmt(f),
            Self::Join(e) => e.fmt(f),
        }
    }
}

impl<E: std::error::Error> std::error::Error for SettleError<E> {}

impl Applied {
    /// Syncs the changed folders, then writes outcome and after-states and the caller's rows in
    /// one transaction that is not synced: after a power loss, intent and disk prove it.
    ///
    /// # Errors
    /// As [`SettleError`] says.
    pub fn settle<E>(
        self,
        db: &mut Connection,
        join: impl FnOnce(&Transaction<'_>, &Settling<'_>) -> Result<(), E>,
    ) -> Result<Settled, SettleError<E>> {
        let status = match &self.outcome {
            Outcome::Done if self.had_conflicts => UnitStatus::WithConflict,
            Outcome::Done => UnitStatus::Done,
            Outcome::RolledBack(_) => UnitStatus::RolledBack,
            Outcome::Stuck(..) => UnitStatus::WithConflict,
        };
        let mut entries = self.entries;
        let mut dirs = self.dirs;
        let kept_bytes = finish(
            &self.engine,
            db,
            Ending {
                unit: self.unit,
                cause: self.cause,
                status,
                entries: &mut entries,
                dirs: &mut dirs,
                conflicts: &[],
                commit: Commit::Deferred,
            },
            join,
        )?;
        Ok(Settled {
            unit: self.unit,
            status,
            kept_bytes,
            outcome: self.outcome,
            entries,
        })
    }
}

/// A unit that is about to settle.
pub(crate) struct Ending<'a> {
    pub(crate) unit: UnitId,
    pub(crate) cause: Cause,
    pub(crate) status: UnitStatus,
    pub(crate) entries: &'a mut Vec<Entry>,
    pub(crate) dirs: &'a mut Vec<DirTime>,
    /// What recovery left alone.
    pub(crate) conflicts: &'a [Conflict],
    pub(crate) commit: Commit,
}

/// Whether the settling transaction waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Commit {
    /// After a power loss the intent and the disk prove it.
    Deferred,
    /// What recovery found stays found, also when the power fails right after.
    Synced,
}

pub(crate) fn finish<E>(
    engine: &Engine,
    db: &mut Connection,
    ending: Ending<'_>,
    join: impl FnOnce(&Transaction<'_>, &Settling<'_>) -> Result<(), E>,
) -> Result<u64, SettleError<E>> {
    let Ending {
        unit,
        cause,
        status,
        entries,
        dirs,
        conflicts,
        commit,
    } = ending;
    sync_folders(engine, entries, dirs).map_err(SettleError::Failed)?;
    fault::point("settle.synced").map_err(SettleError::Failed)?;
    let kept_bytes = look_after(engine, entries, dirs).map_err(SettleError::Failed)?;
    let failed = |e| SettleError::Failed(Error::database("cannot settle", e));
    let level = match commit {
        Commit::Deferred => "NORMAL",
        Commit::Synced => "FULL",
    };
    db.pragma_update(None, "synchronous", level)
        .map_err(failed)?;
    let tx = db
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    let write = |tx: &Transaction<'_>| -> Result<()> {
        for (seq, entry) in entries.iter().enumerate() {
            journal::end_entry(tx, unit, seq, entry)?;
        }
        for dir in dirs.iter() {
            journal::end_dir_time(tx, unit, dir)?;
        }
        for (seq, conflict) in conflicts.iter().enumerate() {
            journal::put_conflict(tx, unit, seq, conflict)?;
        }
        journal::end_unit(tx, unit, status, engine.now_us(), kept_bytes)
    };
    write(&tx).map_err(SettleError::Failed)?;
    join(
        &tx,
        &Settling {
            unit,
            status,
            kept_bytes,
            entries,
        },
    )
    .map_err(SettleError::Join)?;
    fault::point("settle.before_commit").map_err(SettleError::Failed)?;
    tx.commit().map_err(failed)?;
    fault::point("settle.committed").map_err(SettleError::Failed)?;
    drop_unused(engine, cause, entries);
    Ok(kept_bytes)
}

/// Objects that a failed operation had staged are of no use to anybody.
fn drop_unused(engine: &Engine, cause: Cause, entries: &[Entry]) {
    if cause != Cause::Do {
        // An undo's slots hold what the operation displaced: they stay.
        return;
    }
    for entry in entries {
        let unused = matches!(
            entry.status,
            ChangeStatus::TakenBack | ChangeStatus::NotApplied
        ) && matches!(
            entry.action,
            Action::Create | Action::Replace | Action::MakeDir
        );
        let Some(slot) = entry.slot.filter(|_| unused) else {
            continue;
        };
        // Only what is surely ours; and best effort, since a sweep does the rest.
        let place = slot.place();
        let ours = match (&entry.planned, look(engine.disk(), &place, Depth::Object)) {
            (Some(planned), Ok(Some(now))) if entry.action != Action::MakeDir => {
                planned.unedited(&now)
            }
            (_, Ok(Some(_))) => engine
                .disk()
                .list(&place)
                .is_ok_and(|entries| entries.is_empty()),
            _ => false,
        };
        if ours && engine.disk().discard(&place.path).is_err() {
            engine.leaves_something();
        }
    }
}

fn sync_folders(engine: &Engine, entries: &[Entry], dirs: &[DirTime]) -> Result<()> {
    fault::point("settle.before_sync")?;
    if fault::is_skipped("settle.sync") {
        return Ok(());
    }
    let disk = engine.disk();
    let plan = motions(entries)?;
    let mut folders: BTreeSet<(bool, RawRel)> = BTreeSet::new();
    for dir in dirs {
        // A folder may have moved, so both where it was and where it is are looked up.
        for place in [
            plan.last_place(dir),
            plan.first_place(dir),
            Some(Place::workspace(&dir.path)),
        ]
        .into_iter()
        .flatten()
        {
            folders.insert((place.side == Side::Store, place.path));
        }
    }
    if disk.store_sync() == StoreSync::Apart {
        for entry in entries {
            if let Some(folder) = entry.slot.and_then(|slot| slot.place().parent()) {
                folders.insert((true, folder.path));
            }
        }
    }
    let mut there = Vec::new();
    for (in_store, path) in folders {
        let place = if in_store {
            Place::store(&path)
        } else {
            Place::workspace(&path)
        };
        match disk.stat(&place)? {
            Some(stat) if stat.kind == aifirst_sandbox::Kind::Dir => there.push(place),
            _ => {}
        }
    }
    if there.len() >= SYNC_EACH_BELOW {
        return disk.sync_all(Side::Workspace);
    }
    for place in there {
        match disk.sync(&place, Sync::All) {
            Ok(()) => {}
            // A folder that we may write but not read cannot be opened to be synced.
            Err(error) if is_denied(&error) => return disk.sync_all(Side::Workspace),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads what is there now: the change times that our own moves made are part of the record.
fn look_after(engine: &Engine, entries: &mut [Entry], dirs: &mut [DirTime]) -> Result<u64> {
    let disk = engine.disk();
    let plan = motions(entries)?;
    let mut kept_bytes = 0;
    for (seq, entry) in entries.iter_mut().enumerate() {
        if entry.status != ChangeStatus::Applied {
            continue;
        }
        let last = entry.action.vectors().pop().unwrap_or_default();
        for spot in [Spot::P, Spot::Q, Spot::S] {
            let (Some(place), Some(thing)) = (entry.place(spot), crate::steps::get(&last, spot))
            else {
                continue;
            };
            let recorded = entry.state_of(thing).cloned();
            let place = plan.final_place(&place, seq);
            let mut state = look(disk, &place, Depth::Object)?;
            if let (Some(state), Some(recorded)) = (&mut state, recorded) {
                // What was known of the same, unedited object is still true.
                if recorded.unedited(state) {
                    state.digest = recorded.digest;
                    state.tree = recorded.tree;
                }
            }
            match spot {
                Spot::P => entry.after = state,
                Spot::Q => entry.after2 = state,
                Spot::S => {
                    kept_bytes += state.as_ref().map_or(0, crate::state::State::bytes);
                    entry.kept = state;
                }
            }
        }
    }
    for dir in dirs.iter_mut() {
        dir.after = match plan.last_place(dir) {
            Some(place) => disk.stat(&place)?.map(|stat| stat.mtime),
            None => None,
        };
    }
    Ok(kept_bytes)
}
