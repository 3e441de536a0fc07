//! `write_file`: a whole file's contents, new or instead of what was there.
use aifirst_sandbox::{File, Leaf};
use aifirst_undo::{Change, ChangeSet, Source};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::context::Context;
use crate::effect::{Effect, Reversibility};
use crate::error::{Error, Result};
use crate::operation::{Example, Operation, Spec};
use crate::plan::{Diff, Plan};
use crate::schema::{Param, Type};

use super::place::{Parents, Place, push, quoted, result, result_schema};
use super::{content, difference, given};

/// Writes a whole file.
pub(crate) struct WriteFile {
    spec: Spec,
}

impl WriteFile {
    pub(crate) fn new() -> Self {
        Self {
            spec: Spec {
                name: "write_file",
                title: "Write a file",
                description: "Writes a whole file: makes it, or replaces the contents of an \
                    existing one in one step. Mode, owner and attributes of an existing file stay; \
                    a new one gets what its folder and the umask give. Where the path is a link \
                    inside the workspace, the file it leads to is written and the link stays. A \
                    file that has these contents already is left alone. Undo restores the old \
                    contents, or removes the new file, exactly. It does not ask, unless the policy \
                    says so or the file is very large.",
                params: vec![
                    Param::required(
                        "path",
                        Type::Text,
                        "The file, relative to the workspace or absolute inside it.",
                    )
                    .path()
                    .or(&["file_path"]),
                    Param::optional(
                        "content",
                        Type::Text,
                        "The contents, as text. Either this or content_base64.",
                    )
                    .content(),
                    Param::optional(
                        "content_base64",
                        Type::Text,
                        "The contents, any bytes, in standard base64. Either this or content.",
                    )
                    .content(),
                    Param::optional(
                        "mode",
                        Type::Choice(&["overwrite", "create"]),
                        "overwrite (default): an existing file gets the new contents; create: an \
                        existing file is an error.",
                    ),
                    Param::optional(
                        "expected_sha256",
                        Type::Text,
                        "The SHA-256, in hex, that the file has to have now; with any other, or \
                        without a file, nothing is written.",
                    )
                    .content(),
                    Param::optional(
                        "make_parents",
                        Type::Boolean,
                        "Make folders above that are not there (default false).",
                    ),
                ],
                result: result_schema(
                    json!({
                        "created": {"type": "boolean", "description": "Whether the file was not there before."},
                        "changed": {"type": "boolean", "description": "Whether the contents are others than before."},
                        "bytes": {"type": "integer", "description": "Size of the contents."},
                        "sha256": {"type": "string", "description": "SHA-256 of the contents, for expected_sha256."},
                    }),
                    &["created", "changed", "bytes", "sha256"],
                ),
                effects: &[Effect::Create, Effect::Modify],
                reversibility: Reversibility::Exact,
                examples: vec![
                    Example {
                        words: "make or replace a file",
                        params: json!({"path": "notes/today.md", "content": "# Today\n"}),
                    },
                    Example {
                        words: "make a new file with its folders, never replace one",
                        params: json!({
                            "path": "docs/guide/start.md", "content": "Start here.\n",
                            "mode": "create", "make_parents": true,
                        }),
                    },
                ],
            },
        }
    }
}

impl Operation for WriteFile {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn plan(&self, params: &Value, context: &Context<'_>) -> Result<Plan> {
        let bytes = contents(params)?;
        let spelled = given::text(params, "path")?;
        let expected = given::sha256(params, "expected_sha256")?;
        let place = Place::look(context, spelled, Leaf::Follow)?;
        place.not_the_root()?;
        place.is_file()?;
        if place.found.is_none() {
            content::fresh(None, expected, spelled)?;
            return create(&place, bytes, params, context);
        }
        if given::text_if(params, "mode") == Some("create") {
            return Err(Error::failed(format!("{spelled:?} is there already"))
                .with_code("exists")
                .with_path(spelled)
                .with_hint("nothing was overwritten; mode=overwrite replaces its contents"));
        }
        replace(&place, bytes, expected, context)
    }
}

