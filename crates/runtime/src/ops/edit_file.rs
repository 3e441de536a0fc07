//! `edit_file`: exact replacements in a text file; what is not named stays, byte for byte.
use aifirst_sandbox::Leaf;
use aifirst_undo::{Change, ChangeSet, Source};
use serde_json::{Value, json};

use crate::context::Context;
use crate::effect::{Effect, Reversibility};
use crate::error::{Error, Result};
use crate::operation::{Example, Operation, Spec};
use crate::plan::{Diff, Plan};
use crate::schema::{Param, Type};

use super::place::{Place, push, quoted, result, result_schema};
use super::splice::{Edit, Misfit, Spliced, Times};
use super::{content, difference, given, nearest, text};

/// Edits a text file.
pub(crate) struct EditFile {
    spec: Spec,
}

impl EditFile {
    pub(crate) fn new() -> Self {
        Self {
            spec: Spec {
                name: "edit_file",
                title: "Edit a text file",
                description: "Replaces exact pieces of text in a UTF-8 file, one edit after the \
                    other, all or none. Each oldText must be there exactly once, unless \
                    replaceAll or expected_count says otherwise; if it is not, nothing is written \
                    and the error says where it was found, or which lines come nearest and what \
                    differs. LF in oldText also fits CRLF, and new lines take the line ends of \
                    their place. All bytes not named stay: byte-order mark, line ends, final \
                    newline; mode, owner and attributes too. Nothing in newText is expanded. Undo \
                    restores the file exactly. It does not ask, unless the policy says so.",
                params: vec![
                    Param::required(
                        "path",
                        Type::Text,
                        "The file, relative to the workspace or absolute inside it.",
                    )
                    .path()
                    .or(&["file_path"]),
                    Param::required(
                        "edits",
                        Type::Objects(vec![
                            Param::required(
                                "oldText",
                                Type::Text,
                                "The text that shall go, exactly as it is in the file.",
                            )
                            .or(&["old_text"])
                            .content(),
                            Param::required(
                                "newText",
                                Type::Text,
                                "The text that shall stand there instead.",
                            )
                            .or(&["new_text"])
                            .content(),
                            Param::optional(
                                "expected_count",
                                Type::Integer { min: 1 },
                                "How often oldText has to be there; every place is replaced.",
                            ),
                            Param::optional(
                                "replaceAll",
                                Type::Boolean,
                                "Replace every place, however many (default false: exactly one).",
                            )
                            .or(&["replace_all"]),
                        ]),
                        "The edits, in order; a later one sees what the earlier ones wrote.",
                    ),
                    Param::optional(
                        "dryRun",
                        Type::Boolean,
                        "Only say what would change (default false); nothing is written then.",
                    )
                    .or(&["dry_run"]),
                    Param::optional(
                        "expected_sha256",
                        Type::Text,
                        "The SHA-256, in hex, that the file has to have now; with any other \
                        nothing is written.",
                    )
                    .content(),
                ],
                result: result_schema(
                    json!({
                        "changed": {"type": "boolean", "description": "Whether the contents are others than before."},
                        "dry_run": {"type": "boolean", "description": "Whether it was only tried."},
                        "replaced": {
                            "type": "array", "items": {"type": "integer"},
                            "description": "For each edit, in how many places it was made.",
                        },
                        "bytes": {"type": "integer", "description": "Size of the file afterwards."},
                        "sha256": {"type": "string", "description": "SHA-256 of the file afterwards."},
                        "diff": {"type": "string", "description": "What changes, as a unified diff."},
                        "diff_left_out": {"type": "string", "description": "Instead of diff: why there is none."},
                    }),
                    &["changed", "dry_run", "replaced", "bytes", "sha256"],
                ),
                effects: &[Effect::Read, Effect::Modify],
                reversibility: Reversibility::Exact,
                examples: vec![
                    Example {
                        words: "replace one piece of text",
                        params: json!({"path": "src/main.rs", "edits": [
                            {"oldText": "\"hello\"", "newText": "\"hello, world\""},
                        ]}),
                    },
                    Example {
                        words: "see what replacing every place would change",
                        params: json!({"path": "README.md", "dryRun": true, "edits": [
                            {"oldText": "small", "newText": "tiny", "replaceAll": true},
                        ]}),
                    },
                ],
            },
        }
    }
}

