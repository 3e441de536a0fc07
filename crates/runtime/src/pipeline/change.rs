//! Changing: stage, lock, revalidate, begin, apply, settle.
use aifirst_audit::{Cause, Outcome as Ending};
use aifirst_undo::fault;
use aifirst_undo::{Applied, BeginError, Outcome as Applying, SettleError, Staged, UnitMeta};
use serde_json::{Value, json};

use super::read::figures;
use super::{Pipeline, Turn, Way};
use crate::error::{Error, ErrorKind, Result};
use crate::home::{Failure, Held, PATIENCE, Written};
use crate::ids::OpId;
use crate::plan::{Plan, Work};
use crate::receipt::Outcome;
use crate::record::{self, Verdicted};
use aifirst_audit::Durability;

/// The facts of one unit's two transactions.
pub(super) struct Unit<'a> {
    pub(super) call: record::Call<'a>,
    pub(super) cause: Cause,
    pub(super) targets: Vec<OpId>,
    pub(super) digest: [u8; 32],
    pub(super) verdict: &'a Verdicted,
    pub(super) intent: Value,
    pub(super) outcome: Value,
}

/// What became of one unit.
pub(super) enum Came {
    /// Done and durable; the number of its intent.
    Done(u64),
    /// Nothing was begun: somebody changed what it is about.
    Changed,
}

