//! What one event says, and the exact bytes that say it.

use crate::canonical::{Integer, Json, Object};
use crate::digest::Digest;
use crate::error::{Error, ErrorKind, Result};
use crate::time::Timestamp;

/// The format of event bytes that this program writes.
pub const EVENT_FORMAT: u64 = 1;

/// An event's bytes are at most this long: tiles of a later export hold a length of 16 bits.
pub const MAX_EVENT_BYTES: usize = 61_440;

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name { $($(#[$vmeta])* $variant,)+ }

        impl $name {
            /// The word that stands for it in the event's bytes.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The value of a word; nothing for a word that this program does not know.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

words! {
    /// What sort of event it is.
    Kind {
        /// The first event: format and log id.
        Genesis = "genesis",
        /// A session begins or ends.
        Session = "session",
        /// An operation is about to change something.
        Intent = "intent",
        /// What became of an intent.
        Outcome = "outcome",
        /// An operation that only reads, recorded before its result is handed out.
        Read = "read",
        /// An operation that was denied, refused or failed before it began.
        Refusal = "refusal",
        /// A person's or a flag's answer whose operation has not begun.
        Confirmation = "confirmation",
        /// Abandoned operations are about to be finished or rolled back.
        Recovery = "recovery",
        /// Events are known to be missing from here.
        Gap = "gap",
    }
}

words! {
    /// What became of an operation.
    Outcome {
        /// It did what it was asked for.
        Done = "done",
        /// Policy or a person said no, or nobody could be asked.
        Denied = "denied",
        /// The guard refused it.
        Refused = "refused",
        /// It failed.
        Failed = "failed",
        /// Nothing of it was applied before its process ended.
        Interrupted = "interrupted",
        /// Its caller took it back.
        Cancelled = "cancelled",
        /// It ran out of time.
        TimedOut = "timed_out",
        /// Whether it had an effect is not known.
        Unknown = "unknown",
        /// Recovery found it complete, or completed it.
        RecoveredDone = "recovered_done",
        /// Recovery took back the part that was applied.
        RecoveredRolledBack = "recovered_rolled_back",
        /// Recovery met a path that someone else had changed, and left it.
        RecoveredWithConflict = "recovered_with_conflict",
        /// What is needed to recover it is missing.
        Damaged = "damaged",
    }
}

words! {
    /// Why a change is made.
    Cause {
        /// An operation was asked for.
        Do = "do",
        /// An operation is undone.
        Undo = "undo",
        /// An undone operation is made again.
        Redo = "redo",
        /// A transaction is rolled back.
        Rollback = "rollback",
        /// An abandoned operation is finished or rolled back.
        Recovery = "recovery",
    }
}

words! {
    /// What policy says.
    DecisionVerdict {
        /// It may run.
        Allow = "allow",
        /// Someone must be asked.
        Ask = "ask",
        /// It may not run.
        Deny = "deny",
    }
}

words! {
    /// Where the deciding rule stands.
    RuleSource {
        /// A rule of a policy file.
        Rule = "rule",
        /// A built-in question.
        Builtin = "builtin",
        /// No rule matched.
        Default = "default",
    }
}

/// Whether a prompt was shown to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Prompt {
    /// A person saw the question.
    Shown,
    /// Nobody was shown anything.
    NotShown,
}

/// Who called.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Actor {
    /// Name of the calling program, redacted.
    pub client: String,
    /// Its version, redacted; empty where it gave none.
    pub version: String,
    /// Its process id, as given.
    pub pid: u32,
    /// Its numeric user id.
    pub uid: u32,
}

/// What was decided, by which rule, by whom.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Decision {
    /// What policy said.
    pub verdict: DecisionVerdict,
    /// Name of the rule that decided; empty where none did.
    pub rule: String,
    /// Where that rule stands.
    pub source: RuleSource,
    /// Who or what gave the last word: `policy`, `flag`, `terminal`, …
    pub by: String,
    /// Whether a person was shown a prompt.
    pub prompt: Prompt,
    /// The answer, where something was asked: `yes`, `no`, `not_available`, …
    pub answer: Option<String>,
    /// The reason given with it, redacted.
    pub reason: Option<String>,
}

/// What was redacted before the event was written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Redaction {
    /// Name of the profile.
    pub profile: String,
    /// Digest of the rules.
    pub rules: Option<Digest>,
    /// How often each rule found something. Names are plain ASCII, each there once.
    pub counts: Vec<(String, u64)>,
}

