//! A log that somebody touched is found by `verify`, which names the row, and nothing is added to it.
use std::fs;

use crate::desk::Desk;
use crate::faults::{database, folder, quick_desk, run};

/// Six entries: genesis, and intent and outcome or a read.
fn desk() -> Desk {
    let desk = quick_desk();
    for args in [
        ["call", "write_file", "path=a", "content=one"],
        ["call", "write_file", "path=a", "content=two"],
        ["call", "write_file", "path=b", "content=three"],
    ] {
        let done = run(&desk, &args);
        assert_eq!(done.code, 0, "{done:?}");
    }
    desk
}

fn sql(desk: &Desk, text: &str) {
    let conn = database(desk);
    conn.execute_batch("PRAGMA foreign_keys=OFF; PRAGMA writable_schema=OFF;")
        .unwrap();
    conn.execute_batch(text).unwrap();
}

/// `verify` says 6 and the number; a change is refused with 6 and changes nothing.
fn found(desk: &Desk, what: &str, row: Option<u64>) {
    let verdict = run(desk, &["verify", "--json"]);
    assert_eq!(verdict.code, 6, "{what}: {verdict:?}");
    if let Some(row) = row {
        let document = verdict.document();
        let problems = document["problems"].to_string();
        assert!(
            problems.contains(&row.to_string()),
            "{what}: row {row} is not named: {problems}"
        );
    }
    let human = run(desk, &["verify"]);
    assert_eq!(human.code, 6, "{what}: {human:?}");
    let before = desk.tree();
    let size = events(desk);
    for args in [
        vec!["call", "write_file", "path=c", "content=x"],
        vec!["undo"],
        vec!["call", "delete_file", "path=a"],
    ] {
        let refused = run(desk, &args);
        assert_eq!(refused.code, 6, "{what}: {args:?}: {refused:?}");
    }
    assert_eq!(desk.tree(), before, "{what}");
    assert_eq!(events(desk), size, "{what}: something was appended");
}

fn events(desk: &Desk) -> i64 {
    database(desk)
        .query_row("SELECT count(*) FROM audit_event", [], |row| row.get(0))
        .unwrap()
}

#[test]
fn what_nobody_touched_is_intact() {
    let desk = desk();
    assert_eq!(run(&desk, &["verify"]).code, 0);
    // The control of the other tests: opened and closed by somebody else, it is still so.
    assert_eq!(events(&desk), 7);
    assert_eq!(run(&desk, &["verify"]).code, 0);
    let done = run(&desk, &["call", "write_file", "path=c", "content=x"]);
    assert_eq!(done.code, 0, "{done:?}");
}

/// What is found at the head is refused before anything is appended; what lies deeper is found by
/// `verify`.
#[test]
fn one_flipped_byte_in_any_column_of_any_event() {
    let desk = desk();
    for (table, column) in [
        ("audit_event", "bytes"),
        ("audit_event", "leaf"),
        ("audit_event", "chain"),
        ("audit_body", "bytes"),
        ("audit_body", "salt"),
    ] {
        let conn = database(&desk);
        let mut statement = conn
            .prepare(&format!("SELECT seq, {column} FROM {table} ORDER BY seq"))
            .unwrap();
        let rows: Vec<(u64, Vec<u8>)> = statement
            .query_map([], |row| {
                Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?))
            })
            .unwrap()
            .map(Result::unwrap)
            .collect();
        drop(statement);
        assert!(rows.len() >= 6, "{table}.{column}");
        for (seq, bytes) in rows {
            let at = usize::try_from(seq).unwrap() * 7 % bytes.len();
            let mut other = bytes.clone();
            other[at] ^= 1;
            let update = format!("UPDATE {table} SET {column} = ?1 WHERE seq = ?2");
            let row = seq.cast_signed();
            conn.execute(&update, (&other, row)).unwrap();
            let verdict = run(&desk, &["verify", "--json"]);
            let told = format!("{table}.{column} of {seq}, byte {at}: {verdict:?}");
            assert_eq!(verdict.code, 6, "{told}");
            let problems = verdict.document()["problems"].clone();
            assert!(problems.to_string().contains(&seq.to_string()), "{told}");
            conn.execute(&update, (&bytes, row)).unwrap();
        }
    }
    assert_eq!(run(&desk, &["verify"]).code, 0);
}

#[test]
fn a_removed_row() {
    for seq in [1, 3, 6] {
        let desk = desk();
        sql(
            &desk,
            &format!(
                "DELETE FROM audit_body WHERE seq={seq}; DELETE FROM audit_event WHERE seq={seq}"
            ),
        );
        let verdict = run(&desk, &["verify", "--json"]);
        assert_eq!(verdict.code, 6, "{seq}: {verdict:?}");
        assert!(
            verdict.document()["problems"]
                .to_string()
                .contains(&seq.to_string())
        );
    }
}

/// Lesson E7: a second copy of the head stands elsewhere.
#[test]
fn lesson_e7_the_last_row_cut_and_the_head_mended() {
    let desk = desk();
    sql(
        &desk,
        "DELETE FROM audit_body WHERE seq=6; DELETE FROM audit_event WHERE seq=6;
         UPDATE audit_head SET size=6, hash=(SELECT chain FROM audit_event WHERE seq=5)",
    );
    found(&desk, "cut", Some(6));
}

#[test]
fn two_swapped_rows() {
    let desk = desk();
    sql(
        &desk,
        "CREATE TEMP TABLE t AS SELECT * FROM audit_event WHERE seq IN (2, 4);
         UPDATE audit_event SET (leaf, chain, time, kind, op, session, name, outcome, bytes) =
           (SELECT leaf, chain, time, kind, op, session, name, outcome, bytes FROM t
            WHERE t.seq = 6 - audit_event.seq) WHERE seq IN (2, 4)",
    );
    let verdict = run(&desk, &["verify", "--json"]);
    assert_eq!(verdict.code, 6, "{verdict:?}");
    assert!(verdict.document()["problems"].to_string().contains('2'));
}

#[test]
fn lesson_e7_the_write_ahead_log_removed() {
    let desk = desk();
    // A checkpoint now, so that the database itself is whole, and only what follows is lost.
    database(&desk)
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    let done = run(&desk, &["call", "write_file", "path=d", "content=four"]);
    assert_eq!(done.code, 0, "{done:?}");
    for name in ["state.db-wal", "state.db-shm"] {
        let _ = fs::remove_file(folder(&desk).join(name));
    }
    found(&desk, "-wal removed", None);
}

/// Where the copy of the head went too, nothing inside the state can show the cut.
#[test]
fn the_copy_of_the_head_removed_too_is_told_as_a_note() {
    let desk = desk();
    fs::remove_file(folder(&desk).join("log.lock")).unwrap();
    let verdict = run(&desk, &["verify", "--json"]);
    assert_eq!(verdict.code, 0, "{verdict:?}");
    let notes = verdict.document()["notes"].clone();
    assert!(!notes.as_array().unwrap().is_empty(), "{verdict:?}");
}
