//! `aifirst log`: what happened, one line per operation.
use aifirst_runtime::{LogFilter, LogWhat, SystemEnv, rfc3339};

use crate::args;
use crate::context::Context;
use crate::exit::Exit;
use crate::out::{Out, say};
use crate::render::log::Columns;
use crate::report::Fail;

/// How many entries a terminal gets when nobody said.
const SCREEN: usize = 50;

pub(crate) fn run(args: args::Log, context: &Context, out: &mut Out) -> Result<Exit, Fail> {
    let look = out.look();
    let limit = match args.limit {
        Some(0) => None,
        Some(n) => Some(n),
        None if look.terminal && !out.is_json() => Some(SCREEN),
        None => None,
    };
    let mut filter = LogFilter::default();
    filter.path = args.path;
    filter.session = context.globals.session.clone();
    filter.what = if args.changes {
        LogWhat::Changes
    } else {
        LogWhat::All
    };
    filter.limit = limit;
    let entries = context.records()?.log(&filter)?;
    if out.is_json() {
        for entry in &entries {
            out.json(entry);
        }
        return Ok(Exit::Done);
    }
    if entries.is_empty() && !look.quiet {
        say("nothing of that kind was recorded");
    }
    let now = rfc3339(SystemEnv::shared().now_us());
    let columns = Columns::of(look, &entries, &now);
    for entry in &entries {
        out.line(columns.line(out, entry));
    }
    if args.limit.is_none() && limit == Some(entries.len()) && !look.quiet {
        out.flush();
        say(&format!(
            "the newest {SCREEN}; `aifirst log -n 0` shows all"
        ));
    }
    Ok(Exit::Done)
}
