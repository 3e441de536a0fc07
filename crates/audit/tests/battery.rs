//! Flipped bits, anywhere: each is found where it is, or changes nothing that is read.

use crate::support::Sample;
use aifirst_audit::{Log, ProblemKind, Verdict};
use proptest::prelude::*;
use rusqlite::Connection;
use rusqlite::types::Value;
use std::sync::LazyLock;

static HONEST: LazyLock<Sample> = LazyLock::new(|| Sample::new(4));

fn flip(conn: &Connection, table: &str, column: &str, seq: i64, at: usize, bit: u8) -> bool {
    let sql = format!("SELECT {column} FROM {table} WHERE seq = ?1");
    let Ok(mut bytes) = conn.query_row(&sql, [seq], |r| r.get::<_, Vec<u8>>(0)) else {
        return false;
    };
    let at = at % bytes.len();
    bytes[at] ^= 1 << bit;
    let sql = format!("UPDATE {table} SET {column} = ?2 WHERE seq = ?1");
    conn.execute(&sql, (seq, bytes)).unwrap();
    true
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// One flipped bit in any stored value of any row is found, and the row is named.
    #[test]
    fn a_flipped_bit_in_any_stored_value_names_its_row(at: prop::sample::Index, bit in 0u8..8) {
        for seq in 0..9 {
            for (table, column, kind) in [
                ("audit_event", "bytes", ProblemKind::BytesChanged),
                ("audit_event", "leaf", ProblemKind::BytesChanged),
                ("audit_event", "chain", ProblemKind::ChainBroken),
                ("audit_body", "bytes", ProblemKind::BodyChanged),
                ("audit_body", "salt", ProblemKind::BodyChanged),
            ] {
                let conn = Connection::open(&HONEST.path).unwrap();
                conn.execute_batch("BEGIN").unwrap();
                if !flip(&conn, table, column, seq, at.index(1 << 16), bit) {
                    continue;
                }
                // Verified inside the attacker's own transaction, which is then given up.
                let report = aifirst_audit::verify(&conn, &aifirst_audit::VerifyOptions::new()).unwrap();
                prop_assert_eq!(report.verdict, Verdict::Edited);
                let first = &report.problems[0];
                prop_assert_eq!((first.kind, first.seq), (kind, Some(seq as u64)), "{}.{}", table, column);
                conn.execute_batch("ROLLBACK").unwrap();
            }
        }
    }
}

fn dump(conn: &Connection) -> rusqlite::Result<Vec<Vec<Value>>> {
    let mut all = Vec::new();
    for sql in [
        "SELECT * FROM audit_event NOT INDEXED ORDER BY seq",
        "SELECT * FROM audit_body ORDER BY seq",
        "SELECT * FROM audit_head",
        "SELECT * FROM audit_meta",
        "SELECT op, seq FROM audit_event WHERE op IS NOT NULL ORDER BY op, seq",
        "SELECT session, seq FROM audit_event WHERE session IS NOT NULL ORDER BY session, seq",
    ] {
        let mut statement = conn.prepare(sql)?;
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            all.push(
                (0..columns)
                    .map(|i| row.get(i))
                    .collect::<rusqlite::Result<_>>()?,
            );
        }
    }
    Ok(all)
}

/// The database as one file, and what is read from it.
static FILE: LazyLock<(Vec<u8>, Vec<Vec<Value>>)> = LazyLock::new(|| {
    let sample = Sample::new(4);
    let log = Log::open(&sample.path).unwrap();
    assert_eq!(aifirst_audit::checkpoint(log.connection()).unwrap(), 0);
    let read = dump(log.connection()).unwrap();
    drop(log);
    (std::fs::read(&sample.path).unwrap(), read)
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// One flipped bit anywhere in the database file: the verdict is bad, or every row, by
    /// table and by index, reads as before.
    #[test]
    fn a_flipped_bit_in_the_file_is_found_or_changes_nothing(at: prop::sample::Index, bit in 0u8..8) {
        let (mut bytes, before) = FILE.clone();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        std::fs::write(&path, bytes).unwrap();
        let conn = Connection::open(&path).unwrap();
        let intact = aifirst_audit::verify(&conn, &aifirst_audit::VerifyOptions::new())
            .is_ok_and(|report| report.verdict.is_intact());
        if intact {
            prop_assert_eq!(dump(&conn).unwrap(), before, "byte {} of the file", at);
        }
    }
}

/// The same, where it must be found: inside the bytes of each event, in the file.
#[test]
fn a_flipped_byte_of_any_event_in_the_file_names_its_row() {
    let (whole, rows) = FILE.clone();
    let events = rows.iter().take(9).map(|row| match row.last() {
        Some(Value::Blob(bytes)) => bytes.clone(),
        other => panic!("the last column is {other:?}"),
    });
    for (seq, event) in events.enumerate() {
        // SQLite leaves stale copies in free space; which one is read is its business.
        let places: Vec<usize> = (0..whole.len())
            .filter(|at| whole[*at..].starts_with(&event))
            .collect();
        for part in 0..5 {
            let mut bytes = whole.clone();
            for from in &places {
                bytes[from + event.len() * part / 5] ^= 1;
            }
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("state.db");
            std::fs::write(&path, bytes).unwrap();
            let options = aifirst_audit::VerifyOptions::new();
            let report = crate::support::check(&path, &options);
            assert_eq!(report.verdict, Verdict::Edited, "{report:?}");
            assert_eq!(report.first_row(), Some(seq as u64), "{report:?}");
        }
    }
}

/// A write-ahead log that is cut or edited loses its tail; the head copy shows it.
#[test]
fn an_edited_wal_is_found() {
    let sample = Sample::new(4);
    let wal = sample.folder.path().join("state.db-wal");
    let whole = std::fs::read(&wal).unwrap();
    let mut found = 0;
    for part in 0..16 {
        let at = whole.len() * part / 16;
        for cut in [true, false] {
            let mut bytes = whole.clone();
            if cut {
                bytes.truncate(at);
            } else {
                bytes[at] ^= 0x40;
            }
            let copy = sample.copied();
            std::fs::write(copy.folder.path().join("state.db-wal"), bytes).unwrap();
            let report = copy.verify();
            // The magic number's bits in the header are the only ones SQLite mends itself.
            assert!(!report.verdict.is_intact(), "cut {cut} at {at}: {report:?}");
            found += 1;
        }
    }
    assert_eq!(found, 32);
    let log = Log::open(&sample.path).unwrap();
    assert!(log.connection().is_autocommit());
    drop(log);
    assert!(sample.verify().verdict.is_intact(), "control");
}
