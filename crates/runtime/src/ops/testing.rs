//! What the tests of the operations share: a tree on which every example runs, and a checker.
#![allow(
    clippy::needless_pass_by_value,
    reason = "the calls of the tests read as a caller writes them"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use aifirst_sandbox::{HardLinks, RawRel, Rules, Workspace};
use serde_json::Value;

use crate::context::{Cancel, Context, History, Limits};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::OpId;
use crate::operation::Operation;
use crate::plan::{Plan, Work};
use crate::schema;

/// Nothing happened before.
pub(crate) struct NoHistory;

impl History for NoHistory {
    fn touching(&self, _: &RawRel) -> Result<Vec<OpId>> {
        Ok(Vec::new())
    }
}

/// A workspace in a folder that goes when the test ends.
pub(crate) struct Tree {
    dir: tempfile::TempDir,
    workspace: Workspace,
    pub(crate) limits: Limits,
}

impl Tree {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self::with_rules(Rules::default())
    }

    /// An empty one where files with several names may be read.
    pub(crate) fn with_hard_links() -> Self {
        Self::with_rules(Rules::default().hard_links(HardLinks::ReadOnly))
    }

    fn with_rules(rules: Rules) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("ws")).unwrap();
        let workspace = Workspace::open(&dir.path().join("ws"), rules).unwrap();
        Self {
            dir,
            workspace,
            limits: Limits::default(),
        }
    }

    /// The small project on which every example runs as printed.
    pub(crate) fn project() -> Self {
        let tree = Self::new();
        for (path, text) in [
            ("README.md", "# Project\n\nA small one.\n"),
            ("src/main.rs", "fn main() {\n    println!(\"hello\");\n}\n"),
            ("notes/old.md", "old\n"),
            ("build/out/a.o", "object"),
            ("build/log.txt", "done\n"),
        ] {
            tree.write(path, text);
        }
        tree
    }

    /// Where it is.
    pub(crate) fn path(&self, below: &str) -> std::path::PathBuf {
        self.dir.path().join("ws").join(below)
    }

    /// A place outside of it, beside it.
    pub(crate) fn outside(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file, with the folders above it.
    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Makes a link.
    pub(crate) fn link(&self, path: &str, target: &str) {
        std::os::unix::fs::symlink(target, self.path(path)).unwrap();
    }

    /// Plans an operation as the pipeline does: the table checks the parameters first.
    pub(crate) fn plan(&self, name: &str, params: Value) -> Result<Plan> {
        self.plan_of(built_in(name).as_ref(), &params)
    }

    /// The same for an operation that is not registered.
    pub(crate) fn plan_of(&self, operation: &dyn Operation, params: &Value) -> Result<Plan> {
        let params = schema::check(&operation.spec().params, params)?;
        let cancel = Cancel::new();
        let context = Context::new(&self.workspace, &NoHistory, &cancel, None, self.limits);
        let before = self.shape();
        let plan = operation.plan(&params, &context);
        assert_eq!(before, self.shape(), "planning changed something");
        plan
    }

    /// Plans an operation and gives its result: reads run, changes say what it would be.
    pub(crate) fn call(&self, name: &str, params: Value) -> Result<Value> {
        let plan = self.plan(name, params)?;
        let value = self.finish(plan)?;
        fits(&built_in(name).spec().result, &value)
            .unwrap_or_else(|why| panic!("{name}: {why} in {value}"));
        Ok(value)
    }

    /// The result of a plan.
    pub(crate) fn finish(&self, plan: Plan) -> Result<Value> {
        let cancel = Cancel::new();
        let context = Context::new(&self.workspace, &NoHistory, &cancel, None, self.limits);
        match plan.work {
            Work::Read(read) => read(&context),
            Work::Change { result, .. } => Ok(result),
        }
    }

    /// The error of a call that has to fail.
    pub(crate) fn refused(&self, name: &str, params: Value) -> Error {
        let words = params.to_string();
        match self.call(name, params) {
            Err(e) => e,
            Ok(value) => panic!("{name} {words} gave {value}"),
        }
    }

    /// Every name with kind, mode, times and contents.
    fn shape(&self) -> BTreeMap<String, String> {
        let mut out = BTreeMap::new();
        shape(self.dir.path(), &mut out);
        out
    }
}

/// The built-in operation of that name.
pub(crate) fn built_in(name: &str) -> Arc<dyn Operation> {
    super::all()
        .into_iter()
        .find(|o| o.spec().name == name)
        .unwrap_or_else(|| panic!("no operation {name:?}"))
}

