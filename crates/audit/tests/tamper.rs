//! The battery: what someone with the user's rights may do to the files, and the verdict on it.
//! Long because the battery is one table and what only one manipulation needs.

use crate::support::{BOOT, LOG, Sample, body, check, edited, intent, outcome, read, time};
use aifirst_audit::{
    Digest, Durability, Head, HeadCopy, HeadCopyFound, Log, ProblemKind as P, Report, Verdict as V,
    VerifyOptions, canonical, digest,
};
use rusqlite::Connection;
use rusqlite::config::DbConfig;

/// Rows 0 to 10: the genesis, then five intents (odd, with bodies) and their outcomes (even).
const PAIRS: u64 = 5;

/// Name, what is done, the kind of the first problem, its row, the verdict.
type Case = (&'static str, &'static str, P, Option<u64>, V);

#[rustfmt::skip] // one manipulation a line
const CASES: &[Case] = &[
    // Columns of audit_event.
    ("leaf", "UPDATE audit_event SET leaf = zeroblob(32) WHERE seq = 4", P::BytesChanged, Some(4), V::Edited),
    ("leaf short", "UPDATE audit_event SET leaf = x'00' WHERE seq = 4", P::BytesChanged, Some(4), V::Edited),
    ("chain", "UPDATE audit_event SET chain = zeroblob(32) WHERE seq = 4", P::ChainBroken, Some(4), V::Edited),
    ("chain short", "UPDATE audit_event SET chain = x'' WHERE seq = 4", P::ChainBroken, Some(4), V::Edited),
    ("chain of the last", "UPDATE audit_event SET chain = zeroblob(32) WHERE seq = 10", P::ChainBroken, Some(10), V::Edited),
    ("bytes", "UPDATE audit_event SET bytes = CAST(replace(CAST(bytes AS TEXT), 'write_file', 'xrite_file') AS BLOB) WHERE seq = 3", P::BytesChanged, Some(3), V::Edited),
    ("bytes emptied", "UPDATE audit_event SET bytes = x'' WHERE seq = 3", P::BytesChanged, Some(3), V::Edited),
    ("bytes with a space", "UPDATE audit_event SET bytes = CAST(bytes || x'20' AS BLOB) WHERE seq = 3", P::BytesChanged, Some(3), V::Edited),
    ("bytes of the genesis", "UPDATE audit_event SET bytes = x'7b7d' WHERE seq = 0", P::BytesChanged, Some(0), V::Edited),
    ("time", "UPDATE audit_event SET time = '2020-01-01T00:00:00.000000Z' WHERE seq = 4", P::ColumnDiffers, Some(4), V::Edited),
    ("kind", "UPDATE audit_event SET kind = 'read' WHERE seq = 3", P::ColumnDiffers, Some(3), V::Edited),
    ("op", "UPDATE audit_event SET op = '0000000000000009' WHERE seq = 3", P::ColumnDiffers, Some(3), V::Edited),
    ("op emptied", "UPDATE audit_event SET op = NULL WHERE seq = 3", P::ColumnDiffers, Some(3), V::Edited),
    ("session", "UPDATE audit_event SET session = 'other' WHERE seq = 3", P::ColumnDiffers, Some(3), V::Edited),
    ("session emptied", "UPDATE audit_event SET session = NULL WHERE seq = 3", P::ColumnDiffers, Some(3), V::Edited),
    ("name", "UPDATE audit_event SET name = 'read_text_file' WHERE seq = 3", P::ColumnDiffers, Some(3), V::Edited),
    ("outcome", "UPDATE audit_event SET outcome = 'failed' WHERE seq = 4", P::ColumnDiffers, Some(4), V::Edited),
    ("outcome added", "UPDATE audit_event SET outcome = 'done' WHERE seq = 3", P::ColumnDiffers, Some(3), V::Edited),
    ("number", "UPDATE audit_event SET seq = 99 WHERE seq = 10", P::MissingRows, Some(10), V::Missing),
    ("number below zero", "UPDATE audit_event SET seq = -1 WHERE seq = 10", P::ExtraRow, None, V::Edited),
    // Rows.
    ("a row", "DELETE FROM audit_event WHERE seq = 4", P::MissingRows, Some(4), V::Missing),
    ("rows", "DELETE FROM audit_event WHERE seq IN (4, 5, 6)", P::MissingRows, Some(4), V::Missing),
    ("the genesis", "DELETE FROM audit_event WHERE seq = 0", P::MissingRows, Some(0), V::Missing),
    ("the last row", "DELETE FROM audit_event WHERE seq = 10", P::MissingRows, Some(10), V::Missing),
    ("all rows", "DELETE FROM audit_event", P::MissingRows, Some(0), V::Missing),
    ("swapped", "UPDATE audit_event SET seq = 99 WHERE seq = 3; UPDATE audit_event SET seq = 3 WHERE seq = 5; UPDATE audit_event SET seq = 5 WHERE seq = 99", P::ChainBroken, Some(3), V::Edited),
    ("repeated at the end", "INSERT INTO audit_event SELECT 11, leaf, chain, time, kind, op, session, name, outcome, bytes FROM audit_event WHERE seq = 10", P::ChainBroken, Some(11), V::Edited),
    ("repeated in place of another", "UPDATE audit_event SET (leaf, chain, time, kind, op, session, name, outcome, bytes) = (SELECT leaf, chain, time, kind, op, session, name, outcome, bytes FROM audit_event WHERE seq = 2) WHERE seq = 4", P::ChainBroken, Some(4), V::Edited),
    ("inserted", "UPDATE audit_event SET seq = seq + 100 WHERE seq > 4; UPDATE audit_event SET seq = seq - 99 WHERE seq > 100; INSERT INTO audit_event SELECT 5, leaf, chain, time, kind, op, session, name, outcome, bytes FROM audit_event WHERE seq = 4", P::ChainBroken, Some(5), V::Edited),
    ("closed ranks", "DELETE FROM audit_event WHERE seq = 4; UPDATE audit_event SET seq = seq + 100 WHERE seq > 4; UPDATE audit_event SET seq = seq - 101 WHERE seq > 100", P::ChainBroken, Some(4), V::Edited),
    // Bodies.
    ("a body", "DELETE FROM audit_body WHERE seq = 3", P::BodyMissing, Some(3), V::Missing),
    ("all bodies", "DELETE FROM audit_body", P::BodyMissing, Some(1), V::Missing),
    ("body's bytes", "UPDATE audit_body SET bytes = x'7b7d' WHERE seq = 3", P::BodyChanged, Some(3), V::Edited),
    ("body's salt", "UPDATE audit_body SET salt = zeroblob(32) WHERE seq = 3", P::BodyChanged, Some(3), V::Edited),
    ("body's salt short", "UPDATE audit_body SET salt = x'03' WHERE seq = 3", P::BodyChanged, Some(3), V::Edited),
    ("body's number", "UPDATE audit_body SET seq = 4 WHERE seq = 3", P::BodyMissing, Some(3), V::Missing),
    ("a body more", "INSERT INTO audit_body VALUES (4, zeroblob(32), x'7b7d')", P::BodyExtra, Some(4), V::Edited),
    ("a body of nothing", "INSERT INTO audit_body VALUES (77, zeroblob(32), x'7b7d')", P::BodyExtra, Some(77), V::Edited),
    ("bodies swapped", "UPDATE audit_body SET seq = 99 WHERE seq = 3; UPDATE audit_body SET seq = 3 WHERE seq = 5; UPDATE audit_body SET seq = 5 WHERE seq = 99", P::BodyChanged, Some(3), V::Edited),
    // The head row.
    ("head's size", "UPDATE audit_head SET size = 9", P::ExtraRow, Some(9), V::Edited),
    ("head's size up", "UPDATE audit_head SET size = 13", P::MissingRows, Some(11), V::Missing),
    ("head's size below zero", "UPDATE audit_head SET size = -1", P::HeadRow, None, V::Edited),
    ("head's hash", "UPDATE audit_head SET hash = zeroblob(32)", P::HeadRow, Some(10), V::Edited),
    ("head's hash short", "UPDATE audit_head SET hash = x'00'", P::HeadRow, None, V::Edited),
    ("head row gone", "DELETE FROM audit_head", P::HeadRow, None, V::Edited),
    ("two head rows", "INSERT INTO audit_head SELECT 2, size, hash FROM audit_head", P::HeadRow, None, V::Edited),
    ("head row's id", "UPDATE audit_head SET id = 2", P::HeadRow, None, V::Edited),
    // The log's own entries.
    ("log's id", "UPDATE audit_meta SET value = 'other' WHERE key = 'log'", P::OtherLog, None, V::Forked),
    ("log's id gone", "DELETE FROM audit_meta WHERE key = 'log'", P::Schema, None, V::Edited),
    ("a format to come", "UPDATE audit_meta SET value = '2' WHERE key = 'format'", P::NewerFormat, None, V::NewerFormat),
    ("a format that never was", "UPDATE audit_meta SET value = '0' WHERE key = 'format'", P::Schema, None, V::Edited),
    ("format gone", "DELETE FROM audit_meta WHERE key = 'format'", P::Schema, None, V::Edited),
    // The schema.
    ("a trigger", "CREATE TRIGGER t AFTER INSERT ON audit_event BEGIN DELETE FROM audit_body; END", P::Planted, None, V::Edited),
    ("a trigger elsewhere", "CREATE TABLE u (x); CREATE TRIGGER t AFTER INSERT ON u BEGIN DELETE FROM Audit_Event; END", P::Planted, None, V::Edited),
    ("a view in place of a table", "ALTER TABLE audit_event RENAME TO old; CREATE VIEW audit_event AS SELECT * FROM old", P::Schema, None, V::Edited),
    ("a view beside", "CREATE VIEW v AS SELECT * FROM audit_event", P::Planted, None, V::Edited),
    ("a table beside", "CREATE TABLE audit_more (x)", P::Planted, None, V::Edited),
    ("an index beside", "CREATE INDEX i ON audit_event (time)", P::Planted, None, V::Edited),
    ("an index gone", "DROP INDEX audit_event_op", P::Schema, None, V::Edited),
    ("an index of another column", "DROP INDEX audit_event_op; CREATE INDEX audit_event_op ON audit_event (name)", P::Schema, None, V::Edited),
    ("a column more", "ALTER TABLE audit_event ADD COLUMN x TEXT", P::Schema, None, V::Edited),
    ("a column renamed", "ALTER TABLE audit_event RENAME COLUMN op TO opp", P::Schema, None, V::Edited),
    ("bodies' table gone", "DROP TABLE audit_body", P::Schema, None, V::Edited),
    ("head's table gone", "DROP TABLE audit_head", P::Schema, None, V::Edited),
    ("events' table gone", "DROP TABLE audit_event", P::Schema, None, V::Edited),
    ("all tables gone", "DROP TABLE audit_body; DROP TABLE audit_event; DROP TABLE audit_head; DROP TABLE audit_meta", P::OlderThanHeadCopy, Some(0), V::RolledBack),
];

