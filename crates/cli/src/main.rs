//! The command `aifirst`: parses, opens a runtime, calls it once, and tells what came of it.
#![forbid(unsafe_code)]

mod exit;
mod escape;
mod report;
mod args;
mod out;
mod signal;
mod render;
mod prompt;
mod context;
mod demo;
mod commands;

use std::ffi::OsString;
use std::process::ExitCode;

use serde_json::json;

fn main() -> ExitCode {
    #[allow(clippy::disallowed_methods, reason = "the arguments come in here")]
    let args: Vec<OsString> = std::env::args_os().collect();
    out::keep_panics_quiet();
    ExitCode::from(run(&args).code())
}

fn run(args: &[OsString]) -> exit::Exit {
    let cli = match args::parse(args) {
        Ok(cli) => cli,
        Err(e) => return refuse(&e, args::wants_json(args)),
    };
    let look = context::look_of(&cli.globals);
    let mut out = out::Out::new(look);
    let mut context = context::Context::new(cli.globals, look);
    let exit = match commands::run(cli.command, &mut context, &mut out) {
        Ok(exit) => context.exit(exit),
        Err(mut fail) => {
            fail.exit = context.exit(fail.exit);
            tell(&fail, &mut out);
            fail.exit
        }
    };
    out.finish(exit)
}

/// Arguments that do not parse; help and version are printed as usual.
fn refuse(error: &clap::Error, json: bool) -> exit::Exit {
    let mut out = out::Out::new(context::plain_look(json));
    if error.use_stderr() {
        let fail = report::from_clap(error);
        tell(&fail, &mut out);
        out.finish(fail.exit)
    } else {
        out.bytes(error.render().to_string().as_bytes());
        out.finish(exit::Exit::Done)
    }
}

fn tell(fail: &report::Fail, out: &mut out::Out) {
    if out.is_json() {
        out.json(&json!({ "error": fail.envelope() }));
    } else {
        out.flush();
        out::say_fail(out.look().color_err, fail);
    }
}
