//! The jobs of this project, one file each; `cargo xtask` alone lists them.
#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a tool for people at a terminal: it reads the source tree, starts cargo and prints; a panic in it is a failed check"
)]

mod source;
mod tree;

mod rooms;
mod step;

mod bench;
mod ci;
mod docs;
mod examples;
mod fuzz;
mod layers;
mod readme;
mod soak;
mod test;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

/// One job: its name, what it does, and the function that does it.
pub(crate) struct Job {
    pub(crate) name: &'static str,
    pub(crate) does: &'static str,
    run: fn(&[String]) -> Result<(), Failed>,
}

/// Why a job ended without success: what to say, and the exit code to give.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) why: String,
    pub(crate) code: u8,
}

impl Failed {
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            code: 1,
        }
    }
}

pub(crate) const JOBS: &[Job] = &[
    Job {
        name: "ci",
        does: "every check, as .ci/run does; `ci STEP…` only those, `--list` names them, `--keep-going` makes all",
        run: ci::run,
    },
    Job {
        name: "layers",
        does: "the arrows between crates and the module order inside them",
        run: layers::run,
    },
    Job {
        name: "tidy",
        does: "the house rules that no compiler knows",
        run: tidy::run,
    },
    Job {
        name: "docs",
        does: "renews the lists of modules in docs/architecture.md",
        run: docs::run,
    },
    Job {
        name: "readme",
        does: "runs the session of README.md; `readme --renew` writes what it prints",
        run: readme::run,
    },
    Job {
        name: "test",
        does: "all tests, counted, with those that were skipped and why",
        run: test::run,
    },
    Job {
        name: "examples",
        does: "builds and runs every example that takes no argument",
        run: examples::run,
    },
    Job {
        name: "fuzz",
        does: "`fuzz [TARGET] [SECONDS]`: fuzzes, or replays the corpus where cargo-fuzz is missing",
        run: fuzz::run,
    },
    Job {
        name: "soak",
        does: "`soak guard [SECONDS]`: the attack suite, and every call under attackers, so long each",
        run: soak::run,
    },
    Job {
        name: "bench",
        does: "`bench [NAME]`: the benches in the bench profile",
        run: bench::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        println!("jobs: cargo xtask NAME\n");
        for job in JOBS {
            println!("  {:<10} {}", job.name, job.does);
        }
        return ExitCode::SUCCESS;
    };
    let Some(job) = JOBS.iter().find(|job| job.name == name) else {
        eprintln!("xtask: no job is named `{name}`; `cargo xtask` lists them");
        return ExitCode::from(2);
    };
    match (job.run)(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            if !failed.why.is_empty() {
                eprintln!("{}", failed.why);
            }
            ExitCode::from(failed.code)
        }
    }
}

/// The top folder of the project this program was built from.
pub(crate) fn root() -> PathBuf {
    // cargo sets the variable when it runs us; the built-in path serves a direct call.
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest.parent().map_or(manifest.clone(), PathBuf::from)
}
