//! Asks a person at the controlling terminal; whatever is not a clear yes is a no.
#![allow(
    clippy::disallowed_methods,
    reason = "the controlling terminal is no part of any workspace"
)]
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;

use aifirst_runtime::{Answer, By, Confirm, Question, Reversibility};
use rustix::termios::{LocalModes, OptionalActions, QueueSelector, Termios};

use crate::escape;
use crate::out::{paint, style};
use crate::render::progress::Progress;
use crate::render::{bytes, diff, plural};
use crate::signal::{Ready, Signals, wait_readable};

/// How many paths, and lines of a diff, are shown.
const PATHS: usize = 10;
const DIFF_LINES: usize = 20;
/// The longest line of agent-written text shown, in characters.
const LINE: usize = 160;

/// Asks at the controlling terminal, never at stdin or stdout (lesson G5).
pub(crate) struct Terminal {
    signals: Option<Arc<Signals>>,
    progress: Arc<Progress>,
    color: bool,
}

impl Terminal {
    pub(crate) fn new(signals: Option<Arc<Signals>>, progress: Arc<Progress>, color: bool) -> Self {
        Self {
            signals,
            progress,
            color,
        }
    }

    /// Puts the lines and reads the answer.
    pub(crate) fn ask(&self, lines: &[String], ask: &str) -> Answer {
        self.progress
            .paused(|| match put(lines, ask, self.signals.as_deref()) {
                Ok(answer) => answer,
                // ENXIO: nothing controls this process, see tty(4).
                Err(e) if e.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => {
                    Answer::NotAvailable {
                        why: "there is no terminal to ask on".to_owned(),
                    }
                }
                Err(e) => Answer::NotAvailable {
                    why: format!("the terminal cannot be asked: {e}"),
                },
            })
    }
}

impl Confirm for Terminal {
    fn confirm(&self, question: &Question) -> Answer {
        self.ask(&lines(question, self.color), "Allow this once?")
    }
}

/// The question in lines. The headline is ours; what agents wrote is escaped, cut, set in, and
/// comes after it (lesson G6).
fn lines(q: &Question, color: bool) -> Vec<String> {
    let mut out = vec![format!(
        "{} {}",
        paint(color, style::ODD, "aifirst asks:"),
        paint(color, style::STRONG, &escape::line(&q.operation))
    )];
    let mut fact = |name: &str, text: String| {
        out.push(format!(
            "  {} {text}",
            paint(color, style::DIM, &format!("{name:<8}"))
        ));
    };
    fact("what", cut(&q.summary));
    for (i, path) in q.paths.iter().take(PATHS).enumerate() {
        fact(if i == 0 { "paths" } else { "" }, escape::line(path));
    }
    if q.paths.len() > PATHS {
        fact("", format!("and {} more", q.paths.len() - PATHS));
    }
    fact(
        "touches",
        format!(
            "{}, {}",
            plural(q.entries, "entry", "entries"),
            bytes(q.bytes)
        ),
    );
    let undo = match q.reversibility {
        Reversibility::Exact => paint(color, style::GOOD, "yes, exactly: `aifirst undo`"),
        Reversibility::Bounded => paint(color, style::ODD, "yes, within limits"),
        Reversibility::Compensable => {
            paint(color, style::ODD, "no, but something can make up for it")
        }
        Reversibility::Irreversible => paint(color, style::BAD, "NO, it cannot be taken back"),
    };
    fact("undoable", undo);
    fact("because", cut(&q.because.join(", ")));
    fact("client", cut(&q.client));
    for note in &q.notes {
        fact("note", cut(note));
    }
    if let Some(text) = &q.diff {
        let all: Vec<&str> = text.lines().collect();
        for l in all.iter().take(DIFF_LINES) {
            let shown = diff::paint_line(color, &cut(l));
            fact("  |", shown);
        }
        if all.len() > DIFF_LINES {
            fact("  |", format!("… {} more lines", all.len() - DIFF_LINES));
        }
    }
    if let Some(reason) = &q.reason {
        fact("reason", format!("{} (says the agent)", cut(reason)));
    }
    out
}

fn cut(text: &str) -> String {
    let text = escape::line(text);
    if text.chars().count() <= LINE {
        return text;
    }
    let mut short: String = text.chars().take(LINE).collect();
    short.push('…');
    short
}

fn put(lines: &[String], ask: &str, signals: Option<&Signals>) -> io::Result<Answer> {
    let tty: OwnedFd = File::options()
        .read(true)
        .write(true)
        .open("/dev/tty")?
        .into();
    if rustix::termios::tcgetpgrp(&tty)? != rustix::process::getpgrp() {
        // Reading would stop a background job until somebody notices.
        return Err(io::Error::other("the command runs in the background"));
    }
    let mut tty = Restored::new(tty)?;
    let mut text = lines.join("\n");
    text.push_str(&format!("\n{ask} [y/N] "));
    // What was typed before the question stood there is no answer to it.
    rustix::termios::tcflush(&tty.file, QueueSelector::IFlush)?;
    tty.file.write_all(text.as_bytes())?;
    tty.file.flush()?;
    let no = |why: &str| Answer::No {
        by: By::Terminal,
        reason: Some(why.to_owned()),
    };
    if wait_readable(tty.file.as_fd(), signals)? == Ready::Signal {
        let _ = writeln!(tty.file);
        return Ok(no("interrupted"));
    }
    let mut buffer = [0u8; 1024];
    let length = loop {
        match rustix::io::read(&tty.file, &mut buffer) {
            Ok(n) => break n,
            Err(rustix::io::Errno::INTR) => {
                if signals.is_some_and(|s| s.seen().is_some()) {
                    break 0;
                }
            }
            Err(_) => break 0,
        }
    };
    if length == 0 {
        let _ = writeln!(tty.file);
        return Ok(no("no answer"));
    }
    let answer = buffer.get(..length).unwrap_or_default().trim_ascii();
    if answer.eq_ignore_ascii_case(b"y") || answer.eq_ignore_ascii_case(b"yes") {
        Ok(Answer::Yes { by: By::Terminal })
    } else {
        Ok(Answer::No {
            by: By::Terminal,
            reason: None,
        })
    }
}

/// The terminal, put into line mode while it is asked and back when this goes, also in a panic.
struct Restored {
    file: File,
    before: Termios,
}

impl Restored {
    fn new(tty: OwnedFd) -> io::Result<Self> {
        let before = rustix::termios::tcgetattr(&tty)?;
        let mut lines = before.clone();
        lines.local_modes |= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
        rustix::termios::tcsetattr(&tty, OptionalActions::Drain, &lines)?;
        Ok(Self {
            file: tty.into(),
            before,
        })
    }
}

impl Drop for Restored {
    fn drop(&mut self) {
        let _ = rustix::termios::tcsetattr(&self.file, OptionalActions::Now, &self.before);
    }
}
