//! Exit codes: the one table from what went wrong to what the shell sees.
use aifirst_runtime::ErrorKind;

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The effect was done.
    Done,
    /// The operation failed or timed out, or its output was lost.
    Failed,
    /// Wrong usage, or no such operation, id or workspace.
    Usage,
    /// Denied by policy or a person, or for want of an answer.
    Denied,
    /// Refused by the guard.
    Guard,
    /// Somebody changed it since.
    Conflict,
    /// The log was tampered with.
    Tampered,
    /// The state is damaged or unwritable.
    State,
    /// Not possible on this machine.
    Unsupported,
    /// Stopped by this signal, after undoing or finishing what was begun.
    Signal(i32),
}

impl Exit {
    /// The number the shell sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Denied => 3,
            Self::Guard => 4,
            Self::Conflict => 5,
            Self::Tampered => 6,
            Self::State => 7,
            Self::Unsupported => 8,
            Self::Signal(n) => u8::try_from(128 + n).unwrap_or(255),
        }
    }
}

impl From<ErrorKind> for Exit {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Usage | ErrorKind::NoSuch => Self::Usage,
            ErrorKind::Denied | ErrorKind::NobodyToAsk => Self::Denied,
            ErrorKind::Guard => Self::Guard,
            ErrorKind::Conflict => Self::Conflict,
            ErrorKind::Tampered => Self::Tampered,
            ErrorKind::State => Self::State,
            ErrorKind::Unsupported => Self::Unsupported,
            // `Cancelled` without a signal is a call that was not done.
            _ => Self::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_documented_one() {
        let table = [
            (ErrorKind::Failed, 1),
            (ErrorKind::TimedOut, 1),
            (ErrorKind::Cancelled, 1),
            (ErrorKind::Usage, 2),
            (ErrorKind::NoSuch, 2),
            (ErrorKind::Denied, 3),
            (ErrorKind::NobodyToAsk, 3),
            (ErrorKind::Guard, 4),
            (ErrorKind::Conflict, 5),
            (ErrorKind::Tampered, 6),
            (ErrorKind::State, 7),
            (ErrorKind::Unsupported, 8),
        ];
        for (kind, code) in table {
            assert_eq!(Exit::from(kind).code(), code, "{kind:?}");
        }
        assert_eq!(Exit::Done.code(), 0);
        assert_eq!(Exit::Signal(2).code(), 130);
        assert_eq!(Exit::Signal(15).code(), 143);
    }
}
