//! The crate's one error: what was refused or failed, with a stable code.

use std::fmt;
use std::io;

use rustix::io::Errno;

/// What every function of this crate returns.
pub type Result<T> = std::result::Result<T, Error>;

/// A refusal of the guard or a failure of the system below it.
///
/// It names paths only relative to the workspace and escaped, so that it may be
/// shown and recorded; the host's own paths never enter it.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    doing: &'static str,
    path: Option<String>,
    detail: Option<String>,
    source: Option<io::Error>,
}

/// Why something was refused or failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The spelling of a path or name is not accepted.
    #[error("{0}")]
    BadName(NameFault),
    /// The path leads outside the workspace: by `..`, by an absolute spelling or by a link.
    #[error("it leads outside the workspace")]
    Escape,
    /// A component is a symbolic link and the rules follow none here.
    #[error("it goes through a symbolic link, which is not followed here")]
    LinkDenied,
    /// More than forty symbolic links, as the kernel counts them too.
    #[error("too many symbolic links")]
    LinkLoop,
    /// A component is the root of another mount that is not listed in the rules.
    #[error("it crosses into another mount")]
    MountCrossing,
    /// Neither a regular file nor a folder: a FIFO, socket or device.
    #[error("it is neither a regular file nor a folder")]
    SpecialFile,
    /// The file has further hard links, so that its content may belong elsewhere too.
    #[error("the file has other hard links")]
    HardLinked,
    /// A name that belongs to the runtime itself.
    #[error("the name is reserved for the runtime")]
    ProtectedName,
    /// Mode bits above `0o777` are set on nothing.
    #[error("mode bits above 777 are not set")]
    ModeDenied,
    /// An extended attribute outside `user.*`.
    #[error("only attributes that begin with `user.` can be changed")]
    AttributeDenied,
    /// The root itself cannot be the target of this.
    #[error("it is the root of the workspace itself")]
    RootItself,
    /// Nothing is there.
    #[error("there is nothing with this name")]
    NotFound,
    /// Something is there already.
    #[error("the name is taken")]
    Exists,
    /// A folder was needed.
    #[error("it is not a folder")]
    NotADirectory,
    /// A file was needed.
    #[error("it is a folder")]
    IsADirectory,
    /// The folder has content.
    #[error("the folder is not empty")]
    NotEmpty,
    /// A folder cannot be moved into itself, nor exchanged with one of its own.
    #[error("a folder cannot be moved into itself")]
    IntoItself,
    /// A rename or link between two mounts.
    #[error("the two places are on different mounts")]
    CrossDevice,
    /// The disk or the quota is full.
    #[error("no space is left")]
    NoSpace,
    /// The file system is mounted read-only.
    #[error("the file system is read-only")]
    ReadOnly,
    /// The system denies it to this user.
    #[error("permission denied")]
    PermissionDenied,
    /// The tree kept changing under the call; nothing was done.
    #[error("the tree changed meanwhile")]
    Raced,
    /// A given or built-in limit was passed.
    #[error("a limit was passed")]
    LimitExceeded,
    /// The kernel or the file system lacks what this needs.
    #[error("not supported here")]
    Unsupported,
    /// The folder cannot serve as a root.
    #[error("this cannot be the root")]
    BadRoot,
    /// Any other failure of the system; the source tells.
    #[error("input or output failed")]
    Io,
}

