//! A terminal of the test's own, at which the command is started and a person types.
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::desk::{Desk, PROGRAM};

/// How long anything may take before the test gives up; no test asserts a time.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Terminal {
    master: File,
    slave: OwnedFd,
    child: Child,
    /// Everything printed so far.
    pub(crate) seen: String,
    bytes: Vec<u8>,
}

impl Terminal {
    /// Starts the command with stdin, stdout and stderr at the terminal.
    pub(crate) fn start(desk: &Desk, args: &[&str]) -> Self {
        Self::start_program(desk, PROGRAM, args)
    }

    /// Starts a shell line at the terminal.
    pub(crate) fn shell(desk: &Desk, line: &str) -> Self {
        Self::start_program(desk, "sh", &["-c", line])
    }

    fn start_program(desk: &Desk, program: &str, args: &[&str]) -> Self {
        let master =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave = rustix::fs::open(
            name.as_c_str(),
            rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC,
            rustix::fs::Mode::empty(),
        )
        .unwrap();
        rustix::termios::tcsetwinsize(
            &slave,
            rustix::termios::Winsize {
                ws_row: 50,
                ws_col: 120,
                ws_xpixel: 0,
                ws_ypixel: 0,
            },
        )
        .unwrap();
        let end = || Stdio::from(slave.try_clone().unwrap());
        let child = desk
            .program("setsid")
            .args(["--ctty", "--wait", program])
            .args(args)
            .env("AIFIRST", PROGRAM)
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap();
        Self {
            master: File::from(master),
            slave,
            child,
            seen: String::new(),
            bytes: Vec::new(),
        }
    }

    /// Reads what is there, waiting at most so long for it.
    fn read(&mut self, wait: Duration) -> bool {
        let timeout = Timespec::try_from(wait).unwrap();
        let mut fds = [PollFd::new(&self.master, PollFlags::IN)];
        if poll(&mut fds, Some(&timeout)).unwrap_or(0) == 0 {
            return false;
        }
        let mut buffer = [0u8; 4096];
        match self.master.read(&mut buffer) {
            Ok(n) if n > 0 => {
                self.bytes.extend_from_slice(&buffer[..n]);
                self.seen = String::from_utf8_lossy(&self.bytes).into_owned();
                true
            }
            _ => false,
        }
    }

    /// Waits until the text has been printed.
    pub(crate) fn wait_for(&mut self, text: &str) {
        let begun = Instant::now();
        while !self.seen.contains(text) {
            self.read(Duration::from_millis(50));
            if !self.seen.contains(text) && self.has_ended() {
                while self.read(Duration::from_millis(50)) {}
                assert!(
                    self.seen.contains(text),
                    "ended without {text:?}: {}",
                    self.seen
                );
            }
            assert!(begun.elapsed() < PATIENCE, "no {text:?} in {:?}", self.seen);
        }
    }

    /// Types.
    pub(crate) fn type_in(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).unwrap();
    }

    fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// The number of the process that was started, `setsid` itself having gone.
    pub(crate) fn settings(&self) -> String {
        format!("{:?}", rustix::termios::tcgetattr(&self.slave).unwrap())
    }

    /// Reads to the end; the exit code, a signal's death as 128 and its number.
    pub(crate) fn end(&mut self) -> i32 {
        use std::os::unix::process::ExitStatusExt as _;
        let begun = Instant::now();
        loop {
            self.read(Duration::from_millis(50));
            if let Some(status) = self.child.try_wait().unwrap() {
                while self.read(Duration::from_millis(20)) {}
                return status
                    .code()
                    .unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "it does not end: {:?}",
                self.seen
            );
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
