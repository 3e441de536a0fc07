//! What an append promises, and what it refuses.

use crate::support::{BOOT, LOG, Sample, actor, body, decision, intent, op, outcome, read, time};
use aifirst_audit::{
    Body, Durability, ErrorKind, Event, Head, HeadCopy, Installed, Kind, Log, MAX_EVENT_BYTES,
    Outcome, Query, Vetted, append_in, canonical, check_format, check_head_copy, configure, digest,
    genesis, head, install, log_id, set_durability,
};
use proptest::prelude::*;
use rusqlite::{Connection, Transaction, TransactionBehavior};

fn begin(conn: &Connection, how: TransactionBehavior) -> Transaction<'_> {
    Transaction::new_unchecked(conn, how).unwrap()
}

#[test]
fn an_honest_log_is_intact_live_closed_and_opened_again() {
    let sample = Sample::new(5);
    let report = sample.verify();
    assert!(report.verdict.is_intact(), "{:?}", report.problems);
    assert_eq!((report.size, report.head), (11, sample.copy.latest));
    let mut log = Log::open(&sample.path).unwrap();
    log.append(&read(9), Some(&body(9)), Durability::Normal)
        .unwrap();
    // The writer is still open, and ahead of the copy.
    let report = sample.verify();
    assert!(report.verdict.is_intact(), "{:?}", report.problems);
    assert_eq!(report.size, 12);
}

#[test]
fn append_joins_a_transaction_of_someone_else() {
    let sample = Sample::new(1);
    let conn = Connection::open(&sample.path).unwrap();
    configure(&conn).unwrap();
    conn.execute_batch(
        "CREATE TABLE undo_unit (id TEXT, seq INTEGER REFERENCES audit_event (seq)) STRICT",
    )
    .unwrap();
    let before = head(&conn).unwrap();
    {
        let tx = begin(&conn, TransactionBehavior::Immediate);
        let receipt = append_in(&tx, &intent(7), Some(&body(7))).unwrap();
        tx.execute(
            "INSERT INTO undo_unit VALUES ('u', ?1)",
            [receipt.seq as i64],
        )
        .unwrap();
        // Dropped without a commit: both are gone.
    }
    assert_eq!(head(&conn).unwrap(), before);
    let dangling = conn.execute("INSERT INTO undo_unit VALUES ('u', 3)", []);
    assert!(
        dangling.is_err(),
        "foreign keys hold although triggers are off"
    );
    let tx = begin(&conn, TransactionBehavior::Immediate);
    let receipt = append_in(&tx, &intent(7), Some(&body(7))).unwrap();
    tx.execute(
        "INSERT INTO undo_unit VALUES ('u', ?1)",
        [receipt.seq as i64],
    )
    .unwrap();
    tx.commit().unwrap();
    assert_eq!(head(&conn).unwrap(), receipt.head);
    assert!(sample.verify().verdict.is_intact());
}

#[test]
fn a_failed_append_leaves_nothing_even_if_the_caller_commits() {
    let sample = Sample::new(1);
    let conn = Connection::open(&sample.path).unwrap();
    configure(&conn).unwrap();
    // The body's place is taken, so the append fails after its event is in.
    conn.execute_batch(
        "PRAGMA foreign_keys = OFF; INSERT INTO audit_body VALUES (3, zeroblob(32), x'7b7d')",
    )
    .unwrap();
    let tx = begin(&conn, TransactionBehavior::Immediate);
    assert!(append_in(&tx, &intent(7), Some(&body(7))).is_err());
    tx.commit().unwrap();
    conn.execute_batch("DELETE FROM audit_body WHERE seq = 3")
        .unwrap();
    assert!(sample.verify().verdict.is_intact());
}

