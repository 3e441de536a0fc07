//! The rows of states and of their extended attributes.

use aifirst_sandbox::Time;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use sha2::{Digest as _, Sha256};

use super::{damaged, reading, writing};
use crate::error::Result;
use crate::state::{State, Tree, kind_code, kind_from_code};
use crate::steps::ANY_MODE;

// Sizes and device numbers are unsigned to the kernel and signed to SQLite: the bits are kept.
#[allow(clippy::cast_possible_wrap)]
pub(super) fn bits(number: u64) -> i64 {
    number as i64
}

#[allow(clippy::cast_sign_loss)]
pub(super) fn unbits(number: i64) -> u64 {
    number as u64
}

/// Length-prefixed names and values, so that any bytes fit.
fn encode_xattrs(xattrs: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut data = Vec::new();
    for (name, value) in xattrs {
        for part in [name, value] {
            let len = u32::try_from(part.len()).unwrap_or(u32::MAX);
            data.extend_from_slice(&len.to_le_bytes());
            data.extend_from_slice(part);
        }
    }
    data
}

fn decode_xattrs(mut data: &[u8]) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut part = || -> Result<Option<Vec<u8>>> {
        if data.is_empty() {
            return Ok(None);
        }
        let (len, rest) = data
            .split_first_chunk::<4>()
            .ok_or_else(|| damaged("cut attributes"))?;
        let len = usize::try_from(u32::from_le_bytes(*len)).unwrap_or(usize::MAX);
        let value = rest.get(..len).ok_or_else(|| damaged("cut attributes"))?;
        data = rest.get(len..).unwrap_or_default();
        Ok(Some(value.to_vec()))
    };
    let mut xattrs = Vec::new();
    while let Some(name) = part()? {
        let value = part()?.ok_or_else(|| damaged("cut attributes"))?;
        xattrs.push((name, value));
    }
    Ok(xattrs)
}

fn put_xattrs(conn: &Connection, xattrs: &[(Vec<u8>, Vec<u8>)]) -> Result<Option<i64>> {
    if xattrs.is_empty() {
        return Ok(None);
    }
    let data = encode_xattrs(xattrs);
    let digest: [u8; 32] = Sha256::digest(&data).into();
    conn.prepare_cached("INSERT OR IGNORE INTO undo_xattrs(digest, data) VALUES(?1, ?2)")
        .and_then(|mut s| s.execute(params![digest, data]))
        .map_err(writing)?;
    conn.prepare_cached("SELECT id FROM undo_xattrs WHERE digest=?1")
        .and_then(|mut s| s.query_row([digest], |row| row.get(0)))
        .map(Some)
        .map_err(writing)
}

pub(super) fn put_state(conn: &Connection, state: Option<&State>) -> Result<Option<i64>> {
    let Some(s) = state else { return Ok(None) };
    let xattrs = put_xattrs(conn, &s.xattrs)?;
    let mode = (s.mode != ANY_MODE).then_some(s.mode);
    conn.prepare_cached(
        "INSERT INTO undo_state(kind, mode, uid, gid, size, mtime_s, mtime_ns, ctime_s, ctime_ns,
         btime_s, btime_ns, nlink, rdev, link, xattrs, flags, dev, ino, handle, digest,
         tree_entries, tree_bytes, tree_digest, tree_shape)
         VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,
         ?24)",
    )
    .and_then(|mut statement| {
        statement.insert(params![
            i64::from(kind_code(s.kind)),
            mode,
            s.uid,
            s.gid,
            bits(s.size),
            s.mtime.sec,
            s.mtime.nsec,
            s.ctime.sec,
            s.ctime.nsec,
            s.btime.map(|t| t.sec),
            s.btime.map(|t| t.nsec),
            bits(s.nlink),
            bits(s.rdev),
            s.link,
            xattrs,
            s.flags,
            bits(s.dev),
            bits(s.ino),
            s.handle,
            s.digest,
            s.tree.as_ref().map(|t| bits(t.entries)),
            s.tree.as_ref().map(|t| bits(t.bytes)),
            s.tree.as_ref().map(|t| t.digest),
            s.tree.as_ref().map(|t| t.shape),
        ])
    })
    .map(Some)
    .map_err(writing)
}

