//! One engine for do, undo, redo, rollback and recovery: classify, act, look at what came out.

use aifirst_sandbox::{Kind, Made, RawRel};

use crate::begin::Begun;
use crate::disk::{Depth, Disk, Place, is_taken, look};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::fault;
use crate::journal::{Cause, DirTime, UnitId};
use crate::state::State;
use crate::steps::{ANY_MODE, Action, ChangeStatus, Entry, Found, SPOTS, Seen, Spot, Step, get};
use crate::vision::{NewObject, Vision};

/// What became of a unit's changes.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// All of them are in force.
    Done,
    /// One failed, and all before it were taken back.
    RolledBack(Error),
    /// One failed, and these paths could not be taken back; they are left as they are.
    Stuck(Error, Vec<RawRel>),
}

/// A unit whose changes were made, or taken back.
#[derive(Debug)]
#[must_use = "what was applied must be settled, else it is recovered as abandoned"]
pub struct Applied {
    pub(crate) engine: Engine,
    pub(crate) unit: UnitId,
    pub(crate) cause: Cause,
    pub(crate) entries: Vec<Entry>,
    pub(crate) dirs: Vec<DirTime>,
    pub(crate) outcome: Outcome,
    pub(crate) had_conflicts: bool,
}

impl Applied {
    /// What became of the changes.
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// The unit's number in the journal.
    #[must_use]
    pub fn unit(&self) -> UnitId {
        self.unit
    }
}

impl Begun {
    /// Makes the changes, in order. An error takes back what was made by then; it is in the
    /// outcome.
    pub fn apply(mut self) -> Applied {
        let disk = self.engine.disk();
        let mut failure = None;
        let mut reached = 0;
        for (entry, made) in self.entries.iter_mut().zip(&self.made) {
            reached += 1;
            match forward(disk, entry, made.as_ref(), Caller::Life) {
                Ok(()) => entry.status = ChangeStatus::Applied,
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        // Descriptors of unnamed inodes are of no use any more.
        self.made.clear();
        if failure.is_none() {
            failure = set_folder_times(disk, &self.entries, &self.dirs, Times::Target).err();
        }
        let outcome = match failure {
            None => Outcome::Done,
            Some(error) => {
                let mut stuck = Vec::new();
                for entry in self.entries.iter_mut().take(reached).rev() {
                    match back(disk, entry, Caller::Life) {
                        Ok(Back::Before) => {
                            entry.status = match entry.status {
                                ChangeStatus::Applied => ChangeStatus::TakenBack,
                                _ => ChangeStatus::NotApplied,
                            };
                        }
                        Ok(Back::Left(why)) => {
                            // A change that never was applied leaves nothing behind to take back.
                            if entry.status == ChangeStatus::Applied
                                || why.after_ours
                                || why.holds_other
                            {
                                stuck.push(entry.path.clone());
                                entry.status = ChangeStatus::Conflict;
                                entry.note = Some(why.text.to_owned());
                            } else {
                                entry.status = ChangeStatus::NotApplied;
                            }
                        }
                        Err(error) => {
                            stuck.push(entry.path.clone());
                            entry.status = ChangeStatus::Conflict;
                            entry.note = Some(error.to_string());
                        }
                    }
                }
                for entry in self.entries.iter_mut().skip(reached) {
                    entry.status = ChangeStatus::NotApplied;
                }
                let times = set_folder_times(disk, &self.entries, &self.dirs, Times::Before);
                if stuck.is_empty() && times.is_ok() {
                    Outcome::RolledBack(error)
                } else {
                    Outcome::Stuck(error, stuck)
                }
            }
        };
        Applied {
            engine: self.engine.clone(),
            unit: self.unit,
            cause: self.cause,
            entries: self.entries,
            dirs: self.dirs,
            outcome,
            had_conflicts: self.had_conflicts,
        }
    }
}

/// Whether a step belongs to an operation's life or to the recovery of a dead one: only the
/// names of the fault points and the strictness about the displaced object differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    Life,
    Recovery,
}

impl Caller {
    fn point(self, life: &'static str, recovery: &'static str) -> Result<()> {
        fault::point(match self {
            Self::Life => life,
            Self::Recovery => recovery,
        })
    }
}

/// How taking a change back ended.
#[derive(Debug)]
pub(crate) enum Back {
    /// Everything is as before the change.
    Before,
    /// Somebody else's object is in the way, and was left alone.
    Left(Why),
}

/// Why a change was left as it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Why {
    pub(crate) text: &'static str,
    /// Whether our change had happened before somebody else came.
    pub(crate) after_ours: bool,
    /// Whether the slot holds somebody else's object now, which must never be dropped.
    pub(crate) holds_other: bool,
}

