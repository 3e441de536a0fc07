//! Forgetting a workspace: what would be deleted, and deleting it.
#![allow(
    clippy::disallowed_methods,
    reason = "the state folder and the store beside a workspace are ours"
)]
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::folder::{StateDir, cannot};
use super::known::{self, FORGOTTEN, Known};
use super::lock::Lock;
use super::store;
use crate::error::{Error, ErrorKind, Result};

/// What forgetting a workspace deletes, or deleted.
#[derive(Clone, Debug, Serialize)]
pub struct Forgotten {
    /// The workspace's id.
    pub id: String,
    /// Where it is; it is left as it is.
    pub root: String,
    /// The folders that go.
    pub folders: Vec<String>,
    /// Bytes in them.
    pub bytes: u64,
    /// Objects kept for undo in them, which cannot be restored afterwards.
    pub objects: u64,
}

/// The known workspace of an id, a prefix of one, or a path.
pub(crate) fn named(state: &StateDir, name: &str) -> Result<Known> {
    let all = known::all(state)?;
    let path = Path::new(name);
    let real = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let mut fits: Vec<Known> = all
        .iter()
        .filter(|k| k.record.root() == path || k.record.root() == real)
        .cloned()
        .collect();
    if fits.is_empty() && name.len() >= crate::ids::SHORTEST_PREFIX {
        fits = all
            .into_iter()
            .filter(|k| k.record.id.starts_with(name))
            .collect();
    }
    match fits.len() {
        1 => fits
            .pop()
            .ok_or_else(|| Error::new(ErrorKind::NoSuch, "no such workspace")),
        0 => Err(Error::new(
            ErrorKind::NoSuch,
            format!("no known workspace is called {name:?}"),
        )
        .with_hint("`aifirst workspace list` shows them")),
        _ => Err(Error::new(
            ErrorKind::NoSuch,
            format!("more than one workspace begins with {name:?}"),
        )
        .with_hint("type more characters of its id")),
    }
}

fn folders(known: &Known) -> Vec<PathBuf> {
    let record = &known.record;
    let store = store::path(record.store, &known.dir, &record.root(), &record.id);
    let mut folders = vec![known.dir.clone()];
    // Only a folder that really is this workspace's store: its id is in its name and in it.
    folders.extend(store.filter(|s| {
        !s.starts_with(&known.dir) && aifirst_undo::Store::open(s, &record.id).is_ok()
    }));
    folders
}

/// What would be deleted.
pub(crate) fn plan(known: &Known) -> Forgotten {
    let folders = folders(known);
    let (bytes, _) = folders
        .iter()
        .map(|f| store::size(f))
        .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let record = &known.record;
    let kept = store::path(record.store, &known.dir, &record.root(), &record.id);
    let objects = kept.map_or(0, |s| store::size(&s.join("k")).1);
    Forgotten {
        id: record.id.clone(),
        root: record.root().display().to_string(),
        folders: folders.iter().map(|f| f.display().to_string()).collect(),
        bytes,
        objects,
    }
}

/// Deletes state and store. The workspace itself is not touched.
///
/// # Errors
/// [`ErrorKind::State`] when another process is at work in it, or something cannot be deleted.
pub(crate) fn forget(known: &Known) -> Result<Forgotten> {
    let what = plan(known);
    let lock = Lock::open(&known.dir.join("lock"))?;
    let Some(_held) = lock.try_take()? else {
        return Err(Error::new(
            ErrorKind::State,
            "another process is changing this workspace",
        )
        .with_code("busy")
        .with_hint("try again when it has ended"));
    };
    // Renamed first: a half-deleted workspace is no workspace.
    let mut gone = known.clone();
    gone.dir = known
        .dir
        .with_file_name(format!("{FORGOTTEN}{}", known.record.id));
    fs::rename(&known.dir, &gone.dir).map_err(|e| cannot("delete the workspace's state", &e))?;
    for folder in folders(&gone).iter().rev() {
        make_deletable(folder);
        fs::remove_dir_all(folder).map_err(|e| cannot("delete the workspace's state", &e))?;
    }
    Ok(what)
}

/// Best effort: kept folders may be read-only, and then what is in them cannot be removed.
fn make_deletable(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let _ = fs::set_permissions(&folder, fs::Permissions::from_mode(0o700));
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|t| t.is_dir()) {
                folders.push(entry.path());
            }
        }
    }
}

/// Removes what was made for a workspace that could not be made.
pub(crate) fn discard(dir: &Path) {
    make_deletable(dir);
    let _ = fs::remove_dir_all(dir);
}
