//! Known workspaces: which folder is which, by its path and confirmed by its identity.
#![allow(
    clippy::disallowed_methods,
    reason = "the state folder is ours; a workspace is only looked at from outside here"
)]
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use aifirst_sandbox::{Identity, Rules, Time, Workspace};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::folder::{HomeDirs, StateDir, cannot, private, write_atomic};
use crate::env::Env;
use crate::error::{Error, ErrorKind, Result};

/// The format of `workspace.json` this program writes, and the newest it reads.
const FORMAT: u32 = 1;

/// Whether a folder that belongs to another user may become a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// It is refused.
    Refuse,
    /// It was accepted by name (`workspace init --foreign-owner`).
    Accept,
}

/// Where kept objects lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Placement {
    /// In the state folder.
    State,
    /// In a folder beside the workspace, because the state folder is on another mount.
    Sibling,
}

/// What `workspace.json` holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    format: u32,
    /// The random id.
    pub(crate) id: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    root: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    root_b64: Option<String>,
    /// The owner of the root when it became a workspace.
    pub(crate) uid: u32,
    /// Whether another owner than us was accepted.
    pub(crate) foreign_owner: bool,
    handle: Option<String>,
    ino: String,
    btime: Option<String>,
    fs_uuid: Option<String>,
    /// Where its store is.
    pub(crate) store: Placement,
    /// Since when, microseconds since the epoch.
    made_us: String,
}

impl Record {
    /// The canonical path under which it was last known.
    pub(crate) fn root(&self) -> PathBuf {
        if let Some(text) = &self.root {
            return PathBuf::from(text);
        }
        let bytes = self.root_b64.as_deref().and_then(|b| BASE64.decode(b).ok());
        PathBuf::from(std::ffi::OsString::from_vec(bytes.unwrap_or_default()))
    }

    fn set_root(&mut self, path: &Path) {
        (self.root, self.root_b64) = match path.to_str() {
            Some(text) => (Some(text.to_owned()), None),
            None => (None, Some(BASE64.encode(path.as_os_str().as_bytes()))),
        };
    }

    fn identity(&self) -> Identity {
        let btime = self.btime.as_deref().and_then(|t| {
            let (sec, nsec) = t.split_once('.')?;
            Some(Time {
                sec: sec.parse().ok()?,
                nsec: nsec.parse().ok()?,
            })
        });
        let handle = self.handle.as_deref().and_then(|h| BASE64.decode(h).ok());
        Identity {
            dev: 0,
            ino: self.ino.parse().unwrap_or_default(),
            btime,
            mount: 0,
            handle: handle.map(Vec::into_boxed_slice),
        }
    }

    /// Whether the opened folder is the recorded one.
    fn is(&self, workspace: &Workspace) -> bool {
        let uuid = file_system_uuid(workspace);
        let same_fs = match (&self.fs_uuid, &uuid) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        };
        same_fs && self.identity().same_object(workspace.identity())
    }
}

fn file_system_uuid(workspace: &Workspace) -> Option<String> {
    workspace.file_system().ok().and_then(|fs| fs.uuid)
}

/// A workspace that is known, with its folder of state.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) dir: PathBuf,
    pub(crate) record: Record,
}