/// Looks at all places of a change.
pub(crate) fn see(disk: &dyn Disk, entry: &Entry) -> Result<Seen> {
    let mut seen: Seen = [None, None, None];
    for (spot, state) in SPOTS.iter().zip(seen.iter_mut()) {
        if let Some(place) = entry.place(*spot) {
            *state = look(disk, &place, Depth::Object)?;
        }
    }
    Ok(seen)
}

/// Makes a change, from however far it is already.
pub(crate) fn forward(
    disk: &dyn Disk,
    entry: &Entry,
    made: Option<&Made>,
    caller: Caller,
) -> Result<()> {
    let conflict = |why: &str| {
        Error::new(ErrorKind::Conflict, "cannot change")
            .at(&entry.path)
            .detail(why)
    };
    let seen = see(disk, entry)?;
    let steps = entry.action.steps();
    let from = match entry.classify(&seen) {
        Found::At(n) => n,
        Found::Damaged => {
            return Err(Error::new(ErrorKind::StoreDamaged, "cannot change")
                .at(&entry.path)
                .detail("an object of the store is missing"));
        }
        Found::ForeignBefore | Found::ForeignAfter | Found::Stranger => {
            return Err(conflict("somebody else changed it meanwhile"));
        }
    };
    // An unnamed inode has no name to be found by: nothing anywhere means not published yet.
    let missing_new = entry.action == Action::Create && seen.iter().all(Option::is_none);
    if missing_new && made.is_none() {
        return Err(Error::new(ErrorKind::StoreDamaged, "cannot change")
            .at(&entry.path)
            .detail("the object to be put there is missing"));
    }
    if from < steps.len() {
        must_be_empty(disk, entry, Spot::P)?;
    }
    for step in steps.iter().skip(from) {
        caller.point("apply.before_step", "recover.before_step")?;
        make(disk, entry, *step, made.filter(|_| missing_new))?;
        caller.point("apply.after_step", "recover.after_step")?;
    }
    if from == steps.len() {
        return Ok(());
    }
    let verdict = check(disk, entry);
    if let Err(error) = verdict {
        // The newest object stays at its name; what we placed goes back to where it came from.
        let _ = back(disk, entry, caller);
        return Err(error);
    }
    caller.point("apply.checked", "recover.after_step")
}

/// Looks at what came out of the steps: between the last look and the step anybody may have put
/// another object at the path, and that one must not vanish into the store.
fn check(disk: &dyn Disk, entry: &Entry) -> Result<()> {
    let changed = |why: &str| {
        Error::new(ErrorKind::Changed, "cannot change")
            .at(&entry.path)
            .detail(why)
    };
    let seen = see(disk, entry)?;
    if entry.classify(&seen) != Found::At(entry.action.steps().len()) {
        return Err(changed("another object came in between"));
    }
    must_be_empty(disk, entry, Spot::S)?;
    let last = entry.action.vectors().pop().unwrap_or_default();
    let (Some(thing), [_, _, Some(kept)]) = (get(&last, Spot::S), &seen) else {
        return Ok(());
    };
    let Some(recorded) = entry.state_of(thing) else {
        return Ok(());
    };
    let full;
    let kept: &State = if recorded.tree.is_some() {
        full = look(disk, &entry.need(Spot::S)?, Depth::Tree)?
            .ok_or_else(|| changed("what was kept is gone"))?;
        &full
    } else {
        kept
    };
    if recorded.unedited(kept) {
        Ok(())
    } else {
        Err(changed("it was changed meanwhile"))
    }
}

/// A folder that is deleted without a recorded tree was made by the operation: it must hold
/// nothing that others put there.
fn must_be_empty(disk: &dyn Disk, entry: &Entry, spot: Spot) -> Result<()> {
    let own_folder = entry.action == Action::Delete
        && entry
            .before
            .as_ref()
            .is_some_and(|state| state.kind == Kind::Dir);
    if own_folder && !disk.list(&entry.need(spot)?)?.is_empty() {
        return Err(Error::new(ErrorKind::Conflict, "cannot remove")
            .at(&entry.path)
            .detail("the folder is not empty"));
    }
    Ok(())
}