fn assert_found(name: &str, report: &Report, kind: P, row: Option<u64>, verdict: V) {
    let first = report
        .problems
        .first()
        .unwrap_or_else(|| panic!("{name}: nothing was found"));
    assert_eq!(
        (first.kind, first.seq),
        (kind, row),
        "{name}: {:?}",
        report.problems
    );
    assert_eq!(report.verdict, verdict, "{name}: {:?}", report.problems);
    if let Some(row) = row {
        assert!(
            first.text.contains(&row.to_string()),
            "{name}: {}",
            first.text
        );
    }
}

#[test]
fn each_manipulation_gets_its_verdict_and_row() {
    let honest = Sample::new(PAIRS);
    assert!(honest.verify().verdict.is_intact());
    for (name, sql, kind, row, verdict) in CASES {
        let sample = honest.copied();
        sample
            .attacker()
            .execute_batch(sql)
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_found(name, &sample.verify(), *kind, *row, *verdict);
    }
    // Control: touching the file without changing anything.
    let sample = honest.copied();
    sample
        .attacker()
        .execute_batch("UPDATE audit_event SET op = op; CREATE TABLE undo_x (seq REFERENCES audit_event (seq)); VACUUM")
        .unwrap();
    let report = sample.verify();
    assert!(report.verdict.is_intact(), "{:?}", report.problems);
}

