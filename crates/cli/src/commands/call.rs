//! `aifirst call`: one operation.
use std::io::Read as _;
use std::os::fd::AsFd as _;

use aifirst_runtime::{Call, Diff, Outcome, PathView, Receipt, Run, from_words};
use serde_json::Value;

use crate::args;
use crate::commands::ops::specs;
use crate::context::Context;
use crate::escape;
use crate::exit::Exit;
use crate::out::{Out, say, style};
use crate::render::{self, diff, plural, table, table::Cell};
use crate::report::Fail;
use crate::signal::{Ready, wait_readable};

/// The largest JSON taken from stdin, in bytes.
const LARGEST: u64 = 64 << 20;

pub(crate) fn run(args: args::Call, context: &mut Context, out: &mut Out) -> Result<Exit, Fail> {
    context.take_signals()?;
    let params = params(&args, context)?;
    let progress = context.progress(&args.operation);
    let runtime = context.open(context.confirm(&progress))?;
    let mut call = Call::new(args.operation, params);
    call.run = if args.dry_run { Run::DryRun } else { Run::Do };
    call.reason = args.reason;
    let result = runtime.call(&call, &context.cancel());
    progress.stop();
    let receipt = result?;
    if out.is_json() {
        out.json(&receipt);
    } else {
        human(&receipt, out);
    }
    Ok(Exit::Done)
}

fn params(args: &args::Call, context: &Context) -> Result<Value, Fail> {
    let Some(text) = &args.params else {
        let mut words = Vec::new();
        for word in &args.words {
            // The word itself stays out of the message: it may be a secret.
            let (key, value) = word
                .split_once('=')
                .filter(|(k, _)| !k.is_empty())
                .ok_or_else(|| {
                    Fail::usage("a parameter is not written as key=value")
                        .with_hint("quote values with blanks: content='two words'")
                })?;
            words.push((key.to_owned(), value.to_owned()));
        }
        let specs = specs();
        let known = specs.iter().find(|s| s.name == args.operation);
        return Ok(from_words(
            known.map_or(&[][..], |s| s.params.as_slice()),
            &words,
        )?);
    };
    let from_stdin;
    let text = if text == "-" {
        from_stdin = stdin(context)?;
        &from_stdin
    } else {
        text
    };
    serde_json::from_str(text).map_err(|e| {
        // serde's own sentence may quote what it read.
        Fail::usage(format!(
            "the parameters are not JSON (line {}, column {})",
            e.line(),
            e.column()
        ))
        .with_hint("give one object: --params '{\"path\":\"notes.txt\"}'")
    })
}

/// Reads stdin to its end, unless a signal comes first.
fn stdin(context: &Context) -> Result<String, Fail> {
    let fail = |e: std::io::Error| Fail::io("stdin cannot be read", &e);
    let mut stdin = std::io::stdin().lock();
    let mut bytes = Vec::new();
    let mut chunk = vec![0u8; 64 << 10];
    loop {
        if wait_readable(stdin.as_fd(), context.signals()).map_err(fail)? == Ready::Signal {
            return Err(Fail::new(
                Exit::Failed,
                "cancelled",
                "the call was cancelled; nothing changed",
            ));
        }
        match stdin.read(&mut chunk).map_err(fail)? {
            0 => break,
            n => bytes.extend_from_slice(chunk.get(..n).unwrap_or_default()),
        }
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LARGEST {
            return Err(Fail::usage(format!(
                "the parameters are larger than {}",
                render::bytes(LARGEST)
            )));
        }
    }
    String::from_utf8(bytes).map_err(|_| Fail::usage("the parameters are not UTF-8"))
}

fn human(r: &Receipt, out: &mut Out) {
    let look = out.look();
    match r.outcome {
        Outcome::Planned => plan(r, out),
        _ if r.targets.iter().any(|t| t.effect.changes()) || r.outcome == Outcome::Unchanged => {
            changed(r, out);
        }
        _ => value(&r.result, out),
    }
    if !look.quiet {
        // Notes go where they do not mix with contents.
        for note in &r.notes {
            say(&format!("note: {}", escape::line(note)));
        }
    }
}

/// What a change did: one line a target, and how to take it back.
fn changed(r: &Receipt, out: &mut Out) {
    let look = out.look();
    let mut head = out.paint(style::STRONG, &escape::line(&r.operation));
    head.push_str("  ");
    head.push_str(&match r.outcome {
        Outcome::Unchanged => out.paint(style::DIM, "unchanged: it was so already"),
        _ => out.paint(style::GOOD, "done"),
    });
    if let Some(seq) = r.seq {
        head.push_str("  ");
        head.push_str(&out.paint(style::NAME, &format!("@{seq}")));
    }
    if look.verbose {
        head.push_str(&format!("  {}", r.id));
    }
    out.line(head);
    targets(r, out);
    if r.outcome == Outcome::Done && !look.quiet {
        let line = match (r.undoable, r.seq) {
            (true, Some(seq)) => format!("undo: aifirst undo @{seq}"),
            (true, None) => "undo: aifirst undo".to_owned(),
            (false, _) => "this cannot be undone".to_owned(),
        };
        out.line(format!("  {}", out.paint(style::DIM, &line)));
    }
}

