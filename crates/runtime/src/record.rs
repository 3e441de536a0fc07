//! What goes into the log: redacted here, and vouched for here alone.
use std::sync::Arc;

use aifirst_audit::{
    Actor, Body, Cause, Decision, DecisionVerdict, Digest, Event, Kind, Outcome, Prompt, Redaction,
    RuleSource, Timestamp, Vetted,
};
use aifirst_redact::{Redactor, Scope};
use serde_json::{Map, Value, json};

use crate::confirm::By;
use crate::env::{Env, rfc3339};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::OpId;
use crate::policy;
use crate::receipt::DecisionView;

/// What was decided about a call, and who had the last word.
#[derive(Clone, Debug)]
pub(crate) struct Verdicted {
    pub(crate) decision: policy::Decision,
    /// Who answered, where somebody was asked.
    pub(crate) answered: Option<Answered>,
}

/// An answer that was given.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) word: &'static str,
    pub(crate) by: Option<By>,
    pub(crate) reason: Option<String>,
}

impl Verdicted {
    /// The same decision before anybody was asked.
    pub(crate) fn unanswered(&self) -> Self {
        Self {
            decision: self.decision.clone(),
            answered: None,
        }
    }

    /// As results show it.
    pub(crate) fn view(&self) -> DecisionView {
        DecisionView {
            verdict: self.decision.verdict.as_str().to_owned(),
            source: self.decision.source.as_str().to_owned(),
            rule: self.decision.rule.clone(),
            by: self
                .answered
                .as_ref()
                .and_then(|a| a.by)
                .map(|by| by.as_str().to_owned()),
        }
    }
}

/// The facts of one call that its events share.
pub(crate) struct Call<'a> {
    pub(crate) id: OpId,
    pub(crate) name: &'a str,
    pub(crate) scope: &'a Scope,
}

/// Makes events: everything an agent or a person wrote passes the redactor on the way.
pub(crate) struct Recorder {
    redactor: Redactor,
    rules: Option<Digest>,
    env: Arc<dyn Env>,
    client: String,
    version: String,
    session: String,
}

impl Recorder {
    pub(crate) fn new(
        redactor: Redactor,
        env: Arc<dyn Env>,
        client: &str,
        version: &str,
        session: &str,
    ) -> Self {
        let plain = |text: &str| redactor.text(text).into_value();
        let (client, version, session) = (plain(client), plain(version), plain(session));
        Self {
            rules: Digest::from_hex(&redactor.rules_digest()),
            redactor,
            env,
            client,
            version,
            session,
        }
    }

    /// The session as the log and the journal name it.
    pub(crate) fn session(&self) -> &str {
        &self.session
    }

    /// The client as the log names it.
    pub(crate) fn client(&self) -> &str {
        &self.client
    }

    /// The redactor, for content that is about to be written.
    pub(crate) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    fn event(&self, kind: Kind) -> Result<Event> {
        let time = Timestamp::parse(&rfc3339(self.env.now_us()))?;
        let actor = Actor {
            client: self.client.clone(),
            version: self.version.clone(),
            pid: std::process::id(),
            uid: rustix::process::geteuid().as_raw(),
        };
        Ok(Event::new(kind, time, self.env.boot())
            .actor(actor)
            .session(self.session.clone()))
    }

    fn of(&self, kind: Kind, call: &Call<'_>) -> Result<Event> {
        Ok(self
            .event(kind)?
            .op(call.id.to_string())
            .name(call.scope.text(call.name).into_value()))
    }

    /// Redacts a body and vouches for it; the event carries what was hidden, by rule.
    fn seal(&self, event: Event, scope: &Scope, body: &Value) -> Result<(Event, Body)> {
        let (value, counts) = scope.json(body).into_parts();
        let mut salt = [0u8; 32];
        self.env.random(&mut salt)?;
        let redaction = Redaction {
            profile: Redactor::profile().to_owned(),
            rules: self.rules,
            counts: counts
                .into_iter()
                .map(|(rule, n)| (rule.to_owned(), n))
                .collect(),
        };
        let body = Body::new(Vetted::dangerous_assume_redacted(value), salt);
        Ok((event.redaction(redaction), body))
    }

    /// Something is about to change.
    pub(crate) fn intent(
        &self,
        call: &Call<'_>,
        cause: Cause,
        targets: &[OpId],
        plan: [u8; 32],
        verdict: &Verdicted,
        body: &Value,
    ) -> Result<(Event, Body)> {
        let event = self
            .of(Kind::Intent, call)?
            .cause(cause)
            .targets(targets.iter().map(OpId::to_string))
            .plan(Digest::from_bytes(plan))
            .decision(self.decision(call.scope, verdict));
        self.seal(event, call.scope, body)
    }

