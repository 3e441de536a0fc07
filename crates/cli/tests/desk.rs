//! A desk to work at: a home, a state folder and a project of its own, an environment of its own.
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) struct Desk {
    dir: TempDir,
}

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_aifirst");

impl Desk {
    /// An empty project.
    pub(crate) fn new() -> Self {
        Self::within(&std::env::temp_dir())
    }

    /// An empty project on a desk inside the folder.
    pub(crate) fn within(folder: &std::path::Path) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("aifirst-test-")
            .tempdir_in(folder)
            .unwrap();
        for name in ["home", "project", "tmp"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        Self { dir }
    }

    /// A project with a few files in it.
    pub(crate) fn with_files() -> Self {
        let desk = Self::new();
        desk.fill();
        desk
    }

    /// Puts a few files into the project.
    pub(crate) fn fill(&self) {
        for (path, text) in [
            (
                "README.md",
                "# Project\n\nA small tool that counts ships.\n",
            ),
            ("src/main.rs", "fn main() {\n    println!(\"hello\");\n}\n"),
            ("src/lib.rs", "pub fn count() -> u64 {\n    3\n}\n"),
            ("notes/old.md", "old\n"),
            ("notes/today.md", "# Yesterday\n"),
            ("build/out.o", "object\n"),
            ("build/deep/more.o", "more\n"),
        ] {
            self.put(path, text);
        }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.dir.path().join("project")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.dir.path().join("home/.local/state/aifirst")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.project().join(name)
    }

    pub(crate) fn put(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The policy of the person whose home this is.
    pub(crate) fn policy(&self, text: &str) {
        let folder = self.dir.path().join("home/.config/aifirst");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("policy.toml"), text).unwrap();
    }

    /// A program with nothing in its environment but what this desk gives it.
    pub(crate) fn program(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.dir.path().join("home"))
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TMPDIR", self.dir.path().join("tmp"))
            .env("TERM", "xterm")
            .current_dir(self.project())
            .stdin(Stdio::null());
        command
    }

    /// The command; no terminal controls it, so that nobody can be asked.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = self.program("setsid");
        command.arg("--wait").arg(PROGRAM).args(args);
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Run {
        Run::of(&self.command(args).output().unwrap())
    }

    /// Runs and wants success.
    pub(crate) fn done(&self, args: &[&str]) -> Run {
        let run = self.run(args);
        assert_eq!(run.code, 0, "{args:?}: {run:?}");
        run
    }

    /// Runs with `--json`, and wants one document.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let run = self.done(&[args, &["--json"]].concat());
        run.document()
    }

    pub(crate) fn with_stdin(&self, args: &[&str], stdin: &str) -> Run {
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut to = child.stdin.take().unwrap();
        let text = stdin.to_owned();
        let writer = std::thread::spawn(move || {
            let _ = to.write_all(text.as_bytes());
        });
        let run = Run::of(&child.wait_with_output().unwrap());
        writer.join().unwrap();
        run
    }

    /// A shell line in which `aifirst` is the command.
    pub(crate) fn shell(&self, line: &str) -> Run {
        let bin = self.dir.path().join("bin");
        if !bin.exists() {
            fs::create_dir(&bin).unwrap();
            std::os::unix::fs::symlink(PROGRAM, bin.join("aifirst")).unwrap();
        }
        let mut path = bin.into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let mut command = self.program("setsid");
        command.args(["--wait", "sh", "-c", line]).env("PATH", path);
        Run::of(&command.output().unwrap())
    }

    /// The log.
    pub(crate) fn log(&self) -> Vec<Value> {
        self.done(&["log", "--json"]).lines()
    }

    /// What is in the project, with contents, modes and modification times.
    pub(crate) fn tree(&self) -> Vec<String> {
        use std::os::unix::fs::MetadataExt as _;
        let mut out = Vec::new();
        let mut open = vec![self.project()];
        while let Some(path) = open.pop() {
            let data = fs::symlink_metadata(&path).unwrap();
            let mut line = format!(
                "{:?} {:o} {}.{}",
                path.strip_prefix(self.project()).unwrap(),
                data.mode(),
                data.mtime(),
                data.mtime_nsec()
            );
            if data.is_dir() {
                open.extend(fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
            } else if data.is_file() {
                line.push_str(&format!(" {:?}", fs::read(&path).unwrap()));
            } else {
                line.push_str(&format!(" {:?}", fs::read_link(&path)));
            }
            out.push(line);
        }
        out.sort();
        out
    }
}

/// What a run gave.
#[derive(Debug)]
pub(crate) struct Run {
    /// Its code, or 128 and the signal that ended it.
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    pub(crate) fn of(output: &Output) -> Self {
        use std::os::unix::process::ExitStatusExt as _;
        let status = output.status;
        Self {
            code: status
                .code()
                .unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Stdout as exactly one JSON document.
    pub(crate) fn document(&self) -> Value {
        assert!(self.out.ends_with('\n'), "no line end: {self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// Stdout as JSON Lines.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}")))
            .collect()
    }

    /// The error of an envelope.
    pub(crate) fn error(&self) -> Value {
        let document = self.document();
        let error = document["error"].clone();
        assert!(error.is_object(), "no envelope: {self:?}");
        assert_eq!(error["exit"], self.code, "{self:?}");
        error
    }
}