impl Operation for EditFile {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn plan(&self, params: &Value, context: &Context<'_>) -> Result<Plan> {
        let edits = edits(params)?;
        let spelled = given::text(params, "path")?;
        let expected = given::sha256(params, "expected_sha256")?;
        let place = Place::existing(context, spelled, Leaf::Follow)?;
        place.not_the_root()?;
        let file = place.open(context)?;
        let old = content::whole(&file, spelled, context.limits().text)?;
        let seen = content::digest_of(&old);
        content::fresh(Some(seen), expected, spelled)?;
        let before = text::whole(&old).map_err(|why| text::refusal(spelled, why))?;
        let mut spliced = Spliced::new(before);
        let mut replaced = Vec::new();
        for (i, edit) in edits.iter().enumerate() {
            context.go_on()?;
            let done = spliced.edit(*edit).map_err(|misfit| {
                let now = String::from_utf8_lossy(spliced.text());
                let which = (edits.len() > 1).then_some(i + 1);
                refusal(&misfit, edit, which, &now).with_path(spelled)
            })?;
            replaced.push(done);
        }
        let changed = spliced.text() != old;
        let tried = given::flag(params, "dryRun");
        let diff = difference::unified(
            &place.path.to_string(),
            Some(&old),
            Some(spliced.text()),
            context.limits().diff,
        );
        let result = outcome(&place, &replaced, spliced.text(), &diff, changed, tried);
        let effect = if tried { Effect::Read } else { Effect::Modify };
        let mut target = place.target_of(effect, &file);
        target.bytes = target.bytes.max(count(spliced.text()));
        let summary = summary(&place, &replaced, changed, tried);
        let notes = place.notes_of_replacing();
        let targets = vec![target];
        let plan = if tried {
            Plan::read(summary, targets, Box::new(move |_| Ok(result)))
        } else {
            let mut set = ChangeSet::new();
            if changed {
                push(
                    &mut set,
                    Change::Replace {
                        path: place.path,
                        expect: file.stat().clone(),
                        content: Source::Splice(spliced.into_pieces()),
                    },
                )?;
            }
            Plan::change(summary, targets, set, result)
        };
        Ok(Plan {
            diff: changed.then_some(diff),
            content: vec![seen],
            notes,
            ..plan
        })
    }
}

fn edits(params: &Value) -> Result<Vec<Edit<'_>>> {
    let list = params.get("edits").and_then(Value::as_array);
    let list = list.filter(|l| !l.is_empty()).ok_or_else(|| {
        Error::usage("the parameter \"edits\" holds no edit").with_code("missing_parameter")
    })?;
    list.iter()
        .enumerate()
        .map(|(i, edit)| {
            let old = given::text(edit, "oldText")?;
            if old.is_empty() {
                return Err(
                    Error::usage(format!("the parameter \"edits[{i}].oldText\" is empty"))
                        .with_hint(
                            "give the text beside which the new one shall stand, in both texts",
                        ),
                );
            }
            Ok(Edit {
                old,
                new: given::text(edit, "newText")?,
                times: match (
                    given::number(edit, "expected_count"),
                    given::flag(edit, "replaceAll"),
                ) {
                    (Some(n), _) => Times::Exactly(n),
                    (None, true) => Times::All,
                    (None, false) => Times::Once,
                },
            })
        })
        .collect()
}

