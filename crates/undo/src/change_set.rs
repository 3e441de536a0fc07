//! What shall be, said declaratively: one net change per path, in the order given.

use std::collections::BTreeSet;

use aifirst_sandbox::{File, RawRel, Stat};

use crate::error::{Error, ErrorKind, Result};

/// Where new content comes from.
#[derive(Debug)]
#[non_exhaustive]
pub enum Source {
    /// These bytes.
    Bytes(Vec<u8>),
    /// Pieces of the file being replaced, and new bytes between them; only for a replacement.
    Splice(Vec<Piece>),
    /// A copy of an open file, cloned by the file system where it can, else streamed.
    File {
        /// The file to read, from its first byte to its present end.
        file: File,
        /// Which of its fields the copy takes too.
        fields: CopyFields,
    },
}

/// One stretch of a spliced file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A stretch of the file being replaced.
    Old {
        /// First byte, counted from the file's beginning.
        offset: u64,
        /// How many bytes.
        len: u64,
    },
    /// New bytes.
    New(Vec<u8>),
}

/// Which fields a copy takes from the file that it copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyFields {
    /// None: the copy is a new file with its folder's ways.
    Content,
    /// Permission bits and `user.*` attributes of the object at this path.
    From(RawRel),
}

/// One change of one path (two, where something is moved).
#[derive(Debug)]
#[non_exhaustive]
pub enum Change {
    /// A new file where nothing is.
    Create {
        /// Where.
        path: RawRel,
        /// Its content.
        content: Source,
        /// Exactly these permission bits; `None`: as the process's mask and the folder say.
        mode: Option<u32>,
    },
    /// New content for a file, which keeps owner, mode and attributes.
    Replace {
        /// Where.
        path: RawRel,
        /// The file as the plan saw it.
        expect: Stat,
        /// Its new content.
        content: Source,
    },
    /// A new folder where nothing is.
    MakeDir {
        /// Where.
        path: RawRel,
        /// Exactly these permission bits; `None`: as the process's mask and the parent say.
        mode: Option<u32>,
    },
    /// One object that is no folder goes away.
    Delete {
        /// Where.
        path: RawRel,
        /// The object as the plan saw it.
        expect: Stat,
    },
    /// A folder goes away with all that is in it.
    DeleteTree {
        /// Where.
        path: RawRel,
        /// The folder as the plan saw it.
        expect: Stat,
    },
    /// An object gets another name, at which nothing is.
    Rename {
        /// The name it has.
        from: RawRel,
        /// The object as the plan saw it.
        expect: Stat,
        /// The name it gets.
        to: RawRel,
    },
    /// An object gets the name of another, which goes away.
    RenameOver {
        /// The name it has.
        from: RawRel,
        /// The object as the plan saw it.
        expect: Stat,
        /// The name it gets.
        to: RawRel,
        /// What has that name, as the plan saw it.
        over: Stat,
    },
}

impl Change {
    /// The path that is changed, or the one that is moved away from.
    #[must_use]
    pub fn path(&self) -> &RawRel {
        match self {
            Self::Create { path, .. }
            | Self::Replace { path, .. }
            | Self::MakeDir { path, .. }
            | Self::Delete { path, .. }
            | Self::DeleteTree { path, .. } => path,
            Self::Rename { from, .. } | Self::RenameOver { from, .. } => from,
        }
    }

    /// The path that is moved to.
    #[must_use]
    pub fn path2(&self) -> Option<&RawRel> {
        match self {
            Self::Rename { to, .. } | Self::RenameOver { to, .. } => Some(to),
            _ => None,
        }
    }
}

/// An ordered set of changes in which every path occurs once.
#[derive(Debug, Default)]
pub struct ChangeSet {
    changes: Vec<Change>,
    touched: BTreeSet<RawRel>,
}

impl ChangeSet {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a change after those already there.
    ///
    /// # Errors
    /// `BadChangeSet` when a path of it is the root, occurs already, is moved into itself, or when
    /// a splice has nothing to splice from; the set is as it was.
    pub fn push(&mut self, change: Change) -> Result<()> {
        let bad = |path: &RawRel, why: &str| {
            Err(
                Error::new(ErrorKind::BadChangeSet, "cannot plan a change of")
                    .at(path)
                    .detail(why),
            )
        };
        let path = change.path().clone();
        let path2 = change.path2().cloned();
        for touched in [Some(&path), path2.as_ref()].into_iter().flatten() {
            if touched.is_root() {
                return bad(touched, "the workspace's own folder is not changed");
            }
            if self.touched.contains(touched) {
                return bad(touched, "the path is changed twice");
            }
        }
        if let Some(to) = &path2 {
            if to.starts_with(&path) {
                return bad(&path, "it cannot be moved into itself");
            }
            if path.starts_with(to) {
                return bad(&path, "it cannot be moved over a folder that holds it");
            }
        }
        if let Change::Create {
            content: Source::Splice(_),
            ..
        } = &change
        {
            return bad(&path, "a new file has no old content to splice from");
        }
        self.touched.insert(path);
        self.touched.extend(path2);
        self.changes.push(change);
        Ok(())
    }

    /// The changes, in order.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Whether there is nothing to do; such a set never begins.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}
