//! What happened, as `log`, `show`, `diff` and `status` tell it.
use serde::Serialize;
use serde_json::Value;

use crate::ids::OpId;
use crate::receipt::{DecisionView, PathView};

/// One operation (or undo, redo, recovery, refusal) in the log: intent and outcome together.
#[derive(Clone, Debug, Serialize)]
pub struct LogEntry {
    /// The number of its first entry in the log.
    pub seq: u64,
    /// The operation's id.
    pub id: Option<OpId>,
    /// RFC 3339, UTC, microseconds.
    pub time: String,
    /// `genesis`, `operation`, `undo`, `redo`, `recovery`, …
    pub kind: String,
    /// The operation's name.
    pub operation: Option<String>,
    /// `done`, `denied`, `failed`, `cancelled`, `interrupted`, `unknown`, `recovered_done`, …
    pub outcome: String,
    /// The error's code, when it did not succeed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// One sentence about what it did, redacted, not escaped.
    pub summary: Option<String>,
    /// The paths, redacted.
    pub paths: Vec<PathView>,
    /// The session it belongs to.
    pub session: String,
    /// Who called, as it calls itself.
    pub client: String,
    /// Who decided, and by which rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionView>,
    /// Whether it changed the workspace and is in force now.
    pub in_force: bool,
    /// Whether plain undo can take it back now.
    pub undoable: bool,
    /// What took it back since, and who did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undone_by: Option<UndoneBy>,
    /// The operations an undo, redo or recovery is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<OpId>,
}

/// Who took an operation back.
#[derive(Clone, Debug, Serialize)]
pub struct UndoneBy {
    /// The undo's id.
    pub id: OpId,
    /// Its number in the log.
    pub seq: u64,
    /// When.
    pub time: String,
    /// Who called, as it calls itself.
    pub client: String,
    /// In which session.
    pub session: String,
}

/// Which entries `log` shows.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct LogFilter {
    /// Only what touched this path (as operations take it, or as the log shows it), or something
    /// below it.
    pub path: Option<String>,
    /// Only this session.
    pub session: Option<String>,
    /// Reads and refusals too, or only what changed something.
    pub what: LogWhat,
    /// At most so many, the newest; `None` for all.
    pub limit: Option<usize>,
}

/// Which kinds of entries are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogWhat {
    /// Everything.
    #[default]
    All,
    /// Only what changed the workspace.
    Changes,
}

/// One entry whole: the summary and every event of it as it is stored.
#[derive(Clone, Debug, Serialize)]
pub struct ShowEntry {
    /// The summary.
    #[serde(flatten)]
    pub entry: LogEntry,
    /// Its events in order: `seq`, `event` (the stored bytes as JSON) and `body`.
    pub events: Vec<EventView>,
    /// What happened to each path, from the journal.
    pub changes: Vec<ChangeView>,
}

/// An event as it is stored.
#[derive(Clone, Debug, Serialize)]
pub struct EventView {
    /// Its number.
    pub seq: u64,
    /// The leaf hash of its bytes (RFC 6962), in hex.
    pub leaf: String,
    /// The event.
    pub event: Value,
    /// Its body, redacted before it was stored.
    pub body: Option<Value>,
}

/// What happened to one path, from the journal.
#[derive(Clone, Debug, Serialize)]
pub struct ChangeView {
    /// `create`, `replace`, `make_folder`, `delete`, `delete_tree`, `rename`, `rename_over`.
    pub action: String,
    /// The path.
    #[serde(flatten)]
    pub path: PathView,
    /// Where it went, for a rename.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<PathView>,
    /// `applied`, `conflict`, …
    pub status: String,
}

/// What changed between before and after one operation, or since it.
#[derive(Clone, Debug, Serialize)]
pub struct DiffView {
    /// The operation.
    pub id: OpId,
    /// Its number in the log.
    pub seq: u64,
    /// File by file.
    pub files: Vec<FileDiff>,
}

/// How one file changed.
#[derive(Clone, Debug, Serialize)]
pub struct FileDiff {
    /// The path.
    #[serde(flatten)]
    pub path: PathView,
    /// The action on it.
    pub action: String,
    /// The unified diff, redacted; none where contents did not change or cannot be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
    /// Why there is no diff, or what else changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The workspace at a glance.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// The workspace's random id.
    pub workspace: String,
    /// Where it is.
    pub root: String,
    /// Where its state is.
    pub state: String,
    /// Entries in the log.
    pub events: u64,
    /// The operations plain undo would take next, newest first (at most ten).
    pub undoable: Vec<LogEntry>,
    /// How many there are in all.
    pub undoable_count: u64,
    /// The operation `redo` would take.
    pub redoable: Option<OpId>,
    /// Operations that a crash left open; the next change recovers them.
    pub open: Vec<OpId>,
    /// Entries that need a person: conflicts, damage.
    pub attention: Vec<LogEntry>,
    /// How much the store holds.
    pub store: StoreView,
}

/// The store at a glance.
#[derive(Clone, Debug, Serialize)]
pub struct StoreView {
    /// `state`, or `sibling`.
    pub placement: String,
    /// Bytes of contents it keeps.
    pub bytes: u64,
    /// Objects it keeps.
    pub objects: u64,
    /// Whether it is there and ours; without it nothing is changed and nothing can be undone.
    pub usable: bool,
}

/// What `verify` found.
#[derive(Clone, Debug, Serialize)]
pub struct Verified {
    /// The verdict's word: `intact`, `edited`, `rolled_back`, …
    pub verdict: String,
    /// Whether nothing contradicts anything.
    pub intact: bool,
    /// Whether it was tampered with, as opposed to being out of reach.
    pub tampered: bool,
    /// Entries proved.
    pub events: u64,
    /// The head of the chain, in hex.
    pub head: String,
    /// What is wrong, row by row.
    pub problems: Vec<VerifyProblem>,
    /// What the proof rests on, and what it cannot show.
    pub notes: Vec<String>,
}

/// One thing wrong with the log.
#[derive(Clone, Debug, Serialize)]
pub struct VerifyProblem {
    /// The row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The kind's word.
    pub kind: String,
    /// A sentence.
    pub text: String,
}

/// One known workspace.
#[derive(Clone, Debug, Serialize)]
pub struct WorkspaceView {
    /// Its random id.
    pub id: String,
    /// Where it was when it was last used.
    pub root: String,
    /// `ok`, `missing` (nothing there), `moved` (another folder is there).
    pub state: String,
    /// Entries in its log.
    pub events: u64,
    /// Bytes its state and store hold.
    pub bytes: u64,
}

/// One thing `doctor` looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: String,
    /// `ok`, `weaker`, `missing`.
    pub state: String,
    /// What was found.
    pub found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}
