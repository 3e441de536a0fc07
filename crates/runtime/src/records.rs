//! Reading what was recorded: log, entry, diff, status, verdict; makes and changes nothing.
#![allow(
    clippy::disallowed_methods,
    reason = "the state folder is ours, no workspace is reached here"
)]
use std::fs::File;

use aifirst_audit::{HeadCopyFound, ReadOnlyLog, VerifyOptions, open_read_only};
use aifirst_redact::Redactor;
use aifirst_sandbox::Workspace;
use aifirst_undo::{ChangeStatus, Contents, Version};
use rusqlite::Connection;

use crate::chronicle::{self, Among};
use crate::error::{Error, ErrorKind, Result};
use crate::history::{
    ChangeView, DiffView, FileDiff, LogEntry, LogFilter, ShowEntry, Status, StoreView, Verified,
    VerifyProblem,
};
use crate::home::{self, Key, Known, Placement, StateDir, read_head_copy};
use crate::ids::{OpId, Reference};
use crate::ops::difference::unified;
use crate::pipeline::path_view;
use crate::plan::Diff;
use crate::receipt::PathView;
use crate::settings::Settings;

/// How many operations `status` names.
const NAMED: usize = 10;

/// What was recorded about one workspace.
pub struct Records {
    known: Known,
    workspace: Workspace,
    log: ReadOnlyLog,
    redactor: Redactor,
    boot: String,
    state: std::path::PathBuf,
    limit: usize,
}

impl Records {
    /// Opens what is recorded about the workspace that the settings lead to.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuch`] when nothing was recorded there; [`ErrorKind::State`] when it cannot
    /// be read, with the reason.
    pub fn open(settings: &Settings) -> Result<Self> {
        let none = || {
            Error::new(ErrorKind::NoSuch, "nothing was recorded here: no known workspace holds this folder")
                .with_code("no_workspace")
                .with_hint("the first `aifirst call` or `aifirst workspace init` makes one; `aifirst workspace list` shows those there are")
        };
        let state = StateDir::open(&settings.state_path()?)?.ok_or_else(none)?;
        let found = home::find(Some(&state), &settings.begin())?;
        let known = found.known.ok_or_else(none)?;
        let key = Key::required(&state)?;
        let log = open_read_only(&known.dir.join("state.db"))?;
        Ok(Self {
            known,
            workspace: found.workspace,
            log,
            redactor: Redactor::new(key.bytes()),
            boot: settings.env.boot().to_owned(),
            state: state.path().to_path_buf(),
            limit: settings.limits.diff,
        })
    }

    fn conn(&self) -> &Connection {
        self.log.connection()
    }

    /// The connection to a log that is there; `verify` alone looks at one that is not.
    fn there(&self) -> Result<&Connection> {
        if aifirst_audit::check_format(self.conn())? == aifirst_audit::Installed::No {
            return Err(Error::new(ErrorKind::State, "the database holds no log")
                .with_code("no_log")
                .with_hint("`aifirst verify` says what is missing"));
        }
        Ok(self.conn())
    }

    /// The entries a filter asks for, oldest first.
    ///
    /// # Errors
    /// [`ErrorKind::State`] when the log cannot be read.
    pub fn log(&self, filter: &LogFilter) -> Result<Vec<LogEntry>> {
        let mut filter = filter.clone();
        // As an operation takes it; what leads outside stands in the log as it was spelled.
        if let Some(path) = &filter.path
            && let Ok(path) = self.workspace.normalize(path)
        {
            let hide = |text: &str| self.redactor.text(text).into_value();
            filter.path = Some(match path_view(path.raw(), &hide) {
                PathView::Text { path } => path,
                PathView::Bytes { path_b64 } => path_b64,
            });
        }
        chronicle::log(self.there()?, &filter)
    }