/// Attacks through `writable_schema`, which get past what SQL itself allows.
#[test]
fn schema_text_changed_behind_sqlite_is_found() {
    let honest = Sample::new(2);
    for (sql, kind) in [
        (
            "UPDATE sqlite_schema SET sql = replace(sql, 'STRICT', '') WHERE name = 'audit_event'",
            P::Schema,
        ),
        (
            "UPDATE sqlite_schema SET sql = replace(sql, 'NOT NULL', '') WHERE name = 'audit_head'",
            P::Schema,
        ),
        (
            "DELETE FROM sqlite_schema WHERE name = 'audit_event_session'",
            P::Schema,
        ),
        (
            "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'audit_event_session') WHERE name = 'audit_event_op'",
            P::Unreadable,
        ),
    ] {
        let sample = honest.copied();
        let conn = sample.attacker();
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, true)
            .unwrap();
        conn.execute_batch(sql).unwrap();
        drop(conn);
        let report = sample.verify();
        assert!(
            report.problems.iter().any(|p| p.kind == kind),
            "{sql}: {:?}",
            report.problems
        );
        assert!(!report.verdict.is_intact(), "{sql}");
    }
}

/// Triggers do not fire and views are not read on our connections.
#[test]
fn a_planted_trigger_does_not_fire() {
    let sample = Sample::new(1);
    sample
        .attacker()
        .execute_batch(
            "CREATE TRIGGER t BEFORE INSERT ON audit_event BEGIN SELECT raise(IGNORE); END",
        )
        .unwrap();
    let mut log = Log::open(&sample.path).unwrap();
    let receipt = log.append(&read(9), None, Durability::Normal).unwrap();
    assert!(
        aifirst_audit::row(log.connection(), receipt.seq, aifirst_audit::Bodies::Skip)
            .unwrap()
            .is_some()
    );
    assert_found("trigger", &sample.verify(), P::Planted, None, V::Edited);
}

