//! Prepares every new object completely, aside and synced, before any lock is taken.

mod content;

use aifirst_sandbox::{File, Kind, Made, RawRel, Side, Stat, Sync};

use self::content::kept_xattrs;
use crate::change_set::{Change, ChangeSet, CopyFields, Source};
use crate::conflict::Conflict;
use crate::disk::{Depth, Field, Place, UNREADABLE, is_unsupported, look};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::fault;
use crate::journal::DirTime;
use crate::state::State;
use crate::steps::{ANY_MODE, Action, ChangeView, Entry, Spot};
use crate::store::Slot;
use crate::vision::{NewObject, Now, Vision};

/// Unnamed inodes hold a descriptor each until they are published; further ones wait in the store.
const UNNAMED_AT_MOST: usize = 64;

/// From this many prepared objects on, one sync of the file system is cheaper than one for each.
const SYNC_EACH_BELOW: usize = 32;

/// A tree whose youngest entry is older than this has nothing left to be written back.
const DIRTY_FOR_US: i64 = 60_000_000;

/// A change set whose new objects are prepared and synced; nothing of the workspace is changed.
///
/// Dropped without `begin`, what it prepared is removed.
#[derive(Debug)]
#[must_use = "what is staged and not begun is removed again"]
pub struct Staged {
    pub(crate) engine: Engine,
    pub(crate) entries: Vec<Entry>,
    pub(crate) made: Vec<Option<Made>>,
    /// Folder times of the unit whose inverse this is.
    pub(crate) inverse_of: Vec<DirTime>,
    pub(crate) conflicts: Vec<(usize, Conflict)>,
    /// Objects that this staging put into the store.
    pub(crate) fresh: Vec<Slot>,
}

impl Drop for Staged {
    fn drop(&mut self) {
        for slot in self.fresh.drain(..) {
            // Best effort: what stays is swept when this owner is dead.
            if self.engine.disk().discard(&slot.place().path).is_err() {
                self.engine.leaves_something();
            }
        }
    }
}

impl Staged {
    /// The changes, in order, with what was before and what shall be.
    pub fn changes(&self) -> impl Iterator<Item = ChangeView<'_>> {
        self.entries.iter().map(ChangeView::from)
    }

    /// The conflicts that a choice has settled, of an undo or redo.
    pub fn conflicts(&self) -> impl Iterator<Item = &Conflict> {
        self.conflicts.iter().map(|(_, conflict)| conflict)
    }

    pub(crate) fn new_object(&self, seq: usize) -> NewObject {
        match self.made.get(seq) {
            Some(Some(_)) => NewObject::Unnamed,
            _ => NewObject::InSlot,
        }
    }
}

fn changed(path: &RawRel, why: &'static str) -> Error {
    Error::new(ErrorKind::Changed, "cannot go on with")
        .at(path)
        .detail(why)
}

/// Whether `seen` is what the plan saw.
fn expected(path: &RawRel, seen: Option<State>, expect: &Stat) -> Result<State> {
    let seen = seen.ok_or_else(|| changed(path, "nothing is there any more"))?;
    let same = seen.kind == expect.kind
        && seen.ino == expect.identity.ino
        && seen.btime == expect.identity.btime
        && seen.mode == expect.mode
        && (seen.uid, seen.gid) == (expect.uid, expect.gid)
        && seen.ctime == expect.ctime
        && seen.mtime == expect.mtime
        && (seen.kind == Kind::Dir || seen.size == expect.size);
    if same {
        Ok(seen)
    } else {
        Err(changed(path, "it is not what the plan saw"))
    }
}