    /// One operation whole.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuch`] when the log has none of that name.
    pub fn show(&self, reference: &Reference) -> Result<ShowEntry> {
        self.there()?;
        if let Reference::Number(n) = reference
            && let Some((entry, events)) = chronicle::bare_entry(self.conn(), *n)?
        {
            return Ok(ShowEntry {
                entry,
                events,
                changes: Vec::new(),
            });
        }
        let id = chronicle::resolve(self.conn(), reference, Among::All)?;
        let (entry, events) = chronicle::entry(self.conn(), id)?;
        let changes = self.changes(id)?;
        Ok(ShowEntry {
            entry,
            events,
            changes,
        })
    }

    fn changes(&self, id: OpId) -> Result<Vec<ChangeView>> {
        let Some(unit) = aifirst_undo::unit(self.conn(), &id.to_bytes())? else {
            return Ok(Vec::new());
        };
        let hide = |text: &str| self.redactor.text(text).into_value();
        Ok(unit
            .paths
            .iter()
            .map(|p| ChangeView {
                action: p.action.name().to_owned(),
                path: path_view(&p.path, &hide),
                to: p.path2.as_ref().map(|p| path_view(p, &hide)),
                status: change_status(p.status).to_owned(),
            })
            .collect())
    }

    /// Proves the log.
    ///
    /// # Errors
    /// [`ErrorKind::State`] when its files changed while they were read, so that nothing is
    /// proved either way. A log that was tampered with is no error but a verdict.
    pub fn verify(&self) -> Result<Verified> {
        let report = aifirst_audit::verify(
            self.conn(),
            &VerifyOptions::new()
                .head_copy(self.head_copy(), &self.boot)
                .log(&self.known.record.id),
        )?;
        if !report.verdict.is_intact() && !self.log.is_unchanged() {
            return Err(
                Error::new(ErrorKind::State, "the log changed while it was read")
                    .with_code("changed_while_read")
                    .with_hint("try again"),
            );
        }
        Ok(Verified {
            verdict: report.verdict.as_str().to_owned(),
            intact: report.verdict.is_intact(),
            tampered: report.verdict.is_tampering(),
            events: report.size,
            head: report.head.hash.to_string(),
            problems: report
                .problems
                .iter()
                .map(|p| VerifyProblem {
                    seq: p.seq,
                    kind: p.kind.as_str().to_owned(),
                    text: p.text.clone(),
                })
                .collect(),
            notes: report.notes.clone(),
        })
    }

    /// How many events the log holds, when it can be read and fits the copy of its head.
    pub(crate) fn condition(&self) -> Result<u64> {
        if let Ok(file) = File::open(self.known.dir.join("log.lock"))
            && let Some(copy) = read_head_copy(&file)?
        {
            aifirst_audit::check_head_copy(self.conn(), &copy, &self.boot)?;
        }
        Ok(aifirst_audit::head(self.conn())?.size)
    }

    /// The copy of the log's head. It is read before the log: a live log may be ahead of it.
    fn head_copy(&self) -> HeadCopyFound {
        match File::open(self.known.dir.join("log.lock")) {
            Ok(file) => match read_head_copy(&file) {
                Ok(Some(copy)) => HeadCopyFound::Copy(copy),
                Ok(None) => HeadCopyFound::None,
                Err(_) => HeadCopyFound::Garbled,
            },
            Err(_) => HeadCopyFound::None,
        }
    }