fn shape(dir: &Path, out: &mut BTreeMap<String, String>) {
    use std::os::unix::fs::MetadataExt;
    for entry in std::fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        let meta = std::fs::symlink_metadata(&path).unwrap();
        let content = match meta.is_file() && meta.len() < 1 << 20 {
            true => std::fs::read(&path).unwrap_or_default(),
            false => Vec::new(),
        };
        out.insert(
            format!("{path:?}"),
            format!(
                "{:o} {} {} {} {} {content:?}",
                meta.mode(),
                meta.size(),
                meta.ino(),
                meta.mtime_nsec(),
                meta.ctime_nsec()
            ),
        );
        if meta.is_dir() {
            shape(&path, out);
        }
    }
}

/// Checks a value against the plain subset of JSON Schema that the tables use.
pub(crate) fn fits(schema: &Value, value: &Value) -> std::result::Result<(), String> {
    let kind = schema["type"].as_str().ok_or("a schema without a type")?;
    let right = match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        other => return Err(format!("a type {other:?}")),
    };
    if !right {
        return Err(format!("{value} is no {kind}"));
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        return Err(format!("{value} is none of {words:?}"));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.get(name.as_str().unwrap_or_default()).is_none() {
            return Err(format!("{name} is missing"));
        }
    }
    for (name, inner) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(name) {
            Some(schema) => fits(schema, inner).map_err(|e| format!("{name}: {e}"))?,
            None => return Err(format!("{name:?} is not declared")),
        }
    }
    for inner in value.as_array().into_iter().flatten() {
        fits(&schema["items"], inner)?;
    }
    Ok(())
}

/// What two plans of one call have in common, as text.
pub(crate) fn seen(plan: &Plan) -> String {
    let work = match &plan.work {
        Work::Read(_) => "read".to_owned(),
        Work::Change { set, result } => format!("{:?} {result}", set.changes()),
    };
    format!(
        "{:?} {work} {:?} {:?} {:?} {} {:?} {}",
        plan.targets,
        plan.reversibility,
        plan.diff,
        plan.content,
        plan.summary,
        plan.notes,
        plan.replaces_folder
    )
}

#[test]
fn every_example_runs_and_its_result_is_as_declared() {
    for operation in super::all() {
        let spec = operation.spec();
        assert!(!spec.examples.is_empty(), "{} has no example", spec.name);
        for example in &spec.examples {
            let tree = Tree::project();
            tree.call(spec.name, example.params.clone())
                .unwrap_or_else(|e| panic!("{} {}: {e}", spec.name, example.words));
        }
    }
}

#[test]
fn plans_are_the_same_twice_and_stay_within_the_table() {
    for operation in super::all() {
        let spec = operation.spec();
        for example in &spec.examples {
            let tree = Tree::project();
            let plan = |()| tree.plan(spec.name, example.params.clone()).unwrap();
            let (first, second) = (plan(()), plan(()));
            // Descriptors differ from plan to plan; nothing that is bound or shown does.
            let without_fds = |s: String| s.replace(|c: char| c.is_ascii_digit(), "");
            match &first.work {
                Work::Change { set, .. } if format!("{set:?}").contains("OwnedFd") => {
                    assert_eq!(without_fds(seen(&first)), without_fds(seen(&second)));
                }
                _ => assert_eq!(seen(&first), seen(&second)),
            }
            assert!(!first.targets.is_empty() && !first.summary.is_empty());
            for target in &first.targets {
                assert!(spec.effects.contains(&target.effect), "{}", spec.name);
            }
            assert_eq!(first.reversibility, spec.reversibility);
        }
    }
}

#[test]
fn descriptions_say_what_changes_what_undo_does_and_whether_it_asks() {
    for operation in super::all() {
        let text = operation.spec().description;
        for word in ["ndo", "ask"] {
            assert!(
                text.contains(word),
                "{} lacks {word}",
                operation.spec().name
            );
        }
    }
}

/// A call of every operation with one of its paths replaced, on the project tree.
fn calls_with(path: &str) -> Vec<(&'static str, Value)> {
    let edit = serde_json::json!([{"oldText": "a", "newText": "b"}]);
    vec![
        ("read_text_file", serde_json::json!({"path": path})),
        (
            "write_file",
            serde_json::json!({"path": path, "content": "x", "make_parents": true}),
        ),
        (
            "edit_file",
            serde_json::json!({"path": path, "edits": edit}),
        ),
        ("create_directory", serde_json::json!({"path": path})),
        ("list_directory", serde_json::json!({"path": path})),
        (
            "move_file",
            serde_json::json!({"source": path, "destination": "free"}),
        ),
        (
            "move_file",
            serde_json::json!({"source": "README.md", "destination": path}),
        ),
        (
            "copy_file",
            serde_json::json!({"source": path, "destination": "free"}),
        ),
        (
            "copy_file",
            serde_json::json!({"source": "README.md", "destination": path}),
        ),
        ("delete_file", serde_json::json!({"path": path})),
        (
            "delete_directory",
            serde_json::json!({"path": path, "recursive": true}),
        ),
        ("get_file_info", serde_json::json!({"path": path})),
    ]
}

