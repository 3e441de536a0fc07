//! Job `bench`: figures in the bench profile, or one bench briefly to see that it runs.

use crate::{Failed, step, test};

/// The bench that stands for all: a captured 4 KiB write beside the plain durable one.
const FIRST: &str = "captured_write";

pub(crate) fn run(rest: &[String]) -> Result<(), Failed> {
    let mut command = step::cargo();
    command.args(["bench", "--workspace", "--locked"]);
    match rest.split_first() {
        Some((name, rest)) => command.args(["--bench", name, "--"]).args(rest),
        None => command.arg("--benches"),
    };
    step::run(&mut command)
}

/// One bench in the profile that is built already: it shows that the bench runs, its figures are not for quoting.
pub(crate) fn brief() -> Result<String, Failed> {
    let mut command = step::cargo();
    command
        .args(["bench", "--profile", "dev", "--bench", FIRST])
        .args(test::FEATURES);
    command.args(["--", "--quick", "--noplot"]);
    step::run(&mut command)?;
    Ok(format!(
        "`{FIRST}` ran (dev profile; for figures: cargo xtask bench)"
    ))
}
