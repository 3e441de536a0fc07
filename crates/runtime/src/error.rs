//! The one error of the runtime: what failed, why, and what to do next.
use std::error::Error as StdError;
use std::fmt;

/// The result of a call into this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure it was; the command line's exit codes follow from it alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operation could not do what was asked (no such file, wrong type, no match).
    Failed,
    /// It took longer than it may.
    TimedOut,
    /// The caller cancelled it before anything was begun.
    Cancelled,
    /// A parameter is missing, unknown or of the wrong shape.
    Usage,
    /// No operation, entry, session or workspace of that name or id.
    NoSuch,
    /// A rule of the policy, or the person asked, said no.
    Denied,
    /// Somebody had to be asked and nobody could be.
    NobodyToAsk,
    /// The guard refused: outside the workspace, or a thing it does not open.
    Guard,
    /// Somebody else changed it since.
    Conflict,
    /// The audit log was tampered with.
    Tampered,
    /// The state folder, the policy or the store is damaged, unwritable or full.
    State,
    /// This machine, kernel or file system cannot do it.
    Unsupported,
}

impl ErrorKind {
    /// The stable code of the kind, used where no more precise one is known.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
            Self::Usage => "usage",
            Self::NoSuch => "no_such",
            Self::Denied => "denied",
            Self::NobodyToAsk => "nobody_to_ask",
            Self::Guard => "guard",
            Self::Conflict => "conflict",
            Self::Tampered => "log_tampered",
            Self::State => "state",
            Self::Unsupported => "unsupported",
        }
    }
}

/// Why a call failed, with the facts as fields.
///
/// `Display` says what failed and why; [`hint`](Error::hint) says what to do next. Neither holds
/// an absolute path of the host, and both have passed the redactor before they leave the runtime.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    code: &'static str,
    message: String,
    hint: Option<String>,
    path: Option<String>,
    rule: Option<String>,
    id: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of a kind, with its sentence (lower case, no full stop).
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            code: kind.code(),
            message: message.into(),
            hint: None,
            path: None,
            rule: None,
            id: None,
            source: None,
        }))
    }

    /// A wrong or missing parameter.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// An operation that could not do what was asked.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Failed, message)
    }

    /// Sets a more precise stable code (`snake_case`).
    #[must_use]
    pub fn with_code(mut self, code: &'static str) -> Self {
        self.0.code = code;
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Names the path it is about, as the workspace spells it.
    #[must_use]
    pub fn with_path(mut self, path: impl Into<String>) -> Self {
        self.0.path = Some(path.into());
        self
    }

    /// Names the rule that decided.
    #[must_use]
    pub fn with_rule(mut self, rule: impl Into<String>) -> Self {
        self.0.rule = Some(rule.into());
        self
    }

    /// Names the operation under which the log holds it.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.0.id = Some(id.into());
        self
    }

    /// Keeps what caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The kind of failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The stable code, for machines.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The path it is about.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        self.0.path.as_deref()
    }

    /// The rule that decided.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        self.0.rule.as_deref()
    }

    /// The id under which the log holds the call, when it holds it.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.0.id.as_deref()
    }

    /// Whether the same call may succeed later without anybody changing anything on purpose.
    #[must_use]
    pub fn can_retry(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Conflict | ErrorKind::TimedOut | ErrorKind::NobodyToAsk
        )
    }

    /// Passes every text it shows through `hide`, the redactor of the call; the causes become
    /// part of the message first, so that none of them is shown unredacted.
    #[must_use]
    pub(crate) fn redacted(mut self, hide: &dyn Fn(&str) -> String) -> Self {
        let inner = &mut *self.0;
        let mut message = std::mem::take(&mut inner.message);
        let mut cause = inner
            .source
            .as_deref()
            .map(|e| e as &(dyn StdError + 'static));
        while let Some(e) = cause {
            let text = e.to_string();
            if !says(&message, &text) {
                message.push_str(": ");
                message.push_str(&text);
            }
            cause = e.source();
        }
        inner.source = None;
        inner.message = hide(&message);
        for text in [&mut inner.hint, &mut inner.path, &mut inner.rule]
            .into_iter()
            .flatten()
        {
            *text = hide(text);
        }
        self
    }
}

/// Whether a message says already what a cause says; the numbers of the system and of SQLite, which
/// stand beside the words, say nothing more.
fn says(message: &str, cause: &str) -> bool {
    let words = cause.split(" (os error ").next().unwrap_or(cause);
    let words = match words.strip_prefix("Error code ") {
        Some(rest) => rest.split_once(": ").map_or(rest, |(_, words)| words),
        None => words,
    };
    message.to_lowercase().contains(&words.to_lowercase())
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("code", &self.0.code)
            .field("message", &self.0.message)
            .field("path", &self.0.path)
            .field("source", &self.0.source)
            .finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|e| e as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_not_said_again() {
        for (message, cause) in [
            (
                "cannot open f: permission denied",
                "Permission denied (os error 13)",
            ),
            (
                "no space: database or disk is full",
                "Error code 13: database or disk is full",
            ),
            ("cannot open f: not found", "not found"),
        ] {
            assert!(says(message, cause), "{message}");
        }
        assert!(!says("cannot open f", "Permission denied (os error 13)"));
        let source = std::io::Error::from_raw_os_error(13);
        let e = Error::failed("cannot open f: permission denied").with_source(source);
        let e = e.redacted(&str::to_owned);
        assert_eq!(e.to_string(), "cannot open f: permission denied");
    }
}