#[test]
fn the_table_of_attacks_names_every_operation() {
    let named: Vec<&str> = calls_with("x").iter().map(|(name, _)| *name).collect();
    for operation in super::all() {
        assert!(named.contains(&operation.spec().name));
    }
}

#[test]
fn lesson_b1_sibling_prefix_is_outside() {
    let tree = Tree::project();
    let evil = tree.outside("ws-evil");
    std::fs::create_dir(&evil).unwrap();
    std::fs::write(evil.join("f"), "secret").unwrap();
    tree.link("src/through", "../../ws-evil");
    let absolute = evil.join("f").to_str().unwrap().to_owned();
    for path in [
        "../ws-evil/f",
        "../ws-evil",
        &absolute,
        "src/through/f",
        "src/../../ws-evil/new",
    ] {
        for (name, params) in calls_with(path) {
            let e = tree.refused(name, params);
            assert_eq!(
                (e.kind(), e.code()),
                (ErrorKind::Guard, "escape"),
                "{name} {path}: {e}"
            );
            // The message is the same whether it is there or not, and holds no path of the host.
            assert!(
                !e.to_string().contains(tree.outside("").to_str().unwrap()) || path == absolute
            );
        }
    }
    // The same through the workspace's own absolute path is inside.
    let inside = tree.path("README.md").to_str().unwrap().to_owned();
    assert!(
        tree.call("read_text_file", serde_json::json!({"path": inside}))
            .is_ok()
    );
}

#[test]
fn lesson_b7_no_byte_of_a_path_is_decoded_or_dropped() {
    let tree = Tree::project();
    for path in [
        "README.md\0.png",
        "a\nb",
        "a\u{1b}[2Jb",
        "a\u{202e}b",
        "a\u{200b}b",
    ] {
        for (name, params) in calls_with(path) {
            let e = tree.refused(name, params);
            assert_eq!(
                (e.kind(), e.code()),
                (ErrorKind::Guard, "bad_name"),
                "{name} {path:?}"
            );
        }
    }
    let got = tree
        .call(
            "create_directory",
            serde_json::json!({"path": "%2e%2e/$HOME/*"}),
        )
        .unwrap();
    assert_eq!(got["path"], "%2e%2e/$HOME/*");
}

#[test]
fn lesson_a9_names_of_the_runtime_are_out_of_reach() {
    let tree = Tree::project();
    tree.write(".aifirst-store-1/k", "kept");
    tree.link("link", ".aifirst-store-1");
    for path in [
        ".aifirst-store-1",
        ".aifirst-store-1/k",
        ".AIFIRST-x",
        "link/k",
    ] {
        for (name, params) in calls_with(path) {
            let e = tree.refused(name, params);
            assert_eq!(e.code(), "protected_name", "{name} {path}: {e}");
        }
    }
}

#[test]
fn lesson_b4_every_spelling_of_a_path_means_the_same_file() {
    let tree = Tree::project();
    let plain = tree
        .call("read_text_file", serde_json::json!({"path": "src/main.rs"}))
        .unwrap();
    for path in [
        "./src/main.rs",
        "src//main.rs",
        "src/./main.rs",
        "src/main.rs/",
        "src/../src/main.rs",
        "build/out/../../src/main.rs",
        "././src///main.rs",
    ] {
        let got = tree
            .call("read_text_file", serde_json::json!({"path": path}))
            .unwrap();
        assert_eq!(got, plain, "{path}");
    }
}

#[test]
fn a_pulled_cord_stops_a_plan() {
    let tree = Tree::project();
    let cancel = Cancel::new();
    cancel.cancel();
    let context = Context::new(&tree.workspace, &NoHistory, &cancel, None, tree.limits);
    let params = serde_json::json!({"path": "build", "recursive": true});
    let e = built_in("delete_directory")
        .plan(&params, &context)
        .err()
        .unwrap();
    assert_eq!(e.kind(), ErrorKind::Cancelled);
}

#[test]
fn the_checker_refuses_what_is_not_declared() {
    let schema = serde_json::json!({
        "type": "object", "required": ["a"],
        "properties": {"a": {"type": "integer"}, "b": {"type": "array", "items": {"type": "string"}}},
    });
    let fits = |v| fits(&schema, &v).is_ok();
    assert!(fits(serde_json::json!({"a": 1, "b": ["x"]})));
    for bad in [
        serde_json::json!({"b": []}),
        serde_json::json!({"a": "1"}),
        serde_json::json!({"a": 1, "b": [1]}),
        serde_json::json!({"a": 1, "c": 1}),
        serde_json::json!([]),
    ] {
        assert!(!fits(bad));
    }
}
