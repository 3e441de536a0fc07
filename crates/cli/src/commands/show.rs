//! `aifirst show`: one entry whole.
use aifirst_runtime::{LogEntry, ShowEntry};

use crate::args;
use crate::commands::reference;
use crate::context::Context;
use crate::escape;
use crate::exit::Exit;
use crate::out::{Out, style};
use crate::render::log::title;
use crate::render::name;
use crate::report::Fail;

pub(crate) fn run(args: &args::Show, context: &Context, out: &mut Out) -> Result<Exit, Fail> {
    let reference = reference(&args.id)?;
    let entry = context.records()?.show(&reference)?;
    if out.is_json() {
        out.json(&entry);
    } else {
        human(&entry, out);
    }
    Ok(Exit::Done)
}

fn fact(out: &mut Out, key: &str, value: impl AsRef<[u8]>) {
    let mut line = out.paint(style::DIM, &format!("{key:<9}")).into_bytes();
    line.extend(b"  ");
    line.extend(value.as_ref());
    out.line(line);
}

fn head(e: &LogEntry, out: &mut Out) {
    let look = out.look();
    let mut text = format!(
        "{}  {}  {}",
        out.paint(style::STRONG, &title(e)),
        out.paint(style::NAME, &format!("@{}", e.seq)),
        escape::line(&e.outcome)
    );
    if let Some(error) = &e.error {
        text.push_str(&format!(
            "  {}",
            out.paint(style::BAD, &escape::line(error))
        ));
    }
    out.line(text);
    if let Some(id) = e.id {
        fact(out, "id", id.to_string());
    }
    fact(out, "time", escape::line(&e.time));
    if let Some(summary) = &e.summary {
        fact(out, "what", escape::line(summary));
    }
    for (i, path) in e.paths.iter().enumerate() {
        fact(out, if i == 0 { "paths" } else { "" }, name(look, path));
    }
    // The genesis is nobody's.
    if !e.client.is_empty() {
        let by = format!(
            "{} in session {}",
            escape::line(&e.client),
            escape::line(&e.session)
        );
        fact(out, "by", by);
    }
    if let Some(d) = &e.decision {
        let mut text = format!("{} by {}", d.verdict, d.source);
        if let Some(rule) = &d.rule {
            text.push_str(&format!(" {rule:?}"));
        }
        if let Some(by) = &d.by {
            text.push_str(&format!(", answered by {by}"));
        }
        fact(out, "decision", escape::line(&text));
    }
    for (i, id) in e.targets.iter().enumerate() {
        fact(out, if i == 0 { "about" } else { "" }, id.to_string());
    }
    if let Some(by) = &e.undone_by {
        let text = format!(
            "undone by @{} ({}) at {}",
            by.seq,
            escape::line(&by.client),
            escape::line(&by.time)
        );
        fact(out, "since", out.paint(style::ODD, &text));
    } else if e.undoable {
        fact(out, "undo", format!("aifirst undo @{}", e.seq));
    }
}

fn human(show: &ShowEntry, out: &mut Out) {
    let look = out.look();
    head(&show.entry, out);
    if !show.changes.is_empty() {
        out.line("");
        out.line(out.paint(style::STRONG, "changes"));
        for c in &show.changes {
            let mut line = format!("  {:<12}  ", escape::line(&c.action)).into_bytes();
            line.extend(name(look, &c.path));
            if let Some(to) = &c.to {
                line.extend(" → ".as_bytes());
                line.extend(name(look, to));
            }
            line.extend(
                format!("  {}", out.paint(style::DIM, &escape::line(&c.status))).into_bytes(),
            );
            out.line(line);
        }
    }
    for e in &show.events {
        out.line("");
        let mut text = out.paint(style::STRONG, &format!("event @{}", e.seq));
        text.push_str(&out.paint(style::DIM, &format!("  leaf {}", e.leaf)));
        out.line(text);
        json(out, &e.event);
        if let Some(body) = &e.body {
            out.line(out.paint(style::DIM, "  body"));
            json(out, body);
        }
    }
}

fn json(out: &mut Out, value: &serde_json::Value) {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    for line in escape::json(&text).lines() {
        out.line(format!("  {line}"));
    }
}
