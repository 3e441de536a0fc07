//! Policy and person: the plan's digest, the decision, the question.
use aifirst_sandbox::{Kind, Leaf, RawRel, Stat};
use base64::Engine as _;
use serde_json::{Value, json};

use super::{Pipeline, Run, Way};
use crate::approve::{Approved, Consent, Refused, approve, denial};
use crate::confirm::{Always, Answer, By, Question};
use crate::effect::Effect;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{Diff, Plan, Target};
use crate::policy::{self, Cause, Pair};
use crate::receipt::{PathView, TargetView};
use crate::record::Verdicted;
use crate::schema::{Holds, Param};

impl Pipeline<'_> {
    /// Decides, and asks where it must be asked. A dry run asks nobody.
    pub(super) fn judge(
        &self,
        way: &Way<'_>,
        params: &Value,
        plan: Plan,
        consent: &mut Option<Consent>,
    ) -> Result<Approved<Plan>, Box<Refused>> {
        let digest = self.digest(way, params, &plan);
        let decision = self.decide(way, &plan);
        let question = |plan: &Plan| self.question(way, plan, digest, &decision);
        let question = question(&plan);
        let planned = Always(Answer::Yes { by: By::Fixed });
        match way.call.run {
            // What is only shown is not approved for anything: nobody needs to be asked.
            Run::DryRun if decision.verdict == policy::Verdict::Ask => {
                approve(plan, digest, decision, |_| question, &planned, &mut None)
            }
            _ => approve(plan, digest, decision, |_| question, self.confirm, consent),
        }
    }

    /// Whether somebody has to be asked about a plan.
    pub(super) fn asks(&self, way: &Way<'_>, plan: &Plan) -> bool {
        self.decide(way, plan).verdict == policy::Verdict::Ask
    }

    fn decide(&self, way: &Way<'_>, plan: &Plan) -> policy::Decision {
        let resolved: Vec<String> = plan.targets.iter().map(|t| plain(&t.path)).collect();
        let is_folder = |t: &Target| t.stat.as_ref().is_some_and(|s| s.kind == Kind::Dir);
        // A folder that is moved arrives with all that is in it.
        let arrives = plan
            .targets
            .iter()
            .any(|t| t.effect == Effect::Move && is_folder(t));
        let mut pairs: Vec<Pair<'_>> = plan
            .targets
            .iter()
            .zip(&resolved)
            .map(|(t, resolved)| Pair {
                effect: t.effect,
                spelled: &t.spelled,
                resolved,
                folder: match t.effect {
                    Effect::Create => arrives,
                    _ => is_folder(t),
                },
            })
            .collect();
        // Who edits a file reads it: whether a text was found tells what is in there.
        let read = |p: &Pair<'_>| p.effect == Effect::Read;
        if way.operation.spec().effects.contains(&Effect::Read) && !pairs.iter().any(read) {
            let reads: Vec<Pair<'_>> = pairs
                .iter()
                .filter(|p| p.effect == Effect::Modify)
                .map(|p| Pair {
                    effect: Effect::Read,
                    ..*p
                })
                .collect();
            pairs.extend(reads);
        }
        self.policy.decide(&policy::Question {
            operation: way.operation.spec().name,
            pairs: &pairs,
            folds_case: self.opened.folds_case,
            bytes: weigh(plan, |t| t.bytes),
            entries: weigh(plan, |t| t.entries),
            replaces_folder: plan.replaces_folder,
            reversibility: plan.reversibility,
            cause: Cause::Do,
        })
    }

    /// What planning says about a file is reading it: where policy denies that, its denial is all
    /// there is to be said.
    /// Where policy asks first, the error stays, without the lines that would help.
    pub(super) fn failed_plan(&self, way: &Way<'_>, params: &Value, error: Error) -> Box<Refused> {
        let spec = way.operation.spec();
        let mut pairs = Vec::new();
        for spelled in paths_in(&spec.params, params) {
            let Ok(rel) = self.workspace.normalize(spelled) else {
                continue;
            };
            let mut readings = vec![rel.raw().clone()];
            for leaf in [Leaf::Keep, Leaf::Follow] {
                readings.extend(self.workspace.resolve(rel.raw(), leaf).ok().map(|r| r.path));
            }
            for path in readings {
                for effect in spec.effects.iter().chain(&[Effect::Read]) {
                    pairs.push((*effect, spelled.to_owned(), plain(&path)));
                }
            }
        }
        let decision = self.decide_pairs(way, &pairs);
        match decision.verdict {
            policy::Verdict::Deny => denial(decision),
            policy::Verdict::Ask if error.kind() == ErrorKind::Failed => error
                .with_hint(
                    "policy asks before it is read: read_text_file asks, and shows what is there",
                )
                .into(),
            _ => error.into(),
        }
    }

    /// Whether the caller may see the contents of what a plan is about: where reading is denied, or
    /// asked for and nobody said yes, a diff would be a way around that.
    pub(super) fn may_show(&self, way: &Way<'_>, plan: &Plan, verdict: &Verdicted) -> bool {
        let pairs: Vec<_> = plan
            .targets
            .iter()
            .map(|t| (Effect::Read, t.spelled.clone(), plain(&t.path)))
            .collect();
        match self.decide_pairs(way, &pairs).verdict {
            policy::Verdict::Allow => true,
            policy::Verdict::Ask => verdict.answered.is_some(),
            policy::Verdict::Deny => false,
        }
    }

    fn decide_pairs(&self, way: &Way<'_>, pairs: &[(Effect, String, String)]) -> policy::Decision {
        let pairs: Vec<Pair<'_>> = pairs
            .iter()
            .map(|(effect, spelled, resolved)| Pair {
                effect: *effect,
                spelled,
                resolved,
                folder: false,
            })
            .collect();
        self.policy.decide(&policy::Question {
            operation: way.operation.spec().name,
            pairs: &pairs,
            folds_case: self.opened.folds_case,
            bytes: 0,
            entries: 0,
            replaces_folder: false,
            reversibility: way.operation.spec().reversibility,
            cause: Cause::Do,
        })
    }

    /// Binds a yes: an HMAC, because parameters may hold secrets.
    fn digest(&self, way: &Way<'_>, params: &Value, plan: &Plan) -> [u8; 32] {
        let mut targets = Vec::new();
        for t in &plan.targets {
            push(&mut targets, t.effect.as_str().as_bytes());
            push(&mut targets, t.path.as_bytes());
            push(
                &mut targets,
                &t.stat.as_ref().map(stat_bytes).unwrap_or_default(),
            );
            push(
                &mut targets,
                t.tree
                    .as_ref()
                    .map(<[u8; 32]>::as_slice)
                    .unwrap_or_default(),
            );
        }
        let contents: Vec<u8> = plan.content.concat();
        let uid = rustix::process::geteuid().as_raw().to_be_bytes();
        self.opened.key.digest(
            "plan",
            &[
                way.operation.spec().name.as_bytes(),
                sorted(params).to_string().as_bytes(),
                &targets,
                &contents,
                self.opened.known.record.id.as_bytes(),
                &uid,
                self.recorder.client().as_bytes(),
            ],
        )
    }

    fn question(
        &self,
        way: &Way<'_>,
        plan: &Plan,
        digest: [u8; 32],
        decision: &policy::Decision,
    ) -> Question {
        let hide = |text: &str| way.scope.text(text).into_value();
        Question {
            id: way.id,
            operation: way.operation.spec().name.to_owned(),
            client: self.recorder.client().to_owned(),
            summary: hide(&plan.summary),
            paths: plan
                .targets
                .iter()
                .map(|t| hide(&t.path.to_string()))
                .collect(),
            entries: plan.entries(),
            bytes: plan.bytes(),
            reversibility: plan.reversibility,
            because: decision.because(),
            diff: plan
                .diff
                .as_ref()
                .map(|d| match self.redacted_diff(way, d) {
                    Diff::Unified(text) | Diff::Opaque(text) => text,
                }),
            notes: plan.notes.iter().map(|n| hide(n)).collect(),
            reason: way.call.reason.as_deref().map(hide),
            digest: digest.iter().map(|b| format!("{b:02x}")).collect(),
        }
    }

    /// The diff as it may be shown.
    pub(super) fn redacted_diff(&self, way: &Way<'_>, diff: &Diff) -> Diff {
        match diff {
            Diff::Unified(text) => Diff::Unified(way.scope.text(text).into_value()),
            Diff::Opaque(text) => Diff::Opaque(way.scope.text(text).into_value()),
        }
    }

    /// The targets as they may be shown.
    pub(super) fn target_views(&self, way: &Way<'_>, plan: &Plan) -> Vec<TargetView> {
        let view = |t: &Target| {
            let resolved = plain(&t.path);
            TargetView {
                effect: t.effect,
                path: path_view(&t.path, &|text| way.scope.text(text).into_value()),
                spelled: (t.spelled != resolved).then(|| way.scope.text(&t.spelled).into_value()),
                entries: t.entries,
                bytes: t.bytes,
            }
        };
        plan.targets.iter().map(view).collect()
    }
}

