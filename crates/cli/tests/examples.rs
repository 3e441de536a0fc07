//! Every example that help and `ops` print runs as printed (lesson H9).
use crate::desk::Desk;

/// The lines of a text that call the command.
fn lines(text: &str) -> Vec<String> {
    text.lines()
        .map(str::trim)
        .filter(|l| l.starts_with("aifirst ") || l.contains("| aifirst "))
        .filter(|l| !l.contains("  "))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_examples_of_every_help_text_run() {
    let desk = Desk::with_files();
    desk.done(&["call", "write_file", "path=README.md", "content=# Other"]);
    let mut run = 0;
    for command in [
        "call",
        "ops",
        "log",
        "show",
        "diff",
        "undo",
        "redo",
        "status",
        "verify",
        "doctor",
        "workspace init",
        "workspace list",
        "workspace forget",
    ] {
        let help = desk.shell(&format!("aifirst {command} --help"));
        let Some((_, examples)) = help.out.split_once("Examples:") else {
            panic!("no examples: {command}");
        };
        if command == "redo" {
            desk.done(&["call", "write_file", "path=again", "content=x"]);
            desk.done(&["undo"]);
        }
        for line in lines(examples) {
            let result = desk.shell(&line);
            let fine = result.code == 0 || (line.contains("doctor") && result.code == 8);
            assert!(fine, "{line}: {result:?}");
            run += 1;
        }
    }
    assert!(run > 25, "only {run} examples were found");
}

#[test]
fn the_examples_of_every_operation_run() {
    let list = Desk::new().done(&["ops", "--json"]).lines();
    assert!(list.len() >= 10, "{list:?}");
    for operation in list {
        let name = operation["name"].as_str().unwrap();
        let examples = operation["examples"].as_array().unwrap();
        assert!(!examples.is_empty(), "{name} has no example");
        let shown = Desk::new().done(&["ops", name]).out;
        for example in examples {
            let command = example["command"].as_str().unwrap();
            assert!(shown.contains(command), "{command} is not in: {shown}");
            // Each on files of its own: what one changes, the next may need.
            let desk = Desk::with_files();
            let line = if command.contains("delete_directory") {
                format!("{command} --yes")
            } else {
                command.to_owned()
            };
            let result = desk.shell(&line);
            assert_eq!(result.code, 0, "{line}: {result:?}");
        }
    }
}
