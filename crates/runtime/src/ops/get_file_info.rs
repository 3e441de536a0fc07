//! `get_file_info`: what is known about one file, folder or link.
use aifirst_sandbox::{File, Kind, Leaf, RawRel, Stat, Time};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::cause::guard;
use crate::context::Context;
use crate::effect::{Effect, Reversibility};
use crate::env::rfc3339;
use crate::error::Result;
use crate::operation::{Example, Operation, Spec};
use crate::plan::Plan;
use crate::schema::{Param, Type};

use super::place::{KIND_WORDS, Place, kind_word, quoted, result, result_schema};
use super::{content, given};

/// How many operations that touched it are named at most.
const OPERATIONS: usize = 20;

/// Tells what is known about a file.
pub(crate) struct GetFileInfo {
    spec: Spec,
}

impl GetFileInfo {
    pub(crate) fn new() -> Self {
        let time = |words: &str| json!({"type": "string", "description": words});
        Self {
            spec: Spec {
                name: "get_file_info",
                title: "Tell about a file",
                description: "Tells size, kind, mode, owner, times, number of names, where a link \
                    leads, the operations in force that touched it, and on request the SHA-256 of \
                    its contents. A link is told about as a link. It changes nothing, so there is \
                    nothing to undo, and it does not ask unless the policy says so.",
                params: vec![
                    Param::required(
                        "path",
                        Type::Text,
                        "The file, folder or link, relative to the workspace or absolute inside \
                        it.",
                    )
                    .path(),
                    Param::optional(
                        "hash",
                        Type::Choice(&["sha256"]),
                        "Compute this digest of a file's contents too.",
                    ),
                ],
                result: result_schema(
                    json!({
                        "kind": {"type": "string", "enum": KIND_WORDS, "description": "What it is."},
                        "size": {"type": "integer", "description": "Size in bytes."},
                        "mode": {"type": "string", "description": "Permission bits, in octal."},
                        "uid": {"type": "integer", "description": "The owner's number."},
                        "gid": {"type": "integer", "description": "The group's number."},
                        "modified": time("When its contents changed, RFC 3339, UTC."),
                        "changed": time("When anything about it changed, RFC 3339, UTC."),
                        "accessed": time("When it was read, as far as the mount keeps that."),
                        "created": time("When it was made, where the file system keeps that."),
                        "nlink": {"type": "integer", "description": "How many names it has."},
                        "inode": {"type": "string", "description": "Its inode number."},
                        "device": {"type": "string", "description": "Its device number."},
                        "target": {"type": "string", "description": "Of a link: what is written in it."},
                        "target_b64": {"type": "string", "description": "Instead of target: its bytes in base64, where they are not UTF-8."},
                        "leads_to": {"type": "string", "enum": ["inside", "nothing", "not_allowed"], "description": "Of a link: whether it leads to something inside the workspace."},
                        "sha256": {"type": "string", "description": "SHA-256 of the contents, when asked for."},
                        "operations": {
                            "type": "array", "items": {"type": "string"},
                            "description": "Ids of the operations in force that touched it, newest first.",
                        },
                    }),
                    &[
                        "kind",
                        "size",
                        "mode",
                        "uid",
                        "gid",
                        "modified",
                        "changed",
                        "accessed",
                        "nlink",
                        "inode",
                        "device",
                        "operations",
                    ],
                ),
                effects: &[Effect::List, Effect::Read],
                reversibility: Reversibility::Exact,
                examples: vec![
                    Example {
                        words: "tell about a file",
                        params: json!({"path": "src/main.rs"}),
                    },
                    Example {
                        words: "the digest that expected_sha256 takes",
                        params: json!({"path": "README.md", "hash": "sha256"}),
                    },
                ],
            },
        }
    }
}

