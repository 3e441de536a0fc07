//! `aifirst ops`: the operations, and one of them with its parameters and examples.
use aifirst_runtime::{Need, Param, Registry, Spec, Type, object_schema};
use serde_json::{Value, json};

use crate::args;
use crate::escape;
use crate::exit::Exit;
use crate::out::{Out, style};
use crate::render::table::{self, Cell, wrap};
use crate::report::Fail;

pub(crate) fn run(args: &args::Ops, out: &mut Out) -> Result<Exit, Fail> {
    let specs = specs();
    match &args.operation {
        None if out.is_json() => {
            for spec in &specs {
                out.json(&document(spec));
            }
        }
        None => list(&specs, out),
        Some(name) => {
            let Some(spec) = specs.iter().find(|s| s.name == name) else {
                return Err(Fail::new(
                    Exit::Usage,
                    "no_such_operation",
                    format!("there is no operation {name:?}"),
                )
                .with_hint("`aifirst ops` lists them"));
            };
            if out.is_json() {
                out.json(&document(spec));
            } else {
                one(spec, out);
            }
        }
    }
    Ok(Exit::Done)
}

/// The tables of the operations that are built in; no workspace is needed for them.
pub(crate) fn specs() -> Vec<Spec> {
    Registry::builtin()
        .iter()
        .map(|op| op.spec().clone())
        .collect()
}

fn document(spec: &Spec) -> Value {
    let examples: Vec<Value> = spec
        .examples
        .iter()
        .map(|e| json!({"words": e.words, "params": e.params, "command": command(spec, &e.params)}))
        .collect();
    json!({
        "name": spec.name,
        "title": spec.title,
        "description": spec.description,
        "effects": spec.effects,
        "reversibility": spec.reversibility,
        "parameters": object_schema(&spec.params),
        "result": spec.result,
        "examples": examples,
    })
}

fn effects(spec: &Spec) -> String {
    let words: Vec<&str> = spec.effects.iter().map(|e| e.as_str()).collect();
    words.join(", ")
}

/// How far it can be taken back; nothing where there is nothing to take back.
fn undo(spec: &Spec) -> &'static str {
    if spec.effects.iter().any(|e| e.changes()) {
        spec.reversibility.as_str()
    } else {
        "–"
    }
}

fn first_sentence(text: &str) -> &str {
    text.split_inclusive(". ").next().unwrap_or(text).trim_end()
}

fn list(specs: &[Spec], out: &mut Out) {
    let look = out.look();
    let mut rows = vec![
        ["operation", "effects", "undo", "what it does"]
            .map(|t| Cell::styled(t, style::DIM))
            .to_vec(),
    ];
    rows.extend(specs.iter().map(|s| {
        vec![
            Cell::styled(s.name, style::STRONG),
            Cell::new(effects(s)),
            Cell::new(undo(s)),
            Cell::new(s.title),
        ]
    }));
    for line in table::lines(look.color, 0, &rows) {
        out.line(line);
    }
    if !look.quiet {
        out.line("");
        out.line(out.paint(
            style::DIM,
            "aifirst ops OP shows parameters and examples of one",
        ));
    }
}

fn one(spec: &Spec, out: &mut Out) {
    let look = out.look();
    let width = look.width.min(100);
    let head = format!(
        "{}  {}",
        out.paint(style::STRONG, spec.name),
        first_sentence(spec.title)
    );
    out.line(head);
    for line in wrap(spec.description, width.saturating_sub(2)) {
        out.line(format!("  {line}"));
    }
    out.line("");
    out.line(format!("effects     {}", effects(spec)));
    out.line(format!("undo        {}", undo(spec)));
    out.line("");
    out.line(out.paint(style::STRONG, "parameters"));
    params(&spec.params, 2, width, out);
    if !spec.examples.is_empty() {
        out.line("");
        out.line(out.paint(style::STRONG, "examples"));
        for e in &spec.examples {
            out.line(format!(
                "  {}",
                out.paint(style::DIM, &format!("# {}", e.words))
            ));
            out.line(format!("  {}", command(spec, &e.params)));
        }
    }
}

fn params(list: &[Param], indent: usize, width: usize, out: &mut Out) {
    let label = |p: &Param| {
        let mut text = p.name.to_owned();
        for alias in p.aliases {
            text.push_str(&format!(" | {alias}"));
        }
        text
    };
    let names = list
        .iter()
        .map(|p| escape::width(&label(p)))
        .max()
        .unwrap_or(0);
    let types = list
        .iter()
        .map(|p| escape::width(&kind(&p.r#type)))
        .max()
        .unwrap_or(0)
        .min(24);
    let start = indent + names + 2 + types + 2 + 9 + 2;
    for p in list {
        let need = match p.need {
            Need::Required => "required",
            Need::Optional => "optional",
        };
        let mut words = wrap(p.words, width.saturating_sub(start).max(24)).into_iter();
        let name = label(p);
        let kind = kind(&p.r#type);
        let line = format!(
            "{}{}{}  {kind:<types$}  {need:<9}  {}",
            " ".repeat(indent),
            out.paint(style::NAME, &name),
            " ".repeat(names.saturating_sub(escape::width(&name))),
            words.next().unwrap_or_default(),
        );
        out.line(line.trim_end());
        for more in words {
            out.line(format!("{}{more}", " ".repeat(start)));
        }
        if let Type::Objects(fields) = &p.r#type {
            params(fields, indent + 4, width, out);
        }
    }
}

fn kind(t: &Type) -> String {
    match t {
        Type::Text => "text".to_owned(),
        Type::Choice(words) => words.join(" | "),
        Type::Integer { min } => format!("integer ≥ {min}"),
        Type::Boolean => "true | false".to_owned(),
        Type::Objects(_) => "list of".to_owned(),
        Type::Texts => "list of text".to_owned(),
        _ => "JSON".to_owned(),
    }
}

/// The line that calls it so, as a shell takes it (lesson H9).
pub(crate) fn command(spec: &Spec, params: &Value) -> String {
    let plain = params.as_object().and_then(|map| {
        map.iter()
            .map(|(key, v)| {
                let text = match v {
                    // A line end in a word would break the printed line.
                    Value::String(s) if s.chars().any(char::is_control) => return None,
                    Value::String(s) => s.clone(),
                    other => escape::json(&other.to_string()),
                };
                Some(escape::shell(&format!("{key}={text}")))
            })
            .collect::<Option<Vec<String>>>()
    });
    match plain {
        Some(words) if words.is_empty() => format!("aifirst call {}", spec.name),
        Some(words) => format!("aifirst call {} {}", spec.name, words.join(" ")),
        None => format!(
            "aifirst call {} --params {}",
            spec.name,
            escape::shell(&escape::json(&params.to_string()))
        ),
    }
}
