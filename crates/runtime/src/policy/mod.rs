//! Policy: TOML text in, a decision with its rule out; pure, no file is read here.
//!
//! Rules match pairs of effect and target, by the spelled and by the resolved path. `deny` and `ask`
//! match when *any* pair does, by either path; `allow` only when *all* pairs do, by both. Deny wins, then
//! ask, then allow, then `default`. The built-in questions `folder`, `size` and `irreversible` come on
//! top; only an `allow` that matches and lifts them by name stills them. Of several files all rules
//! count, and of `default`, `ask_over` and `[guard]` the strictest that is stated.

mod rule;
mod builtin;
mod load;
mod decide;

use crate::effect::{Effect, Reversibility};

pub(crate) use load::PolicyError;

use builtin::AskOver;
use rule::Rule;

/// What policy says to a plan, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Verdict {
    /// It runs.
    Allow,
    /// A person is asked first.
    Ask,
    /// It does not run, whoever says yes.
    Deny,
}

impl Verdict {
    /// The word used in policies, in the log and in JSON.
    #[must_use]
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Allow, Self::Ask, Self::Deny]
            .into_iter()
            .find(|verdict| verdict.as_str() == word)
    }
}

/// What a decision rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    /// A rule of a file; its name stands in the decision.
    Rule,
    /// A built-in question; its name stands in the decision.
    BuiltIn,
    /// What holds where no rule decides.
    Default,
}

impl Source {
    /// The word used in the log and in JSON.
    #[must_use]
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::BuiltIn => "builtin",
            Self::Default => "default",
        }
    }
}

/// Whose file a text comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Origin {
    /// The person's own, for all workspaces.
    Person,
    /// That of one workspace, in the state folder.
    Workspace,
}

impl Origin {
    /// The word used in messages.
    #[must_use]
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Workspace => "workspace",
        }
    }
}

/// Why a change set is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Cause {
    /// An operation.
    Do,
    /// An undo: never asked for folder or size.
    Undo,
    /// A redo: likewise.
    Redo,
    /// The rollback of a transaction: likewise.
    #[allow(
        dead_code,
        reason = "transactions ask with it once they are operations"
    )]
    Rollback,
    /// Recovery: not judged.
    Recovery,
}

/// Whether links inside the workspace may be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Symlinks {
    /// As far as they stay beneath the root.
    Beneath,
    /// Not at all.
    Deny,
}

/// What may be done to a file that has other names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum HardLinks {
    /// Nothing.
    Deny,
    /// It may be read.
    Read,
}

/// The settings of the path guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GuardSettings {
    /// Links inside the workspace.
    pub(crate) symlinks: Symlinks,
    /// Files with other names.
    pub(crate) hard_links: HardLinks,
    /// Folders that may be other mounts, relative to the workspace.
    pub(crate) mounts: Vec<String>,
}

/// One target and what is done to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair<'a> {
    /// What is done.
    pub(crate) effect: Effect,
    /// The path as the caller wrote it.
    pub(crate) spelled: &'a str,
    /// The path as the guard found it, relative to the workspace.
    pub(crate) resolved: &'a str,
    /// Whether it is a folder, so that what is done to it is done to all beneath.
    pub(crate) folder: bool,
}

/// What is to be judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    /// The operation's name.
    pub(crate) operation: &'a str,
    /// All targets.
    pub(crate) pairs: &'a [Pair<'a>],
    /// Whether the folders involved fold case.
    pub(crate) folds_case: bool,
    /// Bytes that change, written and lost ones together.
    pub(crate) bytes: u64,
    /// Entries that change, those inside of folders counted.
    pub(crate) entries: u64,
    /// Whether a folder with content is deleted or replaced.
    pub(crate) replaces_folder: bool,
    /// How far it can be taken back.
    pub(crate) reversibility: Reversibility,
    /// Why it is judged.
    pub(crate) cause: Cause,
}

/// What was decided, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// The verdict.
    pub(crate) verdict: Verdict,
    /// What it rests on.
    pub(crate) source: Source,
    /// The name of the rule or of the built-in question.
    pub(crate) rule: Option<String>,
    /// The reason that the rule gives, or what the built-in question says.
    pub(crate) reason: Option<String>,
    /// Everything that asks or denies, in words, the deciding one first.
    because: Vec<String>,
}

impl Decision {
    /// Everything that asks or denies, in words, the deciding one first; empty for an allow.
    #[must_use]
    pub(crate) fn because(&self) -> Vec<String> {
        self.because.clone()
    }
}

/// All files together, checked.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    rules: Vec<Rule>,
    default: Verdict,
    ask_over: AskOver,
    guard: GuardSettings,
    stamp: [u8; 32],
}

impl Policy {
    /// What holds where there is no file: everything that can be undone is allowed, the built-in
    /// questions are asked.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn builtin() -> Self {
        builtin::policy()
    }

    /// Reads all files together.
    ///
    /// # Errors
    /// When a text is no TOML, lacks `version = 1`, has a key or word that is not known, or a rule that
    /// could never match. Then nothing of any text counts: a broken policy is never an empty one.
    pub(crate) fn load(texts: &[(Origin, &str)]) -> Result<Self, PolicyError> {
        load::load(texts)
    }

    /// SHA-256 of the texts: another stamp is another policy.
    #[must_use]
    pub(crate) fn stamp(&self) -> [u8; 32] {
        self.stamp
    }

    /// The settings of the path guard.
    #[must_use]
    pub(crate) fn guard(&self) -> &GuardSettings {
        &self.guard
    }

    /// Judges.
    #[must_use]
    pub(crate) fn decide(&self, question: &Question<'_>) -> Decision {
        decide::decide(self, question)
    }
}

#[cfg(test)]
mod tests;
