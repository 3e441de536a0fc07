//! Job `ci`: every check in order, each in sight, a table at the end.

use crate::{Failed, bench, examples, fuzz, layers, readme, root, step, test, tidy};
use std::time::{Duration, Instant};

/// A check: its name, and the function that makes it and says in a few words what it saw.
struct Step {
    name: &'static str,
    make: fn() -> Result<String, Failed>,
}

/// Cheap ones first. Only `clippy` and `build` look at the features that ship; everything that runs has the fault
/// points in, so that each crate is built once and not once for every set of features.
const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        make: fmt,
    },
    Step {
        name: "layers",
        make: || layers::run(&[]).map(|()| String::new()),
    },
    Step {
        name: "tidy",
        make: || tidy::run(&[]).map(|()| String::new()),
    },
    Step {
        name: "clippy",
        make: || clippy(&[]),
    },
    Step {
        name: "clippy with fault points",
        make: || clippy(&["--features", "aifirst/fault-points"]),
    },
    Step {
        name: "build",
        make: build,
    },
    Step {
        name: "readme",
        make: || readme::check(false),
    },
    Step {
        name: "tests",
        make: || test::all(&[]).map(|count| count.to_string()),
    },
    Step {
        name: "doctests",
        make: doctests,
    },
    Step {
        name: "rustdoc",
        make: rustdoc,
    },
    Step {
        name: "examples",
        make: || examples::all().map(|count| format!("{count} ran")),
    },
    Step {
        name: "fuzz",
        make: fuzz::brief,
    },
    Step {
        name: "bench",
        make: bench::brief,
    },
];

pub(crate) fn run(rest: &[String]) -> Result<(), Failed> {
    if rest.iter().any(|word| word == "--list") {
        for step in STEPS {
            println!("{}", step.name);
        }
        return Ok(());
    }
    let (flags, rest): (Vec<&String>, Vec<&String>) =
        rest.iter().partition(|word| word.starts_with("--"));
    let keep_going = flags.iter().any(|flag| *flag == "--keep-going");
    let known = |word: &str| word == "--keep-going" || STEPS.iter().any(|step| step.name == word);
    if let Some(unknown) = flags.iter().chain(&rest).find(|word| !known(word)) {
        return Err(Failed {
            why: format!("ci: no step is named `{unknown}`; `cargo xtask ci --list` names them"),
            code: 2,
        });
    }
    let steps: Vec<&Step> = STEPS
        .iter()
        .filter(|step| rest.is_empty() || rest.iter().any(|word| *word == step.name))
        .collect();
    about();
    let begun = Instant::now();
    let mut rows: Vec<(&str, &str, Duration, String)> = Vec::new();
    let mut failed: Option<(&str, Failed)> = None;
    let mut failures = 0;
    for (at, step) in steps.iter().enumerate() {
        println!("\n== {} ({} of {}) ==", step.name, at + 1, steps.len());
        let start = Instant::now();
        let outcome = (step.make)();
        let took = start.elapsed();
        println!(
            "-- {}: {} in {:.1} s",
            step.name,
            if outcome.is_ok() { "passed" } else { "FAILED" },
            took.as_secs_f64()
        );
        match outcome {
            Ok(saw) => rows.push((step.name, "passed", took, saw)),
            Err(failure) => {
                rows.push((step.name, "FAILED", took, failure.why.clone()));
                failures += 1;
                failed.get_or_insert((step.name, failure));
                if !keep_going {
                    break;
                }
            }
        }
    }
    println!();
    for (name, verdict, took, saw) in &rows {
        println!(
            "{name:<26} {verdict:<7} {:>7.1} s  {saw}",
            took.as_secs_f64()
        );
    }
    let not_run = steps.len() - rows.len();
    let passed = rows.len() - failures;
    println!(
        "{:<26} {:<7} {:>7.1} s",
        "all",
        "",
        begun.elapsed().as_secs_f64()
    );
    let after = if not_run > 0 {
        format!(", {not_run} not run")
    } else {
        String::new()
    };
    if let Some((name, failure)) = &failed {
        println!("step `{name}` failed with exit code {}", failure.code);
    }
    // The last line, in either case: programs read it.
    println!("ci: {passed} passed, {failures} failed{after}");
    match failed {
        None => Ok(()),
        Some((_, failure)) => Err(Failed {
            why: String::new(),
            code: failure.code,
        }),
    }
}

/// What the checks run on, for whoever reads the log later.
fn about() {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let line = |program: &str, word: &str| {
        let out = std::process::Command::new(program)
            .arg(word)
            .current_dir(root())
            .output();
        out.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned())
            .unwrap_or_default()
    };
    println!(
        "{} on {} {} with {cores} cores, user {}",
        line("rustc", "--version"),
        line("uname", "-s"),
        line("uname", "-r"),
        line("id", "-u")
    );
}

fn fmt() -> Result<String, Failed> {
    step::run(step::cargo().args(["fmt", "--all", "--check"]))?;
    step::run(step::cargo().args([
        "fmt",
        "--all",
        "--check",
        "--manifest-path",
        "fuzz/Cargo.toml",
    ]))?;
    Ok(String::new())
}

fn clippy(features: &[&str]) -> Result<String, Failed> {
    let mut command = step::cargo();
    command
        .args(["clippy", "--workspace", "--all-targets", "--locked"])
        .args(features);
    step::run(command.args(["--", "--deny", "warnings"]))?;
    Ok(String::new())
}

fn build() -> Result<String, Failed> {
    step::run(step::cargo().args(["build", "--workspace", "--bins", "--locked"]))?;
    Ok(String::new())
}

fn doctests() -> Result<String, Failed> {
    step::run(step::cargo().args(["test", "--doc"]).args(test::FEATURES))?;
    Ok(String::new())
}

fn rustdoc() -> Result<String, Failed> {
    step::run(
        step::cargo()
            .env("RUSTDOCFLAGS", "--deny warnings")
            .args(["doc", "--no-deps"])
            .args(test::FEATURES),
    )?;
    Ok(String::new())
}
