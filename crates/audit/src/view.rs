//! Stored event bytes, read again.

use crate::digest::Digest;
use crate::event::{Cause, Kind, Outcome};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;

/// The fields that have a column or that `verify` follows, taken from the stored bytes.
///
/// Everything else of the event is skipped, so that reading a million rows stays cheap.
#[derive(Debug, Deserialize)]
pub(crate) struct Fields<'a> {
    pub(crate) v: u64,
    #[serde(borrow)]
    pub(crate) log: Cow<'a, str>,
    pub(crate) seq: u64,
    #[serde(borrow)]
    pub(crate) time: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) kind: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) op: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) session: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) outcome: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(crate) intent: Option<u64>,
    #[serde(default)]
    pub(crate) body: Option<BodyRef>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct BodyRef {
    commit: String,
}

impl<'a> Fields<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// The commitment: none, or what is written there if it is a digest.
    pub(crate) fn commit(&self) -> Option<Option<Digest>> {
        self.body.as_ref().map(|b| Digest::from_hex(&b.commit))
    }
}

/// One event as it was read, with its most used fields.
#[derive(Debug, Clone, PartialEq)]
pub struct EventView(Value);

impl EventView {
    /// Reads stored bytes; nothing where they are no JSON object.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Value>(bytes)
            .ok()
            .filter(Value::is_object)
            .map(Self)
    }

    /// The whole event.
    #[must_use]
    pub fn json(&self) -> &Value {
        &self.0
    }

    /// A member that is a text.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.as_str()
    }

    /// What sort of event it is; nothing for a kind that this program does not know.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        Kind::from_word(self.text("kind")?)
    }

    /// Its own number.
    #[must_use]
    pub fn seq(&self) -> Option<u64> {
        self.0.get("seq")?.as_u64()
    }

    /// When, RFC 3339 UTC with microseconds.
    #[must_use]
    pub fn time(&self) -> Option<&str> {
        self.text("time")
    }

    /// The operation's id.
    #[must_use]
    pub fn op(&self) -> Option<&str> {
        self.text("op")
    }

    /// The session.
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        self.text("session")
    }

    /// The operation's name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.text("name")
    }

    /// The operation or transaction it belongs to.
    #[must_use]
    pub fn parent(&self) -> Option<&str> {
        self.text("parent")
    }

    /// Why the change is made.
    #[must_use]
    pub fn cause(&self) -> Option<Cause> {
        Cause::from_word(self.text("cause")?)
    }

    /// The operations that it concerns.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        let targets = self.0.get("targets").and_then(Value::as_array);
        targets.into_iter().flatten().filter_map(Value::as_str)
    }

    /// What became of it.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        Outcome::from_word(self.text("outcome")?)
    }

    /// Stable code of the error that ended it.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.text("error")
    }

    /// Number of the intent that this outcome belongs to.
    #[must_use]
    pub fn intent(&self) -> Option<u64> {
        self.0.get("intent")?.as_u64()
    }

    /// The actor: `client`, `version`, `pid`, `uid`.
    #[must_use]
    pub fn actor(&self) -> Option<&Value> {
        self.0.get("actor")
    }

    /// The decision: `verdict`, `rule`, `source`, `by`, `prompt_shown`, `answer`, `reason`.
    #[must_use]
    pub fn decision(&self) -> Option<&Value> {
        self.0.get("decision")
    }

    /// The redaction: `profile`, `rules`, `counts`.
    #[must_use]
    pub fn redaction(&self) -> Option<&Value> {
        self.0.get("redaction")
    }

    /// The commitment to its body.
    #[must_use]
    pub fn body_commit(&self) -> Option<Digest> {
        Digest::from_hex(self.0.get("body")?.get("commit")?.as_str()?)
    }
}
