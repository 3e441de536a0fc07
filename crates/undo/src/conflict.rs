//! Why a path cannot simply be brought back, and what is done about it.

use aifirst_sandbox::RawRel;

/// Why a path is not as the journal last recorded it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConflictReason {
    /// The object has other content now, or may have.
    Edited,
    /// Another object of the same kind has the name now.
    Replaced,
    /// Nothing is there any more.
    Deleted,
    /// Something is there that was not.
    Created,
    /// The object is no longer where it was moved to.
    Moved,
    /// An object of another kind has the name now.
    KindChanged,
    /// The folder holds what the operation did not put there.
    NotEmpty,
    /// Mode, owner, flags or attributes were changed.
    MetadataChanged,
    /// The kept object is missing, or was changed in the store.
    StoreDamaged,
    /// A later operation that is still in force changed the path.
    ChangedLater {
        /// That operation.
        by: [u8; 10],
    },
}

impl ConflictReason {
    /// The stable name, in snake case.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Edited => "edited",
            Self::Replaced => "replaced",
            Self::Deleted => "deleted",
            Self::Created => "created",
            Self::Moved => "moved",
            Self::KindChanged => "kind_changed",
            Self::NotEmpty => "not_empty",
            Self::MetadataChanged => "metadata_changed",
            Self::StoreDamaged => "store_damaged",
            Self::ChangedLater { .. } => "changed_later",
        }
    }

    pub(crate) fn code(&self) -> i64 {
        match self {
            Self::Edited => 1,
            Self::Replaced => 2,
            Self::Deleted => 3,
            Self::Created => 4,
            Self::Moved => 5,
            Self::KindChanged => 6,
            Self::NotEmpty => 7,
            Self::MetadataChanged => 8,
            Self::StoreDamaged => 9,
            Self::ChangedLater { .. } => 10,
        }
    }
}

/// What is done where a path is in conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnConflict {
    /// Nothing is done at all: the plan cannot be staged.
    #[default]
    Refuse,
    /// The present object stays; the rest is done.
    KeepMine,
    /// The recorded object comes back; the present one is kept in the store, so that this can be
    /// undone too.
    Restore,
    /// The present object stays, and the recorded one comes back beside it.
    Beside,
}

impl OnConflict {
    pub(crate) fn code(self) -> i64 {
        match self {
            Self::Refuse => 0,
            Self::KeepMine => 1,
            Self::Restore => 2,
            Self::Beside => 3,
        }
    }
}

/// One conflict, with what was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The path.
    pub path: RawRel,
    /// Why.
    pub reason: ConflictReason,
    /// What is done, or was.
    pub choice: OnConflict,
    /// Where the recorded object goes instead, for `Beside`.
    pub beside: Option<RawRel>,
}
