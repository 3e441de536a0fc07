//! Job `tidy`: the house rules that no compiler knows, one file each.

mod boilerplate;
mod calls;
mod first_line;
mod length;
mod machine_paths;
mod names;
mod readme;
mod roots;
mod unsafe_code;
mod vetted;

use crate::tree::{Problem, Tree};
use crate::{Failed, docs, root};

/// A rule: its name, what it asks, and the function that finds what breaks it.
struct Rule {
    name: &'static str,
    asks: &'static str,
    find: fn(&Tree) -> Vec<Problem>,
}

const RULES: &[Rule] = &[
    Rule {
        name: "first-line",
        asks: "the first line of every file is its sentence",
        find: first_line::find,
    },
    Rule {
        name: "length",
        asks: "a file past 600 lines says why",
        find: length::find,
    },
    Rule {
        name: "roots",
        asks: "a crate's root declares and re-exports, nothing else",
        find: roots::find,
    },
    Rule {
        name: "boilerplate",
        asks: "each crate has its readme, tests, example and bench; the licences are there",
        find: boilerplate::find,
    },
    Rule {
        name: "calls",
        asks: "files, processes, environment, clock and printing belong to named rooms",
        find: calls::find,
    },
    Rule {
        name: "vetted",
        asks: "`dangerous_assume_redacted` has one caller",
        find: vetted::find,
    },
    Rule {
        name: "unsafe",
        asks: "unsafe code stands in the sandbox's `sys` alone",
        find: unsafe_code::find,
    },
    Rule {
        name: "names",
        asks: "what the pages name exists",
        find: names::find,
    },
    Rule {
        name: "map",
        asks: "the map of the modules says what they say of themselves",
        find: docs::stale,
    },
    Rule {
        name: "readme",
        asks: "the commands of the readme exist",
        find: readme::find,
    },
    Rule {
        name: "machine-paths",
        asks: "no path of one machine",
        find: machine_paths::find,
    },
];

pub(crate) fn run(_: &[String]) -> Result<(), Failed> {
    let tree = Tree::read(&root())
        .map_err(|error| Failed::new(format!("tidy: the tree cannot be read: {error}")))?;
    let mut count = 0;
    for rule in RULES {
        let mut problems = (rule.find)(&tree);
        problems.sort();
        problems.dedup();
        if !problems.is_empty() {
            eprintln!("{}: {}", rule.name, rule.asks);
        }
        for problem in &problems {
            eprintln!("  {problem}");
        }
        count += problems.len();
    }
    if count > 0 {
        return Err(Failed::new(format!("tidy: {count} places break a rule")));
    }
    println!(
        "tidy: {} rules hold over {} sources and {} pages",
        RULES.len(),
        tree.sources().count(),
        tree.texts().count()
    );
    Ok(())
}