/// Reads every known workspace.
pub(crate) fn all(state: &StateDir) -> Result<Vec<Known>> {
    let dir = state.path().join("workspaces");
    let mut known = Vec::new();
    let entries = match fs::read_dir(&dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(known),
        other => other.map_err(|e| cannot("list the known workspaces", &e))?,
    };
    for entry in entries {
        let entry = entry.map_err(|e| cannot("list the known workspaces", &e))?;
        if is_forgotten(&entry.file_name()) {
            continue;
        }
        let path = entry.path().join("workspace.json");
        match fs::symlink_metadata(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                // A log without its record: going on would begin another log and hide this one.
                // The record is made before the log, so that it is looked at after it; what is
                // forgotten meanwhile has lost both.
                if has_log(&entry.path())
                    && fs::symlink_metadata(&path).is_err()
                    && has_log(&entry.path())
                {
                    let id = entry.file_name().to_string_lossy().into_owned();
                    return Err(damaged(&id, &"it is gone, and its log is not"));
                }
                // Made, but never finished: a start that was killed, or one that is still at it.
                if fs::symlink_metadata(&path).is_err() {
                    continue;
                }
            }
            Err(e) => return Err(cannot("look at a known workspace", &e)),
            Ok(meta) => private(&meta, "a workspace.json of the state folder")?,
        }
        let text = fs::read(&path).map_err(|e| cannot("read a known workspace", &e))?;
        known.push(Known {
            dir: entry.path(),
            record: parse(&text, &entry.file_name().to_string_lossy())?,
        });
    }
    known.sort_by(|a, b| a.record.id.cmp(&b.record.id));
    Ok(known)
}

/// What is being deleted is no workspace any more, however far that has come.
pub(crate) const FORGOTTEN: &str = "forgotten-";

fn is_forgotten(name: &std::ffi::OsStr) -> bool {
    name.as_bytes().starts_with(FORGOTTEN.as_bytes())
}

fn has_log(dir: &Path) -> bool {
    fs::symlink_metadata(dir.join("state.db")).is_ok()
}

/// Removes what killed first starts and killed deletions left. The makers' lock is held, so that
/// nobody is about to finish one of them.
pub(crate) fn clear_leftovers(state: &StateDir) {
    let dir = state.path().join("workspaces");
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        let unfinished =
            fs::symlink_metadata(path.join("workspace.json")).is_err() && !has_log(&path);
        if unfinished || is_forgotten(&entry.file_name()) {
            super::forget::discard(&path);
        }
    }
}

fn damaged(id: &str, why: &dyn std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::State,
        format!("workspaces/{id}/workspace.json of the state folder is damaged: {why}"),
    )
    .with_code("workspace_damaged")
    .with_hint(format!(
        "put it back from a backup, or move the folder workspaces/{id} out of the state folder; until then no workspace is found"
    ))
}

fn parse(text: &[u8], id: &str) -> Result<Record> {
    #[derive(Deserialize)]
    struct Head {
        format: u32,
    }
    let head: Head = serde_json::from_slice(text).map_err(|e| damaged(id, &e))?;
    if head.format > FORMAT {
        return Err(newer("workspace.json", head.format, FORMAT));
    }
    serde_json::from_slice(text).map_err(|e| damaged(id, &e))
}

/// State that a newer program wrote is refused by name, never guessed at.
pub(crate) fn newer(what: &str, found: u32, known: u32) -> Error {
    Error::new(
        ErrorKind::State,
        format!("{what} has format {found}, and this aifirst knows formats up to {known}"),
    )
    .with_code("newer_format")
    .with_hint("use the newer aifirst that wrote it")
}

/// Where the search for a workspace starts.
pub(crate) enum Start {
    /// A folder that was named: it, or the known one that it is.
    Named(PathBuf),
    /// The current folder: the nearest known one at or above it, else the git work tree around it.
    Current(PathBuf),
}

/// A folder found to work in, and the known workspace that it is, if it is one.
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) workspace: Workspace,
    pub(crate) known: Option<Known>,
}

