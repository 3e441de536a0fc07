//! Brings files back exactly: stages, applies, undoes and recovers every change of a workspace.
#![forbid(unsafe_code)]

mod error;

pub mod fault;

mod state;

mod change_set;

mod conflict;

mod disk;

mod store;

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
pub use select::{PathView, UnitFilter, UnitView, open_units, redoable, undoable, unit, units};
pub use settle::{SettleError, Settled, Settling};
pub use stage::Staged;
pub use state::{Digest, State, Tree};
pub use steps::{Action, ChangeStatus, ChangeView};
pub use store::{Placement, Store};
