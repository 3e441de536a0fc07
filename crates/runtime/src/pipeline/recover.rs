//! Recovery: what a crash left open is mended before the next change, by whoever holds the lock.
use aifirst_audit::{Bodies, Durability, Kind, Outcome, Query};
use aifirst_undo::fault;
use aifirst_undo::{Abandoned, Heading, RecoveredAs};
use serde_json::{Value, json};

use super::Pipeline;
use super::judge::path_view;
use crate::context::Cancel;
use crate::env::new_id;
use crate::error::{Error, ErrorKind, Result};
use crate::home::{Failure, Written};
use crate::ids::OpId;
use crate::record;

impl Pipeline<'_> {
    /// Mends every abandoned unit: an event that says what and in which direction, the acts, and
    /// the outcome. Safe to be killed in and repeated. The lock is held.
    pub(super) fn recover(&self) -> Result<()> {
        let engine = &self.opened.engine;
        let abandoned = self
            .opened
            .database
            .read(|conn| Ok(engine.abandoned(conn)?))?;
        if abandoned.is_empty() {
            return self.sweep();
        }
        let never = Cancel::new();
        let id = new_id(&**self.env)?;
        let targets: Vec<OpId> = abandoned
            .iter()
            .map(|a| OpId::from_bytes(*a.op()))
            .collect();
        let directions: Vec<Value> = abandoned
            .iter()
            .zip(&targets)
            .map(|(a, op)| json!({ "op": op, "direction": heading(a.heading()) }))
            .collect();
        let body = json!({ "summary": "mends what a crash left open", "units": directions });
        let (event, body) = self.recorder.recovery(id, &targets, &body)?;
        self.opened
            .database
            .append(Durability::Full, &never, |tx| {
                let receipt = aifirst_audit::append_in(tx, &event, Some(&body))?;
                Ok(((), receipt.head))
            })?;
        fault::point("outer.recovery_told")?;
        for (unit, op) in abandoned.into_iter().zip(targets) {
            self.recover_one(unit, op)?;
        }
        self.sweep()
    }

    fn recover_one(&self, unit: Abandoned, op: OpId) -> Result<()> {
        let recovered = self.opened.engine.recover(unit)?;
        let scope = self.recorder.redactor().scoped();
        let (intent, name) = self.opened.database.read(|conn| {
            let page = Query::new()
                .op(&op.to_string())
                .kind(Kind::Intent)
                .bodies(Bodies::Skip)
                .page(conn)?;
            let row = page.first().ok_or_else(|| {
                Error::new(
                    ErrorKind::Tampered,
                    format!("the log has no intent for the open operation {op}"),
                )
                .with_code("log_damaged")
                .with_hint("`aifirst verify` names the rows")
            })?;
            let name = row
                .event
                .as_ref()
                .and_then(|e| e.name())
                .unwrap_or("unknown")
                .to_owned();
            Ok((row.seq, name))
        })?;
        let outcome = match recovered.outcome() {
            RecoveredAs::Interrupted => Outcome::Interrupted,
            RecoveredAs::Done => Outcome::RecoveredDone,
            RecoveredAs::RolledBack => Outcome::RecoveredRolledBack,
            RecoveredAs::WithConflict => Outcome::RecoveredWithConflict,
            RecoveredAs::Damaged => Outcome::Damaged,
        };
        let hide = |text: &str| scope.text(text).into_value();
        let conflicts: Vec<Value> = recovered
            .conflicts()
            .iter()
            .map(|c| json!({ "path": path_view(&c.path, &hide), "reason": c.reason.name() }))
            .collect();
        let call = record::Call {
            id: op,
            name: &name,
            scope: &scope,
        };
        let body = json!({ "conflicts": conflicts });
        let (event, body) = self.recorder.outcome(&call, intent, outcome, None, &body)?;
        self.opened.database.write(&Cancel::new(), |conn| {
            let mut receipt = None;
            let settled = recovered.settle(conn, |tx, _| {
                receipt = Some(aifirst_audit::append_in(tx, &event, Some(&body))?);
                Ok::<(), Error>(())
            });
            match (settled, receipt) {
                (Ok(_), Some(r)) => Ok((
                    (),
                    Written {
                        head: r.head,
                        durability: Durability::Full,
                    },
                )),
                (Ok(_), None) => Err(Failure::Unknown(Error::new(
                    ErrorKind::State,
                    "the outcome was not recorded",
                ))),
                (Err(aifirst_undo::SettleError::Join(e)), _) => Err(Failure::Unknown(e)),
                (Err(e), _) => Err(Failure::Unknown(Error::new(
                    ErrorKind::State,
                    e.to_string(),
                ))),
            }
        })
    }

    /// Removes staged objects that dead processes left and no unit names.
    fn sweep(&self) -> Result<()> {
        let alive = self.opened.alive()?;
        let engine = &self.opened.engine;
        self.opened.database.read(|conn| {
            engine.sweep(conn, &|owner: &str| alive.iter().any(|a| a == owner))?;
            Ok(())
        })
    }
}

fn heading(heading: Heading) -> &'static str {
    match heading {
        Heading::Nothing => "nothing to do",
        Heading::Keep => "keep",
        Heading::Back => "take back",
        Heading::Forward => "finish",
        Heading::Leave => "leave alone",
    }
}
