//! One operation through the whole net: judged, confirmed, recorded, applied, undoable.
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, reason = "tests use real files")
)]

mod error;
mod cause;
mod ids;
mod env;
mod effect;
mod schema;
mod context;
mod plan;
mod policy;
mod confirm;
mod home;
mod receipt;
mod history;
mod record;
mod operation;
mod ops;
mod registry;
mod approve;
mod chronicle;
mod pipeline;
mod settings;
mod workspaces;
mod doctor;
mod records;
mod runtime;

pub use aifirst_sandbox::{Leaf, RawRel, RelPath, Stat};
pub use aifirst_undo::{Change, ChangeSet, CopyFields, Piece, Source};
pub use confirm::{Always, Answer, By, Confirm, Question};
pub use context::{Cancel, Context, History, Limits};
pub use doctor::doctor;
pub use effect::{Effect, Reversibility};
pub use env::{Env, SystemEnv, rfc3339};
pub use error::{Error, ErrorKind, Result};
pub use history::{
    ChangeView, Check, DiffView, EventView, FileDiff, LogEntry, LogFilter, LogWhat, ShowEntry,
    Status, StoreView, UndoneBy, Verified, VerifyProblem, WorkspaceView,
};
pub use home::{Foreign, Forgotten, HomeDirs};
pub use ids::{OpId, Reference};
pub use operation::{Example, Operation, Spec};
pub use pipeline::{Call, OnConflict, RestoreRequest, Run, Select};
pub use plan::{Diff, Plan, Reader, Target, Work};
pub use receipt::{
    DecisionView, Outcome, PathView, Receipt, Restored, RestoredOp, RestoredPath, TargetView,
};
pub use records::Records;
pub use registry::Registry;
pub use runtime::Runtime;
pub use schema::{Holds, Need, Param, Type, check, from_words, object_schema};
pub use settings::Settings;
pub use workspaces::{Initialised, forget, forget_plan, init, list};
