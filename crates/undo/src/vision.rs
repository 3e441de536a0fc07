//! Where an object lies now that will be at a place after some moves, and the other way round.

use aifirst_sandbox::RawRel;

use crate::disk::{Depth, Disk, Place, look};
use crate::error::Result;
use crate::state::State;
use crate::steps::{Entry, Step};

/// One move of a planned sequence.
#[derive(Debug, Clone)]
enum Motion {
    Move(Place, Place),
    Swap(Place, Place),
    Made(Place),
}

/// Where an object lies at present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Now {
    /// Here.
    Here(Place),
    /// Nowhere: the place is empty then.
    Nothing,
    /// Nowhere yet: one of the moves makes it.
    Made,
}

/// A sequence of moves that is not carried out yet, and what the disk looks like after them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Vision {
    motions: Vec<Motion>,
}

/// The path `path`, which lies at or beneath `from`, when `from` is at `to` instead.
fn rebase(path: &RawRel, from: &RawRel, to: &RawRel) -> Option<RawRel> {
    if !path.starts_with(from) {
        return None;
    }
    let skip = from.components().count();
    let mut rebased = to.clone();
    for name in path.components().skip(skip) {
        rebased = rebased.join(name).ok()?;
    }
    Some(rebased)
}

fn shift(place: &Place, from: &Place, to: &Place) -> Option<Place> {
    if place.side != from.side {
        return None;
    }
    Some(Place {
        side: to.side,
        path: rebase(&place.path, &from.path, &to.path)?,
    })
}

impl Vision {
    /// How many moves are planned so far.
    pub(crate) fn len(&self) -> usize {
        self.motions.len()
    }

    /// Plans the steps of a change; `unnamed` says that the new object has no name yet.
    pub(crate) fn plan(&mut self, entry: &Entry, new: NewObject) -> Result<()> {
        for step in entry.action.steps() {
            let motion = match *step {
                Step::Move(from, to) if new == NewObject::Unnamed => {
                    let _ = from;
                    Motion::Made(entry.need(to)?)
                }
                Step::Move(from, to) => Motion::Move(entry.need(from)?, entry.need(to)?),
                Step::Swap(a, b) => Motion::Swap(entry.need(a)?, entry.need(b)?),
                Step::MakeDir => Motion::Made(Place::workspace(&entry.path)),
            };
            self.motions.push(motion);
        }
        Ok(())
    }

    /// Where what is at `place` after the first `upto` moves lies before them.
    pub(crate) fn now(&self, place: &Place, upto: usize) -> Now {
        self.earlier(place, 0, upto)
    }

    /// Where what is at `place` after the first `upto` moves lies after the first `done` of them.
    pub(crate) fn earlier(&self, place: &Place, done: usize, upto: usize) -> Now {
        let mut place = place.clone();
        for motion in self.motions.iter().take(upto).skip(done).rev() {
            match motion {
                Motion::Move(from, to) => {
                    if let Some(earlier) = shift(&place, to, from) {
                        place = earlier;
                    } else if shift(&place, from, to).is_some() {
                        return Now::Nothing;
                    }
                }
                Motion::Swap(a, b) => {
                    if let Some(earlier) = shift(&place, a, b).or_else(|| shift(&place, b, a)) {
                        place = earlier;
                    }
                }
                Motion::Made(made) => {
                    if *made == place {
                        return Now::Made;
                    }
                    if shift(&place, made, made).is_some() {
                        return Now::Nothing;
                    }
                }
            }
        }
        Now::Here(place)
    }

    /// Where what is at `place` after the first `from` moves lies after all of them.
    pub(crate) fn then(&self, place: &Place, from: usize) -> Place {
        self.later(place, from, self.len())
    }

    /// Where what is at `place` after the first `from` moves lies after the first `upto`.
    pub(crate) fn later(&self, place: &Place, from: usize, upto: usize) -> Place {
        let mut place = place.clone();
        for motion in self.motions.iter().take(upto).skip(from) {
            let later = match motion {
                Motion::Move(from, to) => shift(&place, from, to),
                Motion::Swap(a, b) => shift(&place, a, b).or_else(|| shift(&place, b, a)),
                Motion::Made(_) => None,
            };
            if let Some(later) = later {
                place = later;
            }
        }
        place
    }

    /// Whether one of the moves begins or ends below `place`, so that what lies there now is not
    /// what will lie there.
    pub(crate) fn disturbs(&self, place: &Place) -> bool {
        let below = |end: &Place| shift(end, place, place).is_some() && end != place;
        let now = self.now(place, self.len());
        self.motions.iter().any(|motion| {
            let (a, b) = match motion {
                Motion::Move(a, b) | Motion::Swap(a, b) => (a, b),
                Motion::Made(made) => (made, made),
            };
            [a, b].into_iter().any(|end| {
                below(end)
                    || matches!(&now, Now::Here(now)
                        if shift(end, now, now).is_some() && end != now)
            })
        })
    }

    /// Whether one of the moves concerns what will be at `place`.
    pub(crate) fn moves(&self, place: &Place) -> bool {
        self.now(place, self.len()) != Now::Here(place.clone())
    }

    /// Looks at what will be at `place` after all moves planned so far.
    pub(crate) fn look(
        &self,
        disk: &dyn Disk,
        place: &Place,
        depth: Depth,
    ) -> Result<Option<State>> {
        match self.now(place, self.len()) {
            Now::Here(place) => look(disk, &place, depth),
            Now::Nothing | Now::Made => Ok(None),
        }
    }
}

/// Whether the new object of a change lies in its slot or has no name yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NewObject {
    /// In its slot, or there is none.
    InSlot,
    /// An unnamed inode of the target's folder.
    Unnamed,
}
