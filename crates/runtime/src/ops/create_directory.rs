//! `create_directory`: a folder, with the folders above it.
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
use super::place::{Parents, Place, push, quoted, result, result_schema};

/// Makes a folder.
pub(crate) struct CreateDirectory {
    spec: Spec,
}

impl CreateDirectory {
    pub(crate) fn new() -> Self {
        Self {
            spec: Spec {
                name: "create_directory",
                title: "Make a folder",
                description: "Makes a folder, and the folders above it that are not there. A \
                    folder that is there already is left as it is, which is no error. Undo \
                    removes the folders that were made, unless something else is in them by \
                    then. It does not ask, unless the policy says so.",
                params: vec![Param::required(
                    "path",
                    Type::Text,
                    "The folder, relative to the workspace or absolute inside it.",
                )],
                result: result_schema(
                    json!({
                        "created": {"type": "boolean", "description": "Whether it was not there before."},
                        "made": {"type": "integer", "description": "How many folders were made, those above with it."},
                    }),
                    &["created", "made"],
                ),
                effects: &[Effect::Create],
                reversibility: Reversibility::Exact,
                examples: vec![Example {
                    words: "make a folder and those above it",
                    params: json!({"path": "docs/guide/images"}),
                }],
            },
        }
    }
}

impl Operation for CreateDirectory {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn plan(&self, params: &Value, context: &Context<'_>) -> Result<Plan> {
        let spelled = given::text(params, "path")?;
        let place = Place::look(context, spelled, Leaf::Follow)?;
        let mut set = ChangeSet::new();
        let mut targets = Vec::new();
        match place.kind() {
            Some(Kind::Dir) => targets.push(place.target(Effect::Create)),
            Some(kind) => {
                let e = place.wrong_kind(kind, "a folder");
                return Err(e.with_hint("nothing was overwritten; choose another name"));
            }
            None => {
                place.make_parents(Parents::Make, &mut set, &mut targets)?;
                targets.push(place.target(Effect::Create));
                push(
                    &mut set,
                    Change::MakeDir {
                        path: place.path.clone(),
                        mode: None,
                    },
                )?;
            }
        }
        let made = set.changes().len();
        let path = quoted(&place.path);
        let summary = match made {
            0 => format!("leave the folder {path} as it is"),
            1 => format!("make the folder {path}"),
            n => format!("make the folder {path} and {} above it", n - 1),
        };
        let result = result(&place.path, json!({"created": made > 0, "made": made}));
        Ok(Plan {
            notes: place.notes(),
            ..Plan::change(summary, targets, set, result)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::Tree;
    use crate::plan::Work;

    #[test]
    fn folders_above_are_made_first() {
        let tree = Tree::project();
        let plan = tree
            .plan("create_directory", json!({"path": "src/a/b/"}))
            .unwrap();
        let Work::Change { set, .. } = &plan.work else {
            panic!("a read");
        };
        let paths: Vec<String> = set.changes().iter().map(|c| c.path().to_string()).collect();
        assert_eq!(paths, ["src/a", "src/a/b"]);
        assert_eq!(plan.targets.len(), 2);
    }

    #[test]
    fn what_is_there_is_left_or_refused() {
        let tree = Tree::project();
        tree.link("link", "src");
        for path in ["src", ".", "link"] {
            let got = tree
                .call("create_directory", json!({"path": path}))
                .unwrap();
            assert_eq!(got["created"], false);
        }
        let e = tree.refused("create_directory", json!({"path": "README.md"}));
        assert_eq!(e.code(), "wrong_kind");
        let e = tree.refused("create_directory", json!({"path": "README.md/x"}));
        assert_eq!(e.code(), "not_a_directory");
        // A link to nothing: the folder it names is made, inside.
        tree.link("dangling", "new");
        let got = tree
            .call("create_directory", json!({"path": "dangling"}))
            .unwrap();
        assert_eq!(
            (&got["created"], &got["path"]),
            (&json!(true), &json!("new"))
        );
    }

    #[test]
    fn lesson_a6_no_folder_is_called_tilde() {
        let tree = Tree::project();
        for path in ["~", "~/x", "./~/x"] {
            let e = tree.refused("create_directory", json!({"path": path}));
            assert_eq!(e.code(), "bad_name", "{path}");
        }
    }
}
