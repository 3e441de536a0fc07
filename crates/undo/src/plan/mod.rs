//! What an undo or redo would do, path by path, with its conflicts; and its way into the stations.

mod inverse;

use aifirst_sandbox::{Kind, RawRel};
use rusqlite::Connection;

use crate::conflict::{Conflict, ConflictReason, OnConflict};
use crate::disk::{Depth, Disk, Place, content_digest, is_denied};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::{self, Cause, DirTime, OpId, UnitId};
use crate::select;
use crate::stage::Staged;
use crate::state::{Difference, State};
use crate::steps::{ChangeStatus, Entry, SPOTS, Spot, get};
use crate::vision::{NewObject, Now, Vision};

/// Content up to this size is read again where a change time leaves a doubt.
const READ_UP_TO: u64 = 4 << 20;

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Operations in force are undone.
    Undo,
    /// Operations that were undone are redone.
    Redo,
}

/// What happens to one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Does {
    /// A kept object comes back; what is there is kept in its stead.
    Restore,
    /// What is there goes away, and is kept.
    Remove,
    /// An object gets its earlier name back.
    MoveBack,
    /// Nothing: it is as wanted already.
    Nothing,
    /// Nothing: it is left as it is, because of its conflict.
    Keep,
}

impl Does {
    /// The stable name, in snake case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Restore => "restore",
            Self::Remove => "remove",
            Self::MoveBack => "move_back",
            Self::Nothing => "nothing",
            Self::Keep => "keep",
        }
    }
}

/// One path of a plan.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PlannedPath {
    /// The operation that is undone or redone.
    pub op: OpId,
    /// The path.
    pub path: RawRel,
    /// Where it moves, if it moves.
    pub to: Option<RawRel>,
    /// What happens to it.
    pub does: Does,
    /// Its conflict, with what is done about it.
    pub conflict: Option<Conflict>,
    /// Bytes of what is removed or comes back.
    pub bytes: u64,
}

/// What an undo or redo of some operations would do. Made without touching anything.
#[derive(Debug)]
pub struct RestorePlan {
    direction: Direction,
    units: Vec<UnitPlan>,
    paths: Vec<PlannedPath>,
}

#[derive(Debug)]
struct UnitPlan {
    op: OpId,
    entries: Vec<Planned>,
    inverse_of: Vec<DirTime>,
    conflicts: Vec<(usize, Conflict)>,
}

#[derive(Debug, Clone)]
struct Planned {
    entry: Entry,
    /// The slot is a stand-in: planning puts nothing into the store.
    stand_in: bool,
}

impl RestorePlan {
    /// Which way it goes.
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// The cause that its units have in the journal.
    #[must_use]
    pub fn cause(&self) -> Cause {
        match self.direction {
            Direction::Undo => Cause::Undo,
            Direction::Redo => Cause::Redo,
        }
    }

    /// How many units it has: one for each operation.
    #[must_use]
    pub fn len(&self) -> usize {
        self.units.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    /// The operations, in the order in which they are undone or redone.
    pub fn ops(&self) -> impl Iterator<Item = &OpId> {
        self.units.iter().map(|unit| &unit.op)
    }

    /// Every path, in the order in which it is treated.
    #[must_use]
    pub fn paths(&self) -> &[PlannedPath] {
        &self.paths
    }

    /// The paths that are in conflict.
    pub fn conflicts(&self) -> impl Iterator<Item = &PlannedPath> {
        self.paths.iter().filter(|path| path.conflict.is_some())
    }

    /// Whether a conflict forbids staging it.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.conflicts().any(|path| {
            path.conflict
                .as_ref()
                .is_some_and(|conflict| conflict.choice == OnConflict::Refuse)
        })
    }
}

/// What came of planning the inverse of one change.
enum Inverse {
    /// These changes, in order.
    Changes(Vec<Planned>, Does),
    /// There is nothing to do.
    Nothing,
    /// It cannot be, or shall not be.
    Conflict {
        reason: ConflictReason,
        /// What may be done nevertheless, if that is chosen.
        restore: Option<Vec<Planned>>,
        beside: Option<(Vec<Planned>, RawRel)>,
    },
}

struct Planner<'a> {
    engine: &'a Engine,
    conn: &'a Connection,
    direction: Direction,
    choice: OnConflict,
    vision: Vision,
    /// Operations whose undo is part of the plan already.
    done: Vec<OpId>,
}