fn targets(r: &Receipt, out: &mut Out) {
    let look = out.look();
    for t in &r.targets {
        let mut line =
            format!("  {}  ", out.paint(style::DIM, &format!("{:<8}", t.effect))).into_bytes();
        line.extend(render::name(look, &t.path));
        if t.entries > 1 {
            line.extend(
                format!(
                    "  ({}, {})",
                    plural(t.entries, "entry", "entries"),
                    render::bytes(t.bytes)
                )
                .into_bytes(),
            );
        }
        if let Some(spelled) = &t.spelled {
            line.extend(format!("  (given as {})", escape::line(spelled)).into_bytes());
        }
        out.line(line);
    }
}

/// What a dry run would do.
fn plan(r: &Receipt, out: &mut Out) {
    let head = format!(
        "{}  {}",
        out.paint(style::STRONG, &escape::line(&r.operation)),
        out.paint(style::ODD, "only planned, nothing changed")
    );
    out.line(head);
    targets(r, out);
    let mut decision = r.decision.verdict.clone();
    if let Some(rule) = &r.decision.rule {
        decision.push_str(&format!(" (by {} {:?})", r.decision.source, rule));
    } else {
        decision.push_str(&format!(" (by {})", r.decision.source));
    }
    let rows = [
        ("policy", escape::line(&decision)),
        (
            "undoable",
            if r.undoable { "yes, exactly" } else { "no" }.to_owned(),
        ),
    ];
    for (name, text) in rows {
        out.line(format!(
            "  {}  {text}",
            out.paint(style::DIM, &format!("{name:<8}"))
        ));
    }
    match &r.diff {
        Some(Diff::Unified(text)) => diff::write(out, text),
        Some(Diff::Opaque(why)) => out.line(format!("  {}", escape::line(why))),
        None => {}
    }
}

/// A result for people: contents as they are, lists as tables, the rest as names and values.
fn value(result: &Value, out: &mut Out) {
    let look = out.look();
    let Some(map) = result.as_object() else {
        out.line(escape::json(&result.to_string()));
        return;
    };
    if let Some(text) = map.get("content").and_then(Value::as_str) {
        let shown = render::block(look, text);
        out.bytes(shown.as_bytes());
        if look.terminal && !shown.is_empty() && !shown.ends_with('\n') {
            out.bytes(b"\n");
        }
        if map.get("truncated").and_then(Value::as_bool) == Some(true) && !look.quiet {
            say("note: this is not all of it");
        }
        return;
    }
    let lists: Vec<&Vec<Value>> = map
        .values()
        .filter_map(Value::as_array)
        .filter(|list| !list.is_empty() && list.iter().all(Value::is_object))
        .collect();
    for list in &lists {
        entries(list, out);
    }
    let cut = map.get("truncated").and_then(Value::as_bool) == Some(true);
    if cut && !look.quiet {
        say("note: this is not all of it");
    }
    if !lists.is_empty() && !look.verbose {
        // What stands beside a list counts it; who wants to know asks for more.
        return;
    }
    let rows: Vec<Vec<Cell>> = map
        .iter()
        .filter(|(_, v)| !v.is_null() && !v.as_array().is_some_and(|l| lists.contains(&l)))
        .map(|(key, v)| {
            vec![
                Cell::styled(escape::line(key), style::DIM),
                Cell::new(plain(v)),
            ]
        })
        .collect();
    for line in table::lines(look.color, 0, &rows) {
        out.line(line);
    }
}

fn plain(v: &Value) -> String {
    match v {
        Value::String(text) => escape::line(text),
        other => escape::json(&other.to_string()),
    }
}

/// A list of objects: one row each, its name last.
fn entries(list: &[Value], out: &mut Out) {
    const NAMES: [&str; 3] = ["name", "path", "path_b64"];
    let look = out.look();
    let maps: Vec<&serde_json::Map<String, Value>> =
        list.iter().filter_map(Value::as_object).collect();
    let mut keys: Vec<&String> = Vec::new();
    for key in maps.iter().flat_map(|m| m.keys()) {
        if !NAMES.contains(&key.as_str()) && !keys.contains(&key) {
            keys.push(key);
        }
    }
    let rows: Vec<Vec<Cell>> = maps
        .iter()
        .map(|map| {
            keys.iter()
                .map(|k| {
                    let text = match map.get(*k) {
                        None | Some(Value::Null) => String::new(),
                        Some(v) if k.as_str() == "size" => {
                            v.as_u64().map_or_else(|| plain(v), render::bytes)
                        }
                        Some(v) => plain(v),
                    };
                    Cell::styled(text, style::DIM)
                })
                .collect()
        })
        .collect();
    for (map, head) in maps.iter().zip(table::heads(look.color, &rows)) {
        let mut line = head.into_bytes();
        let text = |key: &str| map.get(key).and_then(Value::as_str).map(str::to_owned);
        let named = text("name").or_else(|| text("path"));
        let view = match (named, text("path_b64")) {
            (Some(path), _) => Some(PathView::Text { path }),
            (None, Some(path_b64)) => Some(PathView::Bytes { path_b64 }),
            (None, None) => None,
        };
        if let Some(view) = view {
            line.extend(render::name(look, &view));
        }
        out.line(line);
    }
}
