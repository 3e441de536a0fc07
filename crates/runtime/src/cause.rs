//! What the errors of the four libraries mean to a caller: kind, code, and what to do next.
use crate::error::{Error, ErrorKind};

impl From<aifirst_audit::Error> for Error {
    fn from(e: aifirst_audit::Error) -> Self {
        use aifirst_audit::ErrorKind as A;
        let (kind, code, hint) = match e.kind() {
            A::RolledBack | A::Forked => (
                ErrorKind::Tampered,
                e.code(),
                "`aifirst verify` names what is missing; nothing is changed until it is put back",
            ),
            // As `verify` judges it: the log beside it may be whole.
            A::HeadCopy => (
                ErrorKind::State,
                e.code(),
                "the file `log.lock` in the workspace's state folder was altered: put it back from a backup. Without one, `aifirst verify` says what still holds; moved away, it is written anew, and an end cut off before that does not show",
            ),
            A::Damaged => (
                ErrorKind::Tampered,
                "log_damaged",
                "`aifirst verify` names the rows; nothing is changed until they are put back",
            ),
            A::Full => (
                ErrorKind::State,
                "state_full",
                "free some space; what could not be recorded was not done",
            ),
            A::Busy => (
                ErrorKind::TimedOut,
                "busy",
                "try again; another program holds the database",
            ),
            A::NewerFormat => (
                ErrorKind::State,
                "newer_format",
                "use the newer aifirst that wrote it",
            ),
            A::ReadOnly => (
                ErrorKind::State,
                "state_read_only",
                "make the state folder writable, or name another: --state DIR",
            ),
            A::TooLarge => (
                ErrorKind::Failed,
                "too_large_to_record",
                "split the call: its record would be too large",
            ),
            _ => (
                ErrorKind::State,
                "log_unwritable",
                "check the state folder's disk, space and mode; what could not be recorded was not done",
            ),
        };
        Self::new(kind, format!("the log: {e}"))
            .with_code(code)
            .with_hint(hint)
            .with_source(e)
    }
}

impl From<rusqlite::Error> for Error {
    fn from(e: rusqlite::Error) -> Self {
        aifirst_audit::Error::from(e).into()
    }
}

impl From<aifirst_undo::Error> for Error {
    fn from(e: aifirst_undo::Error) -> Self {
        use aifirst_undo::ErrorKind as U;
        let (kind, hint) = match e.kind() {
            U::Changed => (
                ErrorKind::Conflict,
                Some("somebody changed it meanwhile; look again and repeat the call"),
            ),
            U::Conflict => (
                ErrorKind::Conflict,
                Some(
                    "`aifirst undo --dry-run` shows the conflicts; --keep-mine, --beside or --force decides them",
                ),
            ),
            U::NotFound => (
                ErrorKind::NoSuch,
                Some("`aifirst log` shows what can be named"),
            ),
            U::NoSpace => (
                ErrorKind::State,
                Some("free some space; nothing was left half-done"),
            ),
            U::StoreDamaged | U::StoreMissing => (
                ErrorKind::State,
                Some("the store of kept objects was altered; put it back from a backup"),
            ),
            U::NewerFormat => (
                ErrorKind::State,
                Some("use the newer aifirst that wrote it"),
            ),
            U::Database => (
                ErrorKind::State,
                Some(
                    "check the state folder's disk, space and mode; the next call recovers what was begun",
                ),
            ),
            U::NotOnThisMount => (
                ErrorKind::Unsupported,
                Some(
                    "what lies on another mount cannot be kept for undo; list the mount in policy or work in it as a workspace of its own",
                ),
            ),
            U::NotReversible => (
                ErrorKind::Unsupported,
                Some("what could not be undone is not done"),
            ),
            U::BadChangeSet => (ErrorKind::Failed, None),
            U::Guard(g) => of_guard(g),
            _ => (ErrorKind::Failed, None),
        };
        let mut out = Self::new(kind, e.to_string()).with_code(e.code());
        if let Some(path) = e.path() {
            out = out.with_path(path.to_string());
        }
        if let Some(hint) = hint {
            out = out.with_hint(hint);
        }
        out.with_source(e)
    }
}

/// What a refusal of the guard means, for the path as it was spelled.
pub(crate) fn guard(e: aifirst_sandbox::Error, spelled: &str) -> Error {
    let (kind, hint) = of_guard(&e.kind());
    let mut out = Error::new(kind, e.to_string())
        .with_code(e.code())
        .with_path(spelled);
    if let Some(hint) = hint {
        out = out.with_hint(hint);
    }
    out.with_source(e)
}

fn of_guard(kind: &aifirst_sandbox::ErrorKind) -> (ErrorKind, Option<&'static str>) {
    use aifirst_sandbox::ErrorKind as G;
    match kind {
        G::NotFound => (
            ErrorKind::Failed,
            Some("list_directory shows what is there"),
        ),
        G::Exists => (
            ErrorKind::Failed,
            Some("nothing was overwritten; choose another name"),
        ),
        G::NotADirectory | G::IsADirectory | G::NotEmpty | G::IntoItself | G::LimitExceeded => {
            (ErrorKind::Failed, None)
        }
        G::Raced => (
            ErrorKind::Conflict,
            Some("something changed it meanwhile; try again"),
        ),
        G::NoSpace => (
            ErrorKind::State,
            Some("free some space; nothing was changed"),
        ),
        G::ReadOnly | G::PermissionDenied => (
            ErrorKind::Failed,
            Some("the operating system refused; check owner and mode"),
        ),
        G::Unsupported => (
            ErrorKind::Unsupported,
            Some("`aifirst doctor` says what this machine lacks"),
        ),
        G::HardLinked => (
            ErrorKind::Guard,
            Some(
                "the file has other names, perhaps outside; `hard_links = \"read\"` under [guard] in policy.toml allows reading and replacing such files",
            ),
        ),
        G::Escape => (
            ErrorKind::Guard,
            Some("only what lies inside the workspace can be named"),
        ),
        G::Io => (ErrorKind::Failed, None),
        _ => (ErrorKind::Guard, None),
    }
}
