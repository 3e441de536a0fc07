//! The one error of this crate: a kind, a stable code, the facts, the source.

use std::fmt;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, to be matched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The database refused for a reason that has no kind of its own.
    Database,
    /// Another writer held the database longer than the busy timeout.
    Busy,
    /// The disk is full; nothing was appended.
    Full,
    /// The disk failed to read or write; what reached it is not known.
    Io,
    /// The database may not be written.
    ReadOnly,
    /// The file could not be opened, with the reason in the text.
    CannotOpen,
    /// The file is not one of ours, or holds no log.
    NotALog,
    /// A log is already there.
    AlreadyThere,
    /// The log was written in a format newer than this program knows.
    NewerFormat,
    /// What is stored contradicts itself; `verify` names the rows.
    Damaged,
    /// The log is older than its head copy says.
    RolledBack,
    /// The log is another history than its head copy says.
    Forked,
    /// A head copy is garbled.
    HeadCopy,
    /// A field of an event is missing or may not have this value.
    InvalidEvent,
    /// A JSON value cannot be written as canonical bytes, or bytes are not canonical.
    NotCanonical,
    /// An event or a body is larger than the format allows.
    TooLarge,
    /// The caller's transaction is not a writing one (`BEGIN IMMEDIATE`).
    NotWriting,
}

impl ErrorKind {
    /// The stable code of this kind, for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Database => "audit_database",
            Self::Busy => "audit_busy",
            Self::Full => "audit_disk_full",
            Self::Io => "audit_io",
            Self::ReadOnly => "audit_read_only",
            Self::CannotOpen => "audit_cannot_open",
            Self::NotALog => "audit_not_a_log",
            Self::AlreadyThere => "audit_already_there",
            Self::NewerFormat => "audit_newer_format",
            Self::Damaged => "audit_damaged",
            Self::RolledBack => "audit_rolled_back",
            Self::Forked => "audit_forked",
            Self::HeadCopy => "audit_head_copy",
            Self::InvalidEvent => "audit_invalid_event",
            Self::NotCanonical => "audit_not_canonical",
            Self::TooLarge => "audit_too_large",
            Self::NotWriting => "audit_not_writing",
        }
    }
}

/// Why a call of this crate failed.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    what: String,
    seq: Option<u64>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, what: impl Into<String>) -> Self {
        Self {
            kind,
            what: what.into(),
            seq: None,
            source: None,
        }
    }

    pub(crate) fn at(mut self, seq: u64) -> Self {
        self.seq = Some(seq);
        self
    }

    pub(crate) fn from_source(
        kind: ErrorKind,
        what: impl Into<String>,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self {
            kind,
            what: what.into(),
            seq: None,
            source: Some(Box::new(source)),
        }
    }

    /// What went wrong, to be matched on.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The stable code, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// The row concerned, where one is known.
    #[must_use]
    pub fn seq(&self) -> Option<u64> {
        self.seq
    }

    /// Whether the same call may succeed later without anybody mending anything.
    #[must_use]
    pub fn can_retry(&self) -> bool {
        matches!(self.kind, ErrorKind::Busy)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source
            .as_deref()
            .map(|e| e as &(dyn std::error::Error + 'static))
    }
}

impl From<rusqlite::Error> for Error {
    fn from(e: rusqlite::Error) -> Self {
        use rusqlite::ffi::ErrorCode as C;
        let (kind, what) = match e.sqlite_error_code() {
            Some(C::DatabaseBusy | C::DatabaseLocked) => {
                (ErrorKind::Busy, "the log is held by another writer")
            }
            Some(C::DiskFull) => (ErrorKind::Full, "no space left for the log"),
            Some(C::SystemIoFailure) => (ErrorKind::Io, "the disk failed while the log was used"),
            Some(C::ReadOnly) => (ErrorKind::ReadOnly, "the log may not be written"),
            Some(C::DatabaseCorrupt) => (ErrorKind::Damaged, "the log's database is damaged"),
            Some(C::NotADatabase) => (ErrorKind::NotALog, "the file is not a database"),
            Some(C::CannotOpen | C::PermissionDenied) => {
                (ErrorKind::CannotOpen, "the log's database cannot be opened")
            }
            _ => (ErrorKind::Database, "the log's database refused"),
        };
        Self {
            kind,
            what: what.into(),
            seq: None,
            source: Some(Box::new(without_path(e))),
        }
    }
}

/// On a failed open rusqlite appends the file's path to the message, and paths of
/// this host do not belong into errors that an agent may read.
fn without_path(e: rusqlite::Error) -> rusqlite::Error {
    match e {
        rusqlite::Error::SqliteFailure(f, Some(_))
            if f.code == rusqlite::ffi::ErrorCode::CannotOpen =>
        {
            rusqlite::Error::SqliteFailure(f, None)
        }
        other => other,
    }
}