/// One event, to be appended. Every text in it is redacted already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    kind: Kind,
    time: Timestamp,
    boot: String,
    actor: Option<Actor>,
    session: Option<String>,
    op: Option<String>,
    name: Option<String>,
    parent: Option<String>,
    cause: Option<Cause>,
    targets: Vec<String>,
    plan: Option<Digest>,
    decision: Option<Decision>,
    outcome: Option<Outcome>,
    error: Option<String>,
    redaction: Option<Redaction>,
    intent: Option<u64>,
}

impl Event {
    /// An event of this kind. Time and boot id are the caller's.
    #[must_use]
    pub fn new(kind: Kind, time: Timestamp, boot: impl Into<String>) -> Self {
        Self {
            kind,
            time,
            boot: boot.into(),
            actor: None,
            session: None,
            op: None,
            name: None,
            parent: None,
            cause: None,
            targets: Vec::new(),
            plan: None,
            decision: None,
            outcome: None,
            error: None,
            redaction: None,
            intent: None,
        }
    }

    /// Who called.
    #[must_use]
    pub fn actor(mut self, actor: Actor) -> Self {
        self.actor = Some(actor);
        self
    }

    /// The session's id or name.
    #[must_use]
    pub fn session(mut self, session: impl Into<String>) -> Self {
        self.session = Some(session.into());
        self
    }

    /// The operation's id.
    #[must_use]
    pub fn op(mut self, op: impl Into<String>) -> Self {
        self.op = Some(op.into());
        self
    }

    /// The operation's name, such as `write_file`.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Id of the operation or transaction that this one belongs to.
    #[must_use]
    pub fn parent(mut self, parent: impl Into<String>) -> Self {
        self.parent = Some(parent.into());
        self
    }

    /// Why the change is made.
    #[must_use]
    pub fn cause(mut self, cause: Cause) -> Self {
        self.cause = Some(cause);
        self
    }

    /// Ids of the operations that an undo, redo, rollback or recovery concerns.
    #[must_use]
    pub fn targets(mut self, targets: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.targets = targets.into_iter().map(Into::into).collect();
        self
    }

    /// Digest of the plan that was judged.
    #[must_use]
    pub fn plan(mut self, plan: Digest) -> Self {
        self.plan = Some(plan);
        self
    }

    /// What was decided.
    #[must_use]
    pub fn decision(mut self, decision: Decision) -> Self {
        self.decision = Some(decision);
        self
    }