/// Makes leaf, chain and head right again from row `from` on, as anyone can: no key is needed.
fn rewrite(conn: &Connection, from: u64) {
    let size: u64 = conn
        .query_row("SELECT count(*) FROM audit_event", [], |r| {
            r.get::<_, i64>(0)
        })
        .unwrap() as u64;
    let mut previous = match from.checked_sub(1) {
        None => Digest::ZERO,
        Some(before) => chain_at(conn, before),
    };
    for seq in from..size {
        let bytes: Vec<u8> = conn
            .query_row(
                "SELECT bytes FROM audit_event WHERE seq = ?1",
                [seq as i64],
                |r| r.get(0),
            )
            .unwrap();
        let leaf = digest::leaf(&bytes);
        previous = digest::chain(&previous, &leaf);
        conn.execute(
            "UPDATE audit_event SET leaf = ?2, chain = ?3 WHERE seq = ?1",
            (seq as i64, leaf.as_bytes(), previous.as_bytes()),
        )
        .unwrap();
    }
    conn.execute(
        "UPDATE audit_head SET size = ?1, hash = ?2",
        (size as i64, previous.as_bytes()),
    )
    .unwrap();
}

fn chain_at(conn: &Connection, seq: u64) -> Digest {
    let bytes: [u8; 32] = conn
        .query_row(
            "SELECT chain FROM audit_event WHERE seq = ?1",
            [seq as i64],
            |r| r.get(0),
        )
        .unwrap();
    Digest::from_bytes(bytes)
}

fn change(conn: &Connection, seq: u64, change: impl FnOnce(&mut serde_json::Value)) {
    let bytes: Vec<u8> = conn
        .query_row(
            "SELECT bytes FROM audit_event WHERE seq = ?1",
            [seq as i64],
            |r| r.get(0),
        )
        .unwrap();
    let bytes = edited(&bytes, change);
    conn.execute(
        "UPDATE audit_event SET bytes = ?2 WHERE seq = ?1",
        (seq as i64, bytes),
    )
    .unwrap();
}

/// Whoever recomputes leaf and chain of one row is found at the next one, of all rows by
/// the head row, and of the head row too by the copy of the head alone.
#[test]
fn recomputed_hashes_are_found_by_what_was_not_recomputed() {
    let honest = Sample::new(PAIRS);
    let lie = |v: &mut serde_json::Value| v["boot"] = "other".into();

    let sample = honest.copied();
    let conn = sample.attacker();
    change(&conn, 4, lie);
    conn.execute(
        "UPDATE audit_event SET leaf = ?1 WHERE seq = 4",
        [new_leaf(&conn, 4).as_bytes()],
    )
    .unwrap();
    assert_found(
        "leaf too",
        &sample.verify(),
        P::ChainBroken,
        Some(4),
        V::Edited,
    );
    let next = digest::chain(&chain_at(&conn, 3), &new_leaf(&conn, 4));
    conn.execute(
        "UPDATE audit_event SET chain = ?1 WHERE seq = 4",
        [next.as_bytes()],
    )
    .unwrap();
    assert_found(
        "chain too",
        &sample.verify(),
        P::ChainBroken,
        Some(5),
        V::Edited,
    );

    let sample = honest.copied();
    let conn = sample.attacker();
    let head: Vec<u8> = conn
        .query_row("SELECT hash FROM audit_head", [], |r| r.get(0))
        .unwrap();
    change(&conn, 4, lie);
    rewrite(&conn, 4);
    assert_found(
        "head too",
        &sample.verify(),
        P::OtherThanHeadCopy,
        Some(8 + 1),
        V::Forked,
    );
    conn.execute("UPDATE audit_head SET hash = ?1", [head])
        .unwrap();
    assert_found(
        "all but head",
        &sample.verify(),
        P::HeadRow,
        Some(10),
        V::Edited,
    );
}

