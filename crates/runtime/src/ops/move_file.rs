//! `move_file`: a file, folder or link gets another name or place.
use aifirst_sandbox::{Kind, Leaf, RawRel};
use aifirst_undo::{Change, ChangeSet};
use serde_json::{Value, json};

use crate::context::Context;
use crate::effect::{Effect, Reversibility};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::{Example, Operation, Spec};
use crate::plan::{Plan, Target};
use crate::schema::{Param, Type};

use super::given;
use super::place::{KIND_WORDS, Parents, Place, kind_word, named, push, quoted, result_schema};
use super::tree::{self, Tree};

/// Moves or renames.
pub(crate) struct MoveFile {
    spec: Spec,
}

impl MoveFile {
    pub(crate) fn new() -> Self {
        Self {
            spec: Spec {
                name: "move_file",
                title: "Move or rename",
                description: "Gives a file, a folder with all that is in it, or a link another \
                    name or place inside the workspace. Never over something that is there, \
                    unless overwrite is true; then what was there goes, file over file or folder \
                    over folder. Undo moves it back and brings what was replaced back, exactly. \
                    It does not ask, unless the policy says so or a folder with content would be \
                    replaced.",
                params: vec![
                    Param::required(
                        "source",
                        Type::Text,
                        "What is moved, relative to the workspace or absolute inside it.",
                    )
                    .path(),
                    Param::required(
                        "destination",
                        Type::Text,
                        "Its whole new path, with its new name.",
                    )
                    .path(),
                    Param::optional(
                        "overwrite",
                        Type::Boolean,
                        "Replace what has the new name (default false: that is an error).",
                    ),
                ],
                result: result_schema(
                    json!({
                        "from": {"type": "string", "description": "Where it was."},
                        "from_b64": {"type": "string", "description": "Instead of from: its bytes in base64, where they are not UTF-8."},
                        "kind": {"type": "string", "enum": KIND_WORDS, "description": "What was moved."},
                        "overwrote": {"type": "boolean", "description": "Whether something was replaced."},
                    }),
                    &["kind", "overwrote"],
                ),
                effects: &[Effect::Move, Effect::Create, Effect::Modify, Effect::Delete],
                reversibility: Reversibility::Exact,
                examples: vec![Example {
                    words: "rename a file",
                    params: json!({"source": "notes/old.md", "destination": "notes/2026.md"}),
                }],
            },
        }
    }
}

impl Operation for MoveFile {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn plan(&self, params: &Value, context: &Context<'_>) -> Result<Plan> {
        let from = Place::existing(context, given::text(params, "source")?, Leaf::Keep)?;
        from.not_the_root()?;
        let to = Place::look(context, given::text(params, "destination")?, Leaf::Keep)?;
        to.not_the_root()?;
        let kind = from.kind().unwrap_or(Kind::File);
        if from.path == to.path {
            return finish(
                &from,
                &to,
                kind,
                vec![from.target(Effect::Move)],
                ChangeSet::new(),
                None,
            );
        }
        apart(&from, &to)?;
        let (moved, _) = tree::target(context, Effect::Move, &from)?;
        let mut targets = vec![moved];
        let mut set = ChangeSet::new();
        let mut over = None;
        if to.found.is_none() {
            to.make_parents(
                Parents::MustBeThere("create_directory makes it"),
                &mut set,
                &mut targets,
            )?;
            targets.push(to.target(Effect::Create));
        } else {
            if !given::flag(params, "overwrite") {
                return Err(taken(&from, &to));
            }
            same_sort(&from, &to)?;
            let (target, replaced) = replaced(context, &to)?;
            targets.push(target);
            over = replaced;
        }
        if let Some(change) = change(&from, &to) {
            push(&mut set, change)?;
        }
        finish(&from, &to, kind, targets, set, over.as_ref())
    }
}