fn refusal(misfit: &Misfit, edit: &Edit<'_>, which: Option<usize>, now: &str) -> Error {
    let old = match which {
        Some(n) => format!("the oldText of edit {n}"),
        None => "oldText".to_owned(),
    };
    match misfit {
        Misfit::Nowhere => {
            let why = format!("{old} is not in the file; nothing was written");
            let hint = nearest::hint(now, edit.old);
            let hint = hint.unwrap_or_else(|| {
                "no lines come near it; read_text_file shows what is there".to_owned()
            });
            Error::failed(why).with_code("no_match").with_hint(hint)
        }
        Misfit::Count(count, lines) => {
            let lines: Vec<String> = lines.iter().map(u64::to_string).collect();
            let more = match u64::try_from(lines.len()).is_ok_and(|n| n < *count) {
                true => " and more",
                false => "",
            };
            let wanted = match edit.times {
                Times::Exactly(n) => format!("{n} times"),
                Times::Once | Times::All => "once".to_owned(),
            };
            Error::failed(format!(
                "{old} is in the file {count} times, not {wanted}: on lines {}{more}; nothing was written",
                lines.join(", ")
            ))
            .with_code("ambiguous_match")
            .with_hint("take more of the lines around it into oldText, or say replaceAll or expected_count")
        }
    }
}

fn summary(place: &Place, replaced: &[u64], changed: bool, tried: bool) -> String {
    let path = quoted(&place.path);
    let places: u64 = replaced.iter().sum();
    match (changed, tried) {
        (false, _) => format!("leave {path} as it is: the edits change nothing"),
        (true, true) => format!("try edits of {path} without writing it"),
        (true, false) if places == 1 => format!("edit {path} in 1 place"),
        (true, false) => format!("edit {path} in {places} places"),
    }
}

