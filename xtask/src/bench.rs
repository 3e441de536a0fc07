//! Job `bench`: figures in the bench profile, or one bench briefly to see that it runs.

use crate::{Failed, step, test};

/// What the net costs a durable 4 KiB write: captured alone, and captured, judged and recorded.
const WRITES: &[&str] = &["overwrite", "call"];

pub(crate) fn run(rest: &[String]) -> Result<(), Failed> {
    let mut command = step::cargo();
    command.args(["bench", "--workspace", "--locked"]);
    match rest.split_first() {
        Some((name, rest)) => command.args(["--bench", name, "--"]).args(rest),
        None => command.arg("--benches"),
    };
    step::run(&mut command)
}

/// The benches of one write, in the profile that is built already: they run, their figures are not for quoting.
pub(crate) fn brief() -> Result<String, Failed> {
    let mut command = step::cargo();
    command.args(["bench", "--profile", "dev"]);
    command.args(WRITES.iter().flat_map(|name| ["--bench", *name]));
    command
        .args(test::FEATURES)
        .args(["--", "--quick", "--noplot"]);
    step::run(&mut command)?;
    let names = WRITES.join("`, `");
    Ok(format!(
        "`{names}` ran (dev profile; for figures: cargo xtask bench)"
    ))
}
