//! The engine: the disk it changes, its name, and where randomness and time come from.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::disk::{Disk, Place};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Slot, Tag, is_owner_name};

/// Fills a buffer with random bytes.
pub type Random = Arc<dyn Fn(&mut [u8]) -> std::io::Result<()> + Send + Sync>;

/// Microseconds since 1970-01-01 UTC.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The one engine that changes a workspace. Cheap to clone; all clones are one owner.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    disk: Arc<dyn Disk>,
    owner: String,
    tag: Mutex<Option<Tag>>,
    left_something: AtomicBool,
    random: Random,
    clock: Clock,
}

impl Drop for Inner {
    /// Every staged object is gone or in the journal by now, so nobody needs to sweep for this
    /// owner; unless a commit failed, and nobody knows.
    fn drop(&mut self) {
        let tag = self.tag.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Some(Ok(path)) = tag.take().map(|tag| tag.registration(&self.owner)) else {
            return;
        };
        if !self.left_something.load(Ordering::Relaxed) {
            // Best effort: what stays is swept like that of a dead owner.
            let _ = self.disk.discard(&path);
        }
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("owner", &self.inner.owner)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine over `disk`. `owner` names this process's lock: at most 128 letters, digits, `-`
    /// and `_`; what it stages is swept once that owner is dead.
    ///
    /// # Errors
    /// `BadChangeSet` when the owner's name cannot stand in the store.
    pub fn new(disk: Arc<dyn Disk>, owner: &str, random: Random, clock: Clock) -> Result<Self> {
        if !is_owner_name(owner) {
            return Err(Error::new(
                ErrorKind::BadChangeSet,
                "cannot name an owner so",
            ));
        }
        Ok(Self {
            inner: Arc::new(Inner {
                disk,
                owner: owner.to_owned(),
                tag: Mutex::new(None),
                left_something: AtomicBool::new(false),
                random,
                clock,
            }),
        })
    }

    pub(crate) fn disk(&self) -> &dyn Disk {
        self.inner.disk.as_ref()
    }

    /// A commit or a removal failed, so that objects of the store may belong to nobody: the
    /// registration has to outlive this engine, and be there.
    pub(crate) fn leaves_something(&self) {
        self.inner.left_something.store(true, Ordering::Relaxed);
        // Best effort: where nothing can be written, nothing can be swept either.
        let _ = self.tag();
    }

    pub(crate) fn now_us(&self) -> i64 {
        (self.inner.clock)()
    }

    fn random_u32(&self) -> Result<u32> {
        let mut bytes = [0; 4];
        (self.inner.random)(&mut bytes)
            .map_err(|e| Error::new(ErrorKind::Io, "cannot get random bytes").because(e))?;
        Ok(u32::from_le_bytes(bytes))
    }

    /// The number of an object that nothing else in the store has.
    pub(crate) fn new_slot(&self) -> Result<Slot> {
        let tag = self.tag()?;
        for _ in 0..64 {
            let slot = Slot::new(tag, self.random_u32()?);
            if self.disk().stat(&slot.place())?.is_none() {
                return Ok(slot);
            }
        }
        Err(Error::new(
            ErrorKind::Io,
            "cannot find a free number in the store",
        ))
    }

    /// A number for planning alone: nothing is registered and nothing must be put there.
    pub(crate) fn stand_in(&self) -> Result<Slot> {
        Ok(Slot::new(Tag::new(self.random_u32()?), self.random_u32()?))
    }

    /// The tag is registered before its first object exists, so that a sweep never takes an
    /// object of a living owner for an orphan.
    fn tag(&self) -> Result<Tag> {
        let mut held = self
            .inner
            .tag
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(tag) = *held {
            return Ok(tag);
        }
        for _ in 0..64 {
            let tag = Tag::new(self.random_u32()?);
            let at = Place::store(&tag.registration(&self.inner.owner)?);
            match self.disk().make_file(&at, 0o600) {
                Ok(_) => {
                    *held = Some(tag);
                    return Ok(tag);
                }
                Err(error) if crate::disk::is_taken(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(ErrorKind::Io, "cannot register in the store"))
    }
}
