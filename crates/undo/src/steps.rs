//! What each action does to its places, step by step, and how far along the disk shows it to be.

use aifirst_sandbox::{Kind, RawRel};

use crate::disk::Place;
use crate::error::{Error, ErrorKind, Result};
use crate::state::State;
use crate::store::Slot;

/// One kind of change, as the journal names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// A new object where nothing was.
    Create,
    /// One object in place of another, which is kept.
    Replace,
    /// An object that is no folder, or an empty folder, is kept aside.
    Delete,
    /// A folder is kept aside with all that is in it.
    DeleteTree,
    /// A new folder.
    MakeDir,
    /// Another name.
    Rename,
    /// Another name, at which something was; that is kept.
    RenameOver,
    /// The inverse of `RenameOver`.
    UnRenameOver,
}

/// A place of an action: the first path, the second, or the slot in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spot {
    /// The change's path.
    P,
    /// The change's second path.
    Q,
    /// The slot in the store.
    S,
}

/// Every spot, in the order of a vector.
pub(crate) const SPOTS: [Spot; 3] = [Spot::P, Spot::Q, Spot::S];

/// An object that an action moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thing {
    /// What comes to the path.
    New,
    /// What was at the path.
    Old,
    /// What was at the second path.
    Over,
    /// The folder that the action makes.
    Folder,
}

/// One idempotent call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Rename without replacing.
    Move(Spot, Spot),
    /// Exchange.
    Swap(Spot, Spot),
    /// Make the folder.
    MakeDir,
}

/// Who is where: at P, Q and S.
pub(crate) type Vector = [Option<Thing>; 3];

impl Spot {
    fn index(self) -> usize {
        match self {
            Self::P => 0,
            Self::Q => 1,
            Self::S => 2,
        }
    }
}

impl Action {
    /// The stable name, in snake case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::DeleteTree => "delete_tree",
            Self::MakeDir => "make_dir",
            Self::Rename => "rename",
            Self::RenameOver => "rename_over",
            Self::UnRenameOver => "un_rename_over",
        }
    }

    pub(crate) fn steps(self) -> &'static [Step] {
        use Spot::{P, Q, S};
        match self {
            Self::Create => &[Step::Move(S, P)],
            Self::Replace => &[Step::Swap(P, S)],
            Self::Delete | Self::DeleteTree => &[Step::Move(P, S)],
            Self::MakeDir => &[Step::MakeDir],
            Self::Rename => &[Step::Move(P, Q)],
            Self::RenameOver => &[Step::Swap(P, Q), Step::Move(P, S)],
            Self::UnRenameOver => &[Step::Move(S, P), Step::Swap(P, Q)],
        }
    }

    fn start(self) -> Vector {
        use Thing::{New, Old, Over};
        match self {
            Self::Create => [None, None, Some(New)],
            Self::Replace => [Some(Old), None, Some(New)],
            Self::Delete | Self::DeleteTree | Self::Rename => [Some(Old), None, None],
            Self::MakeDir => [None, None, None],
            Self::RenameOver => [Some(Old), Some(Over), None],
            Self::UnRenameOver => [None, Some(Old), Some(Over)],
        }
    }

    /// Who is where before the first step and after each.
    pub(crate) fn vectors(self) -> Vec<Vector> {
        let mut all = vec![self.start()];
        let mut now = self.start();
        for step in self.steps() {
            match *step {
                Step::Move(from, to) => {
                    let moved = get(&now, from);
                    set(&mut now, from, None);
                    set(&mut now, to, moved);
                }
                Step::Swap(a, b) => {
                    let (at_a, at_b) = (get(&now, a), get(&now, b));
                    set(&mut now, a, at_b);
                    set(&mut now, b, at_a);
                }
                Step::MakeDir => set(&mut now, Spot::P, Some(Thing::Folder)),
            }
            all.push(now);
        }
        all
    }

    /// Whether what the action moves counts as the same however it was edited meanwhile: a move
    /// carries edits along and destroys none.
    fn carries_edits(self) -> bool {
        matches!(self, Self::Rename | Self::RenameOver | Self::UnRenameOver)
    }
}

pub(crate) fn get(vector: &Vector, spot: Spot) -> Option<Thing> {
    vector.get(spot.index()).copied().flatten()
}

fn set(vector: &mut Vector, spot: Spot, thing: Option<Thing>) {
    if let Some(place) = vector.get_mut(spot.index()) {
        *place = thing;
    }
}