fn new_leaf(conn: &Connection, seq: u64) -> Digest {
    let bytes: Vec<u8> = conn
        .query_row(
            "SELECT bytes FROM audit_event WHERE seq = ?1",
            [seq as i64],
            |r| r.get(0),
        )
        .unwrap();
    digest::leaf(&bytes)
}

/// Without the copy of the head a complete rewrite cannot be told: the docs say so, and
/// the report says that nothing was compared.
#[test]
fn a_whole_rewrite_shows_by_the_head_copy_alone() {
    let sample = Sample::new(PAIRS);
    let conn = sample.attacker();
    change(&conn, 2, |v| v["outcome"] = "failed".into());
    conn.execute(
        "UPDATE audit_event SET outcome = 'failed' WHERE seq = 2",
        [],
    )
    .unwrap();
    rewrite(&conn, 2);
    let report = sample.verify();
    assert_eq!(report.verdict, V::Forked, "{:?}", report.problems);
    let report = sample.verify_without_copy();
    assert!(report.verdict.is_intact(), "{:?}", report.problems);
    assert!(
        report
            .notes
            .iter()
            .any(|n| n.contains("no copy of the head")),
        "{:?}",
        report.notes
    );
}

/// What a rewriter may forget although every hash is right again.
#[test]
fn a_rewrite_that_breaks_a_rule_of_the_format_is_found_without_a_copy() {
    type Change = fn(&Connection);
    let cases: &[(&str, Change, P, u64)] = &[
        (
            "column",
            |c| change(c, 4, |v| v["name"] = "x".into()),
            P::ColumnDiffers,
            4,
        ),
        (
            "number",
            |c| change(c, 4, |v| v["seq"] = 5.into()),
            P::NumberDiffers,
            4,
        ),
        (
            "log",
            |c| change(c, 4, |v| v["log"] = "x".into()),
            P::OtherLog,
            4,
        ),
        (
            "format",
            |c| change(c, 4, |v| v["v"] = 2.into()),
            P::NewerFormat,
            4,
        ),
        (
            "no format",
            |c| change(c, 4, |v| v["v"] = 0.into()),
            P::NotCanonical,
            4,
        ),
        (
            "no field",
            |c| change(c, 4, |v| drop(v.as_object_mut().unwrap().remove("time"))),
            P::NotCanonical,
            4,
        ),
        (
            "second genesis",
            |c| {
                change(c, 4, |v| v["kind"] = "genesis".into());
                c.execute("UPDATE audit_event SET kind = 'genesis' WHERE seq = 4", [])
                    .unwrap();
            },
            P::Genesis,
            4,
        ),
        (
            "no genesis",
            |c| {
                change(c, 0, |v| v["kind"] = "gap".into());
                c.execute("UPDATE audit_event SET kind = 'gap' WHERE seq = 0", [])
                    .unwrap();
            },
            P::Genesis,
            0,
        ),
        (
            "no commitment",
            |c| change(c, 3, |v| drop(v.as_object_mut().unwrap().remove("body"))),
            P::BodyExtra,
            3,
        ),
        (
            "garbled commitment",
            |c| change(c, 3, |v| v["body"]["commit"] = "x".into()),
            P::BodyChanged,
            3,
        ),
        (
            "commitment to nothing",
            |c| {
                change(c, 4, |v| {
                    v["body"] = serde_json::json!({"commit": "0".repeat(64)});
                });
            },
            P::BodyMissing,
            4,
        ),
        (
            "not canonical",
            |c| {
                let _ = c
                    .execute(
                        "UPDATE audit_event SET bytes = CAST(bytes || x'20' AS BLOB) WHERE seq = 4",
                        [],
                    )
                    .unwrap();
            },
            P::NotCanonical,
            4,
        ),
        (
            "not JSON",
            |c| {
                let _ = c
                    .execute("UPDATE audit_event SET bytes = x'ff' WHERE seq = 4", [])
                    .unwrap();
            },
            P::NotCanonical,
            4,
        ),
        (
            "closed ranks",
            |c| {
                c.execute_batch("DELETE FROM audit_event WHERE seq = 10; UPDATE audit_event SET seq = 10 WHERE seq = 9; UPDATE audit_event SET seq = 9 WHERE seq = 8; INSERT INTO audit_event SELECT 8, leaf, chain, time, kind, op, session, name, outcome, bytes FROM audit_event WHERE seq = 6").unwrap();
            },
            P::Duplicate,
            8,
        ),
    ];
    let honest = Sample::new(PAIRS);
    for (name, change, kind, row) in cases {
        let sample = honest.copied();
        let conn = sample.attacker();
        change(&conn);
        rewrite(&conn, 0);
        let report = sample.verify_without_copy();
        let first = report
            .problems
            .first()
            .unwrap_or_else(|| panic!("{name}: nothing found"));
        assert_eq!(
            (first.kind, first.seq),
            (*kind, Some(*row)),
            "{name}: {:?}",
            report.problems
        );
        assert!(!report.verdict.is_intact());
    }
}