impl Operation for GetFileInfo {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn plan(&self, params: &Value, context: &Context<'_>) -> Result<Plan> {
        let spelled = given::text(params, "path")?;
        let place = Place::existing(context, spelled, Leaf::Keep)?;
        // A digest reads contents, and is judged as a read.
        let file = match given::text_if(params, "hash") {
            Some(_) => Some(place.open(context)?),
            None => None,
        };
        let target = match &file {
            Some(file) => place.target_of(Effect::Read, file),
            None => {
                let mut target = place.target(Effect::List);
                target.bytes = 0;
                target
            }
        };
        let summary = match &file {
            Some(_) => format!("tell about {} and compute its SHA-256", quoted(&place.path)),
            None => format!("tell about {}", quoted(&place.path)),
        };
        let notes = place.notes();
        let reader = Box::new(move |context: &Context<'_>| tell(&place, file.as_ref(), context));
        Ok(Plan {
            notes,
            ..Plan::read(summary, vec![target], reader)
        })
    }
}

fn tell(place: &Place, file: Option<&File>, context: &Context<'_>) -> Result<Value> {
    let mut map = Map::new();
    if let Some(stat) = file.map(File::stat).or(place.stat()) {
        map.extend(fields(stat));
        if stat.kind == Kind::Symlink {
            map.extend(link(&place.path, &place.spelled, context)?);
        }
    }
    if let Some(file) = file {
        let digest = content::digest(file, &place.spelled, context)?;
        map.insert("sha256".into(), json!(given::hex(&digest)));
    }
    let operations = context.history().touching(&place.path)?;
    let ids: Vec<String> = operations
        .iter()
        .take(OPERATIONS)
        .map(ToString::to_string)
        .collect();
    map.insert("operations".into(), json!(ids));
    Ok(result(&place.path, Value::Object(map)))
}

fn fields(stat: &Stat) -> Map<String, Value> {
    let mut map = Map::new();
    let mut put = |name: &str, value: Value| map.insert(name.to_owned(), value);
    put("kind", json!(kind_word(stat.kind)));
    put("size", json!(stat.size));
    put("mode", json!(format!("{:04o}", stat.mode)));
    put("uid", json!(stat.uid));
    put("gid", json!(stat.gid));
    put("modified", json!(time(stat.mtime)));
    put("changed", json!(time(stat.ctime)));
    put("accessed", json!(time(stat.atime)));
    if let Some(born) = stat.identity.btime {
        put("created", json!(time(born)));
    }
    put("nlink", json!(stat.nlink));
    // As strings: they may be larger than a JSON number holds exactly.
    put("inode", json!(stat.identity.ino.to_string()));
    put("device", json!(stat.identity.dev.to_string()));
    map
}

fn link(path: &RawRel, spelled: &str, context: &Context<'_>) -> Result<Map<String, Value>> {
    let mut map = Map::new();
    let target = context
        .workspace()
        .read_link(path)
        .map_err(|e| guard(e, spelled))?;
    match String::from_utf8(target) {
        Ok(text) => map.insert("target".into(), json!(text)),
        Err(e) => map.insert("target_b64".into(), json!(STANDARD.encode(e.into_bytes()))),
    };
    // Whether something outside exists is not told.
    let leads = match context.workspace().resolve(path, Leaf::Follow) {
        Ok(resolved) if resolved.found.is_some() => "inside",
        Ok(_) => "nothing",
        Err(_) => "not_allowed",
    };
    map.insert("leads_to".into(), json!(leads));
    Ok(map)
}

fn time(time: Time) -> String {
    rfc3339(
        time.sec
            .saturating_mul(1_000_000)
            .saturating_add(i64::from(time.nsec / 1_000)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::ops::testing::Tree;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    #[test]
    fn fields_are_those_of_the_file() {
        let tree = Tree::project();
        let path = tree.path("src/main.rs");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let meta = std::fs::metadata(&path).unwrap();
        let got = tree
            .call(
                "get_file_info",
                json!({"path": "src/main.rs", "hash": "sha256"}),
            )
            .unwrap();
        assert_eq!(got["kind"], "file");
        assert_eq!(got["mode"], "0640");
        assert_eq!(got["size"], meta.len());
        assert_eq!(got["inode"], meta.ino().to_string());
        assert_eq!(got["uid"], meta.uid());
        assert_eq!(got["nlink"], 1);
        let digest = content::digest_of(&std::fs::read(&path).unwrap());
        assert_eq!(got["sha256"], given::hex(&digest));
        let micros = meta.mtime() * 1_000_000 + meta.mtime_nsec() / 1_000;
        assert_eq!(got["modified"], rfc3339(micros));
        // It is the digest that write_file takes.
        let params =
            json!({"path": "src/main.rs", "content": "x", "expected_sha256": got["sha256"]});
        assert!(tree.call("write_file", params).is_ok());
    }

    #[test]
    fn a_link_is_told_about_as_a_link_and_outside_nothing_is() {
        let tree = Tree::project();
        std::fs::write(tree.outside("there"), "").unwrap();
        for (name, target, leads) in [
            ("in", "README.md", "inside"),
            ("dangling", "gone", "nothing"),
            ("out", "../there", "not_allowed"),
            ("out2", "../not-there", "not_allowed"),
        ] {
            tree.link(name, target);
            let got = tree.call("get_file_info", json!({"path": name})).unwrap();
            assert_eq!(got["kind"], "symlink");
            assert_eq!(got["target"], target);
            assert_eq!(got["leads_to"], leads, "{name}");
        }
        let e = tree.refused("get_file_info", json!({"path": "in", "hash": "sha256"}));
        assert_eq!(e.code(), "wrong_kind");
    }

    #[test]
    fn the_workspace_and_folders_have_no_digest() {
        let tree = Tree::project();
        let got = tree.call("get_file_info", json!({"path": "."})).unwrap();
        assert_eq!(
            (&got["kind"], &got["path"]),
            (&json!("directory"), &json!("."))
        );
        let e = tree.refused("get_file_info", json!({"path": ".", "hash": "sha256"}));
        assert_eq!(e.code(), "is_a_directory");
        let e = tree.refused("get_file_info", json!({"path": "src", "hash": "md5"}));
        assert_eq!(e.kind(), ErrorKind::Usage);
    }
}
