//! A workspace with store, journal and engine in a temporary folder, and the stations in one call.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aifirst_sandbox::{RawRel, Rules, Stat, Workspace};
use aifirst_undo::{
    Change, ChangeSet, Direction, Engine, Error, ErrorKind, FaultyDisk, OnConflict, OpId, Outcome,
    Placement, RealDisk, RecoveredAs, Source, Store, UnitId, UnitMeta, install,
};
use rusqlite::{Connection, Transaction};

use crate::manifest::{self, Manifest};

pub struct World {
    pub dir: Folder,
    pub workspace: Workspace,
    pub store: Store,
    pub disk: Arc<FaultyDisk<RealDisk>>,
    pub engine: Engine,
    pub db: Connection,
    pub session: &'static str,
    next: Cell<u64>,
}

pub fn rel(text: &str) -> RawRel {
    RawRel::parse(text.as_bytes()).unwrap()
}

pub fn bytes(text: &str) -> Source {
    Source::Bytes(text.as_bytes().to_vec())
}

pub fn nothing(_: &Transaction<'_>, _: UnitId) -> Result<(), Error> {
    Ok(())
}

pub fn open_db(path: &Path) -> Connection {
    let db = Connection::open(path).unwrap();
    db.pragma_update(None, "journal_mode", "WAL").unwrap();
    db.pragma_update(None, "foreign_keys", "ON").unwrap();
    install(&db).unwrap();
    db
}

pub fn engine_over(disk: Arc<FaultyDisk<RealDisk>>, owner: &str) -> Engine {
    // A counter: unique like random numbers, and the same in every run.
    static COUNTER: AtomicU64 = AtomicU64::new(1);
    COUNTER.fetch_max(u64::from(std::process::id()) << 8, Ordering::SeqCst);
    Engine::new(
        disk,
        owner,
        Arc::new(|buffer: &mut [u8]| {
            let n = COUNTER.fetch_add(1, Ordering::SeqCst).to_le_bytes();
            for (to, from) in buffer.iter_mut().zip(n) {
                *to = from;
            }
            Ok(())
        }),
        Arc::new(|| 1_700_000_000_000_000),
    )
    .unwrap()
}

/// The folder that holds everything; removed with the world that made it.
pub enum Folder {
    Own(tempfile::TempDir),
    #[cfg(feature = "fault-points")]
    Given(PathBuf),
}

impl Folder {
    pub fn path(&self) -> &Path {
        match self {
            Self::Own(dir) => dir.path(),
            #[cfg(feature = "fault-points")]
            Self::Given(path) => path,
        }
    }
}