impl Engine {
    /// Plans the undo or redo of operations, in the order given, as a whole. Touches nothing.
    ///
    /// # Errors
    /// `NotFound` when an operation is unknown, or is not in force (to be undone) or was not undone
    /// (to be redone); `Database`; `Guard` where a path cannot be looked at.
    pub fn plan(
        &self,
        conn: &Connection,
        ops: &[OpId],
        direction: Direction,
        on_conflict: OnConflict,
    ) -> Result<RestorePlan> {
        let mut planner = Planner {
            engine: self,
            conn,
            direction,
            choice: on_conflict,
            vision: Vision::default(),
            done: Vec::new(),
        };
        let mut plan = RestorePlan {
            direction,
            units: Vec::new(),
            paths: Vec::new(),
        };
        for op in ops {
            let unit = planner.unit(op, direction, &mut plan.paths)?;
            plan.units.push(unit);
            planner.done.push(*op);
        }
        Ok(plan)
    }

    /// Stages the unit `index` of a plan; the units before it have been settled.
    ///
    /// # Errors
    /// `Conflict` when the plan has conflicts that nobody decided; `Changed` when a path is not
    /// what the plan saw; `NotFound` for an index beyond the plan.
    pub fn stage_restore(&self, plan: &RestorePlan, index: usize) -> Result<Staged> {
        if plan.is_refused() {
            let mut error = Error::new(ErrorKind::Conflict, "cannot bring back");
            if let Some(first) = plan.conflicts().next() {
                error = error.at(&first.path);
                if let Some(conflict) = &first.conflict {
                    error = error.detail(conflict.reason.name());
                }
            }
            return Err(error);
        }
        let unit = plan
            .units
            .get(index)
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "cannot stage beyond the plan"))?;
        let mut staged = Staged {
            engine: self.clone(),
            entries: Vec::new(),
            made: Vec::new(),
            inverse_of: unit.inverse_of.clone(),
            conflicts: unit.conflicts.clone(),
            fresh: Vec::new(),
        };
        let mut vision = Vision::default();
        let mut dirty = false;
        for planned in &unit.entries {
            let mut entry = planned.entry.clone();
            if planned.stand_in {
                entry.slot = Some(self.new_slot()?);
            }
            let start = entry.action.vectors().first().copied().unwrap_or_default();
            for spot in SPOTS {
                let (Some(thing), Some(place)) = (get(&start, spot), entry.place(spot)) else {
                    continue;
                };
                let Some(recorded) = entry.state_of(thing).cloned() else {
                    continue;
                };
                let depth = if recorded.tree.is_some() {
                    Depth::Tree
                } else {
                    Depth::Object
                };
                let seen = vision.look(self.disk(), &place, depth)?;
                // Units before this one have moved objects, which changed their change times.
                let fits = seen.as_ref().is_some_and(|seen| {
                    if index == 0 {
                        recorded.difference(seen).is_none()
                    } else {
                        recorded.unedited(seen)
                    }
                });
                let Some(mut seen) = seen.filter(|_| fits) else {
                    return Err(Error::new(ErrorKind::Changed, "cannot go on with")
                        .at(&entry.path)
                        .detail("it is not what the plan saw"));
                };
                seen.digest = recorded.digest;
                if spot != Spot::S {
                    self.save_kept(&vision, &entry, spot, &seen, &mut dirty)?;
                }
                entry.bind(thing, &seen);
            }
            vision.plan(&entry, NewObject::InSlot)?;
            staged.entries.push(entry);
            staged.made.push(None);
        }
        if dirty {
            self.disk().sync_all(aifirst_sandbox::Side::Workspace)?;
        }
        Ok(staged)
    }
}