/// The last rows cut off, head row and all: only the copy of the head knows.
#[test]
fn a_tail_cut_cleanly_is_found_by_the_head_copy() {
    let honest = Sample::new(PAIRS);
    for cut in 1..=10u64 {
        let sample = honest.copied();
        let conn = sample.attacker();
        conn.execute("DELETE FROM audit_body WHERE seq > ?1", [10 - cut as i64])
            .unwrap();
        conn.execute("DELETE FROM audit_event WHERE seq > ?1", [10 - cut as i64])
            .unwrap();
        rewrite(&conn, 11 - cut);
        let end = 11 - cut;
        assert_found(
            "cut",
            &sample.verify(),
            P::OlderThanHeadCopy,
            Some(end),
            V::RolledBack,
        );
        // In another boot the last event, which was not synced, may honestly be gone.
        let report = sample.verify_in("another boot");
        let lost = if cut > 1 { V::RolledBack } else { V::Intact };
        assert_eq!(report.verdict, lost, "{cut}: {:?}", report.problems);
        assert!(sample.verify_without_copy().verdict.is_intact());
    }
}

/// Attack E7: the `-wal` file is removed, or an older database is put back.
#[test]
fn lesson_e7_a_removed_wal_or_an_old_database_is_a_rollback() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let (mut log, first) = Log::create(&path, LOG, time(0), BOOT).unwrap();
    let mut last = first.head;
    let mut copies: Vec<Vec<u8>> = Vec::new();
    for n in 1..=6 {
        last = log
            .append(&intent(n), Some(&body(n)), Durability::Full)
            .unwrap()
            .head;
        if n == 3 {
            copies.push(std::fs::read(&path).unwrap());
            assert_eq!(aifirst_audit::checkpoint(log.connection()).unwrap(), 0);
        }
    }
    drop(log);
    copies.push(std::fs::read(&path).unwrap());
    let wal = folder.path().join("state.db-wal");
    assert!(
        std::fs::metadata(&wal).unwrap().len() > 0,
        "closing must not checkpoint"
    );
    let copy = HeadCopy {
        synced: last,
        latest: last,
        boot: BOOT.into(),
    };
    let options = |boot: &str| {
        VerifyOptions::new()
            .log(LOG)
            .head_copy(HeadCopyFound::Copy(copy.clone()), boot)
    };
    assert!(check(&path, &options(BOOT)).verdict.is_intact());
    // First with the stale -shm beside it, then without.
    std::fs::remove_file(&wal).unwrap();
    for (database, rows) in copies.into_iter().zip([0, 4]).rev() {
        std::fs::write(&path, database).unwrap();
        for boot in [BOOT, "another boot"] {
            let report = check(&path, &options(boot));
            assert_found(
                "wal",
                &report,
                P::OlderThanHeadCopy,
                Some(rows),
                V::RolledBack,
            );
        }
        let _ = std::fs::remove_file(&wal);
        let _ = std::fs::remove_file(folder.path().join("state.db-shm"));
    }
}

