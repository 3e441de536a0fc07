//! Rule `readme`: the commands that the first page shows are ones we have.

use crate::JOBS;
use crate::source::words;
use crate::tree::{Problem, Tree};

const PAGE: &str = "README.md";
const ARGS: &str = "crates/cli/src/args.rs";

pub(super) fn find(tree: &Tree) -> Vec<Problem> {
    let Some(text) = tree.text(PAGE) else {
        return vec![Problem::new(PAGE, 0, "is missing")];
    };
    let mut problems = Vec::new();
    for (at, line) in commands(text) {
        for command in line.split(['|', '&', ';']) {
            let words: Vec<&str> = command.split_whitespace().collect();
            let unknown = match words.as_slice() {
                ["cargo", "xtask", job, ..] => !JOBS.iter().any(|known| known.name == *job),
                ["cargo", "run", rest @ ..] => {
                    let verb = rest
                        .iter()
                        .skip_while(|word| **word != "--")
                        .find(|word| !word.starts_with('-'));
                    verb.is_some_and(|verb| !is_verb(tree, verb))
                }
                ["aifirst", rest @ ..] => {
                    let verb = rest.iter().find(|word| !word.starts_with('-'));
                    verb.is_some_and(|verb| !is_verb(tree, verb))
                }
                _ => false,
            };
            if unknown {
                problems.push(Problem::new(
                    PAGE,
                    at + 1,
                    format!("`{}` is no command of ours", command.trim()),
                ));
            }
        }
    }
    problems
}

/// The lines inside fences that a person types: those behind a `$`, or all where a fence has none.
fn commands(text: &str) -> Vec<(usize, &str)> {
    let lines: Vec<(usize, &str)> = text.lines().map(str::trim_start).enumerate().collect();
    let mut commands = Vec::new();
    for fence in lines
        .split(|(_, line)| line.starts_with("```"))
        .skip(1)
        .step_by(2)
    {
        let prompted = fence.iter().any(|(_, line)| line.starts_with("$ "));
        let typed = fence
            .iter()
            .filter(|(_, line)| !prompted || line.starts_with("$ "));
        commands.extend(typed.map(|(at, line)| (*at, line.trim_start_matches("$ "))));
    }
    commands
}

/// Whether the command line has that verb: as a variant of its `Command`.
fn is_verb(tree: &Tree, verb: &str) -> bool {
    let Some(args) = tree.source(ARGS) else {
        return false;
    };
    let Some((_, rest)) = args.code.split_once("enum Command {") else {
        return false;
    };
    let variant: String = verb
        .split('-')
        .flat_map(|word| {
            let mut chars = word.chars();
            chars
                .next()
                .map(|first| first.to_ascii_uppercase())
                .into_iter()
                .chain(chars)
                .collect::<Vec<_>>()
        })
        .collect();
    let body = rest.split("\n}").next().unwrap_or_default();
    words(body, &variant).next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::planted::tree;

    fn with(command: &str) -> usize {
        find(&tree(&[
            (
                PAGE,
                &format!("# A\n`aifirst gone`\n```console\n{command}\n```\n"),
            ),
            (
                ARGS,
                "//! A.\nenum Command {\n    Undo(UndoArgs),\n    Demo,\n}\nenum Other {\n    Gone,\n}\n",
            ),
        ]))
        .len()
    }

    #[test]
    fn a_command_we_do_not_have_is_found() {
        for bad in [
            "$ aifirst gone",
            "aifirst gone last",
            "cargo xtask gone",
            "cargo run --release -p aifirst -- gone",
            "$ aifirst undo && aifirst gone",
        ] {
            assert_eq!(with(bad), 1, "{bad}");
        }
        for good in [
            "$ aifirst undo last",
            "cargo xtask ci",
            "cargo run --release -p aifirst -- demo",
            "$ aifirst --version\naifirst 0.1.0",
        ] {
            assert_eq!(with(good), 0, "{good}");
        }
    }
}
