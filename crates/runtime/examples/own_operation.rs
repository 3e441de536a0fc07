//! A person's own operation: planned in forty lines, recorded and undone like every other.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "an example makes its own folders and prints what it shows"
)]

use std::error::Error as StdError;
use std::sync::Arc;

use aifirst_runtime::{
    Call, Cancel, Context, Effect, Error, Example, Operation, Param, Plan, RestoreRequest, Result,
    Reversibility, Runtime, Select, Settings, Spec, Target, Type,
};
use aifirst_sandbox::Leaf;
use aifirst_undo::{Change, ChangeSet, Source};
use serde_json::{Value, json};

/// Sorts the lines of a file. It only says what shall be; the engine writes, keeps and undoes.
struct SortLines(Spec);

impl SortLines {
    fn new() -> Self {
        Self(Spec {
            name: "sort_lines",
            title: "Sort lines",
            description: "Sorts the lines of a text file. Undo restores it. It does not ask.",
            params: vec![Param::required("path", Type::Text, "The file.")],
            result: json!({
                "type": "object",
                "properties": {"lines": {"type": "integer"}},
                "required": ["lines"],
            }),
            effects: &[Effect::Modify],
            reversibility: Reversibility::Exact,
            examples: vec![Example {
                words: "sort a list",
                params: json!({"path": "names.txt"}),
            }],
        })
    }
}

impl Operation for SortLines {
    fn spec(&self) -> &Spec {
        &self.0
    }

    fn plan(&self, params: &Value, context: &Context<'_>) -> Result<Plan> {
        let spelled = params["path"].as_str().unwrap_or_default();
        let refused = |e: aifirst_sandbox::Error| {
            Error::failed(e.to_string())
                .with_code(e.code())
                .with_path(spelled)
        };
        // The guard takes the words to a file inside, and opens it; no path is ever put together.
        let (path, _) = context.existing(spelled, Leaf::Follow)?;
        let file = context.workspace().open_file(&path).map_err(refused)?;
        let old = file.read_to_vec(context.limits().text).map_err(refused)?;
        let mut lines: Vec<&[u8]> = old.split_inclusive(|byte| *byte == b'\n').collect();
        lines.sort_unstable();

        let expect = file.stat().clone();
        let target = Target::one(Effect::Modify, spelled, path.clone(), Some(expect.clone()));
        let summary = format!("sort the {} lines of \"{path}\"", lines.len());
        let mut set = ChangeSet::new();
        if lines.concat() != old {
            set.push(Change::Replace {
                path,
                expect,
                content: Source::Bytes(lines.concat()),
            })?;
        }
        let result = json!({"lines": lines.len()});
        Ok(Plan::change(summary, vec![target], set, result))
    }
}

fn main() -> std::result::Result<(), Box<dyn StdError>> {
    let dir = tempfile::tempdir()?;
    let project = dir.path().join("project");
    let names = project.join("names.txt");
    std::fs::create_dir(&project)?;
    std::fs::write(&names, "Wren\nAsh\nLinden\n")?;

    let mut settings = Settings::new(&project);
    settings.workspace = Some(project);
    settings.state = Some(dir.path().join("state"));
    let mut runtime = Runtime::open(settings)?;
    runtime.register(Arc::new(SortLines::new()))?;

    let call = Call::new("sort_lines", json!({"path": "names.txt"}));
    let receipt = runtime.call(&call, &Cancel::new())?;
    println!("{} gave {}", receipt.operation, receipt.result);
    print!("{}", std::fs::read_to_string(&names)?);

    runtime.undo(&RestoreRequest::new(Select::Last), &Cancel::new())?;
    println!("undone:");
    print!("{}", std::fs::read_to_string(&names)?);
    Ok(())
}
