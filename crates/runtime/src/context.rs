//! What a planning operation sees: reading handles, history, limits, and whether to stop.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use aifirst_sandbox::{Leaf, Pinned, RelPath, Resolved, Workspace};

use crate::cause::guard;
use crate::error::{Error, ErrorKind, Result};
use crate::ids::OpId;

/// Tells a running call to stop.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A token that nobody has pulled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the call to stop: before begin it is cancelled, after it the change is finished.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether somebody asked.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// What happened before, for operations that look back.
pub trait History: Send + Sync {
    /// The operations in force that touched a path, newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    fn touching(&self, path: &aifirst_sandbox::RawRel) -> Result<Vec<OpId>>;
}

/// How much one call may read, hold and hand out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The largest text handed out or edited in memory, in bytes.
    pub text: u64,
    /// The largest number of entries listed.
    pub entries: usize,
    /// The largest diff shown, in bytes.
    pub diff: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            text: 16 << 20,
            entries: 10_000,
            diff: 256 << 10,
        }
    }
}

/// What a planning operation sees: reading handles, history, limits, and whether to stop.
pub struct Context<'a> {
    workspace: &'a Workspace,
    history: &'a dyn History,
    cancel: &'a Cancel,
    deadline: Option<Instant>,
    limits: Limits,
}

impl<'a> Context<'a> {
    /// Made by the pipeline, and by tests of operations.
    #[must_use]
    pub fn new(
        workspace: &'a Workspace,
        history: &'a dyn History,
        cancel: &'a Cancel,
        deadline: Option<Instant>,
        limits: Limits,
    ) -> Self {
        Self {
            workspace,
            history,
            cancel,
            deadline,
            limits,
        }
    }

    /// The workspace's reading handles.
    #[must_use]
    pub fn workspace(&self) -> &Workspace {
        self.workspace
    }

    /// What happened before.
    #[must_use]
    pub fn history(&self) -> &dyn History {
        self.history
    }

    /// The limits of this call.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Call it in every loop that may be long.
    ///
    /// # Errors
    /// When the caller cancelled, or the deadline has passed.
    pub fn go_on(&self) -> Result<()> {
        if self.cancel.is_cancelled() {
            return Err(Error::new(
                ErrorKind::Cancelled,
                "the call was cancelled; nothing changed",
            ));
        }
        if self.deadline.is_some_and(|d| Instant::now() >= d) {
            return Err(Error::new(
                ErrorKind::TimedOut,
                "the call took longer than it may; nothing changed",
            ));
        }
        Ok(())
    }

    /// Takes a path as an agent wrote it to the thing it names, through the guard.
    ///
    /// # Errors
    /// What the guard refuses, with the path as it was written.
    pub fn resolve(&self, spelled: &str, leaf: Leaf) -> Result<Resolved> {
        let rel: RelPath = self
            .workspace
            .normalize(spelled)
            .map_err(|e| guard(e, spelled))?;
        self.workspace
            .resolve(rel.raw(), leaf)
            .map_err(|e| guard(e, spelled))
    }

    /// The same, for something that has to be there.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve), and when nothing is there.
    pub fn existing(&self, spelled: &str, leaf: Leaf) -> Result<(aifirst_sandbox::RawRel, Pinned)> {
        let found = self.resolve(spelled, leaf)?;
        match found.found {
            Some(pinned) => Ok((found.path, pinned)),
            None => Err(Error::failed(format!("there is no {spelled:?}"))
                .with_code("not_found")
                .with_path(spelled)
                .with_hint("list_directory shows what is there")),
        }
    }
}
