//! What a runtime or its records are opened with.
use std::path::PathBuf;
use std::sync::Arc;

use crate::confirm::{Always, Answer, Confirm};
use crate::context::{Cancel, Limits};
use crate::env::{Env, SystemEnv};
use crate::error::Result;
use crate::home::{Foreign, HomeDirs, Start};

/// What a runtime is opened with.
#[derive(Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The state folder; `None` for the default of [`HomeDirs::state`].
    pub state: Option<PathBuf>,
    /// The workspace; `None` to find it from `start`.
    pub workspace: Option<PathBuf>,
    /// The folder from which the workspace is looked for.
    pub start: PathBuf,
    /// The session's name; `None` for one of its own.
    pub session: Option<String>,
    /// Who calls, as it calls itself.
    pub client: String,
    /// Its version.
    pub client_version: String,
    /// Who is asked.
    pub confirm: Arc<dyn Confirm>,
    /// Clock, randomness and boot id.
    pub env: Arc<dyn Env>,
    /// The person's folders, from the environment.
    pub homes: HomeDirs,
    /// Whether a folder of another owner may become a workspace.
    pub foreign: Foreign,
    /// Limits of one call.
    pub limits: Limits,
    /// Stops waiting for another process while the workspace is opened.
    pub cancel: Cancel,
}

impl Settings {
    /// Settings that ask nobody and find the workspace from `start`.
    #[must_use]
    pub fn new(start: impl Into<PathBuf>) -> Self {
        Self {
            state: None,
            workspace: None,
            start: start.into(),
            session: None,
            client: "library".to_owned(),
            client_version: env!("CARGO_PKG_VERSION").to_owned(),
            confirm: Arc::new(Always(Answer::NotAvailable {
                why: "nobody is there to be asked".to_owned(),
            })),
            env: SystemEnv::shared(),
            homes: HomeDirs::default(),
            foreign: Foreign::Refuse,
            limits: Limits::default(),
            cancel: Cancel::new(),
        }
    }

    pub(crate) fn state_path(&self) -> Result<PathBuf> {
        match &self.state {
            Some(path) if path.is_absolute() => Ok(path.clone()),
            Some(path) => Ok(self.start.join(path)),
            None => self.homes.state(),
        }
    }

    pub(crate) fn begin(&self) -> Start {
        match &self.workspace {
            Some(path) => Start::Named(self.start.join(path)),
            None => Start::Current(self.start.clone()),
        }
    }
}