fn change(from: &Place, to: &Place) -> Option<Change> {
    let expect = from.stat()?.clone();
    let (from, name) = (from.path.clone(), to.path.clone());
    Some(match to.stat() {
        None => Change::Rename {
            from,
            expect,
            to: name,
        },
        Some(over) => Change::RenameOver {
            from,
            expect,
            to: name,
            over: over.clone(),
        },
    })
}

/// The target that stands for what loses its name, and its count where it is a folder.
fn replaced(context: &Context<'_>, to: &Place) -> Result<(Target, Option<Tree>)> {
    let effect = match to.kind() {
        Some(Kind::Dir) => Effect::Delete,
        _ => Effect::Modify,
    };
    tree::target(context, effect, to)
}

fn finish(
    from: &Place,
    to: &Place,
    kind: Kind,
    targets: Vec<Target>,
    set: ChangeSet,
    over: Option<&Tree>,
) -> Result<Plan> {
    let (old, new) = (quoted(&from.path), quoted(&to.path));
    let overwrites = !set.is_empty() && to.found.is_some();
    let summary = match (set.is_empty(), overwrites, over) {
        (true, ..) => format!("leave {old} where it is"),
        (_, true, Some(tree)) if tree.has_content() => format!(
            "move {old} over the folder {new}, which goes with all that is in it: {}",
            tree::amount(tree)
        ),
        (_, true, _) => format!("move {old} over {new}, which goes"),
        _ => format!("move {old} to {new}"),
    };
    let mut fields = named(&to.path, "");
    for (name, value) in named(&from.path, "from_") {
        fields.insert(name.replace("_path", ""), value);
    }
    fields.insert("kind".into(), json!(kind_word(kind)));
    fields.insert("overwrote".into(), json!(overwrites));
    let mut notes = from.notes();
    notes.extend(to.notes());
    Ok(Plan {
        notes,
        replaces_folder: over.is_some_and(Tree::has_content),
        ..Plan::change(summary, targets, set, Value::Object(fields))
    })
}

/// Refuses to move a thing into itself, over a folder that holds it, or onto itself.
fn apart(from: &Place, to: &Place) -> Result<()> {
    let refuse = |why: String| Err(Error::failed(why).with_path(&to.spelled));
    if to.path.starts_with(&from.path) {
        return refuse(format!("{:?} cannot be moved into itself", from.spelled))
            .map_err(|e| e.with_code("into_itself"));
    }
    if from.path.starts_with(&to.path) {
        return refuse(format!(
            "{:?} cannot be moved over a folder that holds it",
            from.spelled
        ))
        .map_err(|e| e.with_code("into_itself"));
    }
    let same = match (from.stat(), to.stat()) {
        (Some(a), Some(b)) => a.identity.same_now(&b.identity),
        _ => false,
    };
    if same {
        return refuse(format!(
            "{:?} and {:?} are two names of one thing",
            from.spelled, to.spelled
        ))
        .map_err(|e| {
            e.with_code("same_object")
                .with_hint("delete_file takes one of the names away")
        });
    }
    Ok(())
}

fn taken(from: &Place, to: &Place) -> Error {
    let hint = match (to.kind(), from.path.name()) {
        (Some(Kind::Dir), Some(name)) if from.kind() != Some(Kind::Dir) => format!(
            "it is a folder; to move into it, name {}",
            quoted(&inside(&to.path, name))
        ),
        _ => {
            "nothing was overwritten; overwrite=true replaces it, which undo takes back".to_owned()
        }
    };
    Error::failed(format!("{:?} is there already", to.spelled))
        .with_code("exists")
        .with_path(&to.spelled)
        .with_hint(hint)
}

fn inside(folder: &RawRel, name: &[u8]) -> RawRel {
    folder.join(name).unwrap_or_else(|_| folder.clone())
}

