//! Job `fuzz`: fuzzes a target for a while, or replays the committed corpus where the tools are missing.

use crate::{Failed, root, step};
use std::process::Command;

const FIRST: &str = "relpath";

pub(crate) fn run(rest: &[String]) -> Result<(), Failed> {
    let target = rest.first().map_or(FIRST, String::as_str);
    let seconds = rest.get(1).map_or("60", String::as_str);
    over(target, seconds, &[]).map(|how| println!("fuzz: {how}"))
}

/// One target for a moment, built without optimisation because that takes less than it saves.
pub(crate) fn brief() -> Result<String, Failed> {
    over(FIRST, "20", &["--dev"])
}

/// Replays the corpora, then fuzzes one target for so long, and says how it went.
fn over(target: &str, seconds: &str, flags: &[&str]) -> Result<String, Failed> {
    // `+nightly` is understood by rustup's proxy, not by the cargo that runs us.
    let nightly = || {
        let mut command = Command::new("cargo");
        command
            .env_remove("RUSTC")
            .env_remove("RUSTUP_TOOLCHAIN")
            .current_dir(root())
            .arg("+nightly");
        command
    };
    let missing = if !step::answers(nightly().arg("--version")) {
        Some("the nightly toolchain")
    } else if !step::answers(nightly().args(["fuzz", "--version"])) {
        Some("cargo-fuzz")
    } else {
        None
    };
    // The replay comes first in either case: it is quick and runs every target.
    step::run(
        step::cargo()
            .args([
                "test",
                "--locked",
                "--manifest-path",
                "fuzz/Cargo.toml",
                "--target-dir",
            ])
            .arg(target_folder()),
    )?;
    let Some(missing) = missing else {
        let limit = format!("-max_total_time={seconds}");
        // What is new goes to the first folder: the committed corpus grows by hand only.
        let fresh = target_folder().join("fuzz-corpus").join(target);
        std::fs::create_dir_all(&fresh)
            .map_err(|error| Failed::new(format!("fuzz: its folder: {error}")))?;
        let mut command = nightly();
        command
            .args(["fuzz", "run", "--features", "libfuzzer"])
            .args(flags)
            .arg(target);
        command.arg(fresh).arg(format!("fuzz/corpus/{target}"));
        step::run(command.args(["--", &limit, "-max_len=8192"]))?;
        return Ok(format!(
            "corpora replayed, then `{target}` fuzzed for {seconds} s"
        ));
    };
    println!("{missing} is not installed: the corpora were replayed, nothing was fuzzed");
    Ok(format!("corpora replayed ({missing} is not installed)"))
}

/// Where the workspace is built: what both workspaces use is then built once.
pub(crate) fn target_folder() -> std::path::PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), |folder| root().join(folder))
}
