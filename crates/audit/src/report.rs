//! What a verification found: one verdict, the problems with their rows, remarks.

use crate::digest::Head;
use std::fmt;

/// The verdict on a whole log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// Nothing contradicts anything.
    Intact,
    /// Something stored was changed or added.
    Edited,
    /// Rows or bodies are gone.
    Missing,
    /// An event stands at two places.
    Duplicate,
    /// It is another history, or another log, than it was.
    Forked,
    /// It is older than it was.
    RolledBack,
    /// It was written in a format that this program does not know.
    NewerFormat,
    /// It cannot be read, or cannot be compared with its head copy; nothing is proved.
    Unreadable,
}

impl Verdict {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_intact(self) -> bool {
        self == Self::Intact
    }

    /// Whether someone changed what is stored, as opposed to it being out of reach.
    #[must_use]
    pub fn is_tampering(self) -> bool {
        !matches!(self, Self::Intact | Self::NewerFormat | Self::Unreadable)
    }

    /// The stable word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intact => "intact",
            Self::Edited => "edited",
            Self::Missing => "missing",
            Self::Duplicate => "duplicate",
            Self::Forked => "forked",
            Self::RolledBack => "rolled_back",
            Self::NewerFormat => "newer_format",
            Self::Unreadable => "unreadable",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One way in which a log can contradict itself or what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProblemKind {
    /// A table, index or format entry of the log is not as the format has it.
    Schema,
    /// Something was planted in the schema: a trigger, a view, an extra table or index.
    Planted,
    /// The database's own structures contradict each other.
    Structure,
    /// The bytes do not give the stored leaf.
    BytesChanged,
    /// The row does not follow from the row before it.
    ChainBroken,
    /// The bytes are not canonical JSON, or no event.
    NotCanonical,
    /// The event in the row has another number.
    NumberDiffers,
    /// The same event stands at another place too.
    Duplicate,
    /// The rows before this one, or after the last one, are not there.
    MissingRows,
    /// A row where none can be.
    ExtraRow,
    /// The event says that it belongs to another log.
    OtherLog,
    /// The first event is no genesis, or a later one is.
    Genesis,
    /// A column says something else than the bytes.
    ColumnDiffers,
    /// The event names a body that is not there.
    BodyMissing,
    /// The body is not the one that the event names.
    BodyChanged,
    /// A body that no event names.
    BodyExtra,
    /// The head row says something else than the rows.
    HeadRow,
    /// The head copy names rows that are not there.
    OlderThanHeadCopy,
    /// The head copy names another history.
    OtherThanHeadCopy,
    /// The head copy is garbled.
    HeadCopyGarbled,
    /// The format is newer than this program knows.
    NewerFormat,
    /// The database could not be read further.
    Unreadable,
}

impl ProblemKind {
    /// The verdict that this problem leads to.
    #[must_use]
    pub fn verdict(self) -> Verdict {
        match self {
            Self::MissingRows | Self::BodyMissing => Verdict::Missing,
            Self::Duplicate => Verdict::Duplicate,
            Self::OtherLog | Self::OtherThanHeadCopy => Verdict::Forked,
            Self::OlderThanHeadCopy => Verdict::RolledBack,
            Self::NewerFormat => Verdict::NewerFormat,
            Self::HeadCopyGarbled | Self::Unreadable => Verdict::Unreadable,
            _ => Verdict::Edited,
        }
    }

    /// The stable word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Planted => "planted",
            Self::Structure => "structure",
            Self::BytesChanged => "bytes_changed",
            Self::ChainBroken => "chain_broken",
            Self::NotCanonical => "not_canonical",
            Self::NumberDiffers => "number_differs",
            Self::Duplicate => "duplicate",
            Self::MissingRows => "missing_rows",
            Self::ExtraRow => "extra_row",
            Self::OtherLog => "other_log",
            Self::Genesis => "genesis",
            Self::ColumnDiffers => "column_differs",
            Self::BodyMissing => "body_missing",
            Self::BodyChanged => "body_changed",
            Self::BodyExtra => "body_extra",
            Self::HeadRow => "head_row",
            Self::OlderThanHeadCopy => "older_than_head_copy",
            Self::OtherThanHeadCopy => "other_than_head_copy",
            Self::HeadCopyGarbled => "head_copy_garbled",
            Self::NewerFormat => "newer_format",
            Self::Unreadable => "unreadable",
        }
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The row it concerns, where it concerns one.
    pub seq: Option<u64>,
    /// What it is.
    pub kind: ProblemKind,
    /// The same in words, with the row. Names found in a planted schema stand in it as
    /// they are: escape them before a terminal sees them.
    pub text: String,
}

/// How many problems a report lists; the others are counted.
pub const MAX_PROBLEMS: usize = 100;

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The verdict: that of the first problem, where one that shows tampering comes
    /// before those that only hinder.
    pub verdict: Verdict,
    /// Rows that were read.
    pub size: u64,
    /// The head that the rows lead to.
    pub head: Head,
    /// What was found, in the order of the rows, at most [`MAX_PROBLEMS`].
    pub problems: Vec<Problem>,
    /// How many more were found.
    pub more: u64,
    /// What is worth knowing and no problem.
    pub notes: Vec<String>,
}

impl Report {
    pub(crate) fn new() -> Self {
        Self {
            verdict: Verdict::Intact,
            size: 0,
            head: Head::EMPTY,
            problems: Vec::new(),
            more: 0,
            notes: Vec::new(),
        }
    }

    /// The first row concerned, if the verdict has one.
    #[must_use]
    pub fn first_row(&self) -> Option<u64> {
        self.problems.iter().find_map(|p| p.seq)
    }

    pub(crate) fn add(&mut self, kind: ProblemKind, seq: Option<u64>, text: impl Into<String>) {
        let verdict = kind.verdict();
        if self.verdict.is_intact() || (!self.verdict.is_tampering() && verdict.is_tampering()) {
            self.verdict = verdict;
        }
        if self.problems.len() < MAX_PROBLEMS {
            let text = text.into();
            self.problems.push(Problem { seq, kind, text });
        } else {
            self.more = self.more.saturating_add(1);
        }
    }
}