/// A file goes over what is no folder, a folder over a folder, as rename(2) has it.
fn same_sort(from: &Place, to: &Place) -> Result<()> {
    let folder = |place: &Place| place.kind() == Some(Kind::Dir);
    if folder(from) == folder(to) {
        return Ok(());
    }
    let what = match folder(to) {
        true => "a file cannot be moved over a folder",
        false => "a folder cannot be moved over a file",
    };
    Err(Error::new(ErrorKind::Failed, what)
        .with_code("wrong_kind")
        .with_path(&to.spelled))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::Tree as Files;
    use crate::plan::Work;

    fn params(from: &str, to: &str, overwrite: bool) -> Value {
        json!({"source": from, "destination": to, "overwrite": overwrite})
    }

    #[test]
    fn a_name_that_is_free_is_taken() {
        let files = Files::project();
        let plan = files
            .plan("move_file", params("build", "src/built", false))
            .unwrap();
        let Work::Change { set, .. } = &plan.work else {
            panic!("a read");
        };
        assert!(matches!(set.changes(), [Change::Rename { .. }]));
        assert_eq!((plan.targets[0].entries, plan.targets[0].bytes), (4, 11));
        assert!(plan.targets[0].tree.is_some());
        assert!(!plan.replaces_folder);
        assert_eq!(plan.targets[1].effect, Effect::Create);
    }

    #[test]
    fn lesson_i9_nothing_is_overwritten_unless_that_is_said() {
        let files = Files::project();
        let e = files.refused("move_file", params("README.md", "notes/old.md", false));
        assert_eq!(e.code(), "exists");
        let plan = files
            .plan("move_file", params("README.md", "notes/old.md", true))
            .unwrap();
        let Work::Change { set, result } = &plan.work else {
            panic!("a read");
        };
        assert!(matches!(set.changes(), [Change::RenameOver { .. }]));
        assert_eq!(result["overwrote"], true);
        assert_eq!(plan.targets[1].effect, Effect::Modify);
        let e = files.refused("move_file", params("README.md", "src", false));
        assert!(
            e.hint().unwrap().contains("\"src/README.md\""),
            "{:?}",
            e.hint()
        );
    }

    #[test]
    fn a_folder_with_content_is_replaced_only_as_such() {
        let files = Files::project();
        let plan = files
            .plan("move_file", params("src", "build", true))
            .unwrap();
        assert!(plan.replaces_folder);
        assert_eq!(plan.targets[1].effect, Effect::Delete);
        assert_eq!(plan.targets[1].entries, 4);
        std::fs::create_dir(files.path("empty")).unwrap();
        let plan = files
            .plan("move_file", params("src", "empty", true))
            .unwrap();
        assert!(!plan.replaces_folder);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let files = Files::project();
        std::fs::hard_link(files.path("README.md"), files.path("twin")).unwrap();
        for (from, to, code) in [
            ("src", "src/inner", "into_itself"),
            ("src", "src/main.rs/x", "not_a_directory"),
            ("build/out", "build", "into_itself"),
            ("README.md", "build", "wrong_kind"),
            ("build", "README.md", "wrong_kind"),
            ("README.md", "twin", "same_object"),
            ("gone", "x", "not_found"),
            ("README.md", "no/such/place", "no_parent"),
            (".", "x", "root_itself"),
            ("README.md", ".", "root_itself"),
            ("README.md", "../x", "escape"),
            ("../x", "README.md", "escape"),
        ] {
            let e = files.refused("move_file", params(from, to, true));
            assert_eq!(e.code(), code, "{from} to {to}: {e}");
        }
    }

    #[test]
    fn moving_onto_itself_changes_nothing() {
        let files = Files::project();
        let plan = files
            .plan(
                "move_file",
                params("README.md", "./src/../README.md", false),
            )
            .unwrap();
        assert!(matches!(&plan.work, Work::Change { set, .. } if set.is_empty()));
    }

    #[test]
    fn a_link_is_moved_as_a_link() {
        let files = Files::project();
        files.link("link", "README.md");
        files.link("over", "build");
        let plan = files
            .plan("move_file", params("link", "over", true))
            .unwrap();
        let paths: Vec<String> = plan.targets.iter().map(|t| t.path.to_string()).collect();
        assert_eq!(paths, ["link", "over"]);
        assert_eq!(files.finish(plan).unwrap()["kind"], "symlink");
    }
}