fn make(disk: &dyn Disk, entry: &Entry, step: Step, made: Option<&Made>) -> Result<()> {
    let done = match (step, made) {
        (Step::Move(_, to), Some(made)) => disk.publish(made, &entry.need(to)?),
        (Step::Move(from, to), None) => disk.rename(
            &entry.need(from)?,
            &entry.need(to)?,
            aifirst_sandbox::How::NoReplace,
        ),
        (Step::Swap(a, b), _) => disk.rename(
            &entry.need(a)?,
            &entry.need(b)?,
            aifirst_sandbox::How::Exchange,
        ),
        (Step::MakeDir, _) => {
            let mode = entry.planned.as_ref().map_or(ANY_MODE, |state| state.mode);
            if mode == ANY_MODE {
                disk.make_dir(&entry.need(Spot::P)?, 0o777)
            } else {
                disk.make_dir(&entry.need(Spot::P)?, 0o700)?;
                disk.set_mode(&entry.need(Spot::P)?, mode)
            }
        }
    };
    done.map_err(|error| error.at(&entry.path))
}

fn unmake(disk: &dyn Disk, entry: &Entry, step: Step) -> Result<()> {
    match step {
        Step::Move(from, to) => disk.rename(
            &entry.need(to)?,
            &entry.need(from)?,
            aifirst_sandbox::How::NoReplace,
        ),
        Step::Swap(a, b) => disk.rename(
            &entry.need(a)?,
            &entry.need(b)?,
            aifirst_sandbox::How::Exchange,
        ),
        Step::MakeDir => disk.rename(
            &entry.need(Spot::P)?,
            &entry.need(Spot::S)?,
            aifirst_sandbox::How::NoReplace,
        ),
    }
}

/// Takes a change back, from however far it is.
pub(crate) fn back(disk: &dyn Disk, entry: &Entry, caller: Caller) -> Result<Back> {
    let left = |text, after_ours| {
        Ok(Back::Left(Why {
            text,
            after_ours,
            holds_other: false,
        }))
    };
    let seen = see(disk, entry)?;
    let found = entry.classify(&seen);
    let n = match found {
        Found::At(n) => n,
        // What was displaced goes back to its name, ours into the slot.
        Found::Stranger => entry.action.steps().len(),
        Found::ForeignBefore => return left("somebody else changed the path", false),
        Found::ForeignAfter => return left("somebody else changed the path since", true),
        Found::Damaged => {
            return Err(Error::new(ErrorKind::StoreDamaged, "cannot take back")
                .at(&entry.path)
                .detail("an object of the store is missing"));
        }
    };
    if n == 0 {
        return Ok(Back::Before);
    }
    if entry.action == Action::Replace {
        return exchange_back(disk, entry, found, caller);
    }
    if entry.action == Action::MakeDir && !disk.list(&entry.need(Spot::P)?)?.is_empty() {
        return left("the folder is not empty", true);
    }
    for step in entry.action.steps().iter().take(n).rev() {
        caller.point("rollback.before_step", "recover.before_step")?;
        unmake(disk, entry, *step)?;
        caller.point("apply.after_step", "recover.after_step")?;
    }
    if found == Found::Stranger {
        return left("another object was at the path", false);
    }
    if entry.action == Action::MakeDir && !disk.list(&entry.need(Spot::S)?)?.is_empty() {
        return return_to_name(disk, entry, "the folder is not empty");
    }
    // What went into the slot must be ours, unedited: else it returns to its name.
    if entry.action == Action::Create
        && let (Some(new), [_, _, Some(now)]) = (entry.planned.as_ref(), see(disk, entry)?)
        && !new.unedited(&now)
    {
        return return_to_name(disk, entry, "somebody else changed the path since");
    }
    Ok(Back::Before)
}

/// Moves what a rollback took into the slot back to its name, because it is not only ours.
fn return_to_name(disk: &dyn Disk, entry: &Entry, text: &'static str) -> Result<Back> {
    let (slot, path) = (entry.need(Spot::S)?, entry.need(Spot::P)?);
    let holds_other = match disk.rename(&slot, &path, aifirst_sandbox::How::NoReplace) {
        Ok(()) => false,
        // The name was taken once more: the newest object stays there, this one in the slot.
        Err(error) if is_taken(&error) => true,
        Err(error) => return Err(error),
    };
    Ok(Back::Left(Why {
        text,
        after_ours: true,
        holds_other,
    }))
}

