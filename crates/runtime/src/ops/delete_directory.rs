//! `delete_directory`: a folder, with all that is in it when that is said.
use aifirst_sandbox::Leaf;
use aifirst_undo::{Change, ChangeSet};
use serde_json::{Value, json};

use crate::context::Context;
use crate::effect::{Effect, Reversibility};
use crate::error::Result;
use crate::operation::{Example, Operation, Spec};
use crate::plan::Plan;
use crate::schema::{Param, Type};

use super::given;
use super::place::{Place, push, quoted, result, result_schema};
use super::tree::{self, Tree};

/// Deletes a folder.
pub(crate) struct DeleteDirectory {
    spec: Spec,
}

impl DeleteDirectory {
    pub(crate) fn new() -> Self {
        Self {
            spec: Spec {
                name: "delete_directory",
                title: "Delete a folder",
                description: "Deletes a folder, with all that is in it when recursive is true; \
                    without, only an empty one. Links in it are deleted, what they lead to is not. \
                    The workspace itself is never deleted. Undo brings the whole tree back \
                    exactly. A folder that is not empty is asked about, unless the policy allows \
                    it by name.",
                params: vec![
                    Param::required(
                        "path",
                        Type::Text,
                        "The folder, relative to the workspace or absolute inside it.",
                    )
                    .path(),
                    Param::optional(
                        "recursive",
                        Type::Boolean,
                        "Delete what is in it too (default false: a folder with content is an \
                        error).",
                    ),
                ],
                result: result_schema(
                    json!({
                        "entries": {"type": "integer", "description": "Things deleted, the folder itself with them."},
                        "bytes": {"type": "integer", "description": "Bytes of contents deleted."},
                    }),
                    &["entries", "bytes"],
                ),
                effects: &[Effect::Delete],
                reversibility: Reversibility::Exact,
                examples: vec![Example {
                    words: "delete a folder with all that is in it",
                    params: json!({"path": "build", "recursive": true}),
                }],
            },
        }
    }
}

