//! Runs a program in sight: its name and command first, how long it took last.

use crate::{Failed, root};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// The cargo that runs us, or the one on the path.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Whether a program answers when asked for its version.
pub(crate) fn answers(program: &mut Command) -> bool {
    program
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Prints the command as a person would type it, runs it and gives its failure its exit code.
pub(crate) fn run(command: &mut Command) -> Result<(), Failed> {
    println!("$ {}", shown(command));
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| Failed::new(format!("{}: {error}", shown(command))))?;
    judge(command, status)
}

/// As `run`, but hands every line of both outputs to `each`, which prints what it wants seen.
pub(crate) fn run_watched(
    command: &mut Command,
    mut each: impl FnMut(&str) + Send,
) -> Result<(), Failed> {
    println!("$ {}", shown(command));
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Failed::new(format!("{}: {error}", shown(command))))?;
    let (sender, lines) = std::sync::mpsc::channel();
    let out = child
        .stdout
        .take()
        .map(|out| Box::new(out) as Box<dyn Read + Send>);
    let err = child
        .stderr
        .take()
        .map(|err| Box::new(err) as Box<dyn Read + Send>);
    std::thread::scope(|scope| {
        for stream in [out, err].into_iter().flatten() {
            let sender = sender.clone();
            scope.spawn(move || {
                let mut reader = BufReader::new(stream);
                let mut line = Vec::new();
                // A test may print any bytes; none of them may end the watch.
                while reader
                    .read_until(b'\n', &mut line)
                    .is_ok_and(|read| read > 0)
                {
                    let text = String::from_utf8_lossy(&line)
                        .trim_end_matches(['\n', '\r'])
                        .to_owned();
                    line.clear();
                    if sender.send(text).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for line in lines {
            each(&line);
        }
    });
    let status = child
        .wait()
        .map_err(|error| Failed::new(format!("{}: {error}", shown(command))))?;
    judge(command, status)
}

fn judge(command: &Command, status: ExitStatus) -> Result<(), Failed> {
    if status.success() {
        return Ok(());
    }
    let code = status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1);
    Err(Failed {
        why: format!("`{}` ended with {status}", shown(command)),
        code,
    })
}

/// The command as it could be typed, from the project's root.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or(command.get_program())
        .to_string_lossy();
    let mut words: Vec<String> = command
        .get_envs()
        .filter_map(|(key, value)| {
            Some(format!(
                "{}={:?}",
                key.to_string_lossy(),
                value?.to_string_lossy()
            ))
        })
        .collect();
    words.push(program.into_owned());
    words.extend(command.get_args().map(|word| {
        let word = word.to_string_lossy();
        if word.contains(' ') {
            format!("'{word}'")
        } else {
            word.into_owned()
        }
    }));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_keeps_its_exit_code() {
        let failed = run(Command::new("sh").args(["-c", "exit 7"])).expect_err("it fails");
        assert_eq!(failed.code, 7);
        assert!(failed.why.contains("exit 7"), "{}", failed.why);
    }

    #[test]
    fn both_outputs_are_watched_whatever_their_bytes() {
        let mut seen = Vec::new();
        run_watched(
            Command::new("sh").args(["-c", "printf 'a\\377\\n'; echo b >&2"]),
            |line| seen.push(line.to_owned()),
        )
        .expect("runs");
        seen.sort();
        assert_eq!(seen, ["a\u{fffd}", "b"]);
    }

    #[test]
    fn a_missing_program_is_no_panic() {
        assert!(run(&mut Command::new("no-such-program-here")).is_err());
        assert!(!answers(
            Command::new("no-such-program-here").arg("--version")
        ));
    }
}
