//! What an operation is going to do: targets, change set, diff and the digest that binds a yes.
use aifirst_sandbox::{RawRel, Stat};
use aifirst_undo::ChangeSet;
use serde::Serialize;
use serde_json::Value;

use crate::context::Context;
use crate::effect::{Effect, Reversibility};
use crate::error::Result;

/// One thing an operation reads or changes.
#[derive(Clone, Debug)]
pub struct Target {
    /// What happens to it.
    pub effect: Effect,
    /// The path as the call spelled it.
    pub spelled: String,
    /// The path as it was resolved: no component of it is a link.
    pub path: RawRel,
    /// What was found there when it was planned; `None` where nothing was.
    pub stat: Option<Stat>,
    /// How many things it stands for: 1, or all entries of a tree with its root.
    pub entries: u64,
    /// How many bytes of contents it stands for.
    pub bytes: u64,
    /// For trees: a digest over every entry of the counting walk.
    pub tree: Option<[u8; 32]>,
}

impl Target {
    /// A single thing, with its size taken from what was found.
    #[must_use]
    pub fn one(effect: Effect, spelled: &str, path: RawRel, stat: Option<Stat>) -> Self {
        let bytes = stat.as_ref().map_or(0, |s| s.size);
        Self {
            effect,
            spelled: spelled.to_owned(),
            path,
            stat,
            entries: 1,
            bytes,
            tree: None,
        }
    }
}

/// How contents change, for people: a unified diff, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "text")]
pub enum Diff {
    /// A unified diff.
    Unified(String),
    /// Contents change that cannot be shown as lines; the sentence says why.
    Opaque(String),
}

/// What reading gives once the pipeline lets it run.
pub type Reader = Box<dyn FnOnce(&Context<'_>) -> Result<Value> + Send>;

/// What a plan asks for.
#[non_exhaustive]
pub enum Work {
    /// Something is read; nothing changes. The closure holds the pinned descriptors.
    Read(Reader),
    /// The workspace changes; the value is the operation's result once it did.
    Change {
        /// What shall be.
        set: ChangeSet,
        /// The result, as the operation's result schema says.
        result: Value,
    },
}

/// A plan: it changed nothing yet.
pub struct Plan {
    /// Everything it reads or changes.
    pub targets: Vec<Target>,
    /// What it asks for.
    pub work: Work,
    /// How far it can be taken back.
    pub reversibility: Reversibility,
    /// What changes in contents.
    pub diff: Option<Diff>,
    /// Whether a content digest binds the plan too, because content was shown or asked for.
    pub content: Vec<[u8; 32]>,
    /// One sentence about what it does, for prompts and the log.
    pub summary: String,
    /// What a person should know before it runs (hard links that part, and the like).
    pub notes: Vec<String>,
    /// Whether it deletes or replaces a folder with content.
    pub replaces_folder: bool,
}

impl Plan {
    /// A plan to read: nothing changes, and there is nothing to show before.
    #[must_use]
    pub fn read(summary: impl Into<String>, targets: Vec<Target>, reader: Reader) -> Self {
        Self::of(summary.into(), targets, Work::Read(reader))
    }

    /// A plan to change the workspace, exactly reversible as every change set is. Diff, notes and
    /// the rest are empty: `Plan { notes, ..Plan::change(…) }` fills them.
    #[must_use]
    pub fn change(
        summary: impl Into<String>,
        targets: Vec<Target>,
        set: ChangeSet,
        result: Value,
    ) -> Self {
        Self::of(summary.into(), targets, Work::Change { set, result })
    }

    fn of(summary: String, targets: Vec<Target>, work: Work) -> Self {
        Self {
            targets,
            work,
            reversibility: Reversibility::Exact,
            diff: None,
            content: Vec::new(),
            summary,
            notes: Vec::new(),
            replaces_folder: false,
        }
    }

    /// Whether it changes the workspace.
    #[must_use]
    pub fn changes(&self) -> bool {
        matches!(&self.work, Work::Change { set, .. } if !set.is_empty())
    }

    /// Bytes of contents touched; what is only read beside a change does not count.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        // Sparse files may claim more together than a number holds.
        self.counted().map(|t| t.bytes).fold(0, u64::saturating_add)
    }

    /// Things touched; what is only read beside a change does not count.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.counted()
            .map(|t| t.entries)
            .fold(0, u64::saturating_add)
    }

    fn counted(&self) -> impl Iterator<Item = &Target> {
        let changes = self.targets.iter().any(|t| t.effect.changes());
        self.targets
            .iter()
            .filter(move |t| !changes || t.effect.changes())
    }
}