#[test]
fn another_log_in_its_place_is_a_fork() {
    let sample = Sample::new(2);
    std::fs::remove_file(&sample.path).unwrap();
    let _ = std::fs::remove_file(sample.folder.path().join("state.db-wal"));
    let _ = std::fs::remove_file(sample.folder.path().join("state.db-shm"));
    let (mut log, _) = Log::create(&sample.path, "another", time(0), BOOT).unwrap();
    assert_eq!(sample.verify().verdict, V::Forked);
    drop(log);
    std::fs::remove_file(&sample.path).unwrap();
    let _ = std::fs::remove_file(sample.folder.path().join("state.db-wal"));
    let _ = std::fs::remove_file(sample.folder.path().join("state.db-shm"));
    // The same id, another history of the same length.
    (log, _) = Log::create(&sample.path, LOG, time(1), BOOT).unwrap();
    for n in 1..=2 {
        let begun = log
            .append(&intent(n), Some(&body(n)), Durability::Full)
            .unwrap();
        log.append(&outcome(n, begun.seq), None, Durability::Full)
            .unwrap();
    }
    assert_found(
        "fork",
        &sample.verify(),
        P::OtherThanHeadCopy,
        Some(3),
        V::Forked,
    );
    assert!(sample.verify_without_copy().verdict.is_intact());
}

#[test]
fn a_garbled_head_copy_never_passes() {
    let sample = Sample::new(2);
    let garbled = HeadCopy::decode(b"garbled");
    let report = check(&sample.path, &VerifyOptions::new().head_copy(garbled, BOOT));
    assert_found("garbled", &report, P::HeadCopyGarbled, None, V::Unreadable);
    let mut copy = sample.copy.clone();
    copy.synced = Head {
        size: u64::MAX,
        hash: Digest::ZERO,
    };
    let report = check(
        &sample.path,
        &VerifyOptions::new().head_copy(HeadCopyFound::Copy(copy), BOOT),
    );
    assert_eq!(report.verdict, V::RolledBack);
}

#[test]
fn what_is_no_log_is_unreadable_and_never_intact() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let conn = Connection::open(&path).unwrap();
    let report = aifirst_audit::verify(&conn, &VerifyOptions::new()).unwrap();
    assert_eq!(report.verdict, V::Unreadable);
    let tx = rusqlite::Transaction::new_unchecked(&conn, rusqlite::TransactionBehavior::Immediate)
        .unwrap();
    aifirst_audit::install(&tx).unwrap();
    tx.commit().unwrap();
    let report = aifirst_audit::verify(&conn, &VerifyOptions::new()).unwrap();
    assert!(
        !report.verdict.is_intact(),
        "tables without a genesis are no log"
    );
    let path = folder.path().join("text.db");
    std::fs::write(&path, "no database at all ".repeat(500)).unwrap();
    assert_eq!(check(&path, &VerifyOptions::new()).verdict, V::Unreadable);
    // Locked out is no verdict.
    let sample = Sample::new(1);
    let other = sample.attacker();
    other
        .execute_batch("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE")
        .unwrap();
    let conn = Connection::open(&sample.path).unwrap();
    conn.busy_timeout(std::time::Duration::from_millis(10))
        .unwrap();
    assert!(
        aifirst_audit::verify(&conn, &VerifyOptions::new())
            .unwrap_err()
            .can_retry()
    );
}

#[test]
fn a_report_stays_small_however_much_is_wrong() {
    let sample = Sample::new(70);
    sample
        .attacker()
        .execute_batch("UPDATE audit_event SET time = 'x'")
        .unwrap();
    let report = sample.verify();
    assert_eq!(report.problems.len(), aifirst_audit::MAX_PROBLEMS);
    assert_eq!(report.problems.len() as u64 + report.more, 141);
    assert_eq!(report.first_row(), Some(0));
}

#[test]
fn canonical_bytes_are_what_is_stored() {
    let sample = Sample::new(3);
    let conn = sample.attacker();
    let mut statement = conn.prepare("SELECT bytes FROM audit_event").unwrap();
    let all: Vec<Vec<u8>> = statement
        .query_map([], |r| r.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(all.len(), 7);
    for bytes in all {
        canonical::check(&bytes).unwrap();
        assert_eq!(edited(&bytes, |_| {}), bytes);
    }
}
