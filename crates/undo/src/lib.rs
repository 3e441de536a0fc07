//! Brings files back exactly: stages, applies, undoes and recovers every change of a workspace.
//!
//! ```
//! # use aifirst_undo::*;
//! # fn run(engine: &Engine, db: &mut rusqlite::Connection, path: aifirst_sandbox::RawRel,
//! #     meta: &UnitMeta, undo: &UnitMeta) -> std::result::Result<(), Box<dyn std::error::Error>> {
//! let mut set = ChangeSet::new();
//! set.push(Change::Create { path, content: Source::Bytes(b"hello".to_vec()), mode: None })?;
//! let begun = engine.stage(&set)?.begin(db, meta, |_tx, _unit| Ok::<(), Error>(()))?;
//! begun.apply().settle(db, |_tx, _settling| Ok::<(), Error>(()))?;
//!
//! let plan = engine.plan(db, &[meta.op], Direction::Undo, OnConflict::Refuse)?;
//! let begun = engine.stage_restore(&plan, 0)?.begin(db, undo, |_tx, _unit| Ok::<(), Error>(()))?;
//! begun.apply().settle(db, |_tx, _settling| Ok::<(), Error>(()))?;
//! # Ok(())
//! # }
//! ```
//!
//! Promised: an undo brings back content, mode, owner, attributes, times, links and the inode
//! itself, of folders too; it touches only recorded paths, destroys nothing that a person did
//! since, and can itself be undone. After a death of the process at any moment, recovery leaves
//! each operation wholly done or wholly taken back, or names what somebody else put in its way.
//! What `settle` has answered is durable and undoable.
//!
//! Not promised: change and access times; anything against a process that writes through a
//! descriptor it opened before a file was displaced (its writes go to the kept object); workspaces
//! whose mount holds no store. The caller holds the workspace's lock from `begin` to `settle`.
#![forbid(unsafe_code)]

mod error;

pub mod fault;

mod state;

mod change_set;

mod conflict;

mod place;

mod store;

mod disk;

mod steps;

mod vision;

mod schema;

mod journal;

mod engine;

mod stage;

mod begin;

mod apply;

mod settle;

mod select;

mod contents;

mod plan;

mod recover;
mod sweep;

pub use apply::{Applied, Outcome};
pub use begin::{BeginError, Begun};
pub use change_set::{Change, ChangeSet, CopyFields, Piece, Source};
pub use conflict::{Conflict, ConflictReason, OnConflict};
pub use contents::{Contents, Version, contents};
pub use disk::{Disk, FaultyDisk, Field, Lasting, Place, RealDisk, StoreSync};
pub use engine::{Clock, Engine, Random};
pub use error::{Error, ErrorKind, Result};
pub use journal::{Cause, OpId, UnitId, UnitMeta, UnitStatus};
pub use plan::{Direction, Does, PlannedPath, RestorePlan};
pub use recover::{Abandoned, Heading, Recovered, RecoveredAs};
pub use schema::{FORMAT, format, install};
pub use select::{
    PathView, UnitFilter, UnitView, last_word, open_units, redoable, undoable, unit, units,
};
pub use settle::{SettleError, Settled, Settling};
pub use stage::Staged;
pub use state::{Digest, State, Tree};
pub use steps::{Action, ChangeStatus, ChangeView};
pub use store::{Placement, Store};
