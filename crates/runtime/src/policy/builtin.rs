//! What holds without any file: the default, the built-in questions, the guard's settings.
use sha2::{Digest, Sha256};

use super::{GuardSettings, HardLinks, Policy, Symlinks, Verdict};

/// Beyond this a change is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AskOver {
    pub(super) bytes: u64,
    pub(super) entries: u64,
}

pub(super) const ASK_OVER: AskOver = AskOver {
    bytes: 256 << 20,
    entries: 500,
};

pub(super) const DEFAULT: Verdict = Verdict::Allow;

/// A built-in question; an `allow` rule lifts it by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BuiltIn {
    /// A folder with content is deleted or replaced.
    Folder,
    /// More than `ask_over` changes.
    Size,
    /// It cannot be undone.
    Irreversible,
}

impl BuiltIn {
    /// The gravest first: it is the one that a decision names.
    pub(super) const ALL: [Self; 3] = [Self::Irreversible, Self::Folder, Self::Size];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::Size => "size",
            Self::Irreversible => "irreversible",
        }
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|question| question.as_str() == word)
    }
}

pub(super) fn guard() -> GuardSettings {
    GuardSettings {
        symlinks: Symlinks::Beneath,
        hard_links: HardLinks::Deny,
        mounts: Vec::new(),
    }
}

pub(super) fn policy() -> Policy {
    Policy {
        rules: Vec::new(),
        default: DEFAULT,
        ask_over: ASK_OVER,
        guard: guard(),
        stamp: stamp(&[]),
    }
}

/// The digest of texts with their origins; the lengths keep two texts from passing for one.
pub(super) fn stamp(texts: &[(super::Origin, &str)]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(b"aifirst policy v1");
    for (origin, text) in texts {
        hasher.update(origin.as_str().as_bytes());
        hasher.update([0]);
        hasher.update(text.len().to_be_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.finalize().into()
}
