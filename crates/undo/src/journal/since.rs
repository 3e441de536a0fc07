//! Which later units touched a path, or had the last word on an operation.

use aifirst_sandbox::RawRel;
use rusqlite::types::Value;
use rusqlite::{Connection, params};

use super::{UnitId, UnitRow, reading, unit_rows};
use crate::error::Result;

/// From the few units that are about the operation, never from all that came since.
const LAST_WORD: &str = "WHERE u.status IN (1, 4) AND u.id IN (
    SELECT ?1 UNION ALL SELECT unit FROM undo_unit_target WHERE target=?1)
  ORDER BY u.id DESC LIMIT 1";

/// The newest settled unit that brought the operation of `unit` into force or out of it.
pub(crate) fn last_word(conn: &Connection, unit: UnitId) -> Result<Option<UnitRow>> {
    Ok(unit_rows(conn, LAST_WORD, vec![Value::Integer(unit.0)])?.pop())
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_is_found_without_reading_every_unit() {
        let conn = Connection::open_in_memory().unwrap();
        crate::install(&conn).unwrap();
        let plan: Vec<String> = conn
            .prepare(&format!(
                "EXPLAIN QUERY PLAN SELECT u.id FROM undo_unit u {LAST_WORD}"
            ))
            .unwrap()
            .query_map([1], |row| row.get("detail"))
            .unwrap()
            .map(|row| row.unwrap())
            .collect();
        assert!(plan.iter().all(|step| !step.contains("SCAN u")), "{plan:?}");
        assert!(
            plan.iter()
                .any(|step| step.contains("undo_unit_target_by_target")),
            "{plan:?}"
        );
    }
}
