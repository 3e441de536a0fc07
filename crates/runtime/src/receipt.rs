//! What a call gives back to whoever called.
use serde::Serialize;
use serde_json::Value;

use crate::effect::{Effect, Reversibility};
use crate::ids::OpId;
use crate::plan::Diff;

/// How an operation ended, in the log and in results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// It did what it said.
    Done,
    /// It would have changed nothing, so nothing was begun.
    Unchanged,
    /// It was only planned.
    Planned,
}

/// One target, as results show it.
#[derive(Clone, Debug, Serialize)]
pub struct TargetView {
    /// What happens to it.
    pub effect: Effect,
    /// The resolved path with `/`, or its lossless form where it is not UTF-8.
    #[serde(flatten)]
    pub path: PathView,
    /// The path as the call spelled it, where that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spelled: Option<String>,
    /// Things it stands for.
    pub entries: u64,
    /// Bytes it stands for.
    pub bytes: u64,
}

/// A path in JSON: `path` where it is UTF-8, `path_b64` where it is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum PathView {
    /// A path of text.
    Text {
        /// Relative to the workspace, with `/`.
        path: String,
    },
    /// A path that is not UTF-8.
    Bytes {
        /// Its bytes in standard base64.
        path_b64: String,
    },
}

/// What a call of an operation gave.
#[derive(Clone, Debug, Serialize)]
pub struct Receipt {
    /// The operation's id.
    pub id: OpId,
    /// The number of its first entry in the log, by which people name it.
    pub seq: Option<u64>,
    /// The operation's name.
    pub operation: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Its exact result; what it would be for a dry run of a change.
    pub result: Value,
    /// What it touches.
    pub targets: Vec<TargetView>,
    /// What changes in contents, redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<Diff>,
    /// How far it can be taken back.
    pub reversibility: Reversibility,
    /// Whether `undo` will take it back.
    pub undoable: bool,
    /// The decision, for dry runs and people.
    pub decision: DecisionView,
    /// What the caller should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Who decided, and by which rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DecisionView {
    /// `allow`, `ask` or `deny`.
    pub verdict: String,
    /// `rule`, `builtin` or `default`.
    pub source: String,
    /// The deciding rule's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Who answered, where somebody was asked: `terminal`, `flag`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// What was done, or would be done, to one path by an undo or redo.
#[derive(Clone, Debug, Serialize)]
pub struct RestoredPath {
    /// The path.
    #[serde(flatten)]
    pub path: PathView,
    /// `restore`, `remove`, `move_back`, `keep` (because of its conflict), or `nothing`.
    pub action: String,
    /// Why it is a conflict, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflict: Option<String>,
    /// Where the recorded version was put, when it was put beside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beside: Option<String>,
}

/// One operation undone or redone.
#[derive(Clone, Debug, Serialize)]
pub struct RestoredOp {
    /// The id of this undo or redo itself; none for a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<OpId>,
    /// Its entry in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The operation it is about.
    pub target: OpId,
    /// That operation's first entry in the log.
    pub target_seq: u64,
    /// That operation's name.
    pub operation: String,
    /// Path by path.
    pub paths: Vec<RestoredPath>,
}

/// What an undo or redo did, or would do.
#[derive(Clone, Debug, Serialize)]
pub struct Restored {
    /// `undo` or `redo`.
    pub direction: String,
    /// Whether it was only planned.
    pub dry_run: bool,
    /// The operations, in the order in which they were taken.
    pub operations: Vec<RestoredOp>,
}
