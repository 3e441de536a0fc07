//! The one error of this crate: what failed, as a kind with a stable code, and its cause.

use std::error::Error as StdError;
use std::fmt;

use aifirst_sandbox::RawRel;

/// What this crate's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, for code that decides.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A path is not what the plan saw; plan again.
    Changed,
    /// A path holds what somebody else put there, or an undo would destroy later work.
    Conflict,
    /// The change set contradicts itself, for instance by touching a path twice.
    BadChangeSet,
    /// No such operation in the journal, or it cannot be undone or redone now.
    NotFound,
    /// The file system or quota is full.
    NoSpace,
    /// An object of the store is missing, or another than recorded.
    StoreDamaged,
    /// The store is not there, or is another store than recorded.
    StoreMissing,
    /// The journal was written by a newer format than this build knows.
    NewerFormat,
    /// The database failed.
    Database,
    /// The guard refused or the kernel failed, as the sandbox's kind says.
    Guard(aifirst_sandbox::ErrorKind),
    /// The object cannot be moved into the store, for instance because it is on another mount.
    NotOnThisMount,
    /// The change would meet something that cannot be brought back, for instance an immutable file.
    NotReversible,
    /// Reading or writing failed.
    Io,
}

impl ErrorKind {
    /// The stable name of the kind, in snake case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Conflict => "conflict",
            Self::BadChangeSet => "bad_change_set",
            Self::NotFound => "not_found",
            Self::NoSpace => "no_space",
            Self::StoreDamaged => "store_damaged",
            Self::StoreMissing => "store_missing",
            Self::NewerFormat => "newer_format",
            Self::Database => "database",
            Self::Guard(kind) => kind.code(),
            Self::NotOnThisMount => "not_on_this_mount",
            Self::NotReversible => "not_reversible",
            Self::Io => "io",
        }
    }
}

/// An error of the undo engine; never names a path of the host, only workspace-relative ones.
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    doing: &'static str,
    path: Option<RawRel>,
    detail: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, doing: &'static str) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                doing,
                path: None,
                detail: None,
                source: None,
            }),
        }
    }

    pub(crate) fn at(mut self, path: &RawRel) -> Self {
        if self.inner.path.is_none() {
            self.inner.path = Some(path.clone());
        }
        self
    }

    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.inner.detail = Some(detail.into());
        self
    }

    pub(crate) fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    pub(crate) fn database(doing: &'static str, source: rusqlite::Error) -> Self {
        let full = matches!(
            source.sqlite_error_code(),
            Some(rusqlite::ErrorCode::DiskFull)
        );
        let kind = if full {
            ErrorKind::NoSpace
        } else {
            ErrorKind::Database
        };
        Self::new(kind, doing).because(source)
    }

    /// What went wrong, for code that decides.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.inner.kind
    }

    /// The stable name of the kind, in snake case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.inner.kind.code()
    }

    /// The workspace-relative path that it is about, where there is one.
    #[must_use]
    pub fn path(&self) -> Option<&RawRel> {
        self.inner.path.as_ref()
    }

    /// Whether the same call may succeed when it is planned and made again.
    #[must_use]
    pub fn can_retry(&self) -> bool {
        match &self.inner.kind {
            ErrorKind::Changed => true,
            ErrorKind::Guard(aifirst_sandbox::ErrorKind::Raced) => true,
            ErrorKind::Database => self
                .inner
                .source
                .as_ref()
                .and_then(|source| source.downcast_ref::<rusqlite::Error>())
                .and_then(rusqlite::Error::sqlite_error_code)
                .is_some_and(|code| {
                    matches!(
                        code,
                        rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked
                    )
                }),
            _ => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.inner.doing)?;
        if let Some(path) = &self.inner.path {
            write!(f, " {path}")?;
        }
        match (&self.inner.detail, &self.inner.source) {
            (Some(detail), _) => write!(f, ": {detail}"),
            (None, Some(source)) => write!(f, ": {source}"),
            (None, None) => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("text", &self.to_string())
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.inner.source {
            Some(source) => Some(source.as_ref()),
            None => None,
        }
    }
}

impl From<aifirst_sandbox::Error> for Error {
    fn from(error: aifirst_sandbox::Error) -> Self {
        let kind = match error.kind() {
            aifirst_sandbox::ErrorKind::NoSpace => ErrorKind::NoSpace,
            aifirst_sandbox::ErrorKind::CrossDevice => ErrorKind::NotOnThisMount,
            aifirst_sandbox::ErrorKind::Io => ErrorKind::Io,
            other => ErrorKind::Guard(other),
        };
        Self::new(kind, "cannot change the workspace").because(error)
    }
}