impl Planner<'_> {
    fn disk(&self) -> &dyn Disk {
        self.engine.disk()
    }

    fn look(&self, path: &RawRel, depth: Depth) -> Result<Option<State>> {
        self.vision
            .look(self.disk(), &Place::workspace(path), depth)
    }

    /// Looks at what will be at `path`, to be compared with a record of it.
    fn look_as(&self, path: &RawRel, recorded: Option<&State>) -> Result<Option<State>> {
        let Some(State {
            tree: Some(tree), ..
        }) = recorded
        else {
            return self.look(path, Depth::Object);
        };
        if !self.vision.disturbs(&Place::workspace(path)) {
            return self.look(path, Depth::Tree);
        }
        // What will be below is not there to be counted yet; staging counts it.
        let mut seen = self.look(path, Depth::Object)?;
        if let Some(seen) = &mut seen {
            seen.tree = Some(tree.clone());
        }
        Ok(seen)
    }

    fn unit(
        &mut self,
        op: &OpId,
        direction: Direction,
        paths: &mut Vec<PlannedPath>,
    ) -> Result<UnitPlan> {
        let not = |why: &str| {
            Error::new(ErrorKind::NotFound, "cannot plan for the operation").detail(why)
        };
        let unit = journal::unit_of(self.conn, op)?.ok_or_else(|| not("the journal has none"))?;
        if unit.cause != Cause::Do {
            return Err(not("it is itself an undo or redo"));
        }
        let last = match direction {
            Direction::Undo => {
                select::in_force(self.conn, unit.id)?.ok_or_else(|| not("it is not in force"))?
            }
            Direction::Redo => {
                select::undone(self.conn, unit.id)?.ok_or_else(|| not("it was not undone"))?
            }
        };
        let mut plan = UnitPlan {
            op: *op,
            entries: Vec::new(),
            inverse_of: journal::dir_times(self.conn, last.id)?,
            conflicts: Vec::new(),
        };
        let changes = journal::entries(self.conn, last.id)?;
        for change in changes.iter().rev() {
            if change.status != ChangeStatus::Applied {
                continue;
            }
            self.change(op, last.id, change, &mut plan, paths)?;
        }
        Ok(plan)
    }

    fn change(
        &mut self,
        op: &OpId,
        last: UnitId,
        change: &Entry,
        plan: &mut UnitPlan,
        paths: &mut Vec<PlannedPath>,
    ) -> Result<()> {
        let (changes, does, conflict) = match self.inverse(op, last, change)? {
            Inverse::Changes(changes, does) => (changes, does, None),
            Inverse::Nothing => (Vec::new(), Does::Nothing, None),
            Inverse::Conflict {
                reason,
                restore,
                beside,
            } => {
                let mut conflict = Conflict {
                    path: change.path.clone(),
                    reason,
                    choice: self.choice,
                    beside: None,
                };
                let chosen = match (self.choice, restore, beside) {
                    (OnConflict::Restore, Some(changes), _) => changes,
                    (OnConflict::Beside, _, Some((changes, path))) => {
                        conflict.beside = Some(path);
                        changes
                    }
                    (OnConflict::Refuse, ..) => Vec::new(),
                    _ => {
                        conflict.choice = OnConflict::KeepMine;
                        Vec::new()
                    }
                };
                let does = if chosen.is_empty() {
                    Does::Keep
                } else {
                    Does::Restore
                };
                (chosen, does, Some(conflict))
            }
        };
        let last_change = changes.last().map(|planned| &planned.entry);
        let bytes = last_change.map_or(0, |entry| {
            [&entry.planned, &entry.before]
                .into_iter()
                .flatten()
                .next()
                .map_or(0, State::bytes)
        });
        paths.push(PlannedPath {
            op: *op,
            path: last_change
                .filter(|_| conflict.is_none())
                .map_or_else(|| change.path.clone(), |entry| entry.path.clone()),
            to: last_change.and_then(|entry| entry.path2.clone()),
            does,
            conflict: conflict.clone(),
            bytes,
        });
        if let Some(conflict) = conflict {
            plan.conflicts.push((plan.conflicts.len(), conflict));
        }
        for planned in changes {
            self.vision.plan(&planned.entry, NewObject::InSlot)?;
            plan.entries.push(planned);
        }
        Ok(())
    }

    /// The later operation, still in force, that changed the path or a folder that holds it.
    fn later(&self, last: UnitId, path: &RawRel, op: &OpId) -> Result<Option<ConflictReason>> {
        let mut paths = vec![path.clone()];
        while let Some(parent) = paths.last().and_then(RawRel::parent) {
            if parent.is_root() {
                break;
            }
            paths.push(parent);
        }
        self.first_in_force(journal::touched_since(self.conn, last, &paths)?, op)
    }

    /// The later operation, still in force, that changed something inside a folder: moved away, it
    /// would find its paths no more. A redo is stopped by no newer operation.
    fn later_below(
        &self,
        last: UnitId,
        folder: &RawRel,
        op: &OpId,
    ) -> Result<Option<ConflictReason>> {
        if self.direction == Direction::Redo {
            return Ok(None);
        }
        let units = journal::touched_below_since(self.conn, last, folder)?;
        self.first_in_force(units, op)
    }

    fn first_in_force(&self, units: Vec<UnitId>, op: &OpId) -> Result<Option<ConflictReason>> {
        for unit in units {
            let mut ops = journal::targets(self.conn, unit)?;
            if ops.is_empty() {
                let row = journal::unit_rows(
                    self.conn,
                    "WHERE u.id=?1",
                    vec![rusqlite::types::Value::Integer(unit.0)],
                )?;
                ops.extend(row.first().map(|row| row.op));
            }
            for by in ops {
                if by == *op || self.done.contains(&by) {
                    continue;
                }
                if let Some(row) = journal::unit_of(self.conn, &by)?
                    && select::in_force(self.conn, row.id)?.is_some()
                {
                    return Ok(Some(ConflictReason::ChangedLater { by }));
                }
            }
        }
        Ok(None)
    }

    fn or_later(
        &self,
        last: UnitId,
        path: &RawRel,
        op: &OpId,
        else_reason: ConflictReason,
    ) -> Result<ConflictReason> {
        Ok(self.later(last, path, op)?.unwrap_or(else_reason))
    }

    /// Whether what is at `path` is what the journal last recorded of it.
    fn untouched(
        &self,
        op: &OpId,
        last: UnitId,
        path: &RawRel,
        recorded: &State,
        seen: &State,
    ) -> Result<Option<ConflictReason>> {
        let reason = match recorded.difference(seen) {
            None => return Ok(None),
            Some(Difference::Kind) => ConflictReason::KindChanged,
            Some(Difference::Object) => ConflictReason::Replaced,
            Some(Difference::Content) => ConflictReason::Edited,
            Some(Difference::Metadata) => ConflictReason::MetadataChanged,
            Some(Difference::ChangeTime) => {
                let place = Place::workspace(path);
                // Objects that this plan brings here were compared where they lie now.
                if self.vision.moves(&place) {
                    return Ok(None);
                }
                if seen.kind != Kind::File {
                    return Ok(None);
                }
                // An edit that kept size and mtime left no other trace: where it is known what
                // the content was, and cheap to read, that decides. Else it must have been one of
                // our own moves.
                let now = self.vision.now(&place, self.vision.len());
                let content = match (recorded.digest, now) {
                    (Some(digest), Now::Here(place)) if seen.size <= READ_UP_TO => {
                        match content_digest(self.disk(), &place) {
                            Ok(now) => Some(now == digest),
                            Err(error) if is_denied(&error) => None,
                            Err(error) => return Err(error),
                        }
                    }
                    _ => None,
                };
                let same = match content {
                    Some(same) => same,
                    None => journal::knows_moment(self.conn, seen)?,
                };
                if same {
                    return Ok(None);
                }
                ConflictReason::Edited
            }
        };
        self.or_later(last, path, op, reason).map(Some)
    }

    /// The kept object of a change, as it lies in its slot.
    fn kept(&self, change: &Entry) -> Result<Option<State>> {
        let (Some(slot), Some(kept)) = (change.slot, &change.kept) else {
            return Ok(None);
        };
        let depth = if kept.tree.is_some() {
            Depth::Tree
        } else {
            Depth::Object
        };
        let seen = self.vision.look(self.disk(), &slot.place(), depth)?;
        Ok(seen.filter(|seen| kept.unedited(seen)).map(|mut seen| {
            seen.digest = kept.digest;
            seen
        }))
    }

    fn has_folder(&self, path: &RawRel) -> Result<bool> {
        let parent = path.parent().unwrap_or_else(RawRel::root);
        let place = Place::workspace(&parent);
        match self.vision.now(&place, self.vision.len()) {
            Now::Made => Ok(true),
            Now::Nothing => Ok(false),
            Now::Here(place) => Ok(self
                .disk()
                .stat(&place)?
                .is_some_and(|stat| stat.kind == Kind::Dir)),
        }
    }

    /// Whether something is left in a folder once the changes planned so far are made.
    fn holds_others(&self, path: &RawRel) -> Result<bool> {
        let virtual_place = Place::workspace(path);
        let Now::Here(place) = self.vision.now(&virtual_place, self.vision.len()) else {
            return Ok(false);
        };
        for child in self.disk().list(&place)? {
            let child = Place {
                side: place.side,
                path: place.path.join(&child.name)?,
            };
            let then = self.vision.then(&child, 0);
            if then.side == virtual_place.side && then.path.starts_with(path) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
