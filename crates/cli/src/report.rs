//! What went wrong, for people on stderr and for machines as one JSON envelope.
use std::error::Error as StdError;

use aifirst_runtime::{Error, ErrorKind};
use serde_json::{Value, json};

use crate::escape;
use crate::exit::Exit;

/// A failure, ready to be told.
#[derive(Debug)]
pub(crate) struct Fail(Box<Facts>);

impl std::ops::Deref for Fail {
    type Target = Facts;

    fn deref(&self) -> &Facts {
        &self.0
    }
}

impl std::ops::DerefMut for Fail {
    fn deref_mut(&mut self) -> &mut Facts {
        &mut self.0
    }
}

/// What is known of a failure.
#[derive(Debug)]
pub(crate) struct Facts {
    /// How the process ends.
    pub(crate) exit: Exit,
    /// The stable code.
    pub(crate) code: &'static str,
    /// The sentence.
    pub(crate) message: String,
    /// What caused it, outermost first, without repeats.
    pub(crate) causes: Vec<String>,
    /// What to do next.
    pub(crate) hint: Option<String>,
    /// The path it is about.
    pub(crate) path: Option<String>,
    /// The rule that decided.
    pub(crate) rule: Option<String>,
    /// The id under which the log holds it.
    pub(crate) id: Option<String>,
}

impl Fail {
    /// A failure of the command line itself.
    pub(crate) fn new(exit: Exit, code: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Facts {
            exit,
            code,
            message: message.into(),
            causes: Vec::new(),
            hint: None,
            path: None,
            rule: None,
            id: None,
        }))
    }

    /// Wrong usage.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", message)
    }

    /// A system call of the command line's own that failed.
    pub(crate) fn io(what: &str, error: &std::io::Error) -> Self {
        Self::new(Exit::Failed, "io", format!("{what}: {error}"))
    }

    /// Says what to do next.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The envelope: always the same eight members, absent facts as `null`.
    pub(crate) fn envelope(&self) -> Value {
        let mut message = self.message.clone();
        for cause in &self.causes {
            message.push_str(": ");
            message.push_str(cause);
        }
        json!({
            "code": self.code,
            "message": message,
            "hint": self.hint,
            "path": self.path,
            "rule": self.rule,
            "id": self.id,
            "exit": self.exit.code(),
        })
    }

    /// The lines for people, escaped: they may quote what an agent wrote.
    pub(crate) fn lines(&self) -> Vec<(Part, String)> {
        let mut out = vec![(Part::Error, escape::line(&self.message))];
        for cause in &self.causes {
            out.push((Part::Fact("caused by"), escape::line(cause)));
        }
        if let Some(path) = self.path.as_deref().filter(|p| !self.message.contains(p)) {
            out.push((Part::Fact("path"), escape::line(path)));
        }
        if let Some(rule) = self.rule.as_deref().filter(|r| !self.message.contains(r)) {
            out.push((Part::Fact("rule"), escape::line(rule)));
        }
        if let Some(id) = &self.id {
            // Of a commit that failed nobody knows yet whether it is there.
            let known = match self.code {
                "commit_failed" => "to be looked up as",
                _ => "recorded as",
            };
            out.push((Part::Fact(known), escape::line(id)));
        }
        if let Some(hint) = &self.hint {
            out.push((Part::Hint, escape::line(hint)));
        }
        out
    }
}

/// What a line of a report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The headline.
    Error,
    /// A fact with its name.
    Fact(&'static str),
    /// What to do next.
    Hint,
}

impl From<Error> for Fail {
    fn from(e: Error) -> Self {
        let mut causes: Vec<String> = Vec::new();
        let message = e.to_string();
        let mut next = e.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            // Wrappers often repeat the text of what they wrap.
            if !message.contains(&text) && !causes.iter().any(|c| c.contains(&text)) {
                causes.push(text);
            }
            next = cause.source();
        }
        let hint = e.hint().map(str::to_owned).or_else(|| {
            let text = match e.kind() {
                ErrorKind::NobodyToAsk => {
                    "run it at a terminal, answer with --yes, or allow it by a rule of the policy"
                }
                ErrorKind::State => "`aifirst doctor` says what is wrong with the state",
                ErrorKind::Tampered => "`aifirst verify` names the entries",
                _ => return None,
            };
            Some(text.to_owned())
        });
        Self(Box::new(Facts {
            exit: e.kind().into(),
            code: e.code(),
            message,
            causes,
            hint,
            path: e.path().map(str::to_owned),
            rule: e.rule().map(str::to_owned),
            id: e.id().map(str::to_owned),
        }))
    }
}

/// Turns clap's complaint into a failure: its first paragraph is the message, its tip the hint.
pub(crate) fn from_clap(error: &clap::Error) -> Fail {
    use clap::error::ErrorKind as K;
    if error.kind() == K::DisplayHelpOnMissingArgumentOrSubcommand {
        return Fail::usage("a command is missing").with_hint("`aifirst --help` lists them");
    }
    let text = error.render().to_string();
    let mut message = String::new();
    let mut tips: Vec<&str> = Vec::new();
    let mut paragraph = 0;
    for l in text.lines().map(str::trim) {
        if l.is_empty() {
            paragraph += 1;
        } else if let Some(tip) = l.strip_prefix("tip: ") {
            tips.push(tip);
        } else if paragraph == 0 {
            if !message.is_empty() {
                message.push(' ');
            }
            message.push_str(l.strip_prefix("error: ").unwrap_or(l));
        } else if l.starts_with("[possible values:") && !message.contains(l) {
            tips.push(l);
        }
    }
    let hint = if tips.is_empty() {
        usage_line(&text).unwrap_or_else(|| "`aifirst --help` shows the usage".to_owned())
    } else {
        tips.join("; ")
    };
    Fail::usage(message).with_hint(hint)
}

fn usage_line(text: &str) -> Option<String> {
    let line = text.lines().find_map(|l| l.strip_prefix("Usage: "))?;
    Some(format!("usage: {}", line.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_do_not_repeat() {
        let inner = std::io::Error::other("no space left on device");
        let e = Error::new(ErrorKind::State, "the log cannot be written")
            .with_source(std::io::Error::other(inner));
        let fail = Fail::from(e);
        assert_eq!(fail.causes, ["no space left on device"]);
        assert!(fail.hint.is_some());
    }

    #[test]
    fn an_envelope_always_has_the_same_members() {
        let e = Fail::usage("x").envelope();
        let keys: Vec<&String> = e.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            ["code", "message", "hint", "path", "rule", "id", "exit"]
        );
    }

    #[test]
    fn reports_are_escaped() {
        let fail = Fail::usage("no \u{1b}[2J").with_hint("\u{202e}x");
        let text: String = fail.lines().into_iter().map(|(_, t)| t).collect();
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
    }
}
