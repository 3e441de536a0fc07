//! The life of an operation, top to bottom: admit, plan, judge, confirm, then read or change.
mod admit;
mod judge;
mod read;
mod change;
mod recover;
mod choose;
mod restore;

use std::sync::Arc;
use std::time::{Duration, Instant};

use aifirst_audit::Durability;
use aifirst_redact::Scope;
use aifirst_sandbox::{HardLinks, Links, RelPath, Rules, Workspace};
use serde_json::{Value, json};

pub use choose::Select;
pub(crate) use judge::path_view;
pub use restore::{OnConflict, RestoreRequest};

use crate::approve::{Approved, Consent, Refused};
use crate::confirm::Confirm;
use crate::context::{Cancel, Context, History, Limits};
use crate::env::{Env, new_id};
use crate::error::{Error, ErrorKind, Result};
use crate::home::{Held, HomeDirs, Opened, PATIENCE};
use crate::ids::OpId;
use crate::operation::Operation;
use crate::plan::{Plan, Work};
use crate::policy::{self, Policy};
use crate::receipt::Receipt;
use crate::record::{self, Recorder};

/// How often a plan is made anew because somebody changed what it saw.
const TURNS: usize = 3;

/// Whether a call runs or is only planned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Run {
    /// It runs.
    #[default]
    Do,
    /// It is planned, judged and shown; the workspace stays as it is.
    DryRun,
}

/// One call of an operation.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Call {
    /// The operation's name.
    pub operation: String,
    /// Its parameters, a JSON object.
    pub params: Value,
    /// Whether it runs.
    pub run: Run,
    /// Why, in the caller's words; recorded redacted, shown, and no part of the digest.
    pub reason: Option<String>,
    /// How long it may take before it begins; `None` for no limit.
    pub deadline: Option<Duration>,
}

impl Call {
    /// A call that runs, without reason or deadline.
    #[must_use]
    pub fn new(operation: impl Into<String>, params: Value) -> Self {
        Self {
            operation: operation.into(),
            params,
            run: Run::Do,
            reason: None,
            deadline: None,
        }
    }
}

/// What every station sees.
pub(crate) struct Pipeline<'a> {
    pub(crate) opened: &'a Opened,
    /// The workspace under the policy's rules for the guard.
    pub(crate) workspace: &'a Workspace,
    pub(crate) policy: &'a Policy,
    pub(crate) recorder: &'a Recorder,
    pub(crate) history: &'a dyn History,
    pub(crate) confirm: &'a dyn Confirm,
    pub(crate) env: &'a Arc<dyn Env>,
    pub(crate) homes: &'a HomeDirs,
    pub(crate) limits: Limits,
    pub(crate) cancel: &'a Cancel,
}

/// One call on its way.
struct Way<'a> {
    call: &'a Call,
    operation: &'a dyn Operation,
    id: OpId,
    scope: Scope,
    deadline: Option<Instant>,
}

/// What one turn came to.
enum Turn {
    Ended(Box<Receipt>),
    /// Somebody changed what the plan saw: plan again.
    Changed,
}

