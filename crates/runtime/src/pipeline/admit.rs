//! Limits and schema: what a call may be at all, before anything is looked at.
use aifirst_sandbox::RawRel;
use aifirst_undo::{Change, ChangeSet, Piece, Source};
use serde_json::Value;

use super::{Pipeline, Way};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{Plan, Work};
use crate::schema;

/// Parameters nested deeper than this are refused; no operation needs half of it.
const DEPTH: usize = 32;

impl Pipeline<'_> {
    /// Checks the parameters against the operation's table.
    pub(super) fn admit(&self, way: &Way<'_>) -> Result<Value> {
        if depth(&way.call.params) > DEPTH {
            return Err(Error::usage(format!(
                "the parameters are nested deeper than {DEPTH}"
            )));
        }
        // Whatever a sensitive name holds is hidden from here on, in errors and paths too.
        let _ = way
            .scope
            .json(&self.params_for_record(way, &way.call.params));
        let spec = way.operation.spec();
        schema::check(&spec.params, &way.call.params).map_err(|e| match e.hint() {
            Some(_) => e,
            None => e.with_hint(format!("`aifirst ops {}` shows its parameters", spec.name)),
        })
    }

    /// Text that holds one of our marks would replace a real secret by its mark.
    pub(super) fn refuse_marks(&self, plan: &Plan) -> Result<()> {
        let Work::Change { set, .. } = &plan.work else {
            return Ok(());
        };
        let redactor = self.recorder.redactor();
        let holds = |bytes: &[u8]| redactor.own_mark(bytes).is_some();
        // A name as it was shown is not the name of the file.
        if let Some(name) = new_names(set).find(|name| holds(name.as_bytes())) {
            return Err(Error::failed(
                "the new name holds a redaction mark of ours instead of the text it stands for",
            )
            .with_code("holds_mark")
            .with_path(name.to_string())
            .with_hint("nothing was changed; list_directory shows the names as they are"));
        }
        for (path, source) in sources(set) {
            let found = match source {
                Source::Bytes(bytes) => holds(bytes),
                Source::Splice(pieces) => pieces.iter().any(|piece| match piece {
                    Piece::New(bytes) => holds(bytes),
                    Piece::Old { .. } => false,
                }),
                _ => false,
            };
            if found {
                return Err(Error::new(
                    ErrorKind::Failed,
                    "the text to be written holds a redaction mark of ours instead of the secret it stands for",
                )
                .with_code("holds_mark")
                .with_path(path)
                .with_hint("the file was left as it is; use edit_file for the lines that change, and leave the lines with marks out"));
            }
        }
        Ok(())
    }
}

fn new_names(set: &ChangeSet) -> impl Iterator<Item = &RawRel> {
    set.changes().iter().filter_map(|change| match change {
        Change::Create { path, .. } | Change::MakeDir { path, .. } => Some(path),
        Change::Rename { to, .. } => Some(to),
        _ => None,
    })
}

fn sources(set: &ChangeSet) -> impl Iterator<Item = (String, &Source)> {
    set.changes().iter().filter_map(|change| match change {
        Change::Create { path, content, .. } | Change::Replace { path, content, .. } => {
            Some((path.to_string(), content))
        }
        _ => None,
    })
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