/// Finds the workspace.
///
/// # Errors
/// [`ErrorKind::NoSuch`] when the folder is missing, [`ErrorKind::State`] when a known workspace
/// was moved or another folder stands in its place.
pub(crate) fn find(state: Option<&StateDir>, start: &Start) -> Result<Found> {
    let known = state.map(all).transpose()?.unwrap_or_default();
    let (path, named) = match start {
        Start::Named(path) => (path, true),
        Start::Current(path) => (path, false),
    };
    let path = path.canonicalize().map_err(|e| {
        Error::new(
            ErrorKind::NoSuch,
            format!(
                "cannot open the folder for the workspace: {}",
                super::folder::io_words(&e)
            ),
        )
        .with_code("no_such_folder")
        .with_hint("name a folder that exists: --workspace DIR")
    })?;
    let above: Vec<&Path> = if named {
        vec![&path]
    } else {
        path.ancestors().collect()
    };
    for folder in above {
        if let Some(it) = known.iter().find(|k| k.record.root() == folder) {
            let workspace = open(folder)?;
            if it.record.is(&workspace) {
                return Ok(Found {
                    path: folder.to_path_buf(),
                    workspace,
                    known: Some(it.clone()),
                });
            }
            return Err(exchanged(&it.record));
        }
    }
    let folder = if named {
        path
    } else {
        // A `.git` file marks a linked work tree as a folder marks a plain one.
        let tree = path
            .ancestors()
            .find(|p| fs::symlink_metadata(p.join(".git")).is_ok());
        tree.unwrap_or(&path).to_path_buf()
    };
    let workspace = open(&folder)?;
    if let Some(it) = known.iter().find(|k| k.record.is(&workspace)) {
        // The same folder under another path: a second mount of it, or it was moved.
        let still_there = open(&it.record.root()).is_ok_and(|w| it.record.is(&w));
        if still_there {
            return Ok(Found {
                path: it.record.root(),
                workspace,
                known: Some(it.clone()),
            });
        }
        return Err(moved(&it.record));
    }
    Ok(Found {
        path: folder,
        workspace,
        known: None,
    })
}

/// Opens a folder to look at it; the rules are set later, by policy.
fn open(path: &Path) -> Result<Workspace> {
    Workspace::open(path, Rules::default()).map_err(|e| {
        let kind = match e.kind() {
            aifirst_sandbox::ErrorKind::NotFound => ErrorKind::NoSuch,
            aifirst_sandbox::ErrorKind::Unsupported => ErrorKind::Unsupported,
            _ => ErrorKind::Usage,
        };
        Error::new(kind, format!("this folder cannot be a workspace: {e}"))
            .with_code(e.code())
            .with_hint("name a folder that holds a project: --workspace DIR")
            .with_source(e)
    })
}

fn exchanged(record: &Record) -> Error {
    Error::new(
        ErrorKind::State,
        format!("workspace {} was another folder; what is at its path now is not it", record.id),
    )
    .with_code("workspace_exchanged")
    .with_hint(format!(
        "put the old folder back; or, to start anew here, give up its log and undo: aifirst workspace forget {}",
        record.id
    ))
}

fn moved(record: &Record) -> Error {
    Error::new(
        ErrorKind::State,
        format!("this folder is workspace {}, which was known under another path", record.id),
    )
    .with_code("workspace_moved")
    .with_hint(format!(
        "move it back to where it was; or, to start anew here, give up its log and undo: aifirst workspace forget {}",
        record.id
    ))
}

