//! `list_directory`: the names in a folder, and what was left out.
use aifirst_sandbox::{Dir, DirEntry, Kind, Leaf, RawRel, is_protected};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::cause::guard;
use crate::context::Context;
use crate::effect::{Effect, Reversibility};
use crate::error::Result;
use crate::operation::{Example, Operation, Spec};
use crate::plan::Plan;
use crate::schema::{Param, Type};

use super::given;
use super::place::{KIND_WORDS, Place, kind_word, quoted, result, result_schema};

/// Lists a folder.
pub(crate) struct ListDirectory {
    spec: Spec,
}

impl ListDirectory {
    pub(crate) fn new() -> Self {
        let mut kinds: Vec<&str> = KIND_WORDS.to_vec();
        kinds.push("unknown");
        Self {
            spec: Spec {
                name: "list_directory",
                title: "List a folder",
                description: "Lists the names in one folder with what each is, ordered by their \
                    bytes, hidden ones too. It does not follow links and does not look into the \
                    folders below. What is left out is counted. It changes nothing, so there is \
                    nothing to undo, and it does not ask unless the policy says so.",
                params: vec![
                    Param::required(
                        "path",
                        Type::Text,
                        "The folder, relative to the workspace or absolute inside it; . is the \
                        workspace.",
                    )
                    .path(),
                    Param::optional(
                        "limit",
                        Type::Integer { min: 1 },
                        "At most so many names; never more than the runtime's own limit.",
                    ),
                ],
                result: result_schema(
                    json!({
                        "entries": {
                            "type": "array",
                            "description": "The names, ordered by their bytes.",
                            "items": {
                                "type": "object",
                                "properties": {
                                    "name": {"type": "string", "description": "The name."},
                                    "path_b64": {"type": "string", "description": "Instead of name: the whole path's bytes in base64, where the name is not UTF-8."},
                                    "kind": {"type": "string", "enum": kinds, "description": "What it is."},
                                },
                                "required": ["kind"],
                                "additionalProperties": false,
                            },
                        },
                        "total": {"type": "integer", "description": "How many names the folder has."},
                        "truncated": {"type": "boolean", "description": "Whether the limit left names out."},
                        "left_out": {
                            "type": "object",
                            "description": "What is not in entries, counted.",
                            "properties": {
                                "limit": {"type": "integer", "description": "Names beyond the limit."},
                                "reserved": {"type": "integer", "description": "Names that belong to the runtime itself."},
                            },
                            "required": ["limit", "reserved"],
                            "additionalProperties": false,
                        },
                    }),
                    &["entries", "total", "truncated", "left_out"],
                ),
                effects: &[Effect::List],
                reversibility: Reversibility::Exact,
                examples: vec![
                    Example {
                        words: "list the workspace",
                        params: json!({"path": "."}),
                    },
                    Example {
                        words: "list a few names of a folder",
                        params: json!({"path": "build", "limit": 1}),
                    },
                ],
            },
        }
    }
}

