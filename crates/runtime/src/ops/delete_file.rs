//! `delete_file`: one thing that is no folder; of a link, the link itself.
use aifirst_sandbox::{Kind, Leaf};
use aifirst_undo::{Change, ChangeSet};
use serde_json::{Value, json};

use crate::context::Context;
use crate::effect::{Effect, Reversibility};
use crate::error::Result;
use crate::operation::{Example, Operation, Spec};
use crate::plan::Plan;
use crate::schema::{Param, Type};

use super::given;
use super::place::{KIND_WORDS, Place, kind_word, push, quoted, result, result_schema, words};

/// Deletes a file.
pub(crate) struct DeleteFile {
    spec: Spec,
}

impl DeleteFile {
    pub(crate) fn new() -> Self {
        Self {
            spec: Spec {
                name: "delete_file",
                title: "Delete a file",
                description: "Deletes one file. Of a symbolic link it deletes the link, not what \
                    it leads to; of a file with other names, only this name. Undo brings the very \
                    same file back, with contents, mode, times and attributes. It does not ask, \
                    unless the policy says so or the file is very large.",
                params: vec![Param::required(
                    "path",
                    Type::Text,
                    "The file, relative to the workspace or absolute inside it.",
                )],
                result: result_schema(
                    json!({
                        "kind": {"type": "string", "enum": KIND_WORDS, "description": "What it was."},
                        "bytes": {"type": "integer", "description": "Size of its contents."},
                    }),
                    &["kind", "bytes"],
                ),
                effects: &[Effect::Delete],
                reversibility: Reversibility::Exact,
                examples: vec![Example {
                    words: "delete a file",
                    params: json!({"path": "notes/old.md"}),
                }],
            },
        }
    }
}

impl Operation for DeleteFile {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn plan(&self, params: &Value, context: &Context<'_>) -> Result<Plan> {
        let spelled = given::text(params, "path")?;
        let place = Place::existing(context, spelled, Leaf::Keep)?;
        place.not_the_root()?;
        let mut set = ChangeSet::new();
        let mut notes = place.notes();
        let (mut kind, mut bytes) = (Kind::File, 0);
        if let Some(stat) = place.stat() {
            if stat.kind == Kind::Dir {
                let e = place.wrong_kind(stat.kind, "a file");
                return Err(e.with_hint("delete_directory deletes folders"));
            }
            (kind, bytes) = (stat.kind, stat.size);
            if stat.kind == Kind::File && stat.nlink > 1 {
                notes.push(format!(
                    "{} has {} names; the others stay, and the contents with them",
                    quoted(&place.path),
                    stat.nlink
                ));
            }
            push(
                &mut set,
                Change::Delete {
                    path: place.path.clone(),
                    expect: stat.clone(),
                },
            )?;
        }
        let what = match kind {
            Kind::File => "the file",
            other => words(other),
        };
        let summary = format!("delete {what} {} ({bytes} bytes)", quoted(&place.path));
        let result = result(
            &place.path,
            json!({"kind": kind_word(kind), "bytes": bytes}),
        );
        Ok(Plan {
            notes,
            ..Plan::change(summary, vec![place.target(Effect::Delete)], set, result)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::ops::testing::Tree;

    #[test]
    fn a_link_goes_and_what_it_leads_to_stays() {
        let tree = Tree::project();
        tree.link("link", "README.md");
        tree.link("out", "/etc/hostname");
        tree.link("src/folder", "../build");
        for path in ["link", "out", "src/folder"] {
            let plan = tree.plan("delete_file", json!({"path": path})).unwrap();
            assert_eq!(plan.targets[0].path.to_string(), path);
            assert_eq!(tree.finish(plan).unwrap()["kind"], "symlink");
        }
    }

    #[test]
    fn one_of_two_names_goes() {
        let tree = Tree::project();
        std::fs::hard_link(tree.path("README.md"), tree.path("twin")).unwrap();
        let plan = tree.plan("delete_file", json!({"path": "twin"})).unwrap();
        assert!(
            plan.notes[0].contains("the others stay"),
            "{:?}",
            plan.notes
        );
    }

    #[test]
    fn folders_and_nothing_are_refused() {
        let tree = Tree::project();
        for (path, kind, code) in [
            ("src", ErrorKind::Failed, "is_a_directory"),
            ("gone", ErrorKind::Failed, "not_found"),
            (".", ErrorKind::Guard, "root_itself"),
            ("../x", ErrorKind::Guard, "escape"),
        ] {
            let e = tree.refused("delete_file", json!({"path": path}));
            assert_eq!((e.kind(), e.code()), (kind, code), "{path}");
        }
    }
}
