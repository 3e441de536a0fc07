//! A disk that fails at its n-th call, for tests of everything above it.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use aifirst_sandbox::{Cloned, DirEntry, File, Flow, How, Made, RawRel, Side, Stat, Sync, Time};

use super::{Disk, Field, Place, StoreSync};
use crate::error::{Error, ErrorKind, Result};

/// Wraps a disk, counts the calls that change it, and fails from one on, once or for good.
pub struct FaultyDisk<D> {
    inner: D,
    calls: AtomicU64,
    plan: Mutex<Plan>,
    names: Mutex<Vec<String>>,
}

#[derive(Debug, Clone)]
struct Plan {
    at: u64,
    kind: ErrorKind,
    lasting: Lasting,
}

/// How long a disk fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// One call.
    Once,
    /// That call and all after it, as if the process had died there.
    Forever,
}

impl<D: Disk> FaultyDisk<D> {
    /// A disk that does not fail yet.
    pub fn new(inner: D) -> Self {
        Self {
            inner,
            calls: AtomicU64::new(0),
            plan: Mutex::new(Plan {
                at: u64::MAX,
                kind: ErrorKind::Io,
                lasting: Lasting::Once,
            }),
            names: Mutex::new(Vec::new()),
        }
    }

    /// Counts anew and fails at the `at`-th changing call from now on, the first being 0.
    pub fn fail(&self, at: u64, kind: ErrorKind, lasting: Lasting) {
        self.calls.store(0, Ordering::SeqCst);
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = Plan { at, kind, lasting };
        self.names
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// Does not fail any more, and counts anew.
    pub fn mend(&self) {
        self.fail(u64::MAX, ErrorKind::Io, Lasting::Once);
    }

    /// How many changing calls were made since counting began.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// The changing calls since counting began, in order: a word, and the path where there is one.
    pub fn record(&self) -> Vec<String> {
        self.names
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn count(&self, what: &str, place: Option<&Place>) -> Result<()> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        self.names
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(match place {
                Some(place) if place.side == Side::Workspace => format!("{what} {}", place.path),
                Some(_) => format!("{what} store"),
                None => what.to_owned(),
            });
        let plan = self
            .plan
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let fails = match plan.lasting {
            Lasting::Once => call == plan.at,
            Lasting::Forever => call >= plan.at,
        };
        if fails {
            return Err(Error::new(plan.kind, "a planned fault of the disk"));
        }
        Ok(())
    }
}

impl<D: Disk> Disk for FaultyDisk<D> {
    fn stat(&self, at: &Place) -> Result<Option<Stat>> {
        self.inner.stat(at)
    }

    fn handle(&self, at: &Place) -> Result<Option<Vec<u8>>> {
        self.inner.handle(at)
    }

    fn xattrs(&self, at: &Place) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        self.inner.xattrs(at)
    }

    fn flags(&self, at: &Place) -> Result<Option<u32>> {
        self.inner.flags(at)
    }

    fn read_link(&self, at: &Place) -> Result<Vec<u8>> {
        self.inner.read_link(at)
    }

    fn open(&self, at: &Place) -> Result<File> {
        self.inner.open(at)
    }

    fn list(&self, at: &Place) -> Result<Vec<DirEntry>> {
        self.inner.list(at)
    }

    fn walk(&self, at: &Place, each: &mut dyn FnMut(&RawRel, &Stat) -> Flow) -> Result<()> {
        self.inner.walk(at, each)
    }

    fn make_unnamed(&self, dir: &Place, mode: u32) -> Result<Made> {
        self.count("make_unnamed", Some(dir))?;
        self.inner.make_unnamed(dir, mode)
    }

    fn make_file(&self, at: &Place, mode: u32) -> Result<Made> {
        self.count("make_file", Some(at))?;
        self.inner.make_file(at, mode)
    }

    fn make_dir(&self, at: &Place, mode: u32) -> Result<()> {
        self.count("make_dir", Some(at))?;
        self.inner.make_dir(at, mode)
    }

    fn write(&self, made: &Made, offset: u64, bytes: &[u8]) -> Result<()> {
        self.count("write", None)?;
        self.inner.write(made, offset, bytes)
    }

    fn clone_content(&self, made: &Made, from: &File) -> Result<Cloned> {
        self.count("clone", None)?;
        self.inner.clone_content(made, from)
    }

    fn set(&self, made: &Made, field: Field<'_>) -> Result<()> {
        self.count("set", None)?;
        self.inner.set(made, field)
    }

    fn sync_made(&self, made: &Made) -> Result<()> {
        self.count("sync_made", None)?;
        self.inner.sync_made(made)
    }

    fn publish(&self, made: &Made, at: &Place) -> Result<()> {
        self.count("publish", Some(at))?;
        self.inner.publish(made, at)
    }

    fn rename(&self, from: &Place, to: &Place, how: How) -> Result<()> {
        let word = match how {
            How::NoReplace => "rename",
            How::Exchange => "exchange",
        };
        let named = if from.side == Side::Workspace {
            from
        } else {
            to
        };
        self.count(word, Some(named))?;
        self.inner.rename(from, to, how)
    }

    fn set_mtime(&self, at: &Place, mtime: Time) -> Result<()> {
        self.count("set_mtime", Some(at))?;
        self.inner.set_mtime(at, mtime)
    }

    fn set_mode(&self, at: &Place, mode: u32) -> Result<()> {
        self.count("set_mode", Some(at))?;
        self.inner.set_mode(at, mode)
    }

    fn discard(&self, store_path: &RawRel) -> Result<()> {
        self.count("discard", Some(&Place::store(store_path)))?;
        self.inner.discard(store_path)
    }

    fn sync(&self, at: &Place, what: Sync) -> Result<()> {
        self.count("sync", Some(at))?;
        self.inner.sync(at, what)
    }

    fn sync_all(&self, side: Side) -> Result<()> {
        self.count("sync_all", None)?;
        self.inner.sync_all(side)
    }

    fn is_clean(&self, at: &Place) -> Result<Option<bool>> {
        self.inner.is_clean(at)
    }

    fn store_sync(&self) -> StoreSync {
        self.inner.store_sync()
    }
}
