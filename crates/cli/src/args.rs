//! The arguments of the command line: parsed purely, touching no disk and no environment.
use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "aifirst",
    version,
    about = "The safety net under AI agents: every operation confined, recorded, redacted, confirmed where dangerous, undoable",
    after_help = "Examples:
  aifirst demo
  aifirst call write_file path=notes.txt content=hello
  aifirst log
  aifirst undo

Exit codes: 0 done, 1 failed, 2 usage or no such thing, 3 denied, 4 refused by the guard,
5 conflict, 6 log tampered with, 7 state damaged or unwritable, 8 not possible here,
128+n stopped by signal n.",
    disable_help_subcommand = true,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Globals {
    /// The workspace's folder [default: the nearest known one, else the git work tree, else the current folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) workspace: Option<PathBuf>,
    /// The state folder [default: $AIFIRST_STATE_DIR, else $XDG_STATE_HOME/aifirst, else ~/.local/state/aifirst]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// The session a call belongs to [default: $AIFIRST_SESSION]; for log, undo and redo: whose operations
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) session: Option<String>,
    /// Write JSON: one document, or JSON Lines for lists; on failure too
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// When to use colours: auto, always or never
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub(crate) color: When,
    /// Say only what was asked for: no notices
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say more: ids, sessions, all paths
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Answer yes to what the policy asks; recorded as answered by flag, lifts no denial
    #[arg(long, global = true)]
    pub(crate) yes: bool,
}

/// When colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// On a terminal that wants them.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run one operation: judged, recorded, undoable
    #[command(after_help = "Examples:
  aifirst call write_file path=notes.txt content=hello
  aifirst call read_text_file path=README.md head=5
  aifirst call edit_file path=notes.txt edits='[{\"oldText\":\"hello\",\"newText\":\"bye\"}]'
  echo '{\"path\":\"made/here\"}' | aifirst call create_directory --params -
  aifirst call delete_file path=notes.txt --dry-run

`aifirst ops` lists the operations, `aifirst ops OP` their parameters.")]
    Call(Call),
    /// List the operations, or explain one
    #[command(after_help = "Examples:
  aifirst ops
  aifirst ops write_file")]
    Ops(Ops),
    /// What happened, oldest first
    #[command(after_help = "Examples:
  aifirst log
  aifirst log --changes -n 5
  aifirst log README.md
  aifirst log --json")]
    Log(Log),
    /// One entry whole: parameters, decision, events, what was undone since
    #[command(after_help = "Examples:
  aifirst show last
  aifirst show last --json")]
    Show(Show),
    /// What an operation changed, as a unified diff
    #[command(after_help = "Examples:
  aifirst diff
  aifirst diff last")]
    Diff(Diff),
    /// Take back the last operation in force, or the one named
    #[command(after_help = "Examples:
  aifirst undo --dry-run
  aifirst undo
  aifirst undo last
  aifirst undo --path notes.txt

N undos go N operations back; an undo can itself be taken back with `aifirst redo`.
When somebody changed a file since, nothing is touched and the choices are named.")]
    Undo(Restore),
    /// Do again what was undone last, or the operation named
    #[command(after_help = "Examples:
  aifirst redo --dry-run
  aifirst redo")]
    Redo(Restore),
    /// The workspace at a glance
    #[command(after_help = "Examples:
  aifirst status")]
    Status,
    /// Prove the log; exit 6 when it was tampered with
    #[command(after_help = "Examples:
  aifirst verify
  aifirst verify --json")]
    Verify,
    /// Make, list and forget workspaces
    #[command(subcommand)]
    Workspace(Workspace),
    /// What this machine supports, and how to get the rest
    #[command(after_help = "Examples:
  aifirst doctor")]
    Doctor,
    /// Show the whole chain on a scratch copy of the current folder
    #[command(after_help = "Examples:
  aifirst demo
  aifirst demo --on .

The copy is made in a fresh private folder and removed at the end; nothing else is touched.")]
    Demo(Demo),
}