/// The mode of a planned folder that takes whatever the process's mask gives.
pub(crate) const ANY_MODE: u32 = u32::MAX;

/// How one recorded change stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangeStatus {
    /// Planned; nothing is known of its outcome.
    Planned,
    /// In force when its unit settled.
    Applied,
    /// Never applied.
    NotApplied,
    /// Left alone: somebody else's object was there.
    Conflict,
    /// Applied, then taken back.
    TakenBack,
}

/// One change with everything that is known of it: a row of the journal.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) action: Action,
    pub(crate) path: RawRel,
    pub(crate) path2: Option<RawRel>,
    pub(crate) slot: Option<Slot>,
    pub(crate) before: Option<State>,
    pub(crate) before2: Option<State>,
    pub(crate) planned: Option<State>,
    pub(crate) planned2: Option<State>,
    pub(crate) after: Option<State>,
    pub(crate) after2: Option<State>,
    pub(crate) kept: Option<State>,
    pub(crate) status: ChangeStatus,
    pub(crate) note: Option<String>,
}

/// What was seen at P, Q and S.
pub(crate) type Seen = [Option<State>; 3];

/// How far along the disk shows a change to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// Exactly after this many steps.
    At(usize),
    /// Somebody changed the path before our first step, or nothing tells otherwise.
    ForeignBefore,
    /// Somebody changed the path after our last step; what it displaced is in its slot.
    ForeignAfter,
    /// Our step displaced an object that nobody planned: it is in the slot.
    Stranger,
    /// An object that only we hold is not where it must be.
    Damaged,
}

impl Entry {
    pub(crate) fn new(action: Action, path: RawRel) -> Self {
        Self {
            action,
            path,
            path2: None,
            slot: None,
            before: None,
            before2: None,
            planned: None,
            planned2: None,
            after: None,
            after2: None,
            kept: None,
            status: ChangeStatus::Planned,
            note: None,
        }
    }

    /// Where a spot is; `None` for one that the change does not have.
    pub(crate) fn place(&self, spot: Spot) -> Option<Place> {
        match spot {
            Spot::P => Some(Place::workspace(&self.path)),
            Spot::Q => self.path2.as_ref().map(Place::workspace),
            Spot::S => self.slot.map(Slot::place),
        }
    }

    /// The place of a spot that a step of this action names.
    pub(crate) fn need(&self, spot: Spot) -> Result<Place> {
        self.place(spot).ok_or_else(|| {
            Error::new(ErrorKind::StoreDamaged, "cannot follow the journal at")
                .at(&self.path)
                .detail("a row lacks a place that its action needs")
        })
    }

    /// The recorded state of one of the objects.
    pub(crate) fn state_of(&self, thing: Thing) -> Option<&State> {
        match (self.action, thing) {
            (_, Thing::New | Thing::Folder) => self.planned.as_ref(),
            (Action::UnRenameOver, Thing::Old) => self.before2.as_ref(),
            (Action::UnRenameOver, Thing::Over) => self.planned2.as_ref(),
            (_, Thing::Old) => self.before.as_ref(),
            (_, Thing::Over) => self.before2.as_ref(),
        }
    }

    /// Takes what was seen as the recorded state of one of the objects.
    pub(crate) fn bind(&mut self, thing: Thing, seen: &State) {
        let seen = Some(seen.clone());
        match (self.action, thing) {
            (_, Thing::New | Thing::Folder) => self.planned = seen,
            (Action::UnRenameOver, Thing::Old) => {
                self.planned.clone_from(&seen);
                self.before2 = seen;
            }
            (Action::UnRenameOver, Thing::Over) => self.planned2 = seen,
            (Action::Rename | Action::RenameOver, Thing::Old) => {
                self.planned2.clone_from(&seen);
                self.before = seen;
            }
            (_, Thing::Old) => self.before = seen,
            (_, Thing::Over) => self.before2 = seen,
        }
    }

    fn is(&self, thing: Thing, spot: Spot, seen: &State) -> bool {
        let Some(state) = self.state_of(thing) else {
            return false;
        };
        if thing == Thing::Folder {
            // It has no identity before it is made; `btime` of the plan is its parent's ctime then.
            return seen.kind == Kind::Dir
                && match (state.btime, seen.btime) {
                    (Some(since), Some(born)) => (born.sec, born.nsec) >= (since.sec, since.nsec),
                    _ => true,
                };
        }
        if spot == Spot::S || self.action.carries_edits() {
            state.same_object(seen)
        } else {
            state.unedited(seen)
        }
    }