impl Engine {
    /// Prepares a change set without holding any lock.
    ///
    /// # Errors
    /// `Changed` where a path is not what the set expects; `BadChangeSet` for an empty set or one
    /// that contradicts itself; `NotReversible` for what could not be brought back; `NoSpace`;
    /// `Guard` as the guard says. What was prepared by then is removed.
    pub fn stage(&self, set: &ChangeSet) -> Result<Staged> {
        if set.is_empty() {
            return Err(Error::new(
                ErrorKind::BadChangeSet,
                "cannot begin an operation that changes nothing",
            ));
        }
        fault::point("stage.start")?;
        let mut staged = Staged {
            engine: self.clone(),
            entries: Vec::new(),
            made: Vec::new(),
            inverse_of: Vec::new(),
            conflicts: Vec::new(),
            fresh: Vec::new(),
        };
        let mut vision = Vision::default();
        let mut unsynced = Vec::new();
        let mut dirty = false;
        for change in set.changes() {
            let (entry, made) = self.prepare(change, &vision, &mut staged, &mut dirty)?;
            let new = match &made {
                Some(Prepared::Unnamed(_)) => NewObject::Unnamed,
                _ => NewObject::InSlot,
            };
            vision.plan(&entry, new)?;
            staged.entries.push(entry);
            staged.made.push(None);
            if let Some(prepared) = made {
                unsynced.push((staged.made.len() - 1, prepared));
            }
            fault::point("stage.object")?;
        }
        let all_at_once = unsynced.len() >= SYNC_EACH_BELOW;
        for (seq, prepared) in unsynced {
            let made = match prepared {
                Prepared::Unnamed(made) => {
                    if !all_at_once {
                        self.disk().sync_made(&made)?;
                    }
                    Some(made)
                }
                Prepared::InSlot(made) => {
                    if !all_at_once {
                        self.disk().sync_made(&made)?;
                    }
                    None
                }
            };
            if let Some(place) = staged.made.get_mut(seq) {
                *place = made;
            }
        }
        if all_at_once || dirty {
            self.disk().sync_all(Side::Workspace)?;
        }
        fault::point("stage.synced")?;
        Ok(staged)
    }

    fn prepare(
        &self,
        change: &Change,
        vision: &Vision,
        staged: &mut Staged,
        dirty: &mut bool,
    ) -> Result<(Entry, Option<Prepared>)> {
        match change {
            Change::Create {
                path,
                content,
                mode,
            } => self.prepare_create(path, content, *mode, vision, staged),
            Change::Replace {
                path,
                expect,
                content,
            } => self.prepare_replace(path, expect, content, vision, staged, dirty),
            Change::MakeDir { path, mode } => {
                self.nothing_at(path, vision)?;
                self.folder_above(path, vision)?;
                let mut entry = Entry::new(Action::MakeDir, path.clone());
                entry.slot = Some(self.new_slot()?);
                entry.planned = Some(planned_folder(*mode));
                Ok((entry, None))
            }
            Change::Delete { path, expect } => {
                let at = Place::workspace(path);
                let old = expected(path, vision.look(self.disk(), &at, Depth::Object)?, expect)?;
                if old.kind == Kind::Dir {
                    return Err(
                        Error::new(ErrorKind::BadChangeSet, "cannot delete as a file")
                            .at(path)
                            .detail("it is a folder"),
                    );
                }
                self.save_old(vision, &at, &old, dirty)?;
                let mut entry = Entry::new(Action::Delete, path.clone());
                entry.slot = Some(self.new_slot()?);
                entry.before = Some(old);
                Ok((entry, None))
            }
            Change::DeleteTree { path, expect } => {
                let at = Place::workspace(path);
                let old = expected(path, vision.look(self.disk(), &at, Depth::Tree)?, expect)?;
                if old.kind != Kind::Dir {
                    return Err(
                        Error::new(ErrorKind::BadChangeSet, "cannot delete as a folder")
                            .at(path)
                            .detail("it is none"),
                    );
                }
                *dirty |= self.is_young(&at, vision)?;
                let mut entry = Entry::new(Action::DeleteTree, path.clone());
                entry.slot = Some(self.new_slot()?);
                entry.before = Some(old);
                Ok((entry, None))
            }
            Change::Rename { from, expect, to } => {
                let at = Place::workspace(from);
                let old = expected(from, vision.look(self.disk(), &at, Depth::Object)?, expect)?;
                self.nothing_at(to, vision)?;
                self.folder_above(to, vision)?;
                let mut entry = Entry::new(Action::Rename, from.clone());
                entry.path2 = Some(to.clone());
                entry.planned2 = Some(old.clone());
                entry.before = Some(old);
                Ok((entry, None))
            }
            Change::RenameOver {
                from,
                expect,
                to,
                over,
            } => {
                let at = Place::workspace(from);
                let at2 = Place::workspace(to);
                let old = expected(from, vision.look(self.disk(), &at, Depth::Object)?, expect)?;
                let depth = Depth::Tree;
                let target = expected(to, vision.look(self.disk(), &at2, depth)?, over)?;
                if old.same_object(&target) {
                    return Err(
                        Error::new(ErrorKind::BadChangeSet, "cannot rename over itself")
                            .at(from)
                            .detail("both names are one object"),
                    );
                }
                if target.kind == Kind::Dir {
                    *dirty |= self.is_young(&at2, vision)?;
                } else {
                    self.save_old(vision, &at2, &target, dirty)?;
                }
                let mut entry = Entry::new(Action::RenameOver, from.clone());
                entry.path2 = Some(to.clone());
                entry.slot = Some(self.new_slot()?);
                entry.planned2 = Some(old.clone());
                entry.before = Some(old);
                entry.before2 = Some(target);
                Ok((entry, None))
            }
        }
    }

