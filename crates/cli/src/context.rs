//! Opens a runtime from arguments and environment; nothing else reads environment variables.
#![allow(
    clippy::disallowed_methods,
    reason = "the one place where environment and current folder come in"
)]
use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Arc;

use aifirst_runtime::{Always, Answer, By, Cancel, Confirm, Records, Runtime, Settings};

use crate::args::{Globals, When};
use crate::escape;
use crate::exit::Exit;
use crate::out::{Format, Look, look, say};
use crate::prompt::Terminal;
use crate::render::progress::{Progress, Show};
use crate::report::Fail;
use crate::signal::Signals;

/// What one run of the command works with.
pub(crate) struct Context {
    pub(crate) globals: Globals,
    pub(crate) look: Look,
    signals: Option<Arc<Signals>>,
}

/// An environment variable that is set and not empty.
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|v| !v.is_empty())
}

/// Looks at the streams as the arguments say.
pub(crate) fn look_of(globals: &Globals) -> Look {
    let color = match globals.color {
        When::Auto => anstream::ColorChoice::Auto,
        When::Always => anstream::ColorChoice::Always,
        When::Never => anstream::ColorChoice::Never,
    };
    let format = if globals.json {
        Format::Json
    } else {
        Format::Human
    };
    look(format, color, globals.quiet, globals.verbose)
}

/// The streams when the arguments did not parse.
pub(crate) fn plain_look(json: bool) -> Look {
    let format = if json { Format::Json } else { Format::Human };
    look(format, anstream::ColorChoice::Auto, false, false)
}

impl Context {
    pub(crate) fn new(globals: Globals, look: Look) -> Self {
        Self {
            globals,
            look,
            signals: None,
        }
    }

    /// For commands that may change something: from here on signals cancel or wait.
    pub(crate) fn take_signals(&mut self) -> Result<Arc<Signals>, Fail> {
        let signals = Signals::install().map_err(|e| Fail::io("signals cannot be handled", &e))?;
        let signals = Arc::new(signals);
        self.signals = Some(Arc::clone(&signals));
        Ok(signals)
    }

    /// The signal that came, if one did.
    pub(crate) fn signalled(&self) -> Option<i32> {
        self.signals.as_ref().and_then(|s| s.seen())
    }

    /// The token of the running call.
    pub(crate) fn cancel(&self) -> Cancel {
        self.signals
            .as_ref()
            .map(|s| s.cancel().clone())
            .unwrap_or_default()
    }

    /// The signals, once taken.
    pub(crate) fn signals(&self) -> Option<&Signals> {
        self.signals.as_deref()
    }

    /// A spinner, where one is wanted.
    pub(crate) fn progress(&self, what: &str) -> Arc<Progress> {
        let show = if !self.look.quiet && std::io::stderr().is_terminal() {
            Show::Spinner
        } else {
            Show::Nothing
        };
        Progress::start(escape::line(what), show)
    }

    /// Who answers questions: the flag, or the controlling terminal.
    pub(crate) fn confirm(&self, progress: &Arc<Progress>) -> Arc<dyn Confirm> {
        if self.globals.yes {
            Arc::new(Always(Answer::Yes { by: By::Flag }))
        } else {
            Arc::new(self.terminal(progress))
        }
    }

    /// The controlling terminal.
    pub(crate) fn terminal(&self, progress: &Arc<Progress>) -> Terminal {
        Terminal::new(
            self.signals.clone(),
            Arc::clone(progress),
            self.look.color_err,
        )
    }

    /// The folder the command runs in.
    pub(crate) fn current_folder() -> Result<PathBuf, Fail> {
        std::env::current_dir().map_err(|e| Fail::io("the current folder cannot be told", &e))
    }

    /// The session that `AIFIRST_SESSION` names.
    fn session_of_environment() -> Result<Option<String>, Fail> {
        variable("AIFIRST_SESSION")
            .map(|v| {
                v.into_string()
                    .map_err(|_| Fail::usage("AIFIRST_SESSION is not UTF-8"))
            })
            .transpose()
    }

    /// What a runtime is opened with.
    pub(crate) fn settings(&self, confirm: Option<Arc<dyn Confirm>>) -> Result<Settings, Fail> {
        let start = Self::current_folder()?;
        let state = match &self.globals.state {
            Some(folder) => Some(folder.clone()),
            None => variable("AIFIRST_STATE_DIR").map(PathBuf::from),
        };
        let mut s = Settings::new(start.clone());
        s.state = state.map(|folder| start.join(folder));
        s.workspace = self.globals.workspace.as_ref().map(|w| start.join(w));
        s.session = match &self.globals.session {
            Some(name) => Some(name.clone()),
            None => Self::session_of_environment()?,
        };
        s.client = "aifirst cli".to_owned();
        s.client_version = env!("CARGO_PKG_VERSION").to_owned();
        s.homes.home = variable("HOME").map(PathBuf::from);
        s.homes.xdg_state = variable("XDG_STATE_HOME").map(PathBuf::from);
        s.homes.xdg_config = variable("XDG_CONFIG_HOME").map(PathBuf::from);
        if let Some(confirm) = confirm {
            s.confirm = confirm;
        }
        s.cancel = self.cancel();
        Ok(s)
    }

    /// The runtime for changes; a new workspace is said once.
    pub(crate) fn open(&self, confirm: Arc<dyn Confirm>) -> Result<Runtime, Fail> {
        self.opened(Runtime::open(self.settings(Some(confirm))?)?)
    }

    /// The runtime for undo and redo, where `--session` chooses what is taken back and
    /// `AIFIRST_SESSION` alone says to which session that belongs.
    pub(crate) fn open_to_restore(&self, confirm: Arc<dyn Confirm>) -> Result<Runtime, Fail> {
        let mut settings = self.settings(Some(confirm))?;
        settings.session = Self::session_of_environment()?;
        self.opened(Runtime::open(settings)?)
    }

    fn opened(&self, runtime: Runtime) -> Result<Runtime, Fail> {
        if !self.look.quiet
            && let Some(notice) = runtime.notice()
        {
            say(&format!("aifirst: {}", escape::line(notice)));
        }
        Ok(runtime)
    }

    /// What was recorded, for looking; nothing is made.
    pub(crate) fn records(&self) -> Result<Records, Fail> {
        Ok(Records::open(&self.settings(None)?)?)
    }

    /// The folder in which the demo makes its own.
    pub(crate) fn temporary_folder() -> PathBuf {
        variable("TMPDIR")
            .map(PathBuf::from)
            .filter(|p| p.is_absolute())
            .unwrap_or_else(|| PathBuf::from("/tmp"))
    }

    /// How the process ends: by its signal where one came, whatever else was to be said.
    pub(crate) fn exit(&self, exit: Exit) -> Exit {
        match self.signalled() {
            Some(n) => Exit::Signal(n),
            None => exit,
        }
    }
}