fn create(place: &Place, bytes: Vec<u8>, params: &Value, context: &Context<'_>) -> Result<Plan> {
    let parents = match given::flag(params, "make_parents") {
        true => Parents::Make,
        false => Parents::MustBeThere("make_parents=true makes it"),
    };
    let mut set = ChangeSet::new();
    let mut targets = Vec::new();
    place.make_parents(parents, &mut set, &mut targets)?;
    let mut target = place.target(Effect::Create);
    target.bytes = count(&bytes);
    targets.push(target);
    let has_lines = !bytes.is_empty();
    let diff = difference::unified(
        &place.path.to_string(),
        None,
        Some(&bytes),
        context.limits().diff,
    );
    let result = outcome(place, "created", &bytes);
    let summary = format!(
        "create {} with {} bytes",
        quoted(&place.path),
        count(&bytes)
    );
    push(
        &mut set,
        Change::Create {
            path: place.path.clone(),
            content: Source::Bytes(bytes),
            mode: None,
        },
    )?;
    Ok(Plan {
        // An empty file has no line to show.
        diff: has_lines.then_some(diff),
        notes: place.notes(),
        ..Plan::change(summary, targets, set, result)
    })
}

fn replace(
    place: &Place,
    bytes: Vec<u8>,
    expected: Option<[u8; 32]>,
    context: &Context<'_>,
) -> Result<Plan> {
    let spelled = place.spelled.as_str();
    let file = place.open(context)?;
    let mut seen = Vec::new();
    if expected.is_some() {
        let have = content::digest(&file, spelled, context)?;
        content::fresh(Some(have), expected, spelled)?;
        seen.push(have);
    }
    let mut set = ChangeSet::new();
    let mut target = place.target_of(Effect::Modify, &file);
    target.bytes = target.bytes.max(count(&bytes));
    let unchanged = content::same(&file, &bytes, spelled, context)?;
    let summary = match unchanged {
        true => format!(
            "leave {} as it is: it has these contents",
            quoted(&place.path)
        ),
        false => format!(
            "replace the contents of {}: {} bytes become {}",
            quoted(&place.path),
            file.stat().size,
            count(&bytes)
        ),
    };
    let result = outcome(
        place,
        if unchanged { "unchanged" } else { "changed" },
        &bytes,
    );
    let mut diff = None;
    if !unchanged {
        let (shown, digest) = shown(&file, &bytes, place, context)?;
        diff = Some(shown);
        seen.extend(digest);
        push(
            &mut set,
            Change::Replace {
                path: place.path.clone(),
                expect: file.stat().clone(),
                content: Source::Bytes(bytes),
            },
        )?;
    }
    seen.dedup();
    Ok(Plan {
        diff,
        content: seen,
        notes: place.notes_of_replacing(),
        ..Plan::change(summary, vec![target], set, result)
    })
}

/// The diff, and the digest of the old contents where it shows them.
fn shown(
    file: &File,
    new: &[u8],
    place: &Place,
    context: &Context<'_>,
) -> Result<(Diff, Option<[u8; 32]>)> {
    let limit = context.limits().diff;
    let size = file.stat().size;
    let small = |n: u64| usize::try_from(n).is_ok_and(|n| n <= limit);
    if !small(size) || new.len() > limit {
        let diff = difference::opaque(
            "too large to be shown as lines",
            Some(size),
            Some(count(new)),
        );
        return Ok((diff, None));
    }
    let old = content::whole(file, &place.spelled, context.limits().text)?;
    let diff = difference::unified(&place.path.to_string(), Some(&old), Some(new), limit);
    Ok((diff, Some(content::digest_of(&old))))
}

fn contents(params: &Value) -> Result<Vec<u8>> {
    match (
        given::text_if(params, "content"),
        given::text_if(params, "content_base64"),
    ) {
        (Some(text), None) => Ok(text.as_bytes().to_vec()),
        (None, Some(text)) => STANDARD.decode(text).map_err(|_| {
            Error::usage("the parameter \"content_base64\" must be standard base64 with padding")
                .with_code("wrong_type")
        }),
        (None, None) => Err(Error::usage(
            "one of the parameters \"content\" and \"content_base64\" is needed",
        )
        .with_code("missing_parameter")),
        (Some(_), Some(_)) => Err(Error::usage(
            "the parameters \"content\" and \"content_base64\" exclude each other",
        )),
    }
}

