//! `aifirst undo` and `aifirst redo`: says what it took back, path by path (lesson D11).
use aifirst_runtime::{
    Cancel, Error, ErrorKind, OnConflict, RestoreRequest, Restored, Run, Runtime, Select,
};

use crate::args;
use crate::commands::reference;
use crate::context::Context;
use crate::escape;
use crate::exit::Exit;
use crate::out::{Out, say, style};
use crate::render::{name, plural};
use crate::report::Fail;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Undo,
    Redo,
}

pub(crate) fn run(
    direction: Direction,
    args: &args::Restore,
    context: &mut Context,
    out: &mut Out,
) -> Result<Exit, Fail> {
    context.take_signals()?;
    let mut request = RestoreRequest::new(select(args, context)?);
    request.on_conflict = on_conflict(&args.choice);
    request.run = if args.dry_run { Run::DryRun } else { Run::Do };
    let word = match direction {
        Direction::Undo => "undo",
        Direction::Redo => "redo",
    };
    let progress = context.progress(word);
    let runtime = context.open_to_restore(context.confirm(&progress))?;
    let result = take(direction, &runtime, &request, &context.cancel());
    progress.stop();
    let restored = result.map_err(|e| conflicts(e, direction, &runtime, request, context))?;
    if out.is_json() {
        out.json(&restored);
    } else {
        human(&restored, out);
    }
    Ok(Exit::Done)
}

fn take(
    direction: Direction,
    runtime: &Runtime,
    request: &RestoreRequest,
    cancel: &Cancel,
) -> Result<Restored, Error> {
    match direction {
        Direction::Undo => runtime.undo(request, cancel),
        Direction::Redo => runtime.redo(request, cancel),
    }
}

fn select(args: &args::Restore, context: &Context) -> Result<Select, Fail> {
    let session = context.globals.session.as_ref();
    match (&args.id, &args.to, &args.path, session) {
        (None, None, None, None) => Ok(Select::Last),
        (Some(id), None, None, None) => Ok(Select::One(reference(id)?)),
        (None, Some(to), None, None) => Ok(Select::To(reference(to)?)),
        (None, None, Some(path), None) => Ok(Select::Path(path.clone())),
        (None, None, None, Some(session)) => Ok(Select::Session(session.clone())),
        _ => Err(
            Fail::usage("--session chooses whose operations are taken: it stands alone")
                .with_hint("AIFIRST_SESSION names the session that this command belongs to"),
        ),
    }
}

fn on_conflict(choice: &args::Choice) -> OnConflict {
    if choice.keep_mine {
        OnConflict::KeepMine
    } else if choice.beside {
        OnConflict::Beside
    } else if choice.force {
        OnConflict::Force
    } else {
        OnConflict::Refuse
    }
}

/// A conflict's report names the paths and the choices; the choice is a person's.
fn conflicts(
    e: Error,
    direction: Direction,
    runtime: &Runtime,
    mut request: RestoreRequest,
    context: &Context,
) -> Fail {
    let conflict = e.kind() == ErrorKind::Conflict;
    let mut fail = Fail::from(e);
    if !conflict {
        return fail;
    }
    if fail.hint.is_none() {
        fail.hint = Some(
            "--keep-mine leaves what was changed since, --beside puts the recorded version next \
             to it, --force takes the recorded version"
                .to_owned(),
        );
    }
    request.run = Run::DryRun;
    let plan = take(direction, runtime, &request, &context.cancel());
    for path in plan
        .iter()
        .flat_map(|p| &p.operations)
        .flat_map(|o| &o.paths)
    {
        if let Some(why) = &path.conflict {
            let shown = escape::path(&path.path);
            // The message names the first ones.
            if !fail.message.contains(&format!("{shown} ({why})")) {
                fail.causes.push(format!("{shown}: {why}"));
            }
        }
    }
    fail
}

fn human(r: &Restored, out: &mut Out) {
    let look = out.look();
    if r.operations.is_empty() && !look.quiet {
        say(&format!("nothing to {}", escape::line(&r.direction)));
    }
    let done = match (r.direction.as_str(), r.dry_run) {
        ("redo", true) => "would redo",
        ("redo", false) => "redone",
        (_, true) => "would undo",
        (_, false) => "undone",
    };
    for op in &r.operations {
        let mut head = format!(
            "{}  {}  {}",
            out.paint(if r.dry_run { style::ODD } else { style::GOOD }, done),
            out.paint(style::STRONG, &escape::line(&op.operation)),
            out.paint(style::NAME, &format!("@{} {}", op.target_seq, op.target)),
        );
        if let Some(seq) = op.seq {
            head.push_str(&out.paint(style::DIM, &format!("  as @{seq}")));
        }
        out.line(head);
        for p in &op.paths {
            let mut line = format!("  {:<10}  ", escape::line(&p.action)).into_bytes();
            line.extend(name(look, &p.path));
            if let Some(beside) = &p.beside {
                line.extend(format!("  recorded version at {}", escape::line(beside)).into_bytes());
            }
            if let Some(why) = &p.conflict {
                let why = format!("  conflict: {}", escape::line(why));
                line.extend(out.paint(style::BAD, &why).into_bytes());
            }
            out.line(line);
        }
    }
    if r.operations.len() > 1 {
        let n = u64::try_from(r.operations.len()).unwrap_or(u64::MAX);
        out.line(format!("{done}: {}", plural(n, "operation", "operations")));
    }
}