    fn nothing_at(&self, path: &RawRel, vision: &Vision) -> Result<()> {
        let at = Place::workspace(path);
        match vision.now(&at, vision.len()) {
            Now::Nothing => Ok(()),
            Now::Here(at) if self.disk().stat(&at)?.is_none() => Ok(()),
            Now::Here(_) | Now::Made => Err(changed(path, "something is there")),
        }
    }

    /// Where the folder that will hold `path` is at present; `None`: the set makes it.
    fn folder_above(&self, path: &RawRel, vision: &Vision) -> Result<Option<Place>> {
        let parent = path.parent().unwrap_or_else(RawRel::root);
        let at = Place::workspace(&parent);
        match vision.now(&at, vision.len()) {
            Now::Made => Ok(None),
            Now::Nothing => Err(changed(path, "its folder is not there")),
            Now::Here(at) => match self.disk().stat(&at)? {
                Some(stat) if stat.kind == Kind::Dir => Ok(Some(at)),
                Some(_) => Err(changed(path, "what should be its folder is none")),
                None => Err(changed(path, "its folder is not there")),
            },
        }
    }

    fn prepare_create(
        &self,
        path: &RawRel,
        content: &Source,
        mode: Option<u32>,
        vision: &Vision,
        staged: &mut Staged,
    ) -> Result<(Entry, Option<Prepared>)> {
        self.nothing_at(path, vision)?;
        let folder = self.folder_above(path, vision)?;
        let copied = match content {
            Source::File {
                file,
                fields: CopyFields::From(from),
            } => Some(self.fields_of(from, file, vision)?),
            _ => None,
        };
        let mode = mode.or(copied.as_ref().map(|state| state.mode));
        // Unrestricted only where the mask shall decide.
        let make_mode = if mode.is_some() { 0o600 } else { 0o666 };
        let slot = self.new_slot()?;
        let held = staged.made.iter().flatten().count();
        let unnamed = match folder {
            Some(dir) if held < UNNAMED_AT_MOST => {
                match self.disk().make_unnamed(&dir, make_mode) {
                    Ok(made) => Some(made),
                    Err(error) if is_unsupported(&error) => None,
                    Err(error) => return Err(error.at(path)),
                }
            }
            _ => None,
        };
        let is_unnamed = unnamed.is_some();
        let made = match unnamed {
            Some(made) => made,
            None => {
                let made = self.disk().make_file(&slot.place(), make_mode)?;
                staged.fresh.push(slot);
                made
            }
        };
        let digest = self.fill(&made, content, None).map_err(|e| e.at(path))?;
        if let Some(copied) = &copied {
            for (name, value) in &copied.xattrs {
                if name.starts_with(b"user.") {
                    self.disk().set(&made, Field::Xattr(name, value))?;
                }
            }
        }
        if let Some(mode) = mode {
            self.disk().set(&made, Field::Mode(mode))?;
        }
        let mut planned = if is_unnamed {
            let mut stat = made.stat()?;
            stat.identity = made.identity()?;
            let mut state = State::from_stat(&stat);
            state.xattrs = made.xattrs()?;
            state
        } else {
            look(self.disk(), &slot.place(), Depth::Object)?
                .ok_or_else(|| changed(path, "what was staged for it is gone"))?
        };
        planned.digest = digest;
        let mut entry = Entry::new(Action::Create, path.clone());
        entry.slot = Some(slot);
        entry.planned = Some(planned);
        let prepared = if is_unnamed {
            Prepared::Unnamed(made)
        } else {
            Prepared::InSlot(made)
        };
        Ok((entry, Some(prepared)))
    }

    /// The state of the object at `from`, which must be the open file.
    fn fields_of(&self, from: &RawRel, file: &File, vision: &Vision) -> Result<State> {
        let at = Place::workspace(from);
        let state = vision
            .look(self.disk(), &at, Depth::Object)?
            .ok_or_else(|| changed(from, "nothing is there any more"))?;
        if state.ino == file.stat().identity.ino && state.btime == file.stat().identity.btime {
            Ok(state)
        } else {
            Err(changed(from, "it is not the file that is copied"))
        }
    }

