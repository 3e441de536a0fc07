//! `aifirst diff`: what an operation changed.
use aifirst_runtime::{DiffView, Reference};

use crate::args;
use crate::commands::reference;
use crate::context::Context;
use crate::escape;
use crate::exit::Exit;
use crate::out::{Out, say, style};
use crate::render::{diff, name};
use crate::report::Fail;

pub(crate) fn run(args: &args::Diff, context: &Context, out: &mut Out) -> Result<Exit, Fail> {
    let reference = match &args.id {
        Some(text) => reference(text)?,
        None => Reference::Last,
    };
    let view = context.records()?.diff(&reference)?;
    if out.is_json() {
        out.json(&view);
    } else {
        human(&view, out);
    }
    Ok(Exit::Done)
}

fn human(view: &DiffView, out: &mut Out) {
    let look = out.look();
    if view.files.is_empty() && !look.quiet {
        say("nothing changed");
    }
    for file in &view.files {
        match &file.diff {
            Some(text) => diff::write(out, text),
            None => {
                let mut line = out
                    .paint(style::STRONG, &escape::line(&file.action))
                    .into_bytes();
                line.extend(b" ");
                line.extend(name(look, &file.path));
                out.line(line);
            }
        }
        if let Some(note) = &file.note {
            out.line(format!("  {}", out.paint(style::DIM, &escape::line(note))));
        }
    }
}