/// Refuses a folder that must not become a workspace.
///
/// # Errors
/// [`ErrorKind::Usage`] with a code of its own for each reason.
pub(crate) fn admit(
    found: &Found,
    state: &StateDir,
    homes: &HomeDirs,
    foreign: Foreign,
) -> Result<()> {
    let refuse = |code: &'static str, words: String, hint: &str| {
        Err(Error::new(ErrorKind::Usage, words)
            .with_code(code)
            .with_hint(hint))
    };
    let path = &found.path;
    let project = "name the folder of one project: --workspace DIR";
    if path.parent().is_none() {
        return refuse(
            "workspace_is_root",
            "the root of the file system cannot be a workspace".into(),
            project,
        );
    }
    let canonical = |p: &Path| p.canonicalize().unwrap_or_else(|_| p.to_path_buf());
    if let Some(home) = homes.home.as_deref().map(canonical)
        && home.starts_with(path)
    {
        return refuse(
            "workspace_is_home",
            "a home folder, or one around it, cannot be a workspace".into(),
            project,
        );
    }
    let own = [
        ("state", Some(state.path().to_path_buf())),
        ("configuration", homes.config()),
    ];
    for (what, dir) in own {
        let Some(dir) = dir.as_deref().map(canonical) else {
            continue;
        };
        if dir.starts_with(path) || path.starts_with(&dir) {
            return refuse(
                "workspace_overlaps_state",
                format!("the workspace and the {what} folder of aifirst lie in each other"),
                "name another folder for one of them: --workspace DIR, --state DIR",
            );
        }
    }
    let ours = |name: &std::ffi::OsStr| name.as_bytes().starts_with(b".aifirst-");
    if path.iter().any(ours) {
        return refuse(
            "workspace_in_store",
            "the folder is a store of aifirst".into(),
            project,
        );
    }
    for other in all(state)? {
        let root = other.record.root();
        if path.starts_with(&root) || root.starts_with(path) {
            return refuse(
                "workspace_overlaps",
                format!(
                    "the folder lies inside or around workspace {}",
                    other.record.id
                ),
                "work in that one, or forget it first: aifirst workspace forget",
            );
        }
    }
    let meta = fs::metadata(path).map_err(|e| cannot("look at the workspace", &e))?;
    let euid = rustix::process::geteuid().as_raw();
    if meta.uid() != euid && foreign == Foreign::Refuse {
        return refuse(
            "workspace_owner",
            format!(
                "the folder belongs to user {}, and this is user {euid}",
                meta.uid()
            ),
            "run as its owner; or accept it by name: aifirst workspace init --foreign-owner",
        );
    }
    Ok(())
}

/// Makes the folder of a new workspace; it counts only once [`Draft::finish`] wrote its record.
pub(crate) struct Draft {
    pub(crate) dir: PathBuf,
    record: Record,
}

impl Draft {
    /// A random id and an empty folder.
    pub(crate) fn new(state: &StateDir, found: &Found, env: &dyn Env) -> Result<Self> {
        let id = crate::env::new_id(env)?.to_string();
        let dir = state.workspaces()?.join(&id);
        super::folder::make_private(&dir).map_err(|e| cannot("make the workspace's folder", &e))?;
        let identity = found.workspace.identity();
        let meta = fs::metadata(&found.path).map_err(|e| cannot("look at the workspace", &e))?;
        let mut record = Record {
            format: FORMAT,
            id,
            root: None,
            root_b64: None,
            uid: meta.uid(),
            foreign_owner: meta.uid() != rustix::process::geteuid().as_raw(),
            handle: identity.handle.as_deref().map(|h| BASE64.encode(h)),
            ino: identity.ino.to_string(),
            btime: identity.btime.map(|t| format!("{}.{}", t.sec, t.nsec)),
            fs_uuid: file_system_uuid(&found.workspace),
            store: Placement::State,
            made_us: env.now_us().to_string(),
        };
        record.set_root(&found.path);
        Ok(Self { dir, record })
    }

    /// Its id.
    pub(crate) fn id(&self) -> &str {
        &self.record.id
    }

    /// Writes the record: from here on the workspace is known.
    pub(crate) fn finish(mut self, store: Placement) -> Result<Known> {
        self.record.store = store;
        let mut text = serde_json::to_vec_pretty(&self.record)
            .map_err(|e| cannot("write the workspace's record", &io::Error::other(e)))?;
        text.push(b'\n');
        write_atomic(
            &self.dir.join("workspace.json"),
            "workspace.json.new",
            &text,
        )
        .map_err(|e| cannot("write the workspace's record", &e))?;
        Ok(Known {
            dir: self.dir,
            record: self.record,
        })
    }
}

/// How a known workspace's folder stands now: `ok`, `missing` or `moved`.
pub(crate) fn condition(known: &Known) -> &'static str {
    let root = known.record.root();
    match fs::symlink_metadata(&root) {
        Err(_) => "missing",
        Ok(_) => match open(&root) {
            Ok(workspace) if known.record.is(&workspace) => "ok",
            _ => "moved",
        },
    }
}
