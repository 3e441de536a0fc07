//! Undo and redo: chosen, planned as a whole, judged, and walked through the same stations.
use aifirst_audit::{Cause, Durability};
use aifirst_redact::Scope;
use aifirst_sandbox::Kind;
use aifirst_undo::{ConflictReason, Direction, Does, PlannedPath, RestorePlan};
use serde_json::{Value, json};

use super::change::{Came, Unit};
use super::choose::Select;
use super::judge::{path_view, plain};
use super::{Pipeline, Run, TURNS};
use crate::approve::{Consent, approve};
use crate::chronicle;
use crate::confirm::Question;
use crate::context::Cancel;
use crate::effect::{Effect, Reversibility};
use crate::env::new_id;
use crate::error::{Error, ErrorKind, Result};
use crate::home::PATIENCE;
use crate::ids::{OpId, Reference};
use crate::policy::{self, Pair};
use crate::receipt::{Restored, RestoredOp, RestoredPath};
use crate::record::{self, Verdicted};

/// What happens where somebody changed a path since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnConflict {
    /// Nothing at all is done.
    #[default]
    Refuse,
    /// What is there now stays.
    KeepMine,
    /// The recorded version is put beside what is there now.
    Beside,
    /// The recorded version takes its place; what is there now is kept for another undo.
    Force,
}

impl From<OnConflict> for aifirst_undo::OnConflict {
    fn from(choice: OnConflict) -> Self {
        match choice {
            OnConflict::Refuse => Self::Refuse,
            OnConflict::KeepMine => Self::KeepMine,
            OnConflict::Beside => Self::Beside,
            OnConflict::Force => Self::Restore,
        }
    }
}

/// What to undo or redo.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RestoreRequest {
    /// Which operations.
    pub select: Select,
    /// What to do with conflicts.
    pub on_conflict: OnConflict,
    /// Whether it runs or is only shown.
    pub run: Run,
}

impl RestoreRequest {
    /// A request that runs and refuses conflicts.
    #[must_use]
    pub fn new(select: Select) -> Self {
        Self {
            select,
            on_conflict: OnConflict::Refuse,
            run: Run::Do,
        }
    }
}

/// One undo or redo on its way.
struct Way<'a> {
    request: &'a RestoreRequest,
    id: OpId,
    scope: Scope,
}