/// What one attempt came to when it did not succeed.
#[derive(Debug)]
pub enum Attempt {
    Done(OpId),
    /// Nothing began.
    NotBegun(#[allow(dead_code, reason = "shown when a test fails")] Error),
    /// It was taken back, and that is settled.
    RolledBack(#[allow(dead_code, reason = "shown when a test fails")] Error),
    /// It is left open, as by a death of the process.
    Open,
}

impl World {
    /// On the file system of the temporary folder.
    pub fn new() -> Self {
        Self::within(tempfile::tempdir().unwrap())
    }

    /// In memory where that is possible: for tests that make many trees and need no durability.
    pub fn quick() -> Self {
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        Self::within(dir.unwrap())
    }

    fn within(dir: tempfile::TempDir) -> Self {
        fs::create_dir(dir.path().join("ws")).unwrap();
        Self::open(Folder::Own(dir))
    }

    /// One that another process made and keeps.
    #[cfg(feature = "fault-points")]
    pub fn at(dir: &Path) -> Self {
        Self::open(Folder::Given(dir.to_owned()))
    }

    fn open(dir: Folder) -> Self {
        let workspace = Workspace::open(&dir.path().join("ws"), Rules::default()).unwrap();
        let store = Store::create(&dir.path().join("store"), "test", Placement::State).unwrap();
        let disk = Arc::new(FaultyDisk::new(RealDisk::open(&workspace, &store).unwrap()));
        let engine = engine_over(disk.clone(), "owner1");
        let db = open_db(&dir.path().join("state.db"));
        Self {
            dir,
            workspace,
            store,
            disk,
            engine,
            db,
            session: "s",
            // Processes that share a journal must not share numbers of operations.
            next: Cell::new(u64::from(std::process::id()) << 32),
        }
    }

    pub fn root(&self) -> PathBuf {
        self.dir.path().join("ws")
    }

    pub fn path(&self, text: &str) -> PathBuf {
        self.root().join(text)
    }

    pub fn write(&self, path: &str, text: &str) {
        let full = self.path(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::write(full, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    pub fn exists(&self, path: &str) -> bool {
        fs::symlink_metadata(self.path(path)).is_ok()
    }

    pub fn manifest(&self) -> Manifest {
        manifest::of(&self.root())
    }

    pub fn stat(&self, path: &str) -> Stat {
        self.workspace
            .stat_at(&rel(path))
            .unwrap()
            .unwrap_or_else(|| panic!("{path} is not there"))
    }

    pub fn new_op(&self) -> OpId {
        let n = self.next.get();
        self.next.set(n + 1);
        let mut op = [0; 10];
        op[..8].copy_from_slice(&n.to_le_bytes());
        op
    }

    pub fn meta(&self, cause: aifirst_undo::Cause, targets: &[OpId]) -> UnitMeta {
        UnitMeta {
            op: self.new_op(),
            cause,
            session: self.session.to_owned(),
            targets: targets.to_vec(),
        }
    }

    /// One operation through all stations, as far as it comes.
    pub fn attempt(&mut self, changes: Vec<Change>) -> Attempt {
        let mut set = ChangeSet::new();
        for change in changes {
            set.push(change).unwrap();
        }
        self.attempt_set(&set)
    }

    pub fn attempt_set(&mut self, set: &ChangeSet) -> Attempt {
        match self.engine.stage(set) {
            Ok(staged) => self.carry(staged, aifirst_undo::Cause::Do, &[]),
            Err(error) => Attempt::NotBegun(error),
        }
    }

    /// As `attempt_set`, where somebody else may be in the way.
    pub fn attempt_racing(&mut self, set: &ChangeSet) -> Attempt {
        let staged = match self.engine.stage(set) {
            Ok(staged) => staged,
            Err(error) => return Attempt::NotBegun(error),
        };
        let meta = self.meta(aifirst_undo::Cause::Do, &[]);
        let begun = match staged.begin(&mut self.db, &meta, nothing) {
            Ok(begun) => begun,
            Err(aifirst_undo::BeginError::Changed(error)) => return Attempt::NotBegun(error),
            Err(error) => panic!("{error:?}"),
        };
        let settled = begun
            .apply()
            .settle(&mut self.db, |_, _| Ok::<(), Error>(()))
            .unwrap();
        match settled.into_outcome() {
            Outcome::Done => Attempt::Done(meta.op),
            Outcome::RolledBack(error) | Outcome::Stuck(error, _) => Attempt::RolledBack(error),
            other => panic!("{other:?}"),
        }
    }

    /// One undo or redo through all stations, as far as it comes.
    pub fn attempt_restore(&mut self, op: OpId, direction: Direction) -> Attempt {
        let plan = match self
            .engine
            .plan(&self.db, &[op], direction, OnConflict::Refuse)
        {
            Ok(plan) => plan,
            Err(error) => return Attempt::NotBegun(error),
        };
        match self.engine.stage_restore(&plan, 0) {
            Ok(staged) => self.carry(staged, plan.cause(), &[op]),
            Err(error) => Attempt::NotBegun(error),
        }
    }

    fn carry(
        &mut self,
        staged: aifirst_undo::Staged,
        cause: aifirst_undo::Cause,
        targets: &[OpId],
    ) -> Attempt {
        let meta = self.meta(cause, targets);
        let begun = match staged.begin(&mut self.db, &meta, nothing) {
            Ok(begun) => begun,
            Err(error) => {
                return match error {
                    aifirst_undo::BeginError::Changed(e) | aifirst_undo::BeginError::Failed(e) => {
                        Attempt::NotBegun(e)
                    }
                    _ => Attempt::Open,
                };
            }
        };
        let settled = begun
            .apply()
            .settle(&mut self.db, |_, _| Ok::<(), Error>(()));
        match settled.map(aifirst_undo::Settled::into_outcome) {
            Ok(Outcome::Done) => Attempt::Done(meta.op),
            Ok(Outcome::RolledBack(error)) => Attempt::RolledBack(error),
            Ok(other) => panic!("{other:?}"),
            Err(_) => Attempt::Open,
        }
    }

    /// One operation through all stations.
    pub fn run(&mut self, changes: Vec<Change>) -> Result<OpId, Error> {
        let mut set = ChangeSet::new();
        for change in changes {
            set.push(change)?;
        }
        let staged = self.engine.stage(&set)?;
        let meta = self.meta(aifirst_undo::Cause::Do, &[]);
        let op = meta.op;
        let begun = staged
            .begin(&mut self.db, &meta, nothing)
            .map_err(|e| match e {
                aifirst_undo::BeginError::Changed(e)
                | aifirst_undo::BeginError::Failed(e)
                | aifirst_undo::BeginError::CommitUnknown(e) => e,
                other => panic!("{other:?}"),
            })?;
        let settled = begun
            .apply()
            .settle(&mut self.db, |_, _| Ok::<(), Error>(()))
            .map_err(|e| match e {
                aifirst_undo::SettleError::Failed(e) | aifirst_undo::SettleError::Join(e) => e,
                other => panic!("{other:?}"),
            })?;
        match settled.into_outcome() {
            Outcome::Done => Ok(op),
            Outcome::RolledBack(error) => Err(error),
            other => panic!("{other:?}"),
        }
    }

    pub fn restore(
        &mut self,
        ops: &[OpId],
        direction: Direction,
        choice: OnConflict,
    ) -> Result<Vec<OpId>, Error> {
        let plan = self.engine.plan(&self.db, ops, direction, choice)?;
        let mut units = Vec::new();
        for (index, op) in ops.iter().enumerate() {
            let staged = self.engine.stage_restore(&plan, index)?;
            let meta = self.meta(plan.cause(), &[*op]);
            units.push(meta.op);
            let begun = staged
                .begin(&mut self.db, &meta, nothing)
                .map_err(|e| match e {
                    aifirst_undo::BeginError::Changed(e)
                    | aifirst_undo::BeginError::Failed(e)
                    | aifirst_undo::BeginError::CommitUnknown(e) => e,
                    other => panic!("{other:?}"),
                })?;
            let settled = begun
                .apply()
                .settle(&mut self.db, |_, _| Ok::<(), Error>(()))
                .map_err(|e| match e {
                    aifirst_undo::SettleError::Failed(e) | aifirst_undo::SettleError::Join(e) => e,
                    other => panic!("{other:?}"),
                })?;
            match settled.into_outcome() {
                Outcome::Done => {}
                Outcome::RolledBack(error) => return Err(error),
                other => panic!("{other:?}"),
            }
        }
        Ok(units)
    }

    pub fn undo(&mut self, op: OpId) -> Result<OpId, Error> {
        Ok(self.restore(&[op], Direction::Undo, OnConflict::Refuse)?[0])
    }

    pub fn redo(&mut self, op: OpId) -> Result<OpId, Error> {
        Ok(self.restore(&[op], Direction::Redo, OnConflict::Refuse)?[0])
    }

    pub fn undo_last(&mut self) -> Result<OpId, Error> {
        let op = *aifirst_undo::undoable(&self.db, None, Some(1))?
            .first()
            .expect("something to undo");
        self.undo(op)?;
        Ok(op)
    }

    pub fn redo_last(&mut self) -> Result<OpId, Error> {
        let op = *aifirst_undo::redoable(&self.db, None, Some(1))?
            .first()
            .expect("something to redo");
        self.redo(op)?;
        Ok(op)
    }

    /// Recovers everything as the next holder of the lock would, with a new engine.
    pub fn recover(&mut self) -> Result<Vec<RecoveredAs>, Error> {
        // The dead one took nothing along.
        let dead = std::mem::replace(&mut self.engine, engine_over(self.disk.clone(), "owner2"));
        std::mem::forget(dead);
        let mut ends = Vec::new();
        for abandoned in self.engine.abandoned(&self.db)? {
            let recovered = self.engine.recover(abandoned)?;
            ends.push(
                recovered
                    .settle(&mut self.db, |_, _| Ok::<(), Error>(()))
                    .map_err(|e| match e {
                        aifirst_undo::SettleError::Failed(e)
                        | aifirst_undo::SettleError::Join(e) => e,
                        other => panic!("{other:?}"),
                    })?,
            );
        }
        self.engine.sweep(&self.db, &|owner| owner == "owner2")?;
        Ok(ends)
    }

    pub fn create(&self, path: &str, text: &str) -> Change {
        Change::Create {
            path: rel(path),
            content: bytes(text),
            mode: None,
        }
    }

    pub fn replace(&self, path: &str, text: &str) -> Change {
        Change::Replace {
            path: rel(path),
            expect: self.stat(path),
            content: bytes(text),
        }
    }

    pub fn delete(&self, path: &str) -> Change {
        Change::Delete {
            path: rel(path),
            expect: self.stat(path),
        }
    }

    pub fn delete_tree(&self, path: &str) -> Change {
        Change::DeleteTree {
            path: rel(path),
            expect: self.stat(path),
        }
    }

    pub fn make_dir(&self, path: &str) -> Change {
        Change::MakeDir {
            path: rel(path),
            mode: None,
        }
    }

    pub fn rename(&self, from: &str, to: &str) -> Change {
        Change::Rename {
            from: rel(from),
            expect: self.stat(from),
            to: rel(to),
        }
    }

    pub fn rename_over(&self, from: &str, to: &str) -> Change {
        Change::RenameOver {
            from: rel(from),
            expect: self.stat(from),
            to: rel(to),
            over: self.stat(to),
        }
    }

    /// Names of everything in the store.
    pub fn listing(&self) -> Vec<String> {
        let mut names = Vec::new();
        for top in ["k", "s"] {
            for entry in fs::read_dir(self.store.path().join(top)).unwrap() {
                let entry = entry.unwrap();
                if top == "s" {
                    names.push(entry.file_name().into_string().unwrap());
                } else {
                    for object in fs::read_dir(entry.path()).unwrap() {
                        names.push(object.unwrap().file_name().into_string().unwrap());
                    }
                }
            }
        }
        names
    }

    /// Objects in the store, apart from its own layout.
    pub fn stored(&self) -> usize {
        fs::read_dir(self.store.path().join("k"))
            .unwrap()
            .map(|dir| fs::read_dir(dir.unwrap().path()).unwrap().count())
            .sum()
    }
}

#[track_caller]
pub fn fails<T: std::fmt::Debug>(result: Result<T, Error>, kind: ErrorKind) -> Error {
    let error = result.unwrap_err();
    assert_eq!(*error.kind(), kind, "{error}");
    error
}
