//! Job `soak`: what is tried for a moment in every check, tried for long.

use crate::{Failed, step};

/// How long each call of the guard stands its attackers, in seconds.
const SECONDS: u32 = 60;

pub(crate) fn run(rest: &[String]) -> Result<(), Failed> {
    let usage = || Failed {
        why: "soak: `soak guard [SECONDS]`: every call of the guard under attackers, so long each"
            .to_owned(),
        code: 2,
    };
    let (what, rest) = rest.split_first().ok_or_else(usage)?;
    let seconds = match rest {
        [] => SECONDS,
        [seconds] => seconds.parse().map_err(|_| usage())?,
        _ => return Err(usage()),
    };
    match what.as_str() {
        "guard" => guard(seconds),
        _ => Err(usage()),
    }
}

/// The attack suite whole, then the races; the optimised guard, as it ships.
fn guard(seconds: u32) -> Result<(), Failed> {
    for tests in ["attacks::", "races_calls::"] {
        step::run(
            step::cargo()
                .args(["test", "--locked", "--release", "--package"])
                .args(["aifirst-sandbox", "--test", "main", "--", "--nocapture"])
                // One after the other: each is to have the machine's cores for itself.
                .args(["--test-threads", "1", tests])
                .env("AIFIRST_SOAK_SECONDS", seconds.to_string()),
        )?;
    }
    println!("soak: the guard held, {seconds} s for each call");
    Ok(())
}
