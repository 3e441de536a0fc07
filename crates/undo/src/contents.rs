//! Finds where the content of a recorded state lies now, so that a change can be shown.

use aifirst_sandbox::{File, Kind, RawRel};
use rusqlite::Connection;

use crate::disk::{Disk, Place};
use crate::error::Result;
use crate::journal::{self, OpId};
use crate::state::State;
use crate::steps::{Entry, Spot, get};

/// Which side of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// What was at its path before.
    Before,
    /// What came to its path.
    After,
}

/// What is known of one side of a change.
#[derive(Debug)]
#[non_exhaustive]
pub enum Contents {
    /// Nothing was at the path, or nothing came to it.
    Nothing,
    /// A file, opened where it lies now.
    File(File),
    /// A folder, a link or another object that is no file.
    NoFile,
    /// It was changed or went away since, so that it cannot be shown any more.
    Gone,
}

/// The content of one change of an operation, wherever it lies now: at its path, in its slot, or
/// in the slot of a later change of the same path. `seq` counts the changes from 0.
///
/// # Errors
/// `Database`, `Guard`.
pub fn contents(
    disk: &dyn Disk,
    conn: &Connection,
    op: &OpId,
    seq: usize,
    version: Version,
) -> Result<Contents> {
    let Some(unit) = journal::unit_of(conn, op)? else {
        return Ok(Contents::Nothing);
    };
    let entries = journal::entries(conn, unit.id)?;
    let Some(entry) = entries.get(seq) else {
        return Ok(Contents::Nothing);
    };
    let vectors = entry.action.vectors();
    let vector = match version {
        Version::Before => vectors.first(),
        Version::After => vectors.last(),
    };
    let thing = vector.and_then(|v| get(v, Spot::P));
    let Some(state) = thing.and_then(|thing| entry.state_of(thing)) else {
        return Ok(Contents::Nothing);
    };
    if state.kind != Kind::File {
        return Ok(Contents::NoFile);
    }
    let mut places: Vec<Place> = [Spot::S, Spot::P]
        .into_iter()
        .filter_map(|spot| entry.place(spot))
        .collect();
    let path = [entry.path.clone()];
    for later in journal::touched_since(conn, unit.id, &path)? {
        let entries = journal::entries(conn, later)?;
        places.extend(entries.iter().filter_map(|e| slot_at(e, &entry.path)));
    }
    for place in places {
        if let Some(file) = open(disk, &place, state)? {
            return Ok(Contents::File(file));
        }
    }
    Ok(Contents::Gone)
}

fn slot_at(entry: &Entry, path: &RawRel) -> Option<Place> {
    let touches = entry.path == *path || entry.path2.as_ref() == Some(path);
    entry.place(Spot::S).filter(|_| touches)
}

fn open(disk: &dyn Disk, place: &Place, state: &State) -> Result<Option<File>> {
    let Some(stat) = disk.stat(place)? else {
        return Ok(None);
    };
    let seen = State::from_stat(&stat);
    let same = seen.kind == Kind::File
        && (seen.ino, seen.btime) == (state.ino, state.btime)
        && (seen.size, seen.mtime) == (state.size, state.mtime);
    if !same {
        return Ok(None);
    }
    disk.open(place).map(Some)
}