impl Pipeline<'_> {
    pub(super) fn change(
        &self,
        way: &Way<'_>,
        params: &Value,
        plan: Plan,
        digest: [u8; 32],
        verdict: &Verdicted,
        held: Option<Held>,
    ) -> Result<Turn> {
        let intent = self.plan_body(way, params, &plan);
        let mut receipt = self.receipt(way, &plan, verdict, Value::Null);
        let Work::Change { set, result } = plan.work else {
            return Err(Error::failed("only a change is carried out as one"));
        };
        if set.is_empty() {
            // What changes nothing never begins; that it was asked for is recorded.
            receipt.result = result;
            receipt.outcome = Outcome::Unchanged;
            receipt.undoable = false;
            let mut body = intent;
            body.insert("unchanged".into(), true.into());
            let body = Value::Object(body);
            receipt.seq = Some(self.record_read(way, digest, verdict, &body)?);
            return Ok(Turn::Ended(Box::new(receipt)));
        }
        let staged = match self.opened.engine.stage(&set) {
            Ok(staged) => staged,
            Err(e) if *e.kind() == aifirst_undo::ErrorKind::Changed => return Ok(Turn::Changed),
            Err(e) => return Err(e.into()),
        };
        fault::point("outer.staged")?;
        let held = match held {
            Some(held) => held,
            None => {
                let held = self.opened.lock.take(PATIENCE, self.cancel)?;
                self.recover()?;
                held
            }
        };
        let unit = Unit {
            call: self.call_of(way),
            cause: Cause::Do,
            targets: Vec::new(),
            digest,
            verdict,
            intent: Value::Object(intent),
            outcome: json!({ "result": figures(&result) }),
        };
        let came = self.unit(staged, &unit)?;
        drop(held);
        self.opened.database.tidy();
        match came {
            Came::Changed => Ok(Turn::Changed),
            Came::Done(seq) => {
                receipt.seq = Some(seq);
                receipt.result = result;
                Ok(Turn::Ended(Box::new(receipt)))
            }
        }
    }

    /// The one way from staged to settled, for operations, undo and redo; the lock is held.
    pub(super) fn unit(&self, staged: Staged, unit: &Unit<'_>) -> Result<Came> {
        if self.cancel.is_cancelled() {
            return Err(Error::new(
                ErrorKind::Cancelled,
                "the call was cancelled; nothing changed",
            ));
        }
        if !self.policy_is_current()? {
            return Ok(Came::Changed);
        }
        let (begun, intent) = match self.begin(staged, unit)? {
            Some(begun) => begun,
            None => return Ok(Came::Changed),
        };
        // From here on nobody can cancel: it is finished, or taken back whole.
        let applied = begun.apply();
        fault::point("outer.applied")?;
        let came = self.settle(applied, unit, intent)?;
        fault::point("outer.before_answer")?;
        Ok(came)
    }

    fn begin(&self, staged: Staged, unit: &Unit<'_>) -> Result<Option<(aifirst_undo::Begun, u64)>> {
        let (event, body) = self.recorder.intent(
            &unit.call,
            unit.cause,
            &unit.targets,
            unit.digest,
            unit.verdict,
            &unit.intent,
        )?;
        let meta = UnitMeta {
            op: unit.call.id.to_bytes(),
            cause: match unit.cause {
                Cause::Undo => aifirst_undo::Cause::Undo,
                Cause::Redo => aifirst_undo::Cause::Redo,
                Cause::Rollback => aifirst_undo::Cause::Rollback,
                _ => aifirst_undo::Cause::Do,
            },
            session: self.recorder.session().to_owned(),
            targets: unit.targets.iter().map(|t| t.to_bytes()).collect(),
        };
        self.opened.database.write(self.cancel, |conn| {
            let mut receipt = None;
            let begun = staged.begin(conn, &meta, |tx, _| {
                receipt = Some(aifirst_audit::append_in(tx, &event, Some(&body))?);
                Ok::<(), Error>(())
            });
            match (begun, receipt) {
                (Ok(begun), Some(r)) => {
                    let written = Written {
                        head: r.head,
                        durability: Durability::Full,
                    };
                    Ok((Some((begun, r.seq)), written))
                }
                (Err(BeginError::Changed(_)), _) => {
                    let head = aifirst_audit::head(conn).map_err(Error::from)?;
                    Ok((
                        None,
                        Written {
                            head,
                            durability: Durability::Normal,
                        },
                    ))
                }
                (Err(BeginError::CommitUnknown(e)), _) => Err(Failure::Unknown(
                    uncertain(e.into()).with_id(unit.call.id.to_string()),
                )),
                (Err(BeginError::Join(e)), _) => Err(Failure::Clean(e)),
                (Err(BeginError::Failed(e)), _) => Err(Failure::Clean(e.into())),
                (Err(e), _) => Err(Failure::Unknown(Error::new(
                    ErrorKind::State,
                    e.to_string(),
                ))),
                (Ok(_), None) => Err(Failure::Unknown(Error::new(
                    ErrorKind::State,
                    "the intent was not recorded",
                ))),
            }
        })
    }

    fn settle(&self, applied: Applied, unit: &Unit<'_>, intent: u64) -> Result<Came> {
        let id = unit.call.id.to_string();
        let (ending, failed) = match applied.outcome() {
            Applying::Done => (Ending::Done, None),
            Applying::RolledBack(e) => (Ending::Failed, Some(taken_back(e))),
            Applying::Stuck(e, _) => (
                Ending::Unknown,
                Some(
                    Error::new(
                        ErrorKind::Conflict,
                        format!("{e}; it could not be taken back whole"),
                    )
                    .with_code("stuck")
                    .with_hint("`aifirst show last` names the paths; nothing was deleted"),
                ),
            ),
            _ => (
                Ending::Unknown,
                Some(Error::failed(
                    "it ended in a way this program does not know",
                )),
            ),
        };
        let mut outcome = unit.outcome.as_object().cloned().unwrap_or_default();
        if let Some(e) = &failed {
            outcome.remove("result");
            outcome.insert(
                "error".into(),
                json!({ "code": e.code(), "message": e.to_string() }),
            );
        }
        let (event, body) = self.recorder.outcome(
            &unit.call,
            intent,
            ending,
            failed.as_ref().map(Error::code),
            &Value::Object(outcome),
        )?;
        // A cancelled caller still gets its change settled: half-done is no answer.
        let never = crate::context::Cancel::new();
        let settled = self.opened.database.write(&never, |conn| {
            let mut receipt = None;
            let settled = applied.settle(conn, |tx, _| {
                receipt = Some(aifirst_audit::append_in(tx, &event, Some(&body))?);
                Ok::<(), Error>(())
            });
            match (settled, receipt) {
                (Ok(_), Some(r)) => Ok((
                    r.seq,
                    Written {
                        head: r.head,
                        durability: Durability::Normal,
                    },
                )),
                (Ok(_), None) => Err(Failure::Unknown(Error::new(
                    ErrorKind::State,
                    "the outcome was not recorded",
                ))),
                (Err(SettleError::Join(e)), _) => Err(Failure::Unknown(uncertain(e))),
                (Err(SettleError::Failed(e)), _) => Err(Failure::Unknown(uncertain(e.into()))),
                (Err(e), _) => Err(Failure::Unknown(Error::new(
                    ErrorKind::State,
                    e.to_string(),
                ))),
            }
        });
        settled.map_err(|e| match e.kind() {
            // Whoever waited in vain for the log says that nothing changed; here it did.
            ErrorKind::TimedOut => unsettled().with_id(id.clone()),
            _ => e.with_id(id.clone()),
        })?;
        match failed {
            None => Ok(Came::Done(intent)),
            Some(e) => Err(e.with_id(id)),
        }
    }

    /// Whether policy is still what the plan was judged by.
    pub(super) fn policy_is_current(&self) -> Result<bool> {
        Ok(self.opened.policy(self.homes)?.stamp() == self.policy.stamp())
    }
}

/// The change is made, and its outcome could not be written.
fn unsettled() -> Error {
    Error::new(
        ErrorKind::State,
        "it was done, but another process kept the log busy for too long to record that",
    )
    .with_code("commit_failed")
    .with_hint("the next changing call finishes the record; `aifirst undo` takes it back as usual")
}

/// After a failed commit nobody knows what is on disk; the next changing call looks.
fn uncertain(e: Error) -> Error {
    Error::new(ErrorKind::State, format!("it could not be recorded to the end: {e}"))
        .with_code("commit_failed")
        .with_hint("check the state folder's disk; the next changing call recovers what was begun, whole or not at all")
        .with_source(e)
}

/// A change that was taken back whole; whether somebody else was the cause shows in the kind.
fn taken_back(e: &aifirst_undo::Error) -> Error {
    use aifirst_undo::ErrorKind as U;
    let words = format!("{e}; what was begun was taken back");
    let error = match e.kind() {
        U::Changed | U::Conflict => {
            Error::new(ErrorKind::Conflict, words).with_hint("look again and repeat the call")
        }
        _ => Error::failed(words),
    };
    let error = match e.path() {
        Some(path) => error.with_path(path.to_string()),
        None => error,
    };
    error.with_code("rolled_back")
}
