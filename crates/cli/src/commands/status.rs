//! `aifirst status`: the workspace at a glance.
use aifirst_runtime::{LogEntry, Status};

use crate::context::Context;
use crate::escape;
use crate::exit::Exit;
use crate::out::{Out, style};
use crate::render::log::title;
use crate::render::{bytes, name, plural};
use crate::report::Fail;

/// How many of the operations that can be undone are shown.
const SHOWN: usize = 5;

pub(crate) fn run(context: &Context, out: &mut Out) -> Result<Exit, Fail> {
    let status = context.records()?.status()?;
    if out.is_json() {
        out.json(&status);
    } else {
        human(&status, out);
    }
    Ok(Exit::Done)
}

fn fact(out: &mut Out, key: &str, value: &str) {
    let key = out.paint(style::DIM, &format!("{key:<9}"));
    out.line(format!("{key}  {value}").trim_end());
}

fn entry(out: &mut Out, e: &LogEntry, more: &str) {
    let look = out.look();
    let mut line = format!(
        "{:11}{}  {}  ",
        "",
        out.paint(style::NAME, &format!("@{}", e.seq)),
        title(e)
    )
    .into_bytes();
    for (i, path) in e.paths.iter().take(3).enumerate() {
        if i > 0 {
            line.extend(b"  ");
        }
        line.extend(name(look, path));
    }
    if e.paths.len() > 3 {
        line.extend(format!("  +{}", e.paths.len() - 3).into_bytes());
    }
    line.extend(more.as_bytes());
    out.line(line);
}

fn human(s: &Status, out: &mut Out) {
    fact(out, "workspace", &escape::line(&s.root));
    fact(out, "id", &escape::line(&s.workspace));
    fact(out, "state", &escape::line(&s.state));
    fact(out, "log", &plural(s.events, "event", "events"));
    if s.undoable_count == 0 {
        fact(out, "undo", "nothing to undo");
    } else {
        let text = format!(
            "{} can be undone; `aifirst undo` takes the first",
            plural(s.undoable_count, "operation", "operations")
        );
        fact(out, "undo", &text);
        for e in s.undoable.iter().take(SHOWN) {
            entry(out, e, "");
        }
        let left = s
            .undoable_count
            .saturating_sub(u64::try_from(s.undoable.len().min(SHOWN)).unwrap_or(0));
        if left > 0 {
            out.line(format!("{:11}and {left} before", ""));
        }
    }
    if let Some(id) = s.redoable {
        fact(out, "redo", &format!("`aifirst redo` takes {id}"));
    }
    if !s.open.is_empty() {
        let ids: Vec<String> = s.open.iter().map(ToString::to_string).collect();
        let text = format!(
            "{} (a crash left them; the next change recovers them)",
            ids.join(", ")
        );
        fact(out, "open", &out.paint(style::ODD, &text));
    }
    if !s.attention.is_empty() {
        fact(
            out,
            "attention",
            &out.paint(style::BAD, "these need a person:"),
        );
        for e in &s.attention {
            let more = format!("  {}", escape::line(&e.outcome));
            entry(out, e, &more);
        }
    }
    let place = match s.store.placement.as_str() {
        "state" => "in the state folder",
        "sibling" => "beside the workspace",
        other => other,
    };
    if !s.store.usable {
        let text = "cannot be used, so nothing can be undone; `aifirst doctor` says why";
        fact(out, "store", &out.paint(style::BAD, text));
        return;
    }
    let text = format!(
        "{} in {}, {}",
        bytes(s.store.bytes),
        plural(s.store.objects, "object", "objects"),
        escape::line(place)
    );
    fact(out, "store", &text);
}