    /// What one operation changed in contents, file by file.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuch`] when the log has none of that name, or it changed nothing.
    pub fn diff(&self, reference: &Reference) -> Result<DiffView> {
        let id = chronicle::resolve(self.there()?, reference, Among::Changes)?;
        let unit = aifirst_undo::unit(self.conn(), &id.to_bytes())?.ok_or_else(|| {
            Error::new(
                ErrorKind::NoSuch,
                format!("the operation {id} changed nothing"),
            )
            .with_code("nothing_changed")
            .with_hint("`aifirst log` shows what changed something")
        })?;
        let disk = home::open_store(&self.workspace, &self.known)?;
        let scope = self.redactor.scoped();
        let hide = |text: &str| scope.text(text).into_value();
        let mut files = Vec::new();
        for (seq, path) in unit.paths.iter().enumerate() {
            let side = |version| {
                aifirst_undo::contents(&disk, self.conn(), &id.to_bytes(), seq, version)
                    .map_err(Error::from)
                    .and_then(side)
            };
            let (before, after) = (side(Version::Before)?, side(Version::After)?);
            let shown = path.path.to_string();
            let (diff, note) = match (before, after) {
                _ if path.path2.is_some() => {
                    (None, Some("moved; its content is as it was".to_owned()))
                }
                (Side::Other(why), _) | (_, Side::Other(why)) => (None, Some(why.to_owned())),
                (before, after) => {
                    match unified(&shown, before.bytes(), after.bytes(), self.limit) {
                        Diff::Unified(text) => (Some(hide(&text)), None),
                        Diff::Opaque(why) => (None, Some(hide(&why))),
                    }
                }
            };
            files.push(FileDiff {
                path: path_view(&path.path, &hide),
                action: path.action.name().to_owned(),
                diff,
                note,
            });
        }
        let seq = chronicle::first_row(self.conn(), id)?;
        Ok(DiffView { id, seq, files })
    }

    /// The workspace at a glance.
    ///
    /// # Errors
    /// When log or journal cannot be read.
    pub fn status(&self) -> Result<Status> {
        let conn = self.there()?;
        let undoable = aifirst_undo::undoable(conn, None, None)?;
        let redoable = aifirst_undo::redoable(conn, None, Some(1))?;
        let mut next = Vec::new();
        for op in undoable.iter().take(NAMED) {
            next.push(chronicle::entry(conn, OpId::from_bytes(*op))?.0);
        }
        let attention = chronicle::attention(conn)?;
        let store = home::store_size(&self.known);
        Ok(Status {
            workspace: self.known.record.id.clone(),
            root: self.known.record.root().display().to_string(),
            state: self.state.display().to_string(),
            events: aifirst_audit::head(conn)?.size,
            undoable_count: u64::try_from(undoable.len()).unwrap_or(u64::MAX),
            undoable: next,
            redoable: redoable.first().map(|op| OpId::from_bytes(*op)),
            open: aifirst_undo::open_units(conn)?
                .into_iter()
                .map(OpId::from_bytes)
                .collect(),
            attention,
            store: StoreView {
                placement: match self.known.record.store {
                    Placement::State => "state",
                    Placement::Sibling => "sibling",
                }
                .to_owned(),
                bytes: store.0,
                objects: store.1,
                usable: home::open_store(&self.workspace, &self.known).is_ok(),
            },
        })
    }
}

enum Side {
    Nothing,
    Bytes(Vec<u8>),
    Other(&'static str),
}

impl Side {
    fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// Contents larger than this are not compared line by line.
const SHOWN: u64 = 4 << 20;

fn side(contents: Contents) -> Result<Side> {
    Ok(match contents {
        Contents::Nothing => Side::Nothing,
        Contents::File(file) => match file.read_to_vec(SHOWN) {
            Ok(bytes) => Side::Bytes(bytes),
            Err(e) if e.kind() == aifirst_sandbox::ErrorKind::LimitExceeded => {
                Side::Other("it is too large to be compared line by line")
            }
            Err(e) => return Err(crate::cause::guard(e, ".")),
        },
        Contents::NoFile => Side::Other("it is no file; contents do not differ by lines"),
        _ => Side::Other("its content was changed or moved since and cannot be shown any more"),
    })
}

fn change_status(status: ChangeStatus) -> &'static str {
    match status {
        ChangeStatus::Planned => "open",
        ChangeStatus::Applied => "applied",
        ChangeStatus::NotApplied => "not_applied",
        ChangeStatus::Conflict => "conflict",
        ChangeStatus::TakenBack => "taken_back",
        _ => "unknown",
    }
}
