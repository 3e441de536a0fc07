//! `copy_file`: one file's contents under another name, streamed.
use aifirst_sandbox::{File, Leaf};
use aifirst_undo::{Change, ChangeSet, CopyFields, Source};
use serde_json::{Value, json};

use crate::context::Context;
use crate::effect::{Effect, Reversibility};
use crate::error::{Error, Result};
use crate::operation::{Example, Operation, Spec};
use crate::plan::{Diff, Plan, Target};
use crate::schema::{Param, Type};

use super::place::{Parents, Place, push, quoted, result, result_schema};
use super::{content, difference, given};

/// Copies a file.
pub(crate) struct CopyFile {
    spec: Spec,
}

impl CopyFile {
    pub(crate) fn new() -> Self {
        Self {
            spec: Spec {
                name: "copy_file",
                title: "Copy a file",
                description: "Copies one file, of any size. A new copy has the mode and the \
                    user attributes of the original and a time of its own. Never over something \
                    that is there, unless overwrite is true; then a file gets the contents and \
                    keeps its own mode, owner and attributes. Where a path is a link inside the \
                    workspace, the file it leads to is meant. Undo removes the copy or restores \
                    the old contents, exactly. It does not ask, unless the policy says so or the \
                    file is very large.",
                params: vec![
                    Param::required(
                        "source",
                        Type::Text,
                        "The file to copy, relative to the workspace or absolute inside it.",
                    )
                    .path(),
                    Param::required(
                        "destination",
                        Type::Text,
                        "The whole path of the copy, with its name.",
                    )
                    .path(),
                    Param::optional(
                        "overwrite",
                        Type::Boolean,
                        "Give a file that is there the contents (default false: that is an \
                        error).",
                    ),
                ],
                result: result_schema(
                    json!({
                        "created": {"type": "boolean", "description": "Whether the copy is a new file."},
                        "changed": {"type": "boolean", "description": "Whether anything is other than before."},
                        "bytes": {"type": "integer", "description": "Size of the contents."},
                    }),
                    &["created", "changed", "bytes"],
                ),
                effects: &[Effect::Read, Effect::Create, Effect::Modify],
                reversibility: Reversibility::Exact,
                examples: vec![Example {
                    words: "copy a file",
                    params: json!({"source": "README.md", "destination": "notes/readme-copy.md"}),
                }],
            },
        }
    }
}

impl Operation for CopyFile {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn plan(&self, params: &Value, context: &Context<'_>) -> Result<Plan> {
        let from = Place::existing(context, given::text(params, "source")?, Leaf::Follow)?;
        let file = from.open(context)?;
        let to = Place::look(context, given::text(params, "destination")?, Leaf::Follow)?;
        to.not_the_root()?;
        let source = from.target_of(Effect::Read, &file);
        let mut notes = from.notes();
        notes.extend(to.notes_of_replacing());
        let copy = Copy { from, to, file };
        let plan = match copy.to.found {
            None => copy.create(source)?,
            Some(_) if !given::flag(params, "overwrite") => return Err(taken(&copy.to)),
            Some(_) => copy.replace(source, context)?,
        };
        Ok(Plan { notes, ..plan })
    }
}

struct Copy {
    from: Place,
    to: Place,
    file: File,
}

impl Copy {
    fn create(self, source: Target) -> Result<Plan> {
        let size = self.file.stat().size;
        let mut set = ChangeSet::new();
        let mut targets = vec![source];
        self.to.make_parents(
            Parents::MustBeThere("create_directory makes it"),
            &mut set,
            &mut targets,
        )?;
        let mut target = self.to.target(Effect::Create);
        target.bytes = size;
        targets.push(target);
        let (old, new) = (quoted(&self.from.path), quoted(&self.to.path));
        push(
            &mut set,
            Change::Create {
                path: self.to.path.clone(),
                content: Source::File {
                    file: self.file,
                    fields: CopyFields::From(self.from.path),
                },
                mode: None,
            },
        )?;
        let summary = format!("copy {old} to {new} ({size} bytes)");
        let result = outcome(&self.to, Outcome::Created, size);
        Ok(Plan {
            diff: Some(Diff::Opaque(format!("a copy of {old}: {size} bytes"))),
            ..Plan::change(summary, targets, set, result)
        })
    }

    fn replace(self, source: Target, context: &Context<'_>) -> Result<Plan> {
        let spelled = self.to.spelled.as_str();
        let there = self.to.open(context)?;
        if there.stat().identity.same_now(&self.file.stat().identity) {
            return Err(Error::failed(format!(
                "{:?} and {spelled:?} are one file",
                self.from.spelled
            ))
            .with_code("same_object")
            .with_path(spelled));
        }
        let size = self.file.stat().size;
        let (old, new) = (quoted(&self.from.path), quoted(&self.to.path));
        let mut set = ChangeSet::new();
        let mut target = self.to.target_of(Effect::Modify, &there);
        target.bytes = target.bytes.max(size);
        let targets = vec![source, target];
        if content::same_files(&self.file, &there, spelled, context)? {
            let summary = format!("leave {new} as it is: it has the contents of {old}");
            let result = outcome(&self.to, Outcome::Unchanged, size);
            return Ok(Plan::change(summary, targets, set, result));
        }
        let (diff, seen) = self.difference(&there, context)?;
        push(
            &mut set,
            Change::Replace {
                path: self.to.path.clone(),
                expect: there.stat().clone(),
                content: Source::File {
                    file: self.file,
                    fields: CopyFields::Content,
                },
            },
        )?;
        let summary = format!("replace the contents of {new} by those of {old} ({size} bytes)");
        let result = outcome(&self.to, Outcome::Changed, size);
        Ok(Plan {
            diff: Some(diff),
            content: seen,
            ..Plan::change(summary, targets, set, result)
        })
    }