impl Operation for DeleteDirectory {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn plan(&self, params: &Value, context: &Context<'_>) -> Result<Plan> {
        let spelled = given::text(params, "path")?;
        // A link to a folder is no folder: it is kept as it is and refused.
        let place = Place::existing(context, spelled, Leaf::Keep)?;
        place.not_the_root()?;
        place
            .is_folder()
            .map_err(|e| e.with_hint("delete_file deletes files and links"))?;
        let tree = Tree::count(context, &place.path, spelled)?;
        if tree.has_content() && !given::flag(params, "recursive") {
            return Err(tree::not_empty(
                &place,
                &tree,
                "recursive=true deletes what is in it too; undo brings all of it back",
            ));
        }
        let summary = match tree.has_content() {
            true => format!(
                "delete the folder {} with all that is in it: {}",
                quoted(&place.path),
                tree::amount(&tree)
            ),
            false => format!("delete the empty folder {}", quoted(&place.path)),
        };
        let mut set = ChangeSet::new();
        if let Some(stat) = place.stat() {
            push(
                &mut set,
                Change::DeleteTree {
                    path: place.path.clone(),
                    expect: stat.clone(),
                },
            )?;
        }
        let result = result(
            &place.path,
            json!({"entries": tree.entries, "bytes": tree.bytes}),
        );
        let targets = vec![tree.target(Effect::Delete, &place)];
        Ok(Plan {
            notes: place.notes(),
            replaces_folder: tree.has_content(),
            ..Plan::change(summary, targets, set, result)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::ops::testing::Tree as Files;

    #[test]
    fn a_tree_goes_only_when_that_is_said() {
        let files = Files::project();
        let e = files.refused("delete_directory", json!({"path": "build"}));
        assert_eq!(e.code(), "not_empty");
        assert!(e.to_string().contains("3 entries, 11 bytes"), "{e}");
        let plan = files
            .plan(
                "delete_directory",
                json!({"path": "build", "recursive": true}),
            )
            .unwrap();
        assert!(plan.replaces_folder);
        assert_eq!((plan.entries(), plan.bytes()), (4, 11));
        assert!(plan.targets[0].tree.is_some());
        std::fs::create_dir(files.path("empty")).unwrap();
        let plan = files
            .plan("delete_directory", json!({"path": "empty"}))
            .unwrap();
        assert!(!plan.replaces_folder);
        assert_eq!(plan.entries(), 1);
    }

    #[test]
    fn any_change_below_changes_the_digest() {
        let files = Files::project();
        let digest = || {
            let params = json!({"path": "build", "recursive": true});
            files.plan("delete_directory", params).unwrap().targets[0].tree
        };
        let mut seen = vec![digest()];
        assert_eq!(seen[0], digest());
        let changes: [&dyn Fn(); 4] = [
            &|| files.write("build/out/new", ""),
            &|| {
                std::fs::rename(files.path("build/out/new"), files.path("build/out/newer"))
                    .unwrap();
            },
            &|| {
                use std::os::unix::fs::PermissionsExt;
                let mode = std::fs::Permissions::from_mode(0o600);
                std::fs::set_permissions(files.path("build/out/newer"), mode).unwrap();
            },
            &|| std::fs::remove_file(files.path("build/out/newer")).unwrap(),
        ];
        for change in changes {
            change();
            let now = digest();
            assert!(!seen.contains(&now));
            seen.push(now);
        }
    }

    #[test]
    fn what_is_no_folder_inside_is_refused() {
        let files = Files::project();
        files.link("link", "build");
        let cases = [
            ("README.md", "wrong_kind"),
            ("link", "wrong_kind"),
            ("gone", "not_found"),
            ("../ws2", "escape"),
        ];
        for (path, code) in cases {
            let e = files.refused("delete_directory", json!({"path": path, "recursive": true}));
            assert_eq!(e.code(), code, "{path} {e}");
        }
    }

    #[test]
    fn lesson_b6_no_spelling_deletes_the_workspace() {
        let files = Files::project();
        files.link("self", ".");
        let whole = files.path("").to_str().unwrap().to_owned();
        for path in [
            ".",
            "./",
            "src/..",
            "src/../",
            whole.as_str(),
            "build/out/../..",
        ] {
            let e = files.refused("delete_directory", json!({"path": path, "recursive": true}));
            assert_eq!(
                (e.kind(), e.code()),
                (ErrorKind::Guard, "root_itself"),
                "{path}"
            );
        }
    }

    #[test]
    fn links_in_a_tree_count_as_themselves() {
        let files = Files::project();
        std::fs::write(files.outside("big"), vec![0; 5000]).unwrap();
        files.link("build/out/away", files.outside("big").to_str().unwrap());
        let plan = files
            .plan(
                "delete_directory",
                json!({"path": "build", "recursive": true}),
            )
            .unwrap();
        assert_eq!((plan.entries(), plan.bytes()), (5, 11));
    }
    #[test]
    fn a_tree_that_holds_something_of_ours_is_not_taken_along() {
        let files = Files::project();
        files.write("build/.aifirst-store-x/k", "kept");
        let e = files.refused(
            "delete_directory",
            json!({"path": "build", "recursive": true}),
        );
        assert_eq!((e.kind(), e.code()), (ErrorKind::Guard, "protected_name"));
        let e = files.refused("move_file", json!({"source": "build", "destination": "b"}));
        assert_eq!((e.kind(), e.code()), (ErrorKind::Guard, "protected_name"));
    }

    #[test]
    fn lesson_c9_what_cannot_be_looked_into_is_refused_before_anything_is_prepared() {
        use std::os::unix::fs::PermissionsExt;
        if rustix::process::geteuid().is_root() {
            println!("skipped: root may look into every folder");
            return;
        }
        let files = Files::project();
        let closed = files.path("build/out");
        std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o000)).unwrap();
        let e = files.refused(
            "delete_directory",
            json!({"path": "build", "recursive": true}),
        );
        std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(e.code(), "permission_denied");
        assert!(e.to_string().contains("build/out"), "{e}");
    }
}
