//! One operation through the whole net: judged, confirmed, recorded, applied, undoable.
#![forbid(unsafe_code)]

mod error;
mod ids;
mod env;
mod effect;
mod schema;
mod context;
mod plan;
mod operation;
mod confirm;
mod receipt;
mod history;

pub use confirm::{Always, Answer, By, Confirm, Question};
pub use context::{Cancel, Context, History, Limits};
pub use effect::{Effect, Reversibility};
pub use env::{Env, SystemEnv, rfc3339};
pub use error::{Error, ErrorKind, Result};
pub use history::{
    ChangeView, Check, DiffView, EventView, FileDiff, LogEntry, LogFilter, LogWhat, ShowEntry,
    Status, StoreView, UndoneBy, Verified, VerifyProblem, WorkspaceView,
};
pub use ids::{OpId, Reference};
pub use operation::{Example, Operation, Spec};
pub use plan::{Diff, Plan, Reader, Target, Work};
pub use receipt::{
    DecisionView, Outcome, PathView, Receipt, Restored, RestoredOp, RestoredPath, TargetView,
};
pub use schema::{Need, Param, Type};
