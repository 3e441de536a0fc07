//! Stdout with its promises: a closed pipe ends quietly, lost output is never a success.
use std::io::{self, BufWriter, IsTerminal as _, Stdout, Write as _};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::escape;
use crate::exit::Exit;
use crate::report::{Fail, Part};

/// How output looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Human,
    /// For machines.
    Json,
}

/// What the two streams are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// Human or JSON.
    pub(crate) format: Format,
    /// Whether stdout takes colours.
    pub(crate) color: bool,
    /// Whether stderr takes colours.
    pub(crate) color_err: bool,
    /// Whether stdout is a terminal: names are escaped then.
    pub(crate) terminal: bool,
    /// Columns of the terminal; unlimited when stdout is none.
    pub(crate) width: usize,
    /// Whether notices are wanted.
    pub(crate) quiet: bool,
    /// Whether more is wanted.
    pub(crate) verbose: bool,
}

/// The few styles there are.
pub(crate) mod style {
    use super::{AnsiColor, Style};

    pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
    pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
    pub(crate) const ODD: Style = AnsiColor::Yellow.on_default();
    pub(crate) const NAME: Style = AnsiColor::Cyan.on_default();
    pub(crate) const DIM: Style = Style::new().dimmed();
    pub(crate) const STRONG: Style = Style::new().bold();
    pub(crate) const PLUS: Style = AnsiColor::Green.on_default();
    pub(crate) const MINUS: Style = AnsiColor::Red.on_default();
    pub(crate) const HUNK: Style = AnsiColor::Cyan.on_default();
}

enum State {
    Open,
    /// The reader went away: it had enough.
    Closed,
    /// Output was lost.
    Lost(io::Error),
}

/// Stdout.
pub(crate) struct Out {
    look: Look,
    to: BufWriter<Stdout>,
    state: State,
}

impl Out {
    /// Stdout, looking like that.
    pub(crate) fn new(look: Look) -> Self {
        Self {
            look,
            to: BufWriter::with_capacity(64 << 10, io::stdout()),
            state: State::Open,
        }
    }

    pub(crate) fn look(&self) -> Look {
        self.look
    }

    pub(crate) fn is_json(&self) -> bool {
        self.look.format == Format::Json
    }

    /// Writes bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        if matches!(self.state, State::Open) {
            let result = self.to.write_all(bytes);
            self.note(result);
        }
    }

    /// Writes one line. Whatever an agent wrote in it has been escaped by the caller.
    pub(crate) fn line(&mut self, text: impl AsRef<[u8]>) {
        self.bytes(text.as_ref());
        self.bytes(b"\n");
    }

    /// Writes one JSON document on one line.
    pub(crate) fn json(&mut self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(text) => self.line(escape::json(&text)),
            Err(e) => self.note(Err(io::Error::other(e))),
        }
    }

    /// Sends out what is held back, so that it is seen before what comes next.
    pub(crate) fn flush(&mut self) {
        if matches!(self.state, State::Open) {
            let result = self.to.flush();
            self.note(result);
        }
    }

    /// Text in a style, if stdout takes colours.
    pub(crate) fn paint(&self, style: Style, text: &str) -> String {
        paint(self.look.color, style, text)
    }

    fn note(&mut self, result: io::Result<()>) {
        if let Err(e) = result {
            self.state = if e.kind() == io::ErrorKind::BrokenPipe {
                State::Closed
            } else {
                State::Lost(e)
            };
        }
    }

    /// Ends the output. A command that was done but whose output was lost is no success (lesson
    /// H7); a reader that went away is (lesson H1).
    pub(crate) fn finish(mut self, exit: Exit) -> Exit {
        self.flush();
        // What could not be written must not be tried again when the buffer is dropped.
        let (_, _) = self.to.into_parts();
        match self.state {
            State::Lost(e) => {
                let fail = Fail::new(
                    Exit::Failed,
                    "output_lost",
                    format!("what was to be printed could not be written: {e}"),
                )
                .with_hint("what was done is recorded: `aifirst log` shows it");
                say_fail(self.look.color_err, &fail);
                if exit == Exit::Done {
                    Exit::Failed
                } else {
                    exit
                }
            }
            State::Open | State::Closed => exit,
        }
    }
}

/// Text in a style.
pub(crate) fn paint(color: bool, style: Style, text: &str) -> String {
    if color && !text.is_empty() {
        format!("{style}{text}{style:#}")
    } else {
        text.to_owned()
    }
}

/// One line on stderr; that nobody reads it is no failure.
pub(crate) fn say(text: &str) {
    let mut err = io::stderr().lock();
    let _ = writeln!(err, "{text}");
}

/// Says of a panic where it was, and nothing of what it said: that may hold what an agent wrote,
/// or a secret.
pub(crate) fn keep_panics_quiet() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        say(&format!(
            "aifirst: a bug at {place}; what was begun is finished or taken back, by this call or the next"
        ));
    }));
}

/// A failure on stderr.
pub(crate) fn say_fail(color: bool, fail: &Fail) {
    for (part, text) in fail.lines() {
        say(&match part {
            Part::Error => format!("{} {text}", paint(color, style::BAD, "error:")),
            Part::Fact(name) => format!("  {} {text}", paint(color, style::DIM, name)),
            Part::Hint => format!("{} {text}", paint(color, style::GOOD, "hint:")),
        });
    }
}

/// Looks at the two streams.
pub(crate) fn look(
    format: Format,
    color: anstream::ColorChoice,
    quiet: bool,
    verbose: bool,
) -> Look {
    let stdout = io::stdout();
    let terminal = stdout.is_terminal();
    let takes = |auto: anstream::ColorChoice| match color {
        anstream::ColorChoice::Auto => auto != anstream::ColorChoice::Never,
        anstream::ColorChoice::Never => false,
        _ => true,
    };
    let width = if terminal {
        rustix::termios::tcgetwinsize(&stdout)
            .ok()
            .map(|size| usize::from(size.ws_col))
            .filter(|columns| *columns >= 20)
            .unwrap_or(80)
    } else {
        usize::MAX
    };
    Look {
        format,
        color: takes(anstream::AutoStream::choice(&stdout)),
        color_err: takes(anstream::AutoStream::choice(&io::stderr())),
        terminal,
        width,
        quiet,
        verbose,
    }
}