/// The values of the parameters that are paths.
fn paths_in<'a>(table: &[Param], params: &'a Value) -> Vec<&'a str> {
    let paths = table.iter().filter(|p| p.holds == Holds::Path);
    paths.filter_map(|p| params.get(p.name)?.as_str()).collect()
}

/// How much a plan changes, for the question about size: what is only read, or only gets another
/// name, costs nothing that undo would have to bring back.
fn weigh(plan: &Plan, of: impl Fn(&Target) -> u64) -> u64 {
    let counts = |t: &&Target| t.effect.changes() && t.effect != Effect::Move;
    plan.targets
        .iter()
        .filter(counts)
        .map(of)
        .fold(0, u64::saturating_add)
}

/// A path as policy's globs see it: its text, or its escaped form where it is none.
pub(crate) fn plain(path: &RawRel) -> String {
    std::str::from_utf8(path.as_bytes()).map_or_else(|_| path.to_string(), ToOwned::to_owned)
}

/// A path in JSON, its text redacted.
pub(crate) fn path_view(path: &RawRel, hide: &dyn Fn(&str) -> String) -> PathView {
    if path.is_root() {
        return PathView::Text {
            path: ".".to_owned(),
        };
    }
    match std::str::from_utf8(path.as_bytes()) {
        Ok(text) => PathView::Text { path: hide(text) },
        Err(_) => PathView::Bytes {
            path_b64: base64::engine::general_purpose::STANDARD.encode(path.as_bytes()),
        },
    }
}

fn push(to: &mut Vec<u8>, part: &[u8]) {
    to.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
    to.extend_from_slice(part);
}

fn stat_bytes(s: &Stat) -> Vec<u8> {
    let id = &s.identity;
    json!([
        id.dev.to_string(),
        id.ino.to_string(),
        id.btime.map(|t| (t.sec, t.nsec)),
        s.size.to_string(),
        s.mode,
        s.uid,
        s.gid,
        s.nlink,
        (s.mtime.sec, s.mtime.nsec),
        (s.ctime.sec, s.ctime.nsec),
    ])
    .to_string()
    .into_bytes()
}

/// The same object whatever the order of its keys.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            keys.into_iter()
                .map(|k| (k.clone(), map.get(k).map(sorted).unwrap_or_default()))
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
        Value::Array(list) => list.iter().map(sorted).collect(),
        other => other.clone(),
    }
}