    /// The diff, and the digests of what it shows.
    fn difference(&self, there: &File, context: &Context<'_>) -> Result<(Diff, Vec<[u8; 32]>)> {
        let limit = context.limits().diff;
        let (before, after) = (there.stat().size, self.file.stat().size);
        if usize::try_from(before.max(after)).map_or(true, |n| n > limit) {
            let why = "too large to be shown as lines";
            return Ok((
                difference::opaque(why, Some(before), Some(after)),
                Vec::new(),
            ));
        }
        let most = context.limits().text;
        let old = content::whole(there, &self.to.spelled, most)?;
        let new = content::whole(&self.file, &self.from.spelled, most)?;
        let diff = difference::unified(&self.to.path.to_string(), Some(&old), Some(&new), limit);
        let seen = vec![content::digest_of(&old), content::digest_of(&new)];
        Ok((diff, seen))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Created,
    Changed,
    Unchanged,
}

fn outcome(to: &Place, outcome: Outcome, bytes: u64) -> Value {
    result(
        &to.path,
        json!({
            "created": outcome == Outcome::Created,
            "changed": outcome != Outcome::Unchanged,
            "bytes": bytes,
        }),
    )
}

fn taken(to: &Place) -> Error {
    match to.is_file() {
        Err(e) => e.with_hint("name the copy itself, not the folder it shall lie in"),
        Ok(()) => Error::failed(format!("{:?} is there already", to.spelled))
            .with_code("exists")
            .with_path(&to.spelled)
            .with_hint("nothing was overwritten; overwrite=true replaces its contents, which undo takes back"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::ops::testing::Tree;
    use crate::plan::Work;

    fn params(from: &str, to: &str, overwrite: bool) -> Value {
        json!({"source": from, "destination": to, "overwrite": overwrite})
    }

    #[test]
    fn a_copy_takes_the_fields_and_a_replacement_keeps_its_own() {
        let tree = Tree::project();
        let fields = |to: &str| {
            let plan = tree
                .plan("copy_file", params("README.md", to, true))
                .unwrap();
            let Work::Change { set, .. } = plan.work else {
                panic!("a read");
            };
            match set.changes() {
                [
                    Change::Create {
                        content: Source::File { fields, .. },
                        ..
                    },
                ] => ("create", fields.clone()),
                [
                    Change::Replace {
                        content: Source::File { fields, .. },
                        ..
                    },
                ] => ("replace", fields.clone()),
                other => panic!("{other:?}"),
            }
        };
        let (what, from) = fields("copy.md");
        assert!(
            matches!((what, from), ("create", CopyFields::From(p)) if p.to_string() == "README.md")
        );
        assert_eq!(fields("notes/old.md"), ("replace", CopyFields::Content));
    }

    #[test]
    fn both_files_are_targets_and_the_difference_is_shown() {
        let tree = Tree::project();
        let plan = tree
            .plan("copy_file", params("README.md", "notes/old.md", true))
            .unwrap();
        let effects: Vec<Effect> = plan.targets.iter().map(|t| t.effect).collect();
        assert_eq!(effects, [Effect::Read, Effect::Modify]);
        // Only what changes counts: the larger of what goes and what comes.
        assert_eq!((plan.bytes(), plan.entries()), (24, 1));
        assert!(matches!(&plan.diff, Some(Diff::Unified(text)) if text.contains("-old\n")));
        assert_eq!(plan.content.len(), 2);
    }

    #[test]
    fn the_same_contents_change_nothing() {
        let tree = Tree::project();
        tree.write("twin.md", "old\n");
        let plan = tree
            .plan("copy_file", params("notes/old.md", "twin.md", true))
            .unwrap();
        assert!(matches!(&plan.work, Work::Change { set, .. } if set.is_empty()));
        tree.write("twin.md", "olD\n");
        let plan = tree
            .plan("copy_file", params("notes/old.md", "twin.md", true))
            .unwrap();
        assert!(matches!(&plan.work, Work::Change { set, .. } if !set.is_empty()));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let tree = Tree::project();
        tree.link("link", "README.md");
        tree.link("out", "../x");
        for (from, to, overwrite, kind, code) in [
            ("src", "x", true, ErrorKind::Failed, "is_a_directory"),
            ("gone", "x", true, ErrorKind::Failed, "not_found"),
            (
                "README.md",
                "notes/old.md",
                false,
                ErrorKind::Failed,
                "exists",
            ),
            (
                "README.md",
                "src",
                false,
                ErrorKind::Failed,
                "is_a_directory",
            ),
            (
                "README.md",
                "src",
                true,
                ErrorKind::Failed,
                "is_a_directory",
            ),
            (
                "README.md",
                "README.md",
                true,
                ErrorKind::Failed,
                "same_object",
            ),
            ("README.md", "link", true, ErrorKind::Failed, "same_object"),
            (
                "README.md",
                "no/place",
                true,
                ErrorKind::Failed,
                "no_parent",
            ),
            ("README.md", ".", true, ErrorKind::Guard, "root_itself"),
            ("README.md", "out", true, ErrorKind::Guard, "escape"),
            ("out", "x", true, ErrorKind::Guard, "escape"),
        ] {
            let e = tree.refused("copy_file", params(from, to, overwrite));
            assert_eq!((e.kind(), e.code()), (kind, code), "{from} to {to}: {e}");
        }
    }
}
