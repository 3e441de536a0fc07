//! Job `readme`: runs the session that the first page shows, and compares or renews what it printed.

use crate::{Failed, fuzz, root, step};
use std::path::Path;
use std::process::{Command, Stdio};

const PAGE: &str = "README.md";
/// The fence whose commands are run, in a folder named as [`FOLDER`].
const BEGIN: &str = "```console session";
const END: &str = "```";
const FOLDER: &str = "project";
/// What the folder holds before the first command.
const FILES: &[(&str, &str)] = &[
    ("notes.md", "# Notes\n\nfeed the cat\n"),
    ("src/main.rs", "mod tool;\n\nfn main() {}\n"),
    ("src/tool.rs", "//! A tool.\n"),
];

pub(crate) fn run(rest: &[String]) -> Result<(), Failed> {
    let renew = rest.iter().any(|word| word == "--renew");
    check(renew).map(|saw| println!("readme: {saw}"))
}

/// Builds the command line, runs the session, and compares; or writes what it printed into the page.
pub(crate) fn check(renew: bool) -> Result<String, Failed> {
    step::run(step::cargo().args(["build", "--workspace", "--bins", "--locked"]))?;
    let at = root().join(PAGE);
    let page =
        std::fs::read_to_string(&at).map_err(|error| Failed::new(format!("{PAGE}: {error}")))?;
    let Some((before, session, after)) = cut(&page) else {
        return Err(Failed::new(format!(
            "{PAGE}: has no fence that begins with {BEGIN}"
        )));
    };
    let commands: Vec<&str> = session
        .lines()
        .filter_map(|line| line.strip_prefix("$ "))
        .collect();
    if commands.is_empty() {
        return Err(Failed::new(format!("{PAGE}: its session has no command")));
    }
    let printed =
        play(&commands).map_err(|error| Failed::new(format!("{PAGE}: its session: {error}")))?;
    if masked(&printed) == masked(session) {
        return Ok(format!(
            "{} commands print what the page says",
            commands.len()
        ));
    }
    if renew {
        std::fs::write(&at, format!("{before}{printed}{after}"))
            .map_err(|error| Failed::new(format!("{PAGE}: {error}")))?;
        return Ok(format!("{} commands, the page is renewed", commands.len()));
    }
    let (was, is) = (masked(session), masked(&printed));
    let line = was.lines().zip(is.lines()).find(|(was, is)| was != is);
    let (was, is) = line.unwrap_or(("(the number of lines differs)", ""));
    Err(Failed::new(format!(
        "{PAGE}: its session prints something else now (`cargo xtask readme --renew`):\n- {was}\n+ {is}"
    )))
}

/// The page up to the session, the session, and the rest.
fn cut(page: &str) -> Option<(&str, &str, &str)> {
    let start = page.find(&format!("{BEGIN}\n"))? + BEGIN.len() + 1;
    let length = page[start..].find(&format!("\n{END}\n")).map(|at| at + 1);
    // An empty session ends right where it begins.
    let length = if page[start..].starts_with(END) {
        0
    } else {
        length?
    };
    Some((
        &page[..start],
        &page[start..start + length],
        &page[start + length..],
    ))
}

/// Runs the commands in a fresh folder, state and home of their own.
fn play(commands: &[&str]) -> std::io::Result<String> {
    let scratch = tempfile::tempdir()?;
    let folder = scratch.path().join(FOLDER);
    for (path, text) in FILES {
        let at = folder.join(path);
        std::fs::create_dir_all(at.parent().unwrap_or(&folder))?;
        std::fs::write(at, text)?;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = vec![fuzz::target_folder().join("debug")];
    places.extend(std::env::split_paths(&path));
    let path = std::env::join_paths(places).map_err(std::io::Error::other)?;
    let mut printed = String::new();
    for command in commands {
        let out = Command::new("sh")
            .args(["-c", &format!("{{ {command}\n}} 2>&1")])
            .current_dir(&folder)
            .env_clear()
            .env("PATH", &path)
            .env("HOME", scratch.path())
            .stdin(Stdio::null())
            .output()?;
        printed.push_str(&format!("$ {command}\n"));
        printed.push_str(&homely(
            &String::from_utf8_lossy(&out.stdout),
            scratch.path(),
        ));
    }
    Ok(printed)
}

/// The scratch folder under the name of somebody's home.
fn homely(text: &str, scratch: &Path) -> String {
    text.replace(
        &scratch.to_string_lossy().into_owned(),
        concat!("/ho", "me/you"),
    )
}

/// The text with everything that differs from run to run put alike: ids, times, digests.
fn masked(text: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-:.".contains(c);
    let mut out = String::new();
    for piece in text.split_inclusive(|c: char| !is_part(c)) {
        let word = piece.trim_end_matches(|c: char| !is_part(c));
        let id = word.len() == 16
            && word
                .chars()
                .all(|c| c.is_ascii_digit() || c.is_ascii_lowercase());
        let digest = word.len() > 12 && word.chars().all(|c| c.is_ascii_hexdigit());
        let time = word.ends_with('Z') && word.matches(':').count() == 2;
        let mask = match (id, digest, time) {
            (true, _, _) => "<id>",
            (_, true, _) => "<digest>",
            (_, _, true) => "<time>",
            _ => word,
        };
        out.push_str(mask);
        out.push_str(&piece[word.len()..]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_is_cut_out_whole() {
        let page = "# A\n```console session\n$ a\nb\n```\nEnd.\n";
        assert_eq!(
            cut(page),
            Some(("# A\n```console session\n", "$ a\nb\n", "```\nEnd.\n"))
        );
        let empty = "```console session\n```\n";
        assert_eq!(cut(empty), Some(("```console session\n", "", "```\n")));
        assert_eq!(cut("```console\n$ a\n```\n"), None);
    }

    #[test]
    fn what_differs_from_run_to_run_is_put_alike_and_nothing_else() {
        let one = "@2  2026-11-25T13:36:10.788232Z  write_file  done\nrecorded as zry84pa5mqh6gsxd\nhead b65898dd1e13c99563ec\n";
        let other = "@2  2027-01-02T03:04:05.000001Z  write_file  done\nrecorded as 0ry84pa5mqh6gsx0\nhead 065898dd1e13c99563e0\n";
        assert_eq!(masked(one), masked(other));
        assert_ne!(masked(one), masked(&one.replace("@2", "@3")));
        assert_ne!(masked(one), masked(&one.replace("done", "failed")));
    }

    #[test]
    fn commands_run_in_order_in_one_folder_and_errors_are_shown() {
        let printed =
            play(&["cat notes.md | head -1 > x", "cat x; pwd", "cat gone"]).expect("runs");
        assert!(printed.contains("$ cat x; pwd\n# Notes\n/ho"), "{printed}");
        assert!(printed.contains("gone"), "{printed}");
    }
}
