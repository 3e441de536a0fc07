//! The face: opens a workspace, finds the operation, walks the pipeline, tells what happened.
use std::sync::Arc;

use aifirst_audit::Durability;
use aifirst_redact::Redactor;
use aifirst_sandbox::RawRel;

use crate::chronicle::{self, Force};
use crate::context::{Cancel, History};
use crate::error::{Error, ErrorKind, Result};
use crate::home::{self, Made, Opened, Placement};
use crate::ids::OpId;
use crate::operation::{Operation, Spec};
use crate::pipeline::{Call, Pipeline, RestoreRequest, rules};
use crate::receipt::{Receipt, Restored};
use crate::record::{self, Recorder};
use crate::registry::Registry;
use crate::settings::Settings;

/// A workspace under the net.
pub struct Runtime {
    settings: Settings,
    opened: Opened,
    registry: Registry,
    recorder: Recorder,
    notice: Option<String>,
}

impl Runtime {
    /// Opens the workspace that the settings lead to, making its state where it is new.
    ///
    /// # Errors
    /// Everything that DESIGN's list of refusals names, each with a code of its own.
    pub fn open(settings: Settings) -> Result<Self> {
        let (opened, made) = home::open(
            &settings.state_path()?,
            &settings.homes,
            &settings.begin(),
            settings.foreign,
            &settings.env,
            &settings.cancel,
        )?;
        let session = match &settings.session {
            Some(name) => checked_session(name)?,
            None => format!("s-{}", crate::env::new_id(&*settings.env)?),
        };
        let recorder = Recorder::new(
            Redactor::new(opened.key.bytes()),
            Arc::clone(&settings.env),
            &settings.client,
            &settings.client_version,
            &session,
        );
        let notice = (made == Made::Now).then(|| {
            let place = match opened.placement() {
                Placement::State => "in the state folder".to_owned(),
                Placement::Sibling => format!("in {}", opened.store_path().display()),
            };
            format!(
                "new workspace {} for {}; what is replaced or deleted is kept {place}",
                opened.known.record.id,
                opened.known.record.root().display(),
            )
        });
        Ok(Self {
            settings,
            opened,
            registry: Registry::builtin(),
            recorder,
            notice,
        })
    }

    /// What is to be said once, when a workspace was made.
    #[must_use]
    pub fn notice(&self) -> Option<&str> {
        self.notice.as_deref()
    }

    /// The session's name.
    #[must_use]
    pub fn session(&self) -> &str {
        self.recorder.session()
    }

    /// Adds a person's own operation.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] when its name is taken or its table contradicts itself.
    pub fn register(&mut self, operation: Arc<dyn Operation>) -> Result<()> {
        self.registry.register(operation)
    }

    /// The operations' tables, in a fixed order.
    pub fn operations(&self) -> impl Iterator<Item = &Spec> {
        self.registry.iter().map(|op| op.spec())
    }

    /// The table of one operation.
    #[must_use]
    pub fn spec(&self, name: &str) -> Option<&Spec> {
        self.registry.get(name).map(|op| op.spec())
    }

    /// Runs one operation, or plans it.
    ///
    /// # Errors
    /// Whatever kept it from being done; the record says so too, under [`Error::id`].
    pub fn call(&self, call: &Call, cancel: &Cancel) -> Result<Receipt> {
        let result = match self.registry.get(&call.operation) {
            Some(operation) => self.with_pipeline(cancel, |p| p.run(&**operation, call)),
            None => Err(self.no_such(&call.operation)),
        };
        result.map_err(|e| self.recorded(&call.operation, e))
    }

    fn no_such(&self, name: &str) -> Error {
        let names: Vec<&str> = self.operations().map(|s| s.name).collect();
        Error::new(ErrorKind::NoSuch, format!("there is no operation {name:?}"))
            .with_code("no_such_operation")
            .with_hint(format!("there are {}", names.join(", ")))
    }

    /// What failed before the pipeline was reached (no such operation, a broken policy) is an
    /// event too; what has an id is in the log already.
    fn recorded(&self, name: &str, error: Error) -> Error {
        if error.id().is_some() || error.kind() == ErrorKind::Tampered {
            return error;
        }
        let Ok(id) = crate::env::new_id(&*self.settings.env) else {
            return error;
        };
        let scope = self.recorder.redactor().scoped();
        let error = error.redacted(&|text| scope.text(text).into_value());
        let call = record::Call {
            id,
            name,
            scope: &scope,
        };
        let written = self
            .recorder
            .refusal(&call, None, &error, &serde_json::json!({}))
            .and_then(|(event, body)| {
                let database = &self.opened.database;
                database.append(Durability::Normal, &Cancel::new(), |tx| {
                    let receipt = aifirst_audit::append_in(tx, &event, Some(&body))?;
                    Ok(((), receipt.head))
                })
            });
        match written {
            Ok(()) => error.with_id(id.to_string()),
            Err(_) => error,
        }
    }

    /// Takes operations back.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when somebody changed a path since and nothing was chosen for
    /// that; [`ErrorKind::NoSuch`] when there is nothing to undo.
    pub fn undo(&self, request: &RestoreRequest, cancel: &Cancel) -> Result<Restored> {
        self.with_pipeline(cancel, |p| {
            p.restore(aifirst_undo::Direction::Undo, request)
        })
    }

    /// Does undone operations again.
    ///
    /// # Errors
    /// As [`undo`](Self::undo).
    pub fn redo(&self, request: &RestoreRequest, cancel: &Cancel) -> Result<Restored> {
        self.with_pipeline(cancel, |p| {
            p.restore(aifirst_undo::Direction::Redo, request)
        })
    }

    fn with_pipeline<T>(
        &self,
        cancel: &Cancel,
        walk: impl FnOnce(&Pipeline<'_>) -> Result<T>,
    ) -> Result<T> {
        // Read at every call: a rule that a person just wrote holds for the next one.
        let policy = self.opened.policy(&self.settings.homes)?;
        let workspace = self.opened.workspace.with_rules(rules(&policy)?);
        let history = Journal(&self.opened);
        walk(&Pipeline {
            opened: &self.opened,
            workspace: &workspace,
            policy: &policy,
            recorder: &self.recorder,
            history: &history,
            confirm: &*self.settings.confirm,
            env: &self.settings.env,
            homes: &self.settings.homes,
            limits: self.settings.limits,
            cancel,
        })
    }
}

fn checked_session(name: &str) -> Result<String> {
    let fits = !name.is_empty()
        && name.len() <= 64
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c));
    if fits {
        return Ok(name.to_owned());
    }
    Err(
        Error::usage("a session's name is 1 to 64 letters, digits, and - _ . :")
            .with_code("bad_session"),
    )
}

struct Journal<'a>(&'a Opened);

impl History for Journal<'_> {
    fn touching(&self, path: &RawRel) -> Result<Vec<OpId>> {
        self.0
            .database
            .read(|conn| chronicle::touching(conn, path, Force::InForce))
    }
}
