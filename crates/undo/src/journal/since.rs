//! Which later units touched a path, or something below it.

use aifirst_sandbox::RawRel;
use rusqlite::{Connection, params};

use super::{UnitId, reading};
use crate::error::Result;

/// Units later than `after` that touched exactly one of `paths` with an applied change, newest
/// first.
pub(crate) fn touched_since(
    conn: &Connection,
    after: UnitId,
    paths: &[RawRel],
) -> Result<Vec<UnitId>> {
    let mut found = Vec::new();
    let mut statement = conn
        .prepare_cached(
            "SELECT DISTINCT unit FROM undo_change
             WHERE unit>?1 AND status=1 AND (path=?2 OR path2=?2)",
        )
        .map_err(reading)?;
    for path in paths {
        let units = statement
            .query_map(params![after.0, path.as_bytes()], |row| {
                row.get::<_, i64>(0)
            })
            .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
            .map_err(reading)?;
        found.extend(units.into_iter().map(UnitId));
    }
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.dedup();
    Ok(found)
}

/// Units later than `after` that touched something below `folder` with an applied change, newest
/// first.
pub(crate) fn touched_below_since(
    conn: &Connection,
    after: UnitId,
    folder: &RawRel,
) -> Result<Vec<UnitId>> {
    // Everything below `d` sorts between `d/` and `d0`: `0` is the byte after the slash.
    let (mut from, mut to) = (folder.as_bytes().to_vec(), folder.as_bytes().to_vec());
    from.push(b'/');
    to.push(b'/' + 1);
    conn.prepare_cached(
        "SELECT DISTINCT unit FROM undo_change
         WHERE unit>?1 AND status=1 AND (path>?2 AND path<?3 OR path2>?2 AND path2<?3)
         ORDER BY unit DESC",
    )
    .and_then(|mut statement| {
        statement
            .query_map(params![after.0, from, to], |row| row.get(0).map(UnitId))?
            .collect()
    })
    .map_err(reading)
}