    fn fits(&self, vector: &Vector, seen: &Seen) -> bool {
        SPOTS.iter().zip(seen).all(|(&spot, seen)| {
            match (get(vector, spot), seen) {
                (None, None) => true,
                (Some(thing), Some(state)) => self.is(thing, spot, state),
                // A spot that the change does not have shows nothing.
                _ => false,
            }
        })
    }

    /// Reads from what is seen how far along the change is.
    pub(crate) fn classify(&self, seen: &Seen) -> Found {
        let vectors = self.action.vectors();
        if let Some(n) = vectors.iter().position(|vector| self.fits(vector, seen)) {
            return Found::At(n);
        }
        let [at_p, _, at_s] = seen;
        let last = vectors.last().copied().unwrap_or_default();
        let in_slot = |thing: Option<Thing>| match (thing, at_s) {
            (Some(thing), Some(state)) => self.is(thing, Spot::S, state),
            _ => false,
        };
        let (slot_first, slot_last) = (get(&self.action.start(), Spot::S), get(&last, Spot::S));
        let path_is = |thing: Option<Thing>| match (thing, at_p) {
            (Some(thing), Some(state)) => self.is(thing, Spot::P, state),
            (None, None) => true,
            _ => false,
        };
        match self.action {
            // An unnamed inode dies with its process: nothing anywhere is "not applied".
            Action::Create if at_s.is_none() => {
                if at_p.is_none() {
                    Found::At(0)
                } else {
                    Found::ForeignBefore
                }
            }
            // Taken back before, it lies in its slot.
            Action::MakeDir if at_p.is_none() => Found::At(0),
            Action::Replace => {
                if in_slot(slot_last) {
                    Found::ForeignAfter
                } else if in_slot(slot_first) {
                    Found::ForeignBefore
                } else if path_is(Some(Thing::Old)) {
                    // The staged object is gone, and nothing was displaced yet.
                    Found::At(0)
                } else if path_is(Some(Thing::New)) && at_s.is_some() {
                    Found::Stranger
                } else if at_s.is_none() {
                    Found::Damaged
                } else {
                    Found::ForeignBefore
                }
            }
            Action::Delete | Action::DeleteTree if in_slot(slot_last) => Found::ForeignAfter,
            Action::Delete | Action::DeleteTree if at_p.is_none() && at_s.is_some() => {
                Found::Stranger
            }
            Action::UnRenameOver if at_s.is_none() && at_p.is_none() => Found::Damaged,
            _ => Found::ForeignBefore,
        }
    }

    /// Every path of the workspace that the change names.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &RawRel> {
        std::iter::once(&self.path).chain(self.path2.as_ref())
    }
}

/// One change as callers see it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ChangeView<'a> {
    /// What is done.
    pub action: Action,
    /// The path.
    pub path: &'a RawRel,
    /// The second path, of moves.
    pub path2: Option<&'a RawRel>,
    /// What is at the path before; `None`: nothing.
    pub before: Option<&'a State>,
    /// What shall be at the path; `None`: nothing.
    pub planned: Option<&'a State>,
    /// What is at the path afterwards; `None`: nothing, or not known yet.
    pub after: Option<&'a State>,
    /// What is at the second path before; `None`: nothing.
    pub before2: Option<&'a State>,
    /// What shall be at the second path; `None`: nothing.
    pub planned2: Option<&'a State>,
    /// What is at the second path afterwards; `None`: nothing, or not known yet.
    pub after2: Option<&'a State>,
    /// How the change stands.
    pub status: ChangeStatus,
    /// Why it stands so, where that needs saying.
    pub note: Option<&'a str>,
}

impl<'a> From<&'a Entry> for ChangeView<'a> {
    fn from(e: &'a Entry) -> Self {
        Self {
            action: e.action,
            path: &e.path,
            path2: e.path2.as_ref(),
            before: e.before.as_ref(),
            planned: e.planned.as_ref(),
            after: e.after.as_ref(),
            before2: e.before2.as_ref(),
            planned2: e.planned2.as_ref(),
            after2: e.after2.as_ref(),
            status: e.status,
            note: e.note.as_deref(),
        }
    }
}