fn outcome(
    place: &Place,
    replaced: &[u64],
    text: &[u8],
    diff: &Diff,
    changed: bool,
    tried: bool,
) -> Value {
    let mut fields = json!({
        "changed": changed,
        "dry_run": tried,
        "replaced": replaced,
        "bytes": count(text),
        "sha256": given::hex(&content::digest_of(text)),
    });
    let (name, text) = match diff {
        Diff::Unified(text) => ("diff", text),
        Diff::Opaque(why) => ("diff_left_out", why),
    };
    if let Value::Object(map) = &mut fields {
        map.insert(name.into(), json!(text));
    }
    result(&place.path, fields)
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

    fn edit(old: &str, new: &str) -> Value {
        json!([{"oldText": old, "newText": new}])
    }

    /// The bytes the engine will write.
    fn made(tree: &Tree, path: &str, edits: &Value) -> Result<Vec<u8>> {
        use aifirst_undo::Piece;
        let plan = tree.plan("edit_file", json!({"path": path, "edits": edits}))?;
        let old = std::fs::read(tree.path(path)).unwrap();
        let Work::Change { set, .. } = plan.work else {
            panic!("a read");
        };
        let Some(Change::Replace {
            content: Source::Splice(pieces),
            ..
        }) = set.changes().first()
        else {
            return Ok(old);
        };
        Ok(pieces.iter().fold(Vec::new(), |mut out, piece| {
            match piece {
                Piece::Old { offset, len } => {
                    let from = usize::try_from(*offset).unwrap();
                    out.extend_from_slice(&old[from..from + usize::try_from(*len).unwrap()]);
                }
                Piece::New(bytes) => out.extend_from_slice(bytes),
            }
            out
        }))
    }

    #[test]
    fn lesson_i6_mark_line_ends_and_missing_final_newline_stay() {
        let tree = Tree::new();
        tree.write("f", "\u{feff}one\r\ntwo\nthree");
        let bytes = made(&tree, "f", &edit("two\nthree", "2\nnew\nthree")).unwrap();
        assert_eq!(bytes, "\u{feff}one\r\n2\nnew\nthree".as_bytes());
    }

    #[test]
    fn lesson_i6_other_encodings_are_refused_with_the_reason() {
        let tree = Tree::new();
        for (bytes, part) in [(&b"caf\xe9"[..], "Latin-1"), (b"\xff\xfea\0", "UTF-16")] {
            tree.write("f", bytes);
            let e = tree.refused("edit_file", json!({"path": "f", "edits": edit("a", "b")}));
            assert_eq!(e.code(), "not_text");
            assert!(e.to_string().contains(part), "{e}");
        }
    }

    #[test]
    fn lesson_i2_the_error_names_count_and_lines() {
        let tree = Tree::new();
        tree.write("f", "x\ny\nx\n");
        let e = tree.refused("edit_file", json!({"path": "f", "edits": edit("x", "z")}));
        assert_eq!(e.code(), "ambiguous_match");
        assert!(
            e.to_string().contains("2 times, not once: on lines 1, 3"),
            "{e}"
        );
    }

    #[test]
    fn lesson_i3_the_error_names_the_nearest_line() {
        let tree = Tree::new();
        tree.write("f", "fn a() {\n\tb();\n}\n");
        let e = tree.refused(
            "edit_file",
            json!({"path": "f", "edits": edit("    b();", "c")}),
        );
        assert_eq!(e.code(), "no_match");
        let hint = e.hint().unwrap();
        assert!(
            hint.contains("line 2") && hint.contains("1 tab, not by 4 spaces"),
            "{hint}"
        );
    }

    #[test]
    fn lesson_c10_the_second_of_two_edits_fails_and_nothing_is_planned() {
        let tree = Tree::new();
        tree.write("f", "one two");
        let edits = json!([
            {"oldText": "one", "newText": "1"}, {"oldText": "three", "newText": "3"},
        ]);
        let e = tree.refused("edit_file", json!({"path": "f", "edits": edits}));
        assert!(e.to_string().contains("edit 2"), "{e}");
    }

    #[test]
    fn trying_gives_the_same_result_and_changes_nothing() {
        let tree = Tree::project();
        let call = |dry: bool| {
            let params =
                json!({"path": "README.md", "dryRun": dry, "edits": edit("small", "tiny")});
            let plan = tree.plan("edit_file", params.clone()).unwrap();
            let reads = matches!(plan.work, Work::Read(_));
            assert_eq!(plan.targets[0].effect.changes(), !dry);
            (reads, tree.call("edit_file", params).unwrap())
        };
        let ((tried, mut first), (did, second)) = (call(true), call(false));
        assert!(tried && !did);
        assert_eq!(first["dry_run"], true);
        first["dry_run"] = json!(false);
        assert_eq!(first, second);
        assert!(second["diff"].as_str().unwrap().contains("+A tiny one."));
    }

    #[test]
    fn edits_without_effect_change_nothing() {
        let tree = Tree::project();
        let params = json!({"path": "README.md", "edits": edit("small", "small")});
        let plan = tree.plan("edit_file", params).unwrap();
        assert!(matches!(&plan.work, Work::Change { set, .. } if set.is_empty()));
        assert_eq!(plan.diff, None);
    }

    #[test]
    fn what_is_unusable_is_said() {
        let tree = Tree::project();
        for (params, kind, code) in [
            (
                json!({"path": "README.md", "edits": []}),
                ErrorKind::Usage,
                "missing_parameter",
            ),
            (
                json!({"path": "README.md", "edits": edit("", "x")}),
                ErrorKind::Usage,
                "usage",
            ),
            (
                json!({"path": "gone", "edits": edit("a", "x")}),
                ErrorKind::Failed,
                "not_found",
            ),
            (
                json!({"path": ".", "edits": edit("a", "x")}),
                ErrorKind::Guard,
                "root_itself",
            ),
            (
                json!({"path": "src", "edits": edit("a", "x")}),
                ErrorKind::Failed,
                "is_a_directory",
            ),
            (
                json!({"path": "README.md", "expected_sha256": "0".repeat(64), "edits": edit("small", "x")}),
                ErrorKind::Conflict,
                "stale",
            ),
        ] {
            let e = tree.refused("edit_file", params.clone());
            assert_eq!((e.kind(), e.code()), (kind, code), "{params} {e}");
        }
    }
}