fn outcome(place: &Place, what: &str, bytes: &[u8]) -> Value {
    result(
        &place.path,
        json!({
            "created": what == "created",
            "changed": what != "unchanged",
            "bytes": count(bytes),
            "sha256": given::hex(&content::digest_of(bytes)),
        }),
    )
}

fn count(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::ops::testing::Tree;
    use crate::plan::Work;
    use std::os::unix::fs::MetadataExt;

    fn set(plan: &Plan) -> &[Change] {
        match &plan.work {
            Work::Change { set, .. } => set.changes(),
            Work::Read(_) => panic!("a read"),
        }
    }

    fn bytes(change: &Change) -> &[u8] {
        match change {
            Change::Create {
                content: Source::Bytes(b),
                ..
            }
            | Change::Replace {
                content: Source::Bytes(b),
                ..
            } => b,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_new_file_is_created_with_its_folders_only_when_that_is_said() {
        let tree = Tree::project();
        let e = tree.refused("write_file", json!({"path": "a/b/c", "content": "x"}));
        assert_eq!(e.code(), "no_parent");
        let plan = tree
            .plan(
                "write_file",
                json!({"path": "a/b/c", "content": "x", "make_parents": true}),
            )
            .unwrap();
        let paths: Vec<String> = set(&plan).iter().map(|c| c.path().to_string()).collect();
        assert_eq!(paths, ["a", "a/b", "a/b/c"]);
        assert!(plan.targets.iter().all(|t| t.effect == Effect::Create));
        assert_eq!(plan.targets.len(), 3);
        assert_eq!(bytes(&set(&plan)[2]), b"x");
    }

    #[test]
    fn replacing_expects_the_file_as_it_was_seen_and_shows_the_difference() {
        let tree = Tree::project();
        let plan = tree
            .plan(
                "write_file",
                json!({"file_path": "./src/../README.md", "content": "# Other\n\nA small one.\n"}),
            )
            .unwrap();
        let Some(Change::Replace { path, expect, .. }) = set(&plan).first() else {
            panic!("no replacement");
        };
        assert_eq!(path.to_string(), "README.md");
        let meta = std::fs::metadata(tree.path("README.md")).unwrap();
        assert_eq!(expect.identity.ino, meta.ino());
        assert_eq!(
            plan.diff,
            Some(Diff::Unified(
                "--- a/README.md\n+++ b/README.md\n@@ -1,3 +1,3 @@\n-# Project\n+# Other\n \n A small one.\n".to_owned()
            ))
        );
        assert_eq!(plan.content.len(), 1);
        assert!(!plan.replaces_folder);
        assert_eq!(plan.targets[0].spelled, "./src/../README.md");
    }

    #[test]
    fn the_same_contents_change_nothing() {
        let tree = Tree::project();
        let params = json!({"path": "notes/old.md", "content": "old\n"});
        assert!(set(&tree.plan("write_file", params.clone()).unwrap()).is_empty());
        let value = tree.call("write_file", params).unwrap();
        assert_eq!(value["changed"], false);
        assert_eq!(value["created"], false);
    }

    #[test]
    fn lesson_c11_a_stale_digest_is_a_conflict() {
        let tree = Tree::project();
        let seen = tree
            .call("read_text_file", json!({"path": "notes/old.md"}))
            .unwrap();
        let write = |digest: &Value| {
            tree.call(
                "write_file",
                json!({"path": "notes/old.md", "content": "new\n", "expected_sha256": digest}),
            )
        };
        assert!(write(&seen["sha256"]).is_ok());
        tree.write("notes/old.md", "OLD\n");
        let e = write(&seen["sha256"]).unwrap_err();
        assert_eq!((e.kind(), e.code()), (ErrorKind::Conflict, "stale"));
        let e = tree.refused(
            "write_file",
            json!({"path": "gone", "content": "x", "expected_sha256": seen["sha256"]}),
        );
        assert_eq!((e.kind(), e.code()), (ErrorKind::Conflict, "stale"));
    }

    #[test]
    fn what_is_no_file_or_must_be_new_is_refused() {
        let tree = Tree::project();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            tree.path("pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap();
        let cases = [
            (
                json!({"path": "src", "content": "x"}),
                ErrorKind::Failed,
                "is_a_directory",
            ),
            (
                json!({"path": "pipe", "content": "x"}),
                ErrorKind::Guard,
                "special_file",
            ),
            (
                json!({"path": "README.md", "content": "x", "mode": "create"}),
                ErrorKind::Failed,
                "exists",
            ),
            (json!({"path": "x"}), ErrorKind::Usage, "missing_parameter"),
            (
                json!({"path": "x", "content": "", "content_base64": ""}),
                ErrorKind::Usage,
                "usage",
            ),
            (
                json!({"path": "x", "content_base64": "a"}),
                ErrorKind::Usage,
                "wrong_type",
            ),
            (
                json!({"path": "README.md/x", "content": "x"}),
                ErrorKind::Failed,
                "not_a_directory",
            ),
        ];
        for (params, kind, code) in cases {
            let e = tree.refused("write_file", params.clone());
            assert_eq!((e.kind(), e.code()), (kind, code), "{params} {e}");
        }
    }

    #[test]
    fn lesson_c3_a_link_stays_and_its_target_is_written() {
        let tree = Tree::project();
        tree.link("link", "src/main.rs");
        let plan = tree
            .plan("write_file", json!({"path": "link", "content": "x"}))
            .unwrap();
        assert_eq!(set(&plan)[0].path().to_string(), "src/main.rs");
        assert!(plan.notes[0].contains("the link stays"), "{:?}", plan.notes);
        // A link to nothing: what it names is made, inside.
        tree.link("dangling", "src/new.rs");
        let plan = tree
            .plan("write_file", json!({"path": "dangling", "content": "x"}))
            .unwrap();
        assert_eq!(set(&plan)[0].path().to_string(), "src/new.rs");
    }

    #[test]
    fn lesson_b2_no_link_leads_out() {
        let tree = Tree::project();
        std::fs::write(tree.outside("secret"), "s").unwrap();
        tree.link("absolute", tree.outside("secret").to_str().unwrap());
        tree.link("relative", "../secret");
        tree.link("dangling", "../new");
        tree.link("folder", "..");
        tree.link("chain", "relative");
        for path in [
            "absolute",
            "relative",
            "dangling",
            "folder/new",
            "chain",
            "../secret",
        ] {
            for (name, params) in [
                ("write_file", json!({"path": path, "content": "x"})),
                ("read_text_file", json!({"path": path})),
            ] {
                let e = tree.refused(name, params);
                assert_eq!(
                    (e.kind(), e.code()),
                    (ErrorKind::Guard, "escape"),
                    "{name} {path}"
                );
            }
        }
        assert!(!tree.outside("new").exists());
    }

    #[test]
    fn lesson_b6_the_workspace_itself_is_never_written() {
        let tree = Tree::project();
        for path in [".", "./", "src/..", "", "a/.."] {
            let e = tree.refused("write_file", json!({"path": path, "content": "x"}));
            assert!(
                matches!(e.code(), "root_itself" | "bad_name"),
                "{path:?} {e}"
            );
        }
    }

    #[test]
    fn lesson_c4_other_names_are_refused_or_said_to_part() {
        let tree = Tree::project();
        std::fs::hard_link(tree.path("README.md"), tree.path("twin")).unwrap();
        let e = tree.refused("write_file", json!({"path": "twin", "content": "x"}));
        assert_eq!((e.kind(), e.code()), (ErrorKind::Guard, "hard_linked"));
        let tree = Tree::with_hard_links();
        tree.write("one", "1");
        std::fs::hard_link(tree.path("one"), tree.path("two")).unwrap();
        let plan = tree
            .plan("write_file", json!({"path": "two", "content": "2"}))
            .unwrap();
        assert!(plan.notes[0].contains("they part"), "{:?}", plan.notes);
    }

    #[test]
    fn any_bytes_come_as_base64() {
        let tree = Tree::project();
        let plan = tree
            .plan(
                "write_file",
                json!({"path": "bin", "content_base64": "AP+A"}),
            )
            .unwrap();
        assert_eq!(bytes(&set(&plan)[0]), b"\0\xff\x80");
        assert_eq!(
            plan.diff,
            Some(Diff::Opaque("not text; 3 bytes are written".to_owned()))
        );
    }
}
