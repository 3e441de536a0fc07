//! `aifirst demo`: the whole chain on a scratch copy, with proof at the end.
#![allow(
    clippy::disallowed_methods,
    reason = "the demo makes and looks at its own copy; no workspace is reached"
)]
mod manifest;
mod scratch;
mod story;
mod targets;

use std::sync::Arc;

use crate::args;
use crate::context::Context;
use crate::exit::Exit;
use crate::out::Out;
use crate::render::progress::Progress;
use crate::report::Fail;
use scratch::Scratch;

pub(crate) fn run(args: args::Demo, context: &mut Context, out: &mut Out) -> Result<Exit, Fail> {
    context.take_signals()?;
    let from = match args.on {
        Some(folder) => {
            let folder = Context::current_folder()?.join(folder);
            if !folder.is_dir() {
                return Err(Fail::usage("--on names no folder"));
            }
            folder
        }
        None => Context::current_folder()?,
    };
    let scratch = Scratch::new(&Context::temporary_folder())
        .map_err(|e| Fail::io("no scratch folder can be made", &e))?;
    let progress = context.progress("demo");
    let told = story::tell(&scratch, &from, context, &progress, out);
    let place = scratch.project();
    let removed = scratch.remove();
    progress.stop();
    let mut story = told?;
    let gone = removed.is_ok() && !place.parent().is_some_and(std::path::Path::exists);
    story.check(
        "nothing is left behind",
        gone,
        removed.err().map(|e| e.to_string()),
    );
    story.finish(out);
    Ok(if story.held() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

/// Stops between two steps when a signal came.
fn go_on(context: &Context, _progress: &Arc<Progress>) -> Result<(), Fail> {
    if context.cancel().is_cancelled() {
        return Err(Fail::new(
            Exit::Failed,
            "cancelled",
            "the demo was stopped; nothing is left behind",
        ));
    }
    Ok(())
}