    /// What became of it.
    pub(crate) fn outcome(
        &self,
        call: &Call<'_>,
        intent: u64,
        outcome: Outcome,
        error: Option<&str>,
        body: &Value,
    ) -> Result<(Event, Body)> {
        let mut event = self
            .of(Kind::Outcome, call)?
            .intent(intent)
            .outcome(outcome);
        if let Some(code) = error {
            event = event.error(code);
        }
        self.seal(event, call.scope, body)
    }

    /// Something was read, or only planned.
    pub(crate) fn read(
        &self,
        call: &Call<'_>,
        plan: [u8; 32],
        verdict: &Verdicted,
        body: &Value,
    ) -> Result<(Event, Body)> {
        let event = self
            .of(Kind::Read, call)?
            .plan(Digest::from_bytes(plan))
            .decision(self.decision(call.scope, verdict))
            .outcome(Outcome::Done);
        self.seal(event, call.scope, body)
    }

    /// Something was denied, refused, cancelled, or failed before it began.
    pub(crate) fn refusal(
        &self,
        call: &Call<'_>,
        verdict: Option<&Verdicted>,
        error: &Error,
        body: &Value,
    ) -> Result<(Event, Body)> {
        let outcome = match error.kind() {
            ErrorKind::Denied | ErrorKind::NobodyToAsk => Outcome::Denied,
            ErrorKind::Guard => Outcome::Refused,
            ErrorKind::Cancelled => Outcome::Cancelled,
            ErrorKind::TimedOut => Outcome::TimedOut,
            _ => Outcome::Failed,
        };
        let mut event = self
            .of(Kind::Refusal, call)?
            .outcome(outcome)
            .error(error.code());
        if let Some(verdict) = verdict {
            event = event.decision(self.decision(call.scope, verdict));
        }
        let mut map = body.as_object().cloned().unwrap_or_default();
        map.insert("error".into(), error_body(error));
        self.seal(event, call.scope, &Value::Object(map))
    }

    /// A yes whose operation never began.
    pub(crate) fn confirmation(&self, call: &Call<'_>, verdict: &Verdicted) -> Result<Event> {
        Ok(self
            .of(Kind::Confirmation, call)?
            .decision(self.decision(call.scope, verdict)))
    }

    /// What a crash left is about to be mended: which operations, and in which direction.
    pub(crate) fn recovery(
        &self,
        id: OpId,
        targets: &[OpId],
        body: &Value,
    ) -> Result<(Event, Body)> {
        let event = self
            .event(Kind::Recovery)?
            .op(id.to_string())
            .name("recovery")
            .cause(Cause::Recovery)
            .targets(targets.iter().map(OpId::to_string));
        self.seal(event, &self.redactor.scoped(), body)
    }

    fn decision(&self, scope: &Scope, verdict: &Verdicted) -> Decision {
        let hide = |text: &String| scope.text(text).into_value();
        let d = &verdict.decision;
        let by = match &verdict.answered {
            Some(Answered { by: Some(by), .. }) => by.as_str(),
            Some(Answered { by: None, .. }) => "nobody",
            None => "policy",
        };
        let reason = verdict.answered.as_ref().and_then(|a| a.reason.as_ref());
        Decision {
            verdict: match d.verdict {
                policy::Verdict::Allow => DecisionVerdict::Allow,
                policy::Verdict::Ask => DecisionVerdict::Ask,
                policy::Verdict::Deny => DecisionVerdict::Deny,
            },
            rule: d.rule.as_ref().map(hide).unwrap_or_default(),
            source: match d.source {
                policy::Source::Rule => RuleSource::Rule,
                policy::Source::BuiltIn => RuleSource::Builtin,
                policy::Source::Default => RuleSource::Default,
            },
            by: by.to_owned(),
            prompt: if by == "terminal" {
                Prompt::Shown
            } else {
                Prompt::NotShown
            },
            answer: verdict.answered.as_ref().map(|a| a.word.to_owned()),
            reason: reason.map(hide),
        }
    }
}

/// An error as the record holds it.
fn error_body(error: &Error) -> Value {
    let mut map = Map::new();
    map.insert("code".into(), error.code().into());
    map.insert("message".into(), error.to_string().into());
    for (name, value) in [("path", error.path()), ("rule", error.rule())] {
        if let Some(value) = value {
            map.insert(name.into(), value.into());
        }
    }
    Value::Object(map)
}

/// What stands for contents in the record: their size, and a digest under the installation key.
pub(crate) fn content_stand_in(key: &crate::home::Key, text: &str) -> Value {
    let digest = key.digest("content", &[text.as_bytes()]);
    let hex: String = digest.iter().take(16).map(|b| format!("{b:02x}")).collect();
    json!({ "bytes": text.len(), "keyed_digest": hex })
}