impl Pipeline<'_> {
    /// Walks one call through every station, and records it whatever comes.
    pub(crate) fn run(&self, operation: &dyn Operation, call: &Call) -> Result<Receipt> {
        let way = Way {
            call,
            operation,
            id: new_id(&**self.env)?,
            scope: self.recorder.redactor().scoped(),
            deadline: call.deadline.map(|d| Instant::now() + d),
        };
        let mut consent = None;
        let result = self.turns(&way, &mut consent, 1);
        result.map_err(|end| self.refuse(&way, *end, consent.as_ref()))
    }

    fn turns(
        &self,
        way: &Way<'_>,
        consent: &mut Option<Consent>,
        first: usize,
    ) -> Result<Receipt, Box<Refused>> {
        let params = self.admit(way)?;
        for turn in first..=TURNS {
            let context = self.context(way);
            // Processes of ours that work on one file would outrun each other for ever: the last
            // turn is planned where none of them can change anything, unless a person is asked.
            let mut held = None;
            if turn == TURNS && way.call.run == Run::Do {
                held = Some(self.opened.lock.take(PATIENCE, self.cancel)?);
                self.recover()?;
            }
            let plan = context
                .go_on()
                .and_then(|()| self.plan(way, &params, &context))
                .map_err(|e| self.failed_plan(way, &params, e))?;
            if !plan.changes() || self.asks(way, &plan) {
                held = None;
            }
            let approved = self.judge(way, &params, plan, consent)?;
            match self.carry_out(way, &params, approved, &context, held)? {
                Turn::Ended(receipt) => return Ok(*receipt),
                Turn::Changed => {}
            }
            // Where it is policy that changed, the new one judges.
            let policy = self.opened.policy(self.homes)?;
            if policy.stamp() != self.policy.stamp() {
                let workspace = self.opened.workspace.with_rules(rules(&policy)?);
                let anew = Pipeline {
                    policy: &policy,
                    workspace: &workspace,
                    ..*self
                };
                return anew.turns(way, consent, turn + 1);
            }
        }
        Err(Error::new(
            ErrorKind::Conflict,
            "somebody kept changing what the operation is about; it was planned three times",
        )
        .with_code("kept_changing")
        .with_hint("look again and repeat the call")
        .into())
    }

    fn context<'b>(&'b self, way: &Way<'_>) -> Context<'b> {
        Context::new(
            self.workspace,
            self.history,
            self.cancel,
            way.deadline,
            self.limits,
        )
    }

    fn plan(&self, way: &Way<'_>, params: &Value, context: &Context<'_>) -> Result<Plan> {
        let planned = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            way.operation.plan(params, context)
        }));
        let plan = planned.unwrap_or_else(|_| {
            Err(
                Error::failed("the operation panicked while it planned; nothing changed")
                    .with_code("panicked"),
            )
        })?;
        self.refuse_marks(&plan)?;
        Ok(plan)
    }

    fn carry_out(
        &self,
        way: &Way<'_>,
        params: &Value,
        approved: Approved<Plan>,
        context: &Context<'_>,
        held: Option<Held>,
    ) -> Result<Turn, Box<Refused>> {
        let verdict = approved.verdict().clone();
        let ended = match (way.call.run, &approved) {
            (Run::DryRun, _) => self.show(way, params, approved),
            (Run::Do, _) => {
                let digest = approved.digest();
                let plan = approved.into_plan();
                match plan.work {
                    Work::Read(_) => self.read(way, params, plan, digest, &verdict, context),
                    Work::Change { .. } => self.change(way, params, plan, digest, &verdict, held),
                }
            }
        };
        ended.map_err(|error| {
            Box::new(Refused {
                error,
                verdict: Some(verdict),
            })
        })
    }

    /// Records what did not happen, and hands the error out redacted.
    fn refuse(&self, way: &Way<'_>, end: Refused, yes: Option<&Consent>) -> Error {
        let Refused { error, verdict } = end;
        let hide = |text: &str| way.scope.text(text).into_value();
        // What happened after begin has its own outcome in the log already.
        if error.id().is_some() {
            return error.redacted(&hide);
        }
        let call = self.call_of(way);
        let body = json!({
            "params": self.params_for_record(way, &way.call.params),
            "reason": way.call.reason,
        });
        let recorded = self
            .recorder
            .refusal(&call, verdict.as_ref(), &error, &body)
            .and_then(|(event, body)| {
                let confirmed = yes
                    .map(|yes| self.recorder.confirmation(&call, yes.verdict()))
                    .transpose()?;
                self.opened
                    .database
                    .append(Durability::Normal, &Cancel::new(), |tx| {
                        if let Some(confirmed) = &confirmed {
                            aifirst_audit::append_in(tx, confirmed, None)?;
                        }
                        let receipt = aifirst_audit::append_in(tx, &event, Some(&body))?;
                        Ok(((), receipt.head))
                    })
            });
        // Only what the log holds bears the id under which it is found there.
        match recorded {
            Ok(()) => error.with_id(way.id.to_string()).redacted(&hide),
            // Nothing happened, but that could not be recorded: the graver news.
            Err(e) if e.kind() == ErrorKind::Tampered || error.kind() != ErrorKind::State => {
                e.redacted(&hide)
            }
            Err(_) => error.redacted(&hide),
        }
    }

    fn call_of<'b>(&self, way: &'b Way<'_>) -> record::Call<'b> {
        record::Call {
            id: way.id,
            name: &way.call.operation,
            scope: &way.scope,
        }
    }

    fn params_for_record(&self, way: &Way<'_>, params: &Value) -> Value {
        let stand_in = |text: &str| record::content_stand_in(&self.opened.key, text);
        crate::schema::without_contents(&way.operation.spec().params, params, &stand_in)
    }
}

/// What policy says to the guard.
///
/// # Errors
/// [`ErrorKind::State`] when a mount it names is no path.
pub(crate) fn rules(policy: &Policy) -> Result<Rules> {
    let guard = policy.guard();
    let mut rules = Rules::default();
    rules.links = match guard.symlinks {
        policy::Symlinks::Beneath => Links::Beneath,
        policy::Symlinks::Deny => Links::Deny,
    };
    rules.hard_links = match guard.hard_links {
        policy::HardLinks::Deny => HardLinks::Deny,
        policy::HardLinks::Read => HardLinks::ReadOnly,
    };
    rules.mounts = guard
        .mounts
        .iter()
        .map(|m| RelPath::parse(m))
        .collect::<std::result::Result<_, _>>()
        .map_err(|e| {
            Error::new(
                ErrorKind::State,
                format!("a mount named in the policy is no path: {e}"),
            )
            .with_code("policy_broken")
            .with_hint(
                "mend `mounts` under [guard] in policy.toml: paths relative to the workspace",
            )
        })?;
    Ok(rules)
}

impl From<Error> for Box<Refused> {
    fn from(error: Error) -> Self {
        Box::new(Refused {
            error,
            verdict: None,
        })
    }
}