/// Attack E2: a deferred transaction reads first and is refused when it wants to write.
#[test]
fn lesson_e2_append_refuses_a_deferred_transaction() {
    let sample = Sample::new(1);
    let conn = Connection::open(&sample.path).unwrap();
    configure(&conn).unwrap();
    let tx = begin(&conn, TransactionBehavior::Deferred);
    let e = append_in(&tx, &intent(7), None).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::NotWriting);
    drop(tx);
    // Control: the same connection, begun as a writer.
    let tx = begin(&conn, TransactionBehavior::Immediate);
    append_in(&tx, &intent(7), None).unwrap();
    tx.commit().unwrap();
}

#[test]
fn a_genesis_is_the_first_event_and_comes_once() {
    let folder = tempfile::tempdir().unwrap();
    let conn = Connection::open(folder.path().join("x.db")).unwrap();
    configure(&conn).unwrap();
    assert_eq!(check_format(&conn).unwrap(), Installed::No);
    let tx = begin(&conn, TransactionBehavior::Immediate);
    install(&tx).unwrap();
    assert_eq!(
        append_in(&tx, &intent(1), None).unwrap_err().kind(),
        ErrorKind::NotALog
    );
    assert_eq!(
        genesis(&tx, "no spaces", time(0), BOOT).unwrap_err().kind(),
        ErrorKind::InvalidEvent
    );
    let receipt = genesis(&tx, LOG, time(0), BOOT).unwrap();
    assert_eq!((receipt.seq, receipt.head.size), (0, 1));
    assert_eq!(receipt.head, Head::EMPTY.after(&receipt.leaf));
    assert_eq!(
        genesis(&tx, LOG, time(0), BOOT).unwrap_err().kind(),
        ErrorKind::AlreadyThere
    );
    let again = Event::new(Kind::Genesis, time(1), BOOT);
    assert_eq!(
        append_in(&tx, &again, None).unwrap_err().kind(),
        ErrorKind::AlreadyThere
    );
    assert_eq!(install(&tx).unwrap_err().kind(), ErrorKind::AlreadyThere);
    tx.commit().unwrap();
    assert_eq!(check_format(&conn).unwrap(), Installed::Yes);
    assert_eq!(log_id(&conn).unwrap().as_deref(), Some(LOG));
}

#[test]
fn what_a_kind_needs_must_be_there() {
    let sample = Sample::new(1);
    let mut log = Log::open(&sample.path).unwrap();
    let bare = |kind| Event::new(kind, time(1), BOOT);
    let called = |kind| bare(kind).actor(actor()).op(op(1)).name("x");
    for (event, lacks) in [
        (Event::new(Kind::Session, time(1), ""), "boot id"),
        (bare(Kind::Intent), "actor"),
        (bare(Kind::Intent).actor(actor()), "operation id"),
        (bare(Kind::Read).actor(actor()).op(op(1)), "operation name"),
        (called(Kind::Intent), "decision"),
        (called(Kind::Intent).decision(decision()), "cause"),
        (called(Kind::Confirmation), "decision"),
        (called(Kind::Refusal), "outcome"),
        (called(Kind::Read).decision(decision()), "outcome"),
        (bare(Kind::Outcome), "operation id"),
        (bare(Kind::Outcome).op(op(1)), "intent"),
        (bare(Kind::Outcome).op(op(1)).intent(1), "outcome"),
        (bare(Kind::Recovery), "targets"),
        (read(1).intent(1), "intent"),
        (read(1).op("x y"), "operation id"),
        (read(1).parent(""), "operation id"),
        (bare(Kind::Recovery).targets([""]), "operation id"),
    ] {
        let e = log.append(&event, None, Durability::Normal).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::InvalidEvent, "{lacks}");
        assert!(e.to_string().contains(lacks), "{e} / {lacks}");
    }
    // Control: complete ones go in.
    for event in [
        read(5),
        bare(Kind::Recovery).targets([op(1)]),
        called(Kind::Refusal)
            .outcome(Outcome::Denied)
            .error("denied"),
        called(Kind::Confirmation).decision(decision()),
        bare(Kind::Session),
        bare(Kind::Gap),
    ] {
        log.append(&event, None, Durability::Normal).unwrap();
    }
    assert!(sample.verify().verdict.is_intact());
}

