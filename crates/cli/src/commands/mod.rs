//! The commands, one a file: each opens what it needs, calls the runtime once, and renders.
mod call;
mod diff;
mod doctor;
mod log;
mod ops;
mod restore;
mod show;
mod status;
mod verify;
mod workspace;

use std::str::FromStr as _;

use aifirst_runtime::Reference;

use crate::args::Command;
use crate::context::Context;
use crate::demo;
use crate::exit::Exit;
use crate::out::Out;
use crate::report::Fail;

/// Runs a command.
pub(crate) fn run(command: Command, context: &mut Context, out: &mut Out) -> Result<Exit, Fail> {
    match command {
        Command::Call(args) => call::run(args, context, out),
        Command::Ops(args) => ops::run(&args, out),
        Command::Log(args) => log::run(args, context, out),
        Command::Show(args) => show::run(&args, context, out),
        Command::Diff(args) => diff::run(&args, context, out),
        Command::Undo(args) => restore::run(restore::Direction::Undo, &args, context, out),
        Command::Redo(args) => restore::run(restore::Direction::Redo, &args, context, out),
        Command::Status => status::run(context, out),
        Command::Verify => verify::run(context, out),
        Command::Workspace(args) => workspace::run(args, context, out),
        Command::Doctor => doctor::run(context, out),
        Command::Demo(args) => demo::run(args, context, out),
    }
}

/// What a person typed to name an entry.
fn reference(text: &str) -> Result<Reference, Fail> {
    Ok(Reference::from_str(text)?)
}