/// What is wrong with the spelling of a path or name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum NameFault {
    /// Nothing was given.
    #[error("the path is empty")]
    Empty,
    /// It begins with a slash.
    #[error("the path is absolute")]
    Absolute,
    /// Two slashes beside each other.
    #[error("the path has an empty component")]
    EmptyComponent,
    /// A `.` component.
    #[error("the path has a `.` component")]
    Dot,
    /// A `..` component.
    #[error("the path has a `..` component")]
    DotDot,
    /// It ends in a slash.
    #[error("the path ends in a slash")]
    TrailingSlash,
    /// A name with a slash in it.
    #[error("the name contains a slash")]
    Slash,
    /// A NUL byte.
    #[error("the path contains a NUL byte")]
    Nul,
    /// A component longer than 255 bytes.
    #[error("a component is longer than 255 bytes")]
    NameTooLong,
    /// Longer than 4,095 bytes.
    #[error("the path is longer than 4095 bytes")]
    PathTooLong,
    /// More than 256 components.
    #[error("the path has more than 256 components")]
    TooDeep,
    /// Not UTF-8, where text is needed.
    #[error("the path is not UTF-8")]
    NotUtf8,
    /// A control character or a line separator.
    #[error("the path contains a control character")]
    Control,
    /// A character that turns the direction of text.
    #[error("the path contains a bidirectional control character")]
    Bidi,
    /// A character that does not show.
    #[error("the path contains an invisible character")]
    Invisible,
    /// A character that other systems do not allow in names, where names are to be portable.
    #[error("the path contains a character that other systems do not allow")]
    NotPortable,
    /// A name that other systems take for a device, where names are to be portable.
    #[error("a component is the name of a device on other systems")]
    DeviceName,
    /// A component that ends in a dot or space, where names are to be portable.
    #[error("a component ends in a dot or a space, which other systems drop")]
    TrailingDot,
    /// `~` as the first component: a shell would have meant a home folder.
    #[error("the path begins with `~`, which is not expanded here")]
    Tilde,
}

