//! Job `examples`: builds every example and runs those that need no argument.

use crate::{Failed, step, test};
use std::process::{Command, Stdio};

pub(crate) fn run(_: &[String]) -> Result<(), Failed> {
    let count = all()?;
    println!("examples: {count} ran");
    Ok(())
}

/// Runs all examples, each in an empty folder of its own, and returns how many.
pub(crate) fn all() -> Result<usize, Failed> {
    let mut build = step::cargo();
    build
        .args([
            "build",
            "--examples",
            "--message-format",
            "json-render-diagnostics",
        ])
        .args(test::FEATURES);
    let mut programs = Vec::new();
    step::run_watched(&mut build, |line| match program(line) {
        Some(found) => programs.push(found),
        None if !line.starts_with('{') => println!("{line}"),
        None => {}
    })?;
    programs.sort();
    let mut count = 0;
    for (name, source, path) in programs {
        let text = std::fs::read_to_string(&source).unwrap_or_default();
        if text.contains("env::args") {
            println!("not run: {name} takes arguments");
            continue;
        }
        println!("$ {name}");
        let out = Command::new(&path)
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::null())
            .output()
            .map_err(|error| Failed::new(format!("example {name}: {error}")))?;
        if !out.status.success() {
            print!(
                "{}{}",
                String::from_utf8_lossy(&out.stdout),
                String::from_utf8_lossy(&out.stderr)
            );
            return Err(Failed::new(format!(
                "example {name} ended with {}",
                out.status
            )));
        }
        count += 1;
    }
    Ok(count)
}

/// Name, source and program of an example that cargo says it has built.
fn program(line: &str) -> Option<(String, String, String)> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    let target = &message["target"];
    let is_example = target["kind"]
        .as_array()?
        .iter()
        .any(|kind| kind == "example");
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    is_example.then_some(())?;
    Some((
        text(&target["name"])?,
        text(&target["src_path"])?,
        text(&message["executable"])?,
    ))
}

#[cfg(test)]
mod tests {
    use super::program;

    #[test]
    fn examples_are_told_from_other_programs() {
        let line = |kind: &str| {
            format!(
                "{{\"reason\":\"compiler-artifact\",\"target\":{{\"kind\":[\"{kind}\"],\"name\":\"x\",\"src_path\":\"x.rs\"}},\"executable\":\"/t/x\"}}"
            )
        };
        assert_eq!(
            program(&line("example")),
            Some(("x".into(), "x.rs".into(), "/t/x".into()))
        );
        assert_eq!(program(&line("bin")), None);
        assert_eq!(program("   Compiling x"), None);
    }
}
