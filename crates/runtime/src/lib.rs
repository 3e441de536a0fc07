//! One operation through the whole net: judged, confirmed, recorded, applied, undoable.
//!
//! ```no_run
//! use aifirst_runtime::{Call, Cancel, RestoreRequest, Runtime, Select, Settings};
//! use serde_json::json;
//!
//! let mut settings = Settings::new("/home/me/project");
//! settings.homes.home = Some("/home/me".into());
//! let runtime = Runtime::open(settings)?;
//! let write = Call::new("write_file", json!({"path": "notes.txt", "content": "hello"}));
//! assert!(runtime.call(&write, &Cancel::new())?.undoable);
//! runtime.undo(&RestoreRequest::new(Select::Last), &Cancel::new())?;
//! # Ok::<(), aifirst_runtime::Error>(())
//! ```
//!
//! Promises: what a call names is confined to the workspace by the kernel; a change is recorded
//! before it happens and answered when it is durable and can be undone; a read is recorded before
//! its result is handed out; a secret that is recognised reaches no record and no error text; what
//! was confirmed is what runs; where a mechanism is missing, nothing runs.
//!
//! Does not promise: to see what happens beside it, to confine other programs, to take back what
//! left the machine, or to find secrets that look like nothing in particular.

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
mod records;
mod doctor;
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