impl ErrorKind {
    /// The stable code of the kind, for records and programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::BadName(_) => "bad_name",
            Self::Escape => "escape",
            Self::LinkDenied => "link_denied",
            Self::LinkLoop => "link_loop",
            Self::MountCrossing => "mount_crossing",
            Self::SpecialFile => "special_file",
            Self::HardLinked => "hard_linked",
            Self::ProtectedName => "protected_name",
            Self::ModeDenied => "mode_denied",
            Self::AttributeDenied => "attribute_denied",
            Self::RootItself => "root_itself",
            Self::NotFound => "not_found",
            Self::Exists => "exists",
            Self::NotADirectory => "not_a_directory",
            Self::IsADirectory => "is_a_directory",
            Self::NotEmpty => "not_empty",
            Self::IntoItself => "into_itself",
            Self::CrossDevice => "cross_device",
            Self::NoSpace => "no_space",
            Self::ReadOnly => "read_only",
            Self::PermissionDenied => "permission_denied",
            Self::Raced => "raced",
            Self::LimitExceeded => "limit_exceeded",
            Self::Unsupported => "unsupported",
            Self::BadRoot => "bad_root",
            Self::Io => "io",
        }
    }

    /// Whether the guard refused it by its own rules, rather than the system by failing.
    #[must_use]
    pub fn is_refusal(self) -> bool {
        matches!(
            self,
            Self::BadName(_)
                | Self::Escape
                | Self::LinkDenied
                | Self::LinkLoop
                | Self::MountCrossing
                | Self::SpecialFile
                | Self::HardLinked
                | Self::ProtectedName
                | Self::ModeDenied
                | Self::AttributeDenied
                | Self::RootItself
        )
    }
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, doing: &'static str) -> Self {
        Self(Box::new(Inner {
            kind,
            doing,
            path: None,
            detail: None,
            source: None,
        }))
    }

    pub(crate) fn name(fault: NameFault) -> Self {
        Self::new(ErrorKind::BadName(fault), "use the path")
    }

    /// Judges what the system said; `EXDEV` is left to those who know what it means there.
    pub(crate) fn system(doing: &'static str, errno: Errno) -> Self {
        let kind = match errno {
            Errno::NOENT => ErrorKind::NotFound,
            Errno::EXIST => ErrorKind::Exists,
            Errno::NOTDIR => ErrorKind::NotADirectory,
            Errno::ISDIR => ErrorKind::IsADirectory,
            Errno::NOTEMPTY => ErrorKind::NotEmpty,
            Errno::NOSPC | Errno::DQUOT => ErrorKind::NoSpace,
            Errno::ROFS => ErrorKind::ReadOnly,
            Errno::ACCESS | Errno::PERM => ErrorKind::PermissionDenied,
            Errno::AGAIN => ErrorKind::Raced,
            Errno::LOOP => ErrorKind::LinkDenied,
            Errno::NXIO | Errno::NODEV => ErrorKind::SpecialFile,
            Errno::NOSYS | Errno::OPNOTSUPP | Errno::NOTTY => ErrorKind::Unsupported,
            Errno::NAMETOOLONG => ErrorKind::BadName(NameFault::PathTooLong),
            _ => ErrorKind::Io,
        };
        let mut error = Self::new(kind, doing);
        error.0.source = Some(errno.into());
        error
    }

    /// `EXDEV` and `EBUSY` from a rename or link: two mounts, or a mount point as the leaf.
    pub(crate) fn moving(doing: &'static str, errno: Errno) -> Self {
        let mut error = Self::system(doing, errno);
        match errno {
            Errno::XDEV => error.0.kind = ErrorKind::CrossDevice,
            Errno::BUSY => error.0.kind = ErrorKind::MountCrossing,
            _ => {}
        }
        error
    }

    /// From `openat2` on a path without `..` and without links, where `EXDEV` means a mount.
    pub(crate) fn opening(doing: &'static str, errno: Errno) -> Self {
        let mut error = Self::system(doing, errno);
        if errno == Errno::XDEV {
            error.0.kind = ErrorKind::MountCrossing;
        }
        error
    }

    pub(crate) fn at(mut self, path: &dyn fmt::Display) -> Self {
        self.0.path = Some(path.to_string());
        self
    }

    pub(crate) fn doing(mut self, doing: &'static str) -> Self {
        self.0.doing = doing;
        self
    }

    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Why.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The stable code of the kind, for records and programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.kind.code()
    }

    /// What was being done, as a verb: `open`, `rename`, ….
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.0.doing
    }

    /// The path within the workspace or the store, escaped for showing; the root is `.`.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        self.0.path.as_deref()
    }

    /// What the kind alone does not say: a count, a limit, a kernel version.
    #[must_use]
    pub fn facts(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// The number the system gave, where it was the system that failed.
    #[must_use]
    pub fn raw_os_error(&self) -> Option<i32> {
        self.0.source.as_ref().and_then(io::Error::raw_os_error)
    }

    /// Whether the same call may succeed when made again, nothing else being changed.
    #[must_use]
    pub fn can_retry(&self) -> bool {
        if self.0.kind == ErrorKind::Raced {
            return true;
        }
        let transient = [
            Errno::INTR,
            Errno::AGAIN,
            Errno::MFILE,
            Errno::NFILE,
            Errno::NOMEM,
            Errno::STALE,
        ];
        self.raw_os_error()
            .is_some_and(|raw| transient.iter().any(|errno| errno.raw_os_error() == raw))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}", self.0.doing)?;
        if let Some(path) = &self.0.path {
            write!(f, " {path}")?;
        }
        write!(f, ": {}", self.0.kind)?;
        if let Some(detail) = &self.0.detail {
            write!(f, " ({detail})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("operation", &self.0.doing)
            .field("path", &self.0.path)
            .field("facts", &self.0.detail)
            .field("source", &self.0.source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0
            .source
            .as_ref()
            .map(|source| source as &(dyn std::error::Error + 'static))
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::NotFound => io::ErrorKind::NotFound,
            ErrorKind::Exists => io::ErrorKind::AlreadyExists,
            ErrorKind::PermissionDenied => io::ErrorKind::PermissionDenied,
            ErrorKind::NoSpace => io::ErrorKind::StorageFull,
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}