    fn prepare_replace(
        &self,
        path: &RawRel,
        expect: &Stat,
        content: &Source,
        vision: &Vision,
        staged: &mut Staged,
        dirty: &mut bool,
    ) -> Result<(Entry, Option<Prepared>)> {
        let at = Place::workspace(path);
        let old = expected(path, vision.look(self.disk(), &at, Depth::Object)?, expect)?;
        if old.kind != Kind::File {
            return Err(Error::new(ErrorKind::BadChangeSet, "cannot replace")
                .at(path)
                .detail("it is no regular file"));
        }
        let old_place = match vision.now(&at, vision.len()) {
            Now::Here(place) => place,
            Now::Nothing | Now::Made => return Err(changed(path, "nothing is there any more")),
        };
        if old.xattrs.contains(&UNREADABLE) {
            return Err(Error::new(ErrorKind::NotReversible, "cannot replace")
                .at(path)
                .detail("its attributes may not be read, so the new file would lack them"));
        }
        let slot = self.new_slot()?;
        let made = self.disk().make_file(&slot.place(), 0o600)?;
        staged.fresh.push(slot);
        let digest = self
            .fill(&made, content, Some(&old_place))
            .map_err(|e| e.at(path))?;
        self.take_fields(&made, &old).map_err(|e| e.at(path))?;
        let mut planned = look(self.disk(), &slot.place(), Depth::Object)?
            .ok_or_else(|| changed(path, "what was staged for it is gone"))?;
        planned.digest = digest;
        // Asked for, but a kernel may quietly drop bits (chmod(2): setgid of a foreign group).
        let wanted = (old.mode, old.uid, old.gid);
        if (planned.mode, planned.uid, planned.gid) != wanted || planned.xattrs != kept_xattrs(&old)
        {
            return Err(Error::new(ErrorKind::NotReversible, "cannot replace")
                .at(path)
                .detail("the new file would not get the old one's owner, mode and attributes"));
        }
        self.save_old(vision, &at, &old, dirty)?;
        let mut entry = Entry::new(Action::Replace, path.clone());
        entry.slot = Some(slot);
        entry.before = Some(old);
        entry.planned = Some(planned);
        Ok((entry, Some(Prepared::InSlot(made))))
    }

    /// Makes sure that an object that will be kept survives a power loss: what was just written
    /// and never synced would come back empty.
    fn save_old(&self, vision: &Vision, at: &Place, old: &State, dirty: &mut bool) -> Result<()> {
        if old.kind != Kind::File || old.size == 0 {
            return Ok(());
        }
        let Now::Here(place) = vision.now(at, vision.len()) else {
            return Ok(());
        };
        if matches!(self.disk().is_clean(&place), Ok(Some(true))) {
            return Ok(());
        }
        if self.disk().sync(&place, Sync::Data).is_err() {
            // Unreadable for us, so it cannot be opened; the whole file system can be synced.
            *dirty = true;
        }
        Ok(())
    }

    fn is_young(&self, at: &Place, vision: &Vision) -> Result<bool> {
        let Now::Here(place) = vision.now(at, vision.len()) else {
            return Ok(false);
        };
        let mut youngest = i64::MIN;
        self.disk().walk(&place, &mut |_, stat| {
            youngest = youngest.max(stat.ctime.sec);
            aifirst_sandbox::Flow::Continue
        })?;
        let old_enough = (self.now_us() - DIRTY_FOR_US) / 1_000_000;
        Ok(youngest >= old_enough)
    }

    /// Makes sure that what a restoring change displaces survives a power loss.
    pub(crate) fn save_kept(
        &self,
        vision: &Vision,
        entry: &Entry,
        spot: Spot,
        seen: &State,
        dirty: &mut bool,
    ) -> Result<()> {
        let displaced = match entry.action {
            Action::Replace | Action::Delete | Action::DeleteTree => spot == Spot::P,
            Action::RenameOver => spot == Spot::Q,
            _ => false,
        };
        let Some(place) = entry.place(spot).filter(|_| displaced) else {
            return Ok(());
        };
        if seen.kind == Kind::Dir {
            *dirty |= self.is_young(&place, vision)?;
            return Ok(());
        }
        self.save_old(vision, &place, seen, dirty)
    }
}

enum Prepared {
    Unnamed(Made),
    InSlot(Made),
}

fn planned_folder(mode: Option<u32>) -> State {
    State {
        kind: Kind::Dir,
        mode: mode.unwrap_or(ANY_MODE),
        uid: 0,
        gid: 0,
        size: 0,
        mtime: aifirst_sandbox::Time::default(),
        ctime: aifirst_sandbox::Time::default(),
        nlink: 0,
        rdev: 0,
        link: None,
        xattrs: Vec::new(),
        flags: None,
        dev: 0,
        ino: 0,
        btime: None,
        handle: None,
        digest: None,
        tree: None,
    }
}