pub(super) fn time(row: &Row<'_>, sec: usize, nsec: usize) -> rusqlite::Result<Option<Time>> {
    let sec: Option<i64> = row.get(sec)?;
    let nsec: Option<u32> = row.get(nsec)?;
    Ok(sec.zip(nsec).map(|(sec, nsec)| Time { sec, nsec }))
}

pub(super) fn get_state(conn: &Connection, id: Option<i64>) -> Result<Option<State>> {
    let Some(id) = id else { return Ok(None) };
    let mut statement = conn
        .prepare_cached(
            "SELECT s.kind, mode, uid, gid, size, mtime_s, mtime_ns, ctime_s, ctime_ns, btime_s,
             btime_ns, nlink, rdev, link, x.data, flags, dev, ino, handle, s.digest, tree_entries,
             tree_bytes, tree_digest, tree_shape
             FROM undo_state s LEFT JOIN undo_xattrs x ON x.id=s.xattrs WHERE s.id=?1",
        )
        .map_err(reading)?;
    let found = statement
        .query_row([id], |row| {
            let tree = match (row.get::<_, Option<i64>>(20)?, row.get(22)?, row.get(23)?) {
                (Some(entries), Some(digest), Some(shape)) => Some(Tree {
                    entries: unbits(entries),
                    bytes: unbits(row.get::<_, Option<i64>>(21)?.unwrap_or(0)),
                    digest,
                    shape,
                }),
                _ => None,
            };
            let state = State {
                kind: aifirst_sandbox::Kind::File,
                mode: row.get::<_, Option<u32>>(1)?.unwrap_or(ANY_MODE),
                uid: row.get(2)?,
                gid: row.get(3)?,
                size: unbits(row.get(4)?),
                mtime: time(row, 5, 6)?.unwrap_or_default(),
                ctime: time(row, 7, 8)?.unwrap_or_default(),
                btime: time(row, 9, 10)?,
                nlink: unbits(row.get(11)?),
                rdev: unbits(row.get(12)?),
                link: row.get(13)?,
                xattrs: Vec::new(),
                flags: row.get(15)?,
                dev: unbits(row.get(16)?),
                ino: unbits(row.get(17)?),
                handle: row.get(18)?,
                digest: row.get(19)?,
                tree,
            };
            Ok((
                state,
                row.get::<_, i64>(0)?,
                row.get::<_, Option<Vec<u8>>>(14)?,
            ))
        })
        .optional()
        .map_err(reading)?;
    let (mut state, kind, xattrs) = found.ok_or_else(|| damaged("a state is missing"))?;
    state.kind = kind_from_code(kind).ok_or_else(|| damaged("an unknown kind"))?;
    if let Some(data) = xattrs {
        state.xattrs = decode_xattrs(&data)?;
    }
    Ok(Some(state))
}

/// Whether the journal saw this object with this change time: then one of our own moves, of it or
/// of another of its names, made it.
pub(crate) fn knows_moment(conn: &Connection, seen: &State) -> Result<bool> {
    let ids = conn
        .prepare_cached("SELECT id FROM undo_state WHERE ino=?1 AND ctime_s=?2 AND ctime_ns=?3")
        .and_then(|mut s| {
            s.query_map(
                params![bits(seen.ino), seen.ctime.sec, seen.ctime.nsec],
                |row| row.get::<_, i64>(0),
            )
            .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
        })
        .map_err(reading)?;
    for id in ids {
        if get_state(conn, Some(id))?.is_some_and(|state| state.difference(seen).is_none()) {
            return Ok(true);
        }
    }
    Ok(false)
}