impl Operation for ListDirectory {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn plan(&self, params: &Value, context: &Context<'_>) -> Result<Plan> {
        let spelled = given::text(params, "path")?;
        let most = context.limits().entries;
        let limit = given::number(params, "limit")
            .and_then(|n| usize::try_from(n).ok())
            .map_or(most, |n| n.min(most));
        let place = Place::existing(context, spelled, Leaf::Follow)?;
        place.is_folder()?;
        let dir = context
            .workspace()
            .open_dir(&place.path)
            .map_err(|e| guard(e, spelled))?;
        let mut target = place.target(Effect::List);
        target.stat = Some(dir.folder().clone());
        target.bytes = 0;
        let (path, spelled) = (place.path.clone(), place.spelled.clone());
        let reader =
            Box::new(move |context: &Context<'_>| list(&dir, &path, &spelled, limit, context));
        Ok(Plan {
            notes: place.notes(),
            ..Plan::read(
                format!("list {}", quoted(&place.path)),
                vec![target],
                reader,
            )
        })
    }
}

fn list(
    dir: &Dir,
    path: &RawRel,
    spelled: &str,
    limit: usize,
    context: &Context<'_>,
) -> Result<Value> {
    context.go_on()?;
    let mut all = dir.entries().map_err(|e| guard(e, spelled))?;
    let total = all.len();
    all.retain(|e| !is_protected(&e.name));
    let reserved = total - all.len();
    let left = all.len().saturating_sub(limit);
    let mut entries = Vec::with_capacity(all.len().min(limit));
    for entry in all.iter().take(limit) {
        context.go_on()?;
        entries.push(shown(dir, path, entry));
    }
    Ok(result(
        path,
        json!({
            "entries": entries,
            "total": total,
            "truncated": left > 0,
            "left_out": {"limit": left, "reserved": reserved},
        }),
    ))
}

fn shown(dir: &Dir, path: &RawRel, entry: &DirEntry) -> Value {
    let mut map = Map::new();
    match std::str::from_utf8(&entry.name) {
        Ok(name) => map.insert("name".into(), json!(name)),
        Err(_) => {
            let mut whole = path.as_bytes().to_vec();
            if !path.is_root() {
                whole.push(b'/');
            }
            whole.extend_from_slice(&entry.name);
            map.insert("path_b64".into(), json!(STANDARD.encode(whole)))
        }
    };
    // Some file systems do not say in the listing; one entry that cannot be looked at does not
    // fail the list.
    let kind: Option<Kind> = entry
        .kind
        .or_else(|| dir.stat(&entry.name).ok().flatten().map(|s| s.kind));
    map.insert("kind".into(), json!(kind.map_or("unknown", kind_word)));
    Value::Object(map)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::Tree;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn every_kind_of_name_is_listed() {
        let tree = Tree::project();
        tree.link("dangling", "nowhere");
        tree.write(".hidden", "");
        let raw = std::ffi::OsStr::from_bytes(b"\xff\n");
        std::fs::write(tree.path("src").join(raw), "").unwrap();
        let got = tree
            .call("list_directory", json!({"path": "./src/.."}))
            .unwrap();
        let names: Vec<(&str, &str)> = got["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| (e["name"].as_str().unwrap(), e["kind"].as_str().unwrap()))
            .collect();
        assert_eq!(
            names,
            [
                (".hidden", "file"),
                ("README.md", "file"),
                ("build", "directory"),
                ("dangling", "symlink"),
                ("notes", "directory"),
                ("src", "directory"),
            ]
        );
        let got = tree.call("list_directory", json!({"path": "src"})).unwrap();
        let encoded = STANDARD.encode(b"src/\xff\n");
        assert_eq!(
            got["entries"][1],
            json!({"path_b64": encoded, "kind": "file"})
        );
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let mut tree = Tree::project();
        tree.write(".aifirst-store-x/k", "");
        let got = tree
            .call("list_directory", json!({"path": ".", "limit": 2}))
            .unwrap();
        assert_eq!(got["entries"].as_array().unwrap().len(), 2);
        assert_eq!(got["total"], 5);
        assert_eq!(got["truncated"], true);
        assert_eq!(got["left_out"], json!({"limit": 2, "reserved": 1}));
        // The runtime's own limit is never exceeded.
        tree.limits.entries = 1;
        let got = tree
            .call("list_directory", json!({"path": ".", "limit": 9}))
            .unwrap();
        assert_eq!(got["entries"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn what_is_no_folder_inside_is_refused() {
        let tree = Tree::project();
        tree.link("up", "..");
        for (path, code) in [
            ("README.md", "wrong_kind"),
            ("gone", "not_found"),
            ("up", "escape"),
            ("..", "escape"),
            ("/", "escape"),
        ] {
            let e = tree.refused("list_directory", json!({"path": path}));
            assert_eq!(e.code(), code, "{path} {e}");
        }
    }
}