/// `call`
#[derive(Debug, Args)]
pub(crate) struct Call {
    /// The operation's name
    #[arg(value_name = "OP")]
    pub(crate) operation: String,
    /// Parameters as words; numbers, true, false and lists as JSON
    #[arg(value_name = "KEY=VALUE")]
    pub(crate) words: Vec<String>,
    /// All parameters as one JSON object; `-` reads it from stdin
    #[arg(long, value_name = "JSON", conflicts_with = "words")]
    pub(crate) params: Option<String>,
    /// Only plan it: say what would change and who would decide
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Why, for the log and the person asked
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

/// `ops`
#[derive(Debug, Args)]
pub(crate) struct Ops {
    /// Only this one, with its parameters and examples
    #[arg(value_name = "OP")]
    pub(crate) operation: Option<String>,
}

/// `log`
#[derive(Debug, Args)]
pub(crate) struct Log {
    /// Only what touched this path, or something below it
    #[arg(value_name = "PATH")]
    pub(crate) path: Option<String>,
    /// At most so many, the newest; 0 for all [default: 50 on a terminal, else all]
    #[arg(short = 'n', long = "limit", value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// Only what changed the workspace
    #[arg(long)]
    pub(crate) changes: bool,
}

/// `show`
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// `last`, @NUMBER, or the first characters of an id
    #[arg(value_name = "ID")]
    pub(crate) id: String,
}

/// `diff`
#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// `last`, @NUMBER, or the first characters of an id [default: last]
    #[arg(value_name = "ID")]
    pub(crate) id: Option<String>,
}

/// `undo` and `redo`
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// `last`, @NUMBER, or the first characters of an id [default: the newest that can be taken]
    #[arg(value_name = "ID", conflicts_with_all = ["to", "path"])]
    pub(crate) id: Option<String>,
    /// Everything after this entry, newest first
    #[arg(long, value_name = "ID", conflicts_with = "path")]
    pub(crate) to: Option<String>,
    /// Everything that touched this path
    #[arg(long, value_name = "PATH")]
    pub(crate) path: Option<String>,
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) choice: Choice,
}

/// What to do with paths that somebody changed since.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct Choice {
    /// Where somebody changed a path since: leave it as it is, restore the rest
    #[arg(long)]
    pub(crate) keep_mine: bool,
    /// Where somebody changed a path since: put the recorded version beside it
    #[arg(long)]
    pub(crate) beside: bool,
    /// Where somebody changed a path since: take the recorded version (theirs is kept for undo)
    #[arg(long)]
    pub(crate) force: bool,
}

/// `workspace`
#[derive(Debug, Subcommand)]
pub(crate) enum Workspace {
    /// Make the current folder (or --workspace DIR) a workspace
    #[command(after_help = "Examples:
  aifirst workspace init")]
    Init {
        /// Accept a folder that belongs to another user; new files get its owner
        #[arg(long)]
        foreign_owner: bool,
    },
    /// List the known workspaces
    #[command(after_help = "Examples:
  aifirst workspace list
  aifirst workspace list --json")]
    List,
    /// Delete a workspace's log, journal and kept contents; the folder itself stays as it is
    #[command(after_help = "Examples:
  aifirst workspace forget . --dry-run
  aifirst workspace forget . --yes")]
    Forget {
        /// Its id or its folder
        #[arg(value_name = "ID|DIR")]
        which: String,
        /// Only say what would be deleted
        #[arg(long)]
        dry_run: bool,
    },
}

/// `demo`
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// The folder to copy [default: the current one]
    #[arg(long, value_name = "DIR")]
    pub(crate) on: Option<PathBuf>,
}

/// Parses the arguments, the program's name first.
pub(crate) fn parse(args: &[OsString]) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(args)
}

/// Whether JSON was asked for, for the case that the rest does not parse (lesson H6).
pub(crate) fn wants_json(args: &[OsString]) -> bool {
    args.iter()
        .skip(1)
        .take_while(|a| *a != "--")
        .any(|a| a == "--json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn os(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn the_command_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn globals_stand_before_and_after_the_command() {
        for words in [
            ["aifirst", "--json", "log"].as_slice(),
            &["aifirst", "log", "--json"],
        ] {
            assert!(parse(&os(words)).unwrap().globals.json);
            assert!(wants_json(&os(words)));
        }
        assert!(!wants_json(&os(&["aifirst", "log", "--", "--json"])));
    }

    #[test]
    fn choices_exclude_each_other() {
        assert!(parse(&os(&["aifirst", "undo", "--force", "--keep-mine"])).is_err());
        assert!(parse(&os(&["aifirst", "undo", "last", "--to", "@1"])).is_err());
    }
}