/// Exchanges back, and looks at what came out: whoever saves in just that instant must find the
/// newest save at its name, never in the store.
fn exchange_back(disk: &dyn Disk, entry: &Entry, found: Found, caller: Caller) -> Result<Back> {
    const TURNS: usize = 8;
    let (slot, path) = (entry.need(Spot::S)?, entry.need(Spot::P)?);
    let mut expected = entry.planned.clone();
    let mut turns = 0;
    loop {
        let put = look(disk, &slot, Depth::Object)?;
        caller.point("rollback.before_step", "recover.before_step")?;
        disk.rename(&path, &slot, aifirst_sandbox::How::Exchange)?;
        caller.point("apply.after_step", "recover.after_step")?;
        let out = look(disk, &slot, Depth::Object)?;
        turns += 1;
        let as_expected = match (&expected, &out) {
            (Some(expected), Some(out)) => expected.unedited(out),
            _ => false,
        };
        if as_expected || turns == TURNS {
            break;
        }
        // What came out is newer than what was put back.
        expected = put;
    }
    let ours = match (&entry.planned, look(disk, &slot, Depth::Object)?) {
        (Some(new), Some(now)) => new.unedited(&now),
        _ => false,
    };
    match (ours, found) {
        (true, Found::At(_)) => Ok(Back::Before),
        (true, _) => Ok(Back::Left(Why {
            text: "another object was at the path",
            after_ours: false,
            holds_other: false,
        })),
        (false, _) => Ok(Back::Left(Why {
            text: "somebody else changed the path since",
            after_ours: true,
            holds_other: true,
        })),
    }
}

/// Which times folders get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Times {
    /// Those that the unit planned.
    Target,
    /// Those from before the unit: it was taken back.
    Before,
}

/// Sets the times of the folders in which names came and went; after everything else, the deepest
/// first, because each move changes its folders' times.
pub(crate) fn set_folder_times(
    disk: &dyn Disk,
    entries: &[Entry],
    dirs: &[DirTime],
    times: Times,
) -> Result<()> {
    fault::point("times.before")?;
    let plan = motions(entries)?;
    let mut sorted: Vec<&DirTime> = dirs.iter().collect();
    sorted.sort_by_key(|dir| std::cmp::Reverse(dir.path.depth()));
    for dir in sorted {
        let (time, place) = match times {
            Times::Target => (dir.target, plan.last_place(dir)),
            Times::Before => (dir.before, plan.first_place(dir)),
        };
        let (Some(time), Some(place)) = (time, place) else {
            continue;
        };
        match disk.stat(&place)? {
            Some(stat) if stat.kind == Kind::Dir && stat.mtime != time => {
                disk.set_mtime(&place, time)?;
            }
            _ => {}
        }
    }
    fault::point("times.after")
}

/// The moves of a unit, with where each of its changes begins.
pub(crate) struct Motions {
    vision: Vision,
    starts: Vec<usize>,
    ends: Vec<usize>,
}

pub(crate) fn motions(entries: &[Entry]) -> Result<Motions> {
    let mut all = Motions {
        vision: Vision::default(),
        starts: Vec::new(),
        ends: Vec::new(),
    };
    for entry in entries {
        all.starts.push(all.vision.len());
        if matches!(
            entry.status,
            ChangeStatus::Planned | ChangeStatus::Applied | ChangeStatus::TakenBack
        ) {
            all.vision.plan(entry, NewObject::InSlot)?;
        }
        all.ends.push(all.vision.len());
    }
    Ok(all)
}

impl Motions {
    /// Where a folder is after the unit.
    pub(crate) fn last_place(&self, dir: &DirTime) -> Option<Place> {
        let end = self.ends.get(dir.last).copied()?;
        Some(self.vision.then(&Place::workspace(&dir.path), end))
    }

    /// Where a folder was before the unit.
    pub(crate) fn first_place(&self, dir: &DirTime) -> Option<Place> {
        let start = self.starts.get(dir.first).copied()?;
        match self.vision.now(&Place::workspace(&dir.path), start) {
            crate::vision::Now::Here(place) => Some(place),
            _ => None,
        }
    }
}

impl Motions {
    /// Where what is at `place` after the change `seq` is at the end of the unit.
    pub(crate) fn final_place(&self, place: &Place, seq: usize) -> Place {
        let end = self.ends.get(seq).copied().unwrap_or(self.vision.len());
        self.vision.then(place, end)
    }
}