    /// What became of it.
    #[must_use]
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = Some(outcome);
        self
    }

    /// Stable code of the error that ended it.
    #[must_use]
    pub fn error(mut self, code: impl Into<String>) -> Self {
        self.error = Some(code.into());
        self
    }

    /// What was redacted.
    #[must_use]
    pub fn redaction(mut self, redaction: Redaction) -> Self {
        self.redaction = Some(redaction);
        self
    }

    /// Number of the intent that this outcome belongs to.
    #[must_use]
    pub fn intent(mut self, seq: u64) -> Self {
        self.intent = Some(seq);
        self
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn intent_link(&self) -> Option<(u64, &str)> {
        Some((self.intent?, self.op.as_deref()?))
    }

    /// What must be there for this kind: a record that leaves out who decided is no record.
    fn check(&self) -> Result<()> {
        let needs = |present: bool, field: &str| {
            if present {
                Ok(())
            } else {
                let kind = self.kind.as_str();
                Err(invalid(format!("an event of kind {kind} lacks {field}")))
            }
        };
        needs(!self.boot.is_empty(), "the boot id")?;
        let acts = matches!(self.kind, Kind::Intent | Kind::Read);
        let called = acts || matches!(self.kind, Kind::Refusal | Kind::Confirmation);
        if called {
            needs(self.actor.is_some(), "the actor")?;
            needs(self.op.is_some(), "the operation id")?;
            needs(self.name.is_some(), "the operation name")?;
        }
        if acts || self.kind == Kind::Confirmation {
            needs(self.decision.is_some(), "the decision")?;
        }
        match self.kind {
            Kind::Intent => needs(self.cause.is_some(), "the cause")?,
            Kind::Outcome => {
                needs(self.op.is_some(), "the operation id")?;
                needs(self.intent.is_some(), "the number of its intent")?;
                needs(self.outcome.is_some(), "the outcome")?;
            }
            Kind::Read | Kind::Refusal => needs(self.outcome.is_some(), "the outcome")?,
            Kind::Recovery => needs(!self.targets.is_empty(), "its targets")?,
            _ => {}
        }
        if self.intent.is_some() && self.kind != Kind::Outcome {
            return Err(invalid("only an outcome belongs to an intent"));
        }
        let ids = [&self.op, &self.parent];
        let mut ids = ids.into_iter().flatten().chain(&self.targets);
        if !ids.all(|id| is_id(id)) {
            return Err(invalid(
                "an operation id is empty, too long or not plain ASCII",
            ));
        }
        Ok(())
    }

    /// The exact bytes of this event as number `seq` of the log `log`.
    pub(crate) fn encode(&self, log: &str, seq: u64, body: Option<Digest>) -> Result<Vec<u8>> {
        self.check()?;
        let mut o = Object::new();
        o.insert("v", integer(EVENT_FORMAT)?)?;
        o.insert("log", text(log))?;
        o.insert("seq", integer(seq)?)?;
        o.insert("time", text(self.time.as_str()))?;
        o.insert("boot", text(&self.boot))?;
        o.insert("kind", text(self.kind.as_str()))?;
        if let Some(actor) = &self.actor {
            o.insert("actor", Json::Object(actor.encode()?))?;
        }
        if let Some(decision) = &self.decision {
            o.insert("decision", Json::Object(decision.encode()?))?;
        }
        if let Some(redaction) = &self.redaction {
            o.insert("redaction", Json::Object(redaction.encode()?))?;
        }
        let hex = |d: Digest| d.to_string();
        let texts = [
            ("session", self.session.clone()),
            ("op", self.op.clone()),
            ("name", self.name.clone()),
            ("parent", self.parent.clone()),
            ("cause", self.cause.map(|c| c.as_str().to_owned())),
            ("plan", self.plan.map(hex)),
            ("outcome", self.outcome.map(|c| c.as_str().to_owned())),
            ("error", self.error.clone()),
        ];
        for (key, value) in texts {
            if let Some(value) = value {
                o.insert(key, Json::Text(value))?;
            }
        }
        if !self.targets.is_empty() {
            let targets = self.targets.iter().map(|t| text(t)).collect();
            o.insert("targets", Json::List(targets))?;
        }
        if let Some(intent) = self.intent {
            o.insert("intent", integer(intent)?)?;
        }
        if let Some(commit) = body {
            let mut inner = Object::new();
            inner.insert("commit", Json::Text(hex(commit)))?;
            o.insert("body", Json::Object(inner))?;
        }
        let bytes = Json::Object(o).encode()?;
        if bytes.len() > MAX_EVENT_BYTES {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "an event of {} bytes is over {MAX_EVENT_BYTES}",
                    bytes.len()
                ),
            ));
        }
        Ok(bytes)
    }
}

impl Actor {
    fn encode(&self) -> Result<Object> {
        let mut o = Object::new();
        o.insert("client", text(&self.client))?;
        o.insert("version", text(&self.version))?;
        o.insert("pid", integer(self.pid.into())?)?;
        o.insert("uid", integer(self.uid.into())?)?;
        Ok(o)
    }
}

impl Decision {
    fn encode(&self) -> Result<Object> {
        let mut o = Object::new();
        o.insert("verdict", text(self.verdict.as_str()))?;
        o.insert("rule", text(&self.rule))?;
        o.insert("source", text(self.source.as_str()))?;
        o.insert("by", text(&self.by))?;
        o.insert("prompt_shown", Json::Bool(self.prompt == Prompt::Shown))?;
        for (key, value) in [("answer", &self.answer), ("reason", &self.reason)] {
            if let Some(value) = value {
                o.insert(key, text(value))?;
            }
        }
        Ok(o)
    }
}

impl Redaction {
    fn encode(&self) -> Result<Object> {
        let mut o = Object::new();
        o.insert("profile", text(&self.profile))?;
        if let Some(rules) = &self.rules {
            o.insert("rules", Json::Text(rules.to_string()))?;
        }
        let mut counts = Object::new();
        for (rule, n) in &self.counts {
            counts.insert(rule, integer(*n)?)?;
        }
        o.insert("counts", Json::Object(counts))?;
        Ok(o)
    }
}

fn text(s: &str) -> Json {
    Json::Text(s.to_owned())
}

fn integer(n: u64) -> Result<Json> {
    Integer::new(n).map(Json::Integer)
}

/// Ids reach index columns and are typed by people: short plain words.
pub(crate) fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

fn invalid(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidEvent, what)
}
