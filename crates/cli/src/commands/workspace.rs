//! `aifirst workspace`: make, list and forget workspaces.
use aifirst_runtime::{Answer, Foreign, Forgotten, WorkspaceView};

use crate::args;
use crate::context::Context;
use crate::escape;
use crate::exit::Exit;
use crate::out::{Out, paint, say, style};
use crate::render::table::{self, Cell};
use crate::render::{bytes, plural};
use crate::report::Fail;

pub(crate) fn run(
    args: args::Workspace,
    context: &mut Context,
    out: &mut Out,
) -> Result<Exit, Fail> {
    match args {
        args::Workspace::Init { foreign_owner } => init(foreign_owner, context, out),
        args::Workspace::List => list(context, out),
        args::Workspace::Forget { which, dry_run } => forget(&which, dry_run, context, out),
    }
}

fn init(foreign_owner: bool, context: &mut Context, out: &mut Out) -> Result<Exit, Fail> {
    context.take_signals()?;
    let mut settings = context.settings(None)?;
    if foreign_owner {
        settings.foreign = Foreign::Accept;
    }
    let made = aifirst_runtime::init(&settings)?;
    if out.is_json() {
        out.json(&made);
    } else {
        let word = if made.new {
            "new workspace"
        } else {
            "known workspace"
        };
        let line = format!(
            "{}  {}  {}",
            out.paint(style::GOOD, word),
            escape::line(&made.workspace.root),
            out.paint(style::DIM, &escape::line(&made.workspace.id))
        );
        out.line(line);
    }
    Ok(Exit::Done)
}

fn list(context: &Context, out: &mut Out) -> Result<Exit, Fail> {
    let views = aifirst_runtime::list(&context.settings(None)?)?;
    if out.is_json() {
        for view in &views {
            out.json(view);
        }
        return Ok(Exit::Done);
    }
    if views.is_empty() && !out.look().quiet {
        say("no workspace is known yet; the first operation makes one");
    }
    let rows: Vec<Vec<Cell>> = views.iter().map(row).collect();
    for line in table::lines(out.look().color, 0, &rows) {
        out.line(line);
    }
    Ok(Exit::Done)
}

fn row(view: &WorkspaceView) -> Vec<Cell> {
    let style = if view.state == "ok" {
        style::GOOD
    } else {
        style::ODD
    };
    vec![
        Cell::styled(escape::line(&view.id), style::NAME),
        Cell::styled(escape::line(&view.state), style),
        Cell::new(plural(view.events, "event", "events")),
        Cell::new(bytes(view.bytes)),
        Cell::new(escape::line(&view.root)),
    ]
}

fn forget(which: &str, dry_run: bool, context: &mut Context, out: &mut Out) -> Result<Exit, Fail> {
    context.take_signals()?;
    let settings = context.settings(None)?;
    let plan = aifirst_runtime::forget_plan(&settings, which)?;
    if dry_run {
        tell(&plan, "would delete", out);
        return Ok(Exit::Done);
    }
    if !context.globals.yes {
        ask(&plan, context)?;
    }
    let forgotten = aifirst_runtime::forget(&settings, &plan.id)?;
    tell(&forgotten, "deleted", out);
    Ok(Exit::Done)
}

fn ask(plan: &Forgotten, context: &Context) -> Result<(), Fail> {
    let color = context.look.color_err;
    let mut lines = vec![format!(
        "{} {}",
        paint(color, style::ODD, "aifirst asks:"),
        paint(color, style::STRONG, "forget a workspace")
    )];
    lines.push(format!("  folder    {}", escape::line(&plan.root)));
    lines.push(format!(
        "  deletes   its log, its journal and {} kept for undo ({})",
        plural(plan.objects, "object", "objects"),
        bytes(plan.bytes)
    ));
    for path in &plan.folders {
        lines.push(format!("            {}", escape::line(path)));
    }
    lines.push(format!(
        "  undoable  {}",
        paint(
            color,
            style::BAD,
            "NO: nothing of it can be undone or shown afterwards"
        )
    ));
    lines.push("  the folder itself stays as it is".to_owned());
    let progress = context.progress("forget");
    let answer = context.terminal(&progress).ask(&lines, "Forget it?");
    progress.stop();
    match answer {
        Answer::Yes { .. } => Ok(()),
        Answer::No { .. } => Err(Fail::new(Exit::Denied, "denied", "the answer was no")),
        Answer::NotAvailable { why } => Err(Fail::new(
            Exit::Denied,
            "nobody_to_ask",
            format!("nobody could be asked: {why}"),
        )
        .with_hint("--yes answers it; --dry-run only says what would be deleted")),
    }
}

fn tell(f: &Forgotten, done: &str, out: &mut Out) {
    if out.is_json() {
        out.json(f);
        return;
    }
    let line = format!(
        "{}  workspace {}  {}",
        out.paint(style::ODD, done),
        escape::line(&f.id),
        escape::line(&f.root)
    );
    out.line(line);
    for path in &f.folders {
        out.line(format!("  {}", escape::line(path)));
    }
}