/// Attack E10: an attempt and what became of it are two rows that find each other.
#[test]
fn lesson_e10_an_outcome_belongs_to_one_open_intent_of_its_operation() {
    let sample = Sample::new(1);
    let mut log = Log::open(&sample.path).unwrap();
    let begun = log.append(&intent(7), None, Durability::Full).unwrap();
    let report = sample.verify();
    assert!(
        report.notes.iter().any(|n| n.contains("no outcome yet")),
        "{:?}",
        report.notes
    );
    for bad in [
        outcome(8, begun.seq),
        outcome(7, begun.seq + 1),
        outcome(7, 0),
        outcome(1, 1),
    ] {
        let e = log.append(&bad, None, Durability::Normal).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::InvalidEvent, "{e}");
    }
    log.append(&outcome(7, begun.seq), None, Durability::Normal)
        .unwrap();
    assert!(
        log.append(&outcome(7, begun.seq), None, Durability::Normal)
            .is_err()
    );
    assert!(
        !sample
            .verify()
            .notes
            .iter()
            .any(|n| n.contains("no outcome yet"))
    );
}

#[test]
fn what_is_too_large_is_refused_whole() {
    let sample = Sample::new(1);
    let mut log = Log::open(&sample.path).unwrap();
    let large = read(5).error("x".repeat(MAX_EVENT_BYTES));
    let e = log.append(&large, None, Durability::Normal).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::TooLarge);
    let value = serde_json::Value::String("x".repeat(aifirst_audit::MAX_BODY_BYTES));
    let large = Body::new(Vetted::dangerous_assume_redacted(value), [0; 32]);
    let e = log
        .append(&read(5), Some(&large), Durability::Normal)
        .unwrap_err();
    assert_eq!(e.kind(), ErrorKind::TooLarge);
    assert_eq!(sample.verify().size, 3);
}

#[test]
fn a_damaged_head_stops_every_append() {
    for damage in [
        "UPDATE audit_head SET size = size - 1",
        "UPDATE audit_head SET size = size + 1",
        "UPDATE audit_head SET hash = zeroblob(32)",
        "UPDATE audit_head SET hash = x'00'",
        "DELETE FROM audit_head",
        "DELETE FROM audit_event WHERE seq = 2",
        "UPDATE audit_event SET chain = zeroblob(32) WHERE seq = 2",
    ] {
        let sample = Sample::new(1);
        sample.attacker().execute_batch(damage).unwrap();
        let mut log = Log::open(&sample.path).unwrap();
        let e = log.append(&read(5), None, Durability::Normal).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Damaged, "{damage}");
        let kept: i64 = log
            .connection()
            .query_row("SELECT count(*) FROM audit_event WHERE seq > 2", [], |r| {
                r.get(0)
            })
            .unwrap();
        assert_eq!(kept, 0, "{damage}");
    }
}

/// Appending to a log that lost its tail would cover the loss.
#[test]
fn a_writer_learns_of_a_lost_tail_before_it_appends() {
    let sample = Sample::new(2);
    let conn = sample.attacker();
    check_head_copy(&conn, &sample.copy, BOOT).unwrap();
    conn.execute_batch("DELETE FROM audit_event WHERE seq = 4")
        .unwrap();
    // The last event was not synced: in another boot it may be lost.
    check_head_copy(&conn, &sample.copy, "another boot").unwrap();
    let e = check_head_copy(&conn, &sample.copy, BOOT).unwrap_err();
    assert_eq!((e.kind(), e.seq()), (ErrorKind::RolledBack, Some(4)));
    conn.execute_batch("DELETE FROM audit_event WHERE seq = 3")
        .unwrap();
    let e = check_head_copy(&conn, &sample.copy, "another boot").unwrap_err();
    assert_eq!((e.kind(), e.seq()), (ErrorKind::RolledBack, Some(3)));
    let mut other = sample.copy.clone();
    other.synced = Head {
        size: 2,
        hash: digest::leaf(b"x"),
    };
    let e = check_head_copy(&conn, &other, "another boot").unwrap_err();
    assert_eq!((e.kind(), e.seq()), (ErrorKind::Forked, Some(1)));
    // Nothing left at all: no reason to begin anew.
    let empty = Connection::open_in_memory().unwrap();
    let e = check_head_copy(&empty, &sample.copy, BOOT).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::RolledBack);
    let fresh = HeadCopy::after(None, Head::EMPTY, Durability::Normal, BOOT);
    check_head_copy(&empty, &fresh, BOOT).unwrap();
}