impl Pipeline<'_> {
    /// Takes operations back, or does them again.
    pub(crate) fn restore(
        &self,
        direction: Direction,
        request: &RestoreRequest,
    ) -> Result<Restored> {
        let way = Way {
            request,
            id: new_id(&**self.env)?,
            scope: self.recorder.redactor().scoped(),
        };
        let mut verdict = None;
        let result = self.restore_turns(direction, &way, &mut verdict);
        result.map_err(|error| self.refuse_restore(direction, &way, verdict.as_ref(), error))
    }

    fn restore_turns(
        &self,
        direction: Direction,
        way: &Way<'_>,
        verdict: &mut Option<Verdicted>,
    ) -> Result<Restored> {
        let mut consent = None;
        for _ in 0..TURNS {
            let plan = self.restore_plan(direction, way.request)?;
            let digest = self.judge_restore(&plan, way, verdict, &mut consent)?;
            let judged = match (&verdict, way.request.run) {
                (_, Run::DryRun) | (None, _) => return self.restored(&plan, way, &[]),
                (Some(verdict), Run::Do) => verdict.clone(),
            };
            refuse_conflicts(&plan)?;
            let held = self.opened.lock.take(PATIENCE, self.cancel)?;
            self.recover()?;
            // Under the lock nobody of ours changes anything: what is planned now is what runs.
            let again = self.restore_plan(direction, way.request)?;
            let (digest, judged) = if outline(&again) == outline(&plan) {
                (digest, judged)
            } else {
                // Others were faster, and `last` is another operation now. What policy allows
                // outright needs no new question; a yes belongs to what was asked.
                let decision = self.decide_restore(&again);
                if decision.verdict != policy::Verdict::Allow {
                    continue;
                }
                refuse_conflicts(&again)?;
                let judged = Verdicted {
                    decision,
                    answered: None,
                };
                *verdict = Some(judged.clone());
                (self.restore_digest(&again), judged)
            };
            let restored = self.restore_all(&again, way, digest, &judged);
            drop(held);
            self.opened.database.tidy();
            return restored;
        }
        Err(Error::new(
            ErrorKind::Conflict,
            "somebody kept changing what it is about; it was planned three times",
        )
        .with_code("kept_changing")
        .with_hint("look again and repeat the call"))
    }

    fn restore_plan(&self, direction: Direction, request: &RestoreRequest) -> Result<RestorePlan> {
        self.opened.database.read(|conn| {
            let (direction, ops) = self.choose(conn, direction, &request.select)?;
            let choice = request.on_conflict.into();
            Ok(self.opened.engine.plan(conn, &ops, direction, choice)?)
        })
    }

    /// One unit an operation, newest first; the lock is held throughout.
    fn restore_all(
        &self,
        plan: &RestorePlan,
        way: &Way<'_>,
        digest: [u8; 32],
        verdict: &Verdicted,
    ) -> Result<Restored> {
        let mut done = Vec::new();
        for (i, op) in plan.ops().enumerate() {
            let target = OpId::from_bytes(*op);
            let id = if i == 0 { way.id } else { new_id(&**self.env)? };
            let came = self.restore_one(plan, i, (id, target), way, digest, verdict);
            match came.map_err(|e| partly(e, i, plan.len()))? {
                Came::Done(seq) => done.push((id, seq)),
                Came::Changed => {
                    let e = Error::new(ErrorKind::Conflict, "somebody changed it in this moment")
                        .with_code("changed")
                        .with_hint("look again and repeat the call");
                    return Err(partly(e, i, plan.len()));
                }
            }
        }
        self.restored(plan, way, &done)
    }

    fn restore_one(
        &self,
        plan: &RestorePlan,
        i: usize,
        (id, target): (OpId, OpId),
        way: &Way<'_>,
        digest: [u8; 32],
        verdict: &Verdicted,
    ) -> Result<Came> {
        let name = word(plan.direction());
        let staged = match self.opened.engine.stage_restore(plan, i) {
            Ok(staged) => staged,
            Err(e) if *e.kind() == aifirst_undo::ErrorKind::Changed => return Ok(Came::Changed),
            Err(e) => return Err(e.into()),
        };
        let targets: Vec<Value> = self
            .restored_paths(plan, i, way)
            .iter()
            .filter_map(|p| serde_json::to_value(p).ok())
            .collect();
        let unit = Unit {
            call: record::Call {
                id,
                name,
                scope: &way.scope,
            },
            cause: match plan.direction() {
                Direction::Undo => Cause::Undo,
                Direction::Redo => Cause::Redo,
            },
            targets: vec![target],
            digest,
            verdict,
            intent: json!({
                "summary": format!("{name} {} {target}", self.name_of(target)?),
                "targets": targets,
            }),
            outcome: json!({}),
        };
        self.unit(staged, &unit)
    }

    fn judge_restore(
        &self,
        plan: &RestorePlan,
        way: &Way<'_>,
        verdict: &mut Option<Verdicted>,
        consent: &mut Option<Consent>,
    ) -> Result<[u8; 32]> {
        let name = word(plan.direction());
        let decision = self.decide_restore(plan);
        let digest = self.restore_digest(plan);
        if way.request.run == Run::DryRun {
            *verdict = Some(Verdicted {
                decision,
                answered: None,
            });
            return Ok(digest);
        }
        let hide = |text: &str| way.scope.text(text).into_value();
        let question = Question {
            id: way.id,
            operation: name.to_owned(),
            client: self.recorder.client().to_owned(),
            summary: format!("{name} {} operation(s)", plan.len()),
            paths: plan.paths().iter().map(|p| hide(&plain(&p.path))).collect(),
            entries: u64::try_from(plan.paths().len()).unwrap_or(u64::MAX),
            bytes: plan.paths().iter().map(|p| p.bytes).sum(),
            reversibility: Reversibility::Exact,
            because: decision.because(),
            diff: None,
            notes: Vec::new(),
            reason: None,
            digest: digest.iter().map(|b| format!("{b:02x}")).collect(),
        };
        match approve((), digest, decision, |()| question, self.confirm, consent) {
            Ok(approved) => {
                *verdict = Some(approved.verdict().clone());
                Ok(digest)
            }
            Err(refused) => {
                *verdict = refused.verdict;
                Err(refused.error)
            }
        }
    }

    /// What policy says about a plan: like any change set, but never asked for folder or size.
    fn decide_restore(&self, plan: &RestorePlan) -> policy::Decision {
        let name = word(plan.direction());
        let there = |path| self.workspace.stat_at(path).ok().flatten();
        let mut paths: Vec<(Effect, String, bool)> = Vec::new();
        for p in plan.paths() {
            let found = there(&p.path);
            let folder = found.as_ref().is_some_and(|s| s.kind == Kind::Dir);
            paths.push((effect(p, found.is_some()), plain(&p.path), folder));
            if let (Does::MoveBack, Some(to)) = (p.does, &p.to) {
                paths.push((Effect::Create, plain(to), folder));
            }
            if let Some(beside) = p.conflict.as_ref().and_then(|c| c.beside.as_ref()) {
                paths.push((Effect::Create, plain(beside), folder));
            }
        }
        let pairs: Vec<Pair<'_>> = paths
            .iter()
            .map(|(effect, path, folder)| Pair {
                effect: *effect,
                spelled: path,
                resolved: path,
                folder: *folder,
            })
            .collect();
        self.policy.decide(&policy::Question {
            operation: name,
            pairs: &pairs,
            folds_case: self.opened.folds_case,
            bytes: 0,
            entries: 0,
            replaces_folder: false,
            reversibility: Reversibility::Exact,
            cause: match plan.direction() {
                Direction::Undo => policy::Cause::Undo,
                Direction::Redo => policy::Cause::Redo,
            },
        })
    }

    fn restore_digest(&self, plan: &RestorePlan) -> [u8; 32] {
        let name = word(plan.direction());
        self.opened
            .key
            .digest("restore", &[name.as_bytes(), &outline(plan)])
    }

    fn refuse_restore(
        &self,
        direction: Direction,
        way: &Way<'_>,
        verdict: Option<&Verdicted>,
        error: Error,
    ) -> Error {
        let hide = |text: &str| way.scope.text(text).into_value();
        // What began has its own outcome; what names nothing is no operation.
        if error.id().is_some()
            || way.request.run == Run::DryRun
            || error.kind() == ErrorKind::NoSuch
        {
            return error.redacted(&hide);
        }
        let name = word(direction);
        let call = record::Call {
            id: way.id,
            name,
            scope: &way.scope,
        };
        let body = json!({ "summary": format!("{name} {}", select_words(&way.request.select)) });
        let recorded = self
            .recorder
            .refusal(&call, verdict, &error, &body)
            .and_then(|(event, body)| {
                let database = &self.opened.database;
                database.append(Durability::Normal, &Cancel::new(), |tx| {
                    let receipt = aifirst_audit::append_in(tx, &event, Some(&body))?;
                    Ok(((), receipt.head))
                })
            });
        // Only what the log holds bears the id under which it is found there.
        match recorded {
            Ok(()) => error.with_id(way.id.to_string()).redacted(&hide),
            Err(e) if error.kind() != ErrorKind::State => e.redacted(&hide),
            Err(_) => error.redacted(&hide),
        }
    }

    fn name_of(&self, op: OpId) -> Result<String> {
        self.opened
            .database
            .read(|conn| chronicle::operation_name(conn, op))
    }

    fn restored_paths(&self, plan: &RestorePlan, i: usize, way: &Way<'_>) -> Vec<RestoredPath> {
        let hide = |text: &str| way.scope.text(text).into_value();
        let Some(op) = plan.ops().nth(i) else {
            return Vec::new();
        };
        let path = |p: &PlannedPath| RestoredPath {
            path: path_view(&p.path, &hide),
            action: p.does.name().to_owned(),
            conflict: p.conflict.as_ref().map(|c| c.reason.name().to_owned()),
            beside: p
                .conflict
                .as_ref()
                .and_then(|c| c.beside.as_ref())
                .map(|b| hide(&plain(b))),
        };
        plan.paths()
            .iter()
            .filter(|p| p.op == *op)
            .map(path)
            .collect()
    }

    fn restored(
        &self,
        plan: &RestorePlan,
        way: &Way<'_>,
        done: &[(OpId, u64)],
    ) -> Result<Restored> {
        let mut operations = Vec::new();
        for (i, op) in plan.ops().enumerate() {
            let target = OpId::from_bytes(*op);
            let this = done.get(i);
            operations.push(RestoredOp {
                id: this.map(|d| d.0),
                seq: this.map(|d| d.1),
                target,
                target_seq: self
                    .opened
                    .database
                    .read(|conn| chronicle::first_row(conn, target))?,
                operation: self.name_of(target)?,
                paths: self.restored_paths(plan, i, way),
            });
        }
        Ok(Restored {
            direction: word(plan.direction()).to_owned(),
            dry_run: way.request.run == Run::DryRun,
            operations,
        })
    }
}

fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Undo => "undo",
        Direction::Redo => "redo",
    }
}

/// An error after some of several operations were taken back: those stay so.
fn partly(e: Error, done: usize, all: usize) -> Error {
    if done == 0 {
        return e;
    }
    let words = format!("{e}; {done} of {all} were done before that and stay so");
    let mut out = Error::new(e.kind(), words).with_code(e.code());
    if let Some(hint) = e.hint() {
        out = out.with_hint(hint);
    }
    if let Some(id) = e.id() {
        out = out.with_id(id);
    }
    out.with_source(e)
}

/// What a plan would do, to be compared and bound.
fn outline(plan: &RestorePlan) -> Vec<u8> {
    let paths: Vec<_> = plan
        .paths()
        .iter()
        .map(|p| (p.op, &p.path, &p.to, p.does, &p.conflict, p.bytes))
        .collect();
    let ops: Vec<_> = plan.ops().collect();
    format!("{:?}{ops:?}{paths:?}", plan.direction()).into_bytes()
}

fn refuse_conflicts(plan: &RestorePlan) -> Result<()> {
    if !plan.is_refused() {
        return Ok(());
    }
    let mut open: Vec<String> = plan
        .conflicts()
        .map(|p| {
            let why = p.conflict.as_ref().map_or("", |c| c.reason.name());
            format!("{} ({why})", p.path)
        })
        .collect();
    let all = open.len();
    open.truncate(5);
    let more = if all > open.len() {
        format!(" and {} more", all - open.len())
    } else {
        String::new()
    };
    let error = Error::new(
        ErrorKind::Conflict,
        format!("somebody changed it since: {}{more}", open.join(", ")),
    )
    .with_code("changed_since");
    // Our own later operation is better undone first than overridden.
    let later = plan
        .conflicts()
        .find_map(|p| match &p.conflict.as_ref()?.reason {
            ConflictReason::ChangedLater { by } => Some(OpId::from_bytes(*by)),
            _ => None,
        });
    if let Some(by) = later {
        return Err(error.with_hint(format!("a later operation in force needs it as it is; undo that one first: aifirst undo {by}. Or decide with --keep-mine, --beside or --force; --dry-run shows each path")));
    }
    Err(error
    .with_hint("--keep-mine leaves what is there, --beside puts the recorded version beside it, --force takes it back anyway (what is there now is kept for another undo); --dry-run shows each path"))
}

fn effect(path: &PlannedPath, there: bool) -> Effect {
    match path.does {
        Does::Remove => Effect::Delete,
        Does::MoveBack => Effect::Move,
        Does::Restore if !there => Effect::Create,
        _ => Effect::Modify,
    }
}

fn select_words(select: &Select) -> String {
    match select {
        Select::Last | Select::One(Reference::Last) => "the last operation".to_owned(),
        Select::One(Reference::Number(n)) => format!("entry @{n}"),
        Select::One(Reference::Prefix(p)) => format!("operation {p}"),
        Select::Session(s) => format!("session {s}"),
        Select::To(_) => "everything after an entry".to_owned(),
        Select::Path(p) => format!("what touched {p}"),
    }
}
