//! A spinner on stderr for what takes longer than a second, gone while a person is asked.
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::ProgressBar;

/// How long nothing is shown.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether anything is shown at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Show {
    /// Stderr is a terminal and notices are wanted.
    Spinner,
    /// Nothing.
    Nothing,
}

#[derive(Default)]
struct State {
    bar: Option<ProgressBar>,
    paused: bool,
    done: bool,
}

/// What runs, and whether that is being shown.
pub(crate) struct Progress {
    what: String,
    state: Mutex<State>,
    changed: Condvar,
}

impl Progress {
    /// Begins to watch; `what` is escaped.
    pub(crate) fn start(what: String, show: Show) -> Arc<Self> {
        let this = Arc::new(Self {
            what,
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        if show == Show::Spinner {
            let watched = Arc::clone(&this);
            // Without a thread there is no spinner, and nothing else is lost.
            let _ = std::thread::Builder::new()
                .name("progress".into())
                .spawn(move || watched.watch());
        }
        this
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self) {
        let mut state = self.lock();
        while !state.done {
            let (next, waited) = self
                .changed
                .wait_timeout(state, PATIENCE)
                .unwrap_or_else(PoisonError::into_inner);
            state = next;
            if waited.timed_out() && !state.done && !state.paused && state.bar.is_none() {
                let bar = ProgressBar::new_spinner().with_message(self.what.clone());
                bar.enable_steady_tick(Duration::from_millis(120));
                state.bar = Some(bar);
            }
        }
    }

    /// Runs something that needs the terminal for itself.
    pub(crate) fn paused<T>(&self, f: impl FnOnce() -> T) -> T {
        let mut state = self.lock();
        state.paused = true;
        if let Some(bar) = state.bar.take() {
            bar.finish_and_clear();
        }
        drop(state);
        let result = f();
        self.lock().paused = false;
        self.changed.notify_all();
        result
    }

    /// Ends it; nothing of it stays on the terminal.
    pub(crate) fn stop(&self) {
        let mut state = self.lock();
        state.done = true;
        if let Some(bar) = state.bar.take() {
            bar.finish_and_clear();
        }
        drop(state);
        self.changed.notify_all();
    }
}
