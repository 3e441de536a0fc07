//! The inverse of each kind of change, and what may be done where it is in conflict.

use aifirst_sandbox::{Kind, RawRel};

use super::{Does, Inverse, Planned, Planner};
use crate::conflict::ConflictReason;
use crate::disk::Depth;
use crate::error::Result;
use crate::journal::{OpId, UnitId};
use crate::state::State;
use crate::steps::{Action, Entry};

impl Planner<'_> {
    /// A free name beside `path`: `<name>.undo-<first six characters of the id>`.
    fn beside(&self, path: &RawRel, op: &OpId) -> Result<Option<RawRel>> {
        let Some(name) = path.name() else {
            return Ok(None);
        };
        let parent = path.parent().unwrap_or_else(RawRel::root);
        for n in 1..100 {
            let suffix = if n == 1 {
                format!(".undo-{}", short(op))
            } else {
                format!(".undo-{}-{n}", short(op))
            };
            let room = aifirst_sandbox::MAX_NAME.saturating_sub(suffix.len());
            let mut beside = name.get(..name.len().min(room)).unwrap_or(name).to_vec();
            beside.extend_from_slice(suffix.as_bytes());
            let Ok(beside) = parent.join(&beside) else {
                return Ok(None);
            };
            if self.look(&beside, Depth::Object)?.is_none() {
                return Ok(Some(beside));
            }
        }
        Ok(None)
    }

    /// The inverse of one applied change, or its conflict.
    pub(super) fn inverse(&self, op: &OpId, last: UnitId, change: &Entry) -> Result<Inverse> {
        match change.action {
            Action::Create | Action::MakeDir => self.un_create(op, last, change),
            Action::Replace => self.un_replace(op, last, change),
            Action::Delete | Action::DeleteTree => self.un_delete(op, last, change),
            Action::Rename => self.un_rename(op, last, change),
            Action::RenameOver => self.un_rename_over(op, last, change),
            Action::UnRenameOver => self.re_rename_over(op, last, change),
        }
    }

    fn un_create(&self, op: &OpId, last: UnitId, change: &Entry) -> Result<Inverse> {
        let path = &change.path;
        let Some(mut seen) = self.look_as(path, change.after.as_ref())? else {
            return Ok(match self.later(last, path, op)? {
                Some(reason) => Inverse::Conflict {
                    reason,
                    restore: None,
                    beside: None,
                },
                None => Inverse::Nothing,
            });
        };
        let Some(after) = &change.after else {
            return Ok(Inverse::Nothing);
        };
        let remove = |action: Action, before: State| {
            let mut entry = Entry::new(action, path.clone());
            entry.slot = change.slot;
            entry.before = Some(before);
            vec![Planned {
                entry,
                stand_in: change.slot.is_none(),
            }]
        };
        let whole = |seen: &State| -> Result<Vec<Planned>> {
            if seen.kind != Kind::Dir {
                return Ok(remove(Action::Delete, seen.clone()));
            }
            let seen = self.look(path, Depth::Tree)?;
            Ok(seen.map_or_else(Vec::new, |seen| remove(Action::DeleteTree, seen)))
        };
        if let Some(reason) = self.untouched(op, last, path, after, &seen)? {
            return Ok(Inverse::Conflict {
                reason,
                restore: Some(whole(&seen)?),
                beside: None,
            });
        }
        if seen.kind == Kind::Dir && after.tree.is_none() && self.holds_others(path)? {
            return Ok(Inverse::Conflict {
                reason: self.or_later(last, path, op, ConflictReason::NotEmpty)?,
                restore: Some(whole(&seen)?),
                beside: None,
            });
        }
        seen.digest = after.digest;
        let action = if after.tree.is_some() {
            Action::DeleteTree
        } else {
            Action::Delete
        };
        Ok(Inverse::Changes(remove(action, seen), Does::Remove))
    }

    /// Brings the kept object to `path`, at which `there` is now.
    fn put(change: &Entry, path: &RawRel, kept: &State, there: Option<State>) -> Vec<Planned> {
        let action = if there.is_some() {
            Action::Replace
        } else {
            Action::Create
        };
        let mut entry = Entry::new(action, path.clone());
        entry.slot = change.slot;
        entry.before = there;
        entry.planned = Some(kept.clone());
        vec![Planned {
            entry,
            stand_in: false,
        }]
    }

    fn un_replace(&self, op: &OpId, last: UnitId, change: &Entry) -> Result<Inverse> {
        let path = &change.path;
        let Some(kept) = self.kept(change)? else {
            return Ok(damaged());
        };
        let seen = self.look(path, Depth::Object)?;
        let reason = match (&change.after, &seen) {
            (Some(after), Some(seen)) => self.untouched(op, last, path, after, seen)?,
            _ => Some(self.or_later(last, path, op, ConflictReason::Deleted)?),
        };
        let Some(reason) = reason else {
            let mut seen = seen;
            if let (Some(seen), Some(after)) = (&mut seen, &change.after) {
                seen.digest = after.digest;
            }
            return Ok(Inverse::Changes(
                Self::put(change, path, &kept, seen),
                Does::Restore,
            ));
        };
        self.put_conflict(op, change, &kept, seen, reason)
    }

    fn un_delete(&self, op: &OpId, last: UnitId, change: &Entry) -> Result<Inverse> {
        let path = &change.path;
        let Some(kept) = self.kept(change)? else {
            return Ok(damaged());
        };
        let seen = self.look(path, Depth::Object)?;
        if seen.is_some() {
            let reason = self.or_later(last, path, op, ConflictReason::Created)?;
            return self.put_conflict(op, change, &kept, seen, reason);
        }
        if !self.has_folder(path)? {
            return Ok(Inverse::Conflict {
                reason: self.or_later(last, path, op, ConflictReason::Deleted)?,
                restore: None,
                beside: None,
            });
        }
        Ok(Inverse::Changes(
            Self::put(change, path, &kept, None),
            Does::Restore,
        ))
    }

    fn put_conflict(
        &self,
        op: &OpId,
        change: &Entry,
        kept: &State,
        seen: Option<State>,
        reason: ConflictReason,
    ) -> Result<Inverse> {
        let path = &change.path;
        if !self.has_folder(path)? {
            return Ok(Inverse::Conflict {
                reason,
                restore: None,
                beside: None,
            });
        }
        let beside = self.beside(path, op)?.map(|beside| {
            let changes = Self::put(change, &beside, kept, None);
            (changes, beside)
        });
        Ok(Inverse::Conflict {
            reason,
            restore: Some(Self::put(change, path, kept, self.whole(path, seen)?)),
            beside,
        })
    }

    /// The state of what will be displaced; of a folder with its tree.
    fn whole(&self, path: &RawRel, seen: Option<State>) -> Result<Option<State>> {
        match seen {
            Some(state) if state.kind == Kind::Dir => self.look(path, Depth::Tree),
            other => Ok(other),
        }
    }

    /// Moves what is at a path aside, so that another object can come there.
    fn aside(&self, path: &RawRel) -> Result<Vec<Planned>> {
        let Some(there) = self.look(path, Depth::Tree)? else {
            return Ok(Vec::new());
        };
        let action = if there.kind == Kind::Dir {
            Action::DeleteTree
        } else {
            Action::Delete
        };
        let mut entry = Entry::new(action, path.clone());
        entry.slot = Some(self.engine.stand_in()?);
        entry.before = Some(there);
        Ok(vec![Planned {
            entry,
            stand_in: true,
        }])
    }

    /// Whether the object that a move brought to `path` is still there, edited or not.
    fn moved_object(
        &self,
        op: &OpId,
        last: UnitId,
        path: &RawRel,
        recorded: Option<&State>,
    ) -> Result<std::result::Result<State, ConflictReason>> {
        let seen = self.look(path, Depth::Object)?;
        let reason = match (seen, recorded) {
            (Some(seen), Some(recorded)) if recorded.same_object(&seen) => return Ok(Ok(seen)),
            (Some(seen), Some(recorded)) if recorded.kind != seen.kind => {
                ConflictReason::KindChanged
            }
            (Some(_), _) => ConflictReason::Replaced,
            (None, _) => ConflictReason::Moved,
        };
        Ok(Err(self.or_later(last, path, op, reason)?))
    }

    fn un_rename(&self, op: &OpId, last: UnitId, change: &Entry) -> Result<Inverse> {
        let (from, Some(to)) = (&change.path, &change.path2) else {
            return Ok(damaged());
        };
        let object = match self.moved_object(op, last, to, change.after2.as_ref())? {
            Ok(object) => object,
            Err(reason) => return Ok(stays(reason)),
        };
        let rename = |target: &RawRel| {
            let mut entry = Entry::new(Action::Rename, to.clone());
            entry.path2 = Some(target.clone());
            entry.before = Some(object.clone());
            entry.planned2 = Some(object.clone());
            Planned {
                entry,
                stand_in: false,
            }
        };
        if !self.has_folder(from)? {
            return Ok(stays(self.or_later(
                last,
                from,
                op,
                ConflictReason::Deleted,
            )?));
        }
        if self.look(from, Depth::Object)?.is_some() {
            let mut restore = self.aside(from)?;
            restore.push(rename(from));
            return Ok(Inverse::Conflict {
                reason: self.or_later(last, from, op, ConflictReason::Created)?,
                restore: Some(restore),
                beside: self
                    .beside(from, op)?
                    .map(|beside| (vec![rename(&beside)], beside)),
            });
        }
        if object.kind == Kind::Dir
            && let Some(reason) = self.later_below(last, to, op)?
        {
            return Ok(Inverse::Conflict {
                reason,
                restore: Some(vec![rename(from)]),
                beside: None,
            });
        }
        Ok(Inverse::Changes(vec![rename(from)], Does::MoveBack))
    }

    fn un_rename_over(&self, op: &OpId, last: UnitId, change: &Entry) -> Result<Inverse> {
        let (from, Some(to)) = (&change.path, &change.path2) else {
            return Ok(damaged());
        };
        let object = match self.moved_object(op, last, to, change.after2.as_ref())? {
            Ok(object) => object,
            Err(reason) => return Ok(stays(reason)),
        };
        let Some(kept) = self.kept(change)? else {
            return Ok(damaged());
        };
        if !self.has_folder(from)? {
            return Ok(stays(self.or_later(
                last,
                from,
                op,
                ConflictReason::Deleted,
            )?));
        }
        let folder = object.kind == Kind::Dir;
        let mut entry = Entry::new(Action::UnRenameOver, from.clone());
        entry.path2 = Some(to.clone());
        entry.slot = change.slot;
        entry.before2 = Some(object.clone());
        entry.planned = Some(object);
        entry.planned2 = Some(kept);
        let back = Planned {
            entry,
            stand_in: false,
        };
        if self.look(from, Depth::Object)?.is_some() {
            let mut restore = self.aside(from)?;
            restore.push(back);
            return Ok(Inverse::Conflict {
                reason: self.or_later(last, from, op, ConflictReason::Created)?,
                restore: Some(restore),
                beside: None,
            });
        }
        if folder && let Some(reason) = self.later_below(last, to, op)? {
            return Ok(Inverse::Conflict {
                reason,
                restore: Some(vec![back]),
                beside: None,
            });
        }
        Ok(Inverse::Changes(vec![back], Does::MoveBack))
    }

    fn re_rename_over(&self, op: &OpId, last: UnitId, change: &Entry) -> Result<Inverse> {
        let (from, Some(to)) = (&change.path, &change.path2) else {
            return Ok(damaged());
        };
        let object = match self.moved_object(op, last, from, change.after.as_ref())? {
            Ok(object) => object,
            Err(reason) => return Ok(stays(reason)),
        };
        let looked = self.look_as(to, change.after2.as_ref())?;
        let (Some(over), Some(recorded)) = (looked, &change.after2) else {
            return Ok(stays(self.or_later(
                last,
                to,
                op,
                ConflictReason::Deleted,
            )?));
        };
        let reason = self.untouched(op, last, to, recorded, &over)?;
        let mut entry = Entry::new(Action::RenameOver, from.clone());
        entry.path2 = Some(to.clone());
        entry.slot = change.slot;
        entry.before = Some(object.clone());
        entry.planned2 = Some(object);
        entry.before2 = if over.tree.is_some() {
            Some(over)
        } else {
            self.whole(to, Some(over))?
        };
        let again = vec![Planned {
            entry,
            stand_in: false,
        }];
        Ok(match reason {
            None => Inverse::Changes(again, Does::MoveBack),
            Some(reason) => Inverse::Conflict {
                reason,
                restore: Some(again),
                beside: None,
            },
        })
    }
}

fn damaged() -> Inverse {
    stays(ConflictReason::StoreDamaged)
}

fn stays(reason: ConflictReason) -> Inverse {
    Inverse::Conflict {
        reason,
        restore: None,
        beside: None,
    }
}

/// The first six characters of an id as people see it (Crockford base 32, lower case).
fn short(op: &OpId) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let [a, b, c, d, ..] = *op;
    let bits = u32::from_be_bytes([a, b, c, d]);
    (0..6)
        .filter_map(|n| ALPHABET.get(((bits >> (27 - 5 * n)) & 31) as usize))
        .map(|&byte| char::from(byte))
        .collect()
}
