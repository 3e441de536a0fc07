//! Where a workspace's store lies: the first place where rename and link really work.
#![allow(
    clippy::disallowed_methods,
    reason = "the state folder and the store beside a workspace are ours"
)]
use std::fs;
use std::path::{Path, PathBuf};

use aifirst_sandbox::{Custodian, Workspace};
use aifirst_undo::{RealDisk, Store};

use super::folder::{cannot, make_private};
use super::known::{Known, Placement};
use crate::error::{Error, ErrorKind, Result};

/// The folder of a store at a placement.
pub(crate) fn path(placement: Placement, dir: &Path, root: &Path, id: &str) -> Option<PathBuf> {
    match placement {
        Placement::State => Some(dir.join("store")),
        Placement::Sibling => root
            .parent()
            .map(|p| p.join(format!(".aifirst-store-{id}"))),
    }
}

/// Tries the placements in order and makes the store at the first that works.
///
/// # Errors
/// [`ErrorKind::Unsupported`] when none works: what cannot be undone is not done.
pub(crate) fn place(workspace: &Workspace, dir: &Path, root: &Path, id: &str) -> Result<Placement> {
    let mut why = String::new();
    for placement in [Placement::State, Placement::Sibling] {
        let Some(at) = path(placement, dir, root, id) else {
            continue;
        };
        match attempt(workspace, placement, &at, id) {
            Ok(()) => return Ok(placement),
            Err(e) => {
                if !why.is_empty() {
                    why.push_str("; ");
                }
                why.push_str(&e.to_string());
                // A place that does not work keeps nothing of ours.
                let _ = fs::remove_dir_all(&at);
            }
        }
    }
    Err(Error::new(
        ErrorKind::Unsupported,
        format!("there is no place for kept objects on the workspace's own mount: {why}"),
    )
    .with_code("no_store")
    .with_hint("put the state on the same file system (--state DIR), or make the folder around the workspace writable"))
}

fn attempt(workspace: &Workspace, placement: Placement, at: &Path, id: &str) -> Result<()> {
    make_private(at).map_err(|e| cannot("make the store", &e))?;
    let owned = || Error::new(ErrorKind::State, "something else is in the store's place");
    let meta = fs::symlink_metadata(at).map_err(|e| cannot("look at the store", &e))?;
    if !meta.is_dir() {
        return Err(owned());
    }
    super::folder::private(&meta, "the store")?;
    let custodian =
        Custodian::open(workspace, at).map_err(|e| crate::cause::guard(e, "the store"))?;
    let probe = custodian
        .probe()
        .map_err(|e| crate::cause::guard(e, "the store"))?;
    if !(probe.rename && probe.exchange && probe.link) {
        return Err(Error::new(
            ErrorKind::Unsupported,
            match placement {
                Placement::State => "the state folder is on another mount",
                Placement::Sibling => "rename, exchange or link does not work beside the workspace",
            },
        ));
    }
    Store::create(
        at,
        id,
        match placement {
            Placement::State => aifirst_undo::Placement::State,
            Placement::Sibling => aifirst_undo::Placement::Sibling,
        },
    )
    .map(drop)
    .map_err(Error::from)
}

/// Opens the store of a known workspace, and both together as the engine's disk.
///
/// # Errors
/// [`ErrorKind::State`] when it is gone or is another's.
pub(crate) fn open(workspace: &Workspace, known: &Known) -> Result<RealDisk> {
    let at = path(
        known.record.store,
        &known.dir,
        &known.record.root(),
        &known.record.id,
    )
    .unwrap_or_else(|| known.dir.join("store"));
    let gone = |why: String| {
        Error::new(
            ErrorKind::State,
            format!("the store of kept objects cannot be used: {why}"),
        )
        .with_code("store_missing")
        .with_hint(
            "put it back from a backup; without it nothing can be undone, so nothing is changed",
        )
    };
    let meta = fs::symlink_metadata(&at).map_err(|e| gone(super::folder::io_words(&e)))?;
    super::folder::private(&meta, "the store")?;
    let store = Store::open(&at, &known.record.id).map_err(|e| gone(e.to_string()))?;
    RealDisk::open(workspace, &store).map_err(|e| gone(e.to_string()))
}

/// Bytes and objects below a folder of ours; folders themselves are not counted.
pub(crate) fn size(at: &Path) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    let (mut bytes, mut objects) = (0, 0);
    let mut folders = vec![at.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(meta) = entry.metadata() else { continue };
            if meta.is_dir() {
                folders.push(entry.path());
            } else {
                bytes += meta.blocks() * 512;
                objects += 1;
            }
        }
    }
    (bytes, objects)
}

/// Bytes and objects that a workspace's store keeps.
pub(crate) fn size_of(known: &Known) -> (u64, u64) {
    let record = &known.record;
    path(record.store, &known.dir, &record.root(), &record.id)
        .map_or((0, 0), |at| size(&at.join("k")))
}
