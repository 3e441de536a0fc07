//! Asking a person: the question, and the three answers there are.
use serde::Serialize;

use crate::effect::Reversibility;
use crate::ids::OpId;

/// What a person is asked.
#[derive(Clone, Debug, Serialize)]
pub struct Question {
    /// The operation's id, under which the log will hold the answer.
    pub id: OpId,
    /// The operation's name.
    pub operation: String,
    /// Who asks, as it calls itself.
    pub client: String,
    /// One sentence about what it does. Agent-written parts are redacted, not yet escaped.
    pub summary: String,
    /// The paths it touches, resolved.
    pub paths: Vec<String>,
    /// Things touched.
    pub entries: u64,
    /// Bytes touched.
    pub bytes: u64,
    /// How far it can be taken back.
    pub reversibility: Reversibility,
    /// Why it is asked: the rules' names or the built-in questions.
    pub because: Vec<String>,
    /// The redacted diff, if there is one.
    pub diff: Option<String>,
    /// What the person should know.
    pub notes: Vec<String>,
    /// The reason the agent gave, redacted; never the headline.
    pub reason: Option<String>,
    /// The digest the answer belongs to, in hex.
    pub digest: String,
}

/// Where an answer came from, as the log names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum By {
    /// A person at the controlling terminal.
    Terminal,
    /// A flag of the command line. That is not a person.
    Flag,
    /// A fixed answer, for tests.
    Fixed,
}

impl By {
    /// The word in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Terminal => "terminal",
            Self::Flag => "flag",
            Self::Fixed => "fixed",
        }
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes, for exactly this once.
    Yes {
        /// Who said so.
        by: By,
    },
    /// No.
    No {
        /// Who said so.
        by: By,
        /// Why, if it was said.
        reason: Option<String>,
    },
    /// Nobody could be asked: that is no answer, and no answer means no.
    NotAvailable {
        /// Why not.
        why: String,
    },
}

/// Puts a question to somebody. Holds no lock while it waits.
pub trait Confirm: Send + Sync {
    /// Asks. A panic, a time-out or garbage counts as no.
    fn confirm(&self, question: &Question) -> Answer;
}

/// Always the same answer: for tests, and for `--yes`.
#[derive(Clone, Debug)]
pub struct Always(pub Answer);

impl Confirm for Always {
    fn confirm(&self, _: &Question) -> Answer {
        self.0.clone()
    }
}