#[test]
fn newer_formats_and_strangers_are_refused_by_name() {
    let sample = Sample::new(1);
    sample
        .attacker()
        .execute_batch("UPDATE audit_meta SET value = '2' WHERE key = 'format'")
        .unwrap();
    let e = Log::open(&sample.path).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::NewerFormat);
    assert!(e.to_string().contains("format 2"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE t (x)")
        .unwrap();
    assert_eq!(Log::open(&path).unwrap_err().kind(), ErrorKind::NotALog);
    assert_eq!(
        Log::create(&path, LOG, time(0), BOOT).unwrap_err().kind(),
        ErrorKind::NotALog
    );
    std::fs::write(
        &path,
        "just text, but long enough to be looked at by SQLite ".repeat(20),
    )
    .unwrap();
    assert_eq!(Log::open(&path).unwrap_err().kind(), ErrorKind::NotALog);
    let missing = folder.path().join("no/state.db");
    let e = Log::open(&missing).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::CannotOpen);
    let mut shown = e.to_string();
    let mut cause = std::error::Error::source(&e);
    while let Some(c) = cause {
        shown.push_str(&c.to_string());
        cause = c.source();
    }
    assert!(!shown.contains("/no/"), "no host path in an error: {shown}");
    // Control: an empty file becomes a log.
    let path = folder.path().join("fresh.db");
    std::fs::write(&path, b"").unwrap();
    Log::create(&path, LOG, time(0), BOOT).unwrap();
    assert_eq!(
        Log::create(&path, LOG, time(0), BOOT).unwrap_err().kind(),
        ErrorKind::AlreadyThere
    );
}

#[test]
fn durability_is_set_between_transactions() {
    let sample = Sample::new(1);
    let conn = Connection::open(&sample.path).unwrap();
    configure(&conn).unwrap();
    let level = || -> i64 {
        conn.pragma_query_value(None, "synchronous", |r| r.get(0))
            .unwrap()
    };
    assert_eq!(level(), 2);
    set_durability(&conn, Durability::Normal).unwrap();
    assert_eq!(level(), 1);
    let tx = begin(&conn, TransactionBehavior::Immediate);
    assert!(set_durability(&tx, Durability::Full).is_err());
}

