//! Reading: the record is committed before the result is handed out.
use aifirst_audit::Durability;
use serde_json::{Map, Value, json};

use super::{Pipeline, Turn, Way};
use crate::approve::Approved;
use crate::context::Context;
use crate::error::Result;
use crate::plan::{Diff, Plan, Work};
use crate::receipt::{Outcome, Receipt};
use crate::record::Verdicted;

impl Pipeline<'_> {
    /// Reads what the plan pinned, records that, and only then gives it out.
    pub(super) fn read(
        &self,
        way: &Way<'_>,
        params: &Value,
        plan: Plan,
        digest: [u8; 32],
        verdict: &Verdicted,
        context: &Context<'_>,
    ) -> Result<Turn> {
        // While somebody thinks about an answer, policy may come to another.
        if verdict.answered.is_some() && !self.policy_is_current()? {
            return Ok(Turn::Changed);
        }
        let mut receipt = self.receipt(way, &plan, verdict, Value::Null);
        let body = self.plan_body(way, params, &plan);
        if let Work::Read(reader) = plan.work {
            receipt.result = reader(context)?;
        }
        let mut body = body;
        body.insert("result".into(), figures(&receipt.result));
        receipt.outcome = Outcome::Done;
        receipt.seq = Some(self.record_read(way, digest, verdict, &Value::Object(body))?);
        Ok(Turn::Ended(Box::new(receipt)))
    }

    /// A dry run: what it would do, and what it would need. It may show contents, so it is
    /// recorded as a read.
    pub(super) fn show(
        &self,
        way: &Way<'_>,
        params: &Value,
        approved: Approved<Plan>,
    ) -> Result<Turn> {
        let (digest, verdict) = (approved.digest(), approved.verdict().unanswered());
        let plan = approved.into_plan();
        let result = match &plan.work {
            Work::Change { result, .. } => result.clone(),
            Work::Read(_) => Value::Null,
        };
        let mut receipt = self.receipt(way, &plan, &verdict, result);
        receipt.outcome = Outcome::Planned;
        let mut body = self.plan_body(way, params, &plan);
        body.insert("dry_run".into(), true.into());
        receipt.seq = Some(self.record_read(way, digest, &verdict, &Value::Object(body))?);
        Ok(Turn::Ended(Box::new(receipt)))
    }

    /// Records something that changed nothing.
    pub(super) fn record_read(
        &self,
        way: &Way<'_>,
        digest: [u8; 32],
        verdict: &Verdicted,
        body: &Value,
    ) -> Result<u64> {
        let (event, body) = self
            .recorder
            .read(&self.call_of(way), digest, verdict, body)?;
        self.opened
            .database
            .append(Durability::Normal, self.cancel, |tx| {
                let receipt = aifirst_audit::append_in(tx, &event, Some(&body))?;
                Ok((receipt.seq, receipt.head))
            })
    }

    /// What the record says about a plan, whatever comes of it.
    pub(super) fn plan_body(
        &self,
        way: &Way<'_>,
        params: &Value,
        plan: &Plan,
    ) -> Map<String, Value> {
        let body = json!({
            "params": self.params_for_record(way, params),
            "targets": self.target_views(way, plan),
            "summary": plan.summary,
            "notes": plan.notes,
            "reason": way.call.reason,
        });
        match body {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    /// The receipt of a plan, to be completed by what came of it.
    pub(super) fn receipt(
        &self,
        way: &Way<'_>,
        plan: &Plan,
        verdict: &Verdicted,
        result: Value,
    ) -> Receipt {
        Receipt {
            id: way.id,
            seq: None,
            operation: way.operation.spec().name.to_owned(),
            outcome: Outcome::Done,
            result,
            targets: self.target_views(way, plan),
            diff: match &plan.diff {
                Some(d) if self.may_show(way, plan, verdict) => Some(self.redacted_diff(way, d)),
                Some(_) => Some(Diff::Opaque(
                    "the policy does not let it be read unasked".to_owned(),
                )),
                None => None,
            },
            reversibility: plan.reversibility,
            undoable: plan.changes(),
            decision: verdict.view(),
            notes: plan
                .notes
                .iter()
                .map(|n| way.scope.text(n).into_value())
                .collect(),
        }
    }
}

/// Of a result the record keeps numbers and flags alone: the rest may hold contents, or a digest
/// of contents by which a guess could be tested.
pub(super) fn figures(result: &Value) -> Value {
    match result {
        Value::Object(map) => map
            .iter()
            .filter(|(_, v)| v.is_number() || v.is_boolean())
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect::<Map<_, _>>()
            .into(),
        _ => Value::Null,
    }
}