#[test]
fn equal_bodies_do_not_show_as_equal() {
    let sample = Sample::new(0);
    let mut log = Log::open(&sample.path).unwrap();
    let commits: Vec<_> = [1, 2]
        .into_iter()
        .map(|salt| {
            let value = serde_json::json!({ "path": "same" });
            let body = Body::new(Vetted::dangerous_assume_redacted(value), [salt; 32]);
            let receipt = log
                .append(&read(1), Some(&body), Durability::Normal)
                .unwrap();
            let row =
                aifirst_audit::row(log.connection(), receipt.seq, aifirst_audit::Bodies::Load);
            let row = row.unwrap().unwrap();
            assert_eq!(row.body.value().unwrap()["path"], "same");
            row.event.unwrap().body_commit().unwrap()
        })
        .collect();
    assert_ne!(commits[0], commits[1]);
    assert!(!commits.contains(&digest::leaf(br#"{"path":"same"}"#)));
}

#[derive(Debug, Clone)]
enum Step {
    Intent,
    Outcome,
    Read(String, Option<String>),
    Reopen,
    Abandon,
    Checkpoint,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        Just(Step::Intent),
        Just(Step::Outcome),
        (any::<String>(), any::<Option<String>>()).prop_map(|(a, b)| Step::Read(a, b)),
        Just(Step::Reopen),
        Just(Step::Abandon),
        Just(Step::Checkpoint),
    ];
    prop::collection::vec(step, 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is appended, in whatever order, with any text in it: the log is intact,
    /// its head is the one that the last receipt named, and every event reads back.
    #[test]
    fn honest_histories_are_intact(steps in steps()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let (mut log, mut last) = Log::create(&path, LOG, time(0), BOOT).unwrap();
        let mut copy = HeadCopy::after(None, last.head, Durability::Full, BOOT);
        let mut open = Vec::new();
        let mut texts = Vec::new();
        for (i, step) in steps.into_iter().enumerate() {
            let n = i as u64 + 1;
            let (event, body, durability) = match step {
                Step::Intent => (intent(n), Some(body(n)), Durability::Full),
                Step::Outcome => match open.pop() {
                    Some((m, seq)) => (outcome(m, seq), None, Durability::Normal),
                    None => continue,
                },
                Step::Read(text, more) => {
                    texts.push((last.head.size, text.clone()));
                    let value = serde_json::json!({ "text": text, "more": more });
                    let body = Body::new(Vetted::dangerous_assume_redacted(value), [n as u8; 32]);
                    (read(n).session(text), more.map(|_| body), Durability::Normal)
                }
                Step::Reopen => {
                    drop(log);
                    log = Log::open(&path).unwrap();
                    check_head_copy(log.connection(), &copy, BOOT).unwrap();
                    continue;
                }
                Step::Abandon => {
                    let conn = log.connection();
                    let tx = begin(conn, TransactionBehavior::Immediate);
                    append_in(&tx, &read(n), None).unwrap();
                    continue;
                }
                Step::Checkpoint => {
                    aifirst_audit::checkpoint(log.connection()).unwrap();
                    continue;
                }
            };
            last = log.append(&event, body.as_ref(), durability).unwrap();
            copy = HeadCopy::after(Some(&copy), last.head, durability, BOOT);
            if event == intent(n) {
                open.push((n, last.seq));
            }
        }
        let found = HeadCopy::decode(&copy.encode().unwrap());
        let options = aifirst_audit::VerifyOptions::new().head_copy(found, BOOT).log(LOG);
        let report = aifirst_audit::verify(log.connection(), &options).unwrap();
        prop_assert!(report.verdict.is_intact(), "{:?}", report.problems);
        prop_assert_eq!(report.head, last.head);
        for (seq, text) in texts {
            let row = aifirst_audit::row(log.connection(), seq, aifirst_audit::Bodies::Load).unwrap().unwrap();
            prop_assert_eq!(row.event.as_ref().unwrap().session(), Some(text.as_str()));
        }
        for row in Query::new().page(log.connection()).unwrap() {
            prop_assert!(row.is_as_written());
            prop_assert!(canonical::check(&row.bytes).is_ok());
        }
    }
}

#[test]
fn what_was_moved_into_the_database_is_pending_no_more_though_the_file_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    let (log, _) = Log::create(&path, "pages", time(1), "boot").unwrap();
    let conn = log.connection();
    assert!(aifirst_audit::pending_pages(conn).unwrap() > 0);
    assert_eq!(aifirst_audit::checkpoint(conn).unwrap(), 0);
    assert_eq!(aifirst_audit::pending_pages(conn).unwrap(), 0);
    let wal = std::fs::metadata(dir.path().join("log.db-wal"))
        .unwrap()
        .len();
    assert!(wal > 0, "the file is kept and written anew");
}
