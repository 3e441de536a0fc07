//! Pages, filters and prefixes.

use crate::support::{BOOT, Sample, op, read};
use aifirst_audit::{
    Bodies, BodyState, Durability, Event, Kind, Log, Order, Outcome, Query, find_ops, row,
};

#[test]
fn pages_go_on_by_key_in_both_directions() {
    let sample = Sample::new(5);
    let mut log = Log::open(&sample.path).unwrap();
    for (order, all) in [
        (Order::NewestFirst, (0..11).rev().collect::<Vec<u64>>()),
        (Order::OldestFirst, (0..11).collect()),
    ] {
        let mut seen: Vec<u64> = Vec::new();
        loop {
            let mut query = Query::new().order(order).limit(3).bodies(Bodies::Skip);
            if let Some(last) = seen.last() {
                query = query.past(*last);
            }
            let page = query.page(log.connection()).unwrap();
            if page.is_empty() {
                break;
            }
            seen.extend(page.iter().map(|r| r.seq));
            if order == Order::NewestFirst {
                // Appended between two pages: shifts nothing.
                log.append(&read(99), None, Durability::Normal).unwrap();
            }
        }
        assert_eq!(seen[..11], all[..]);
    }
}

#[test]
fn filters_must_all_match() {
    let sample = Sample::new(4);
    let conn = sample.attacker();
    let seqs = |q: Query| -> Vec<u64> {
        q.order(Order::OldestFirst)
            .page(&conn)
            .unwrap()
            .iter()
            .map(|r| r.seq)
            .collect()
    };
    assert_eq!(seqs(Query::new().kind(Kind::Intent)), [1, 3, 5, 7]);
    assert_eq!(seqs(Query::new().op(&op(2))), [3, 4]);
    assert_eq!(seqs(Query::new().session("s1")), [1, 2, 5, 6]);
    assert_eq!(
        seqs(Query::new().session("s1").outcome(Outcome::Done)),
        [2, 6]
    );
    assert_eq!(
        seqs(
            Query::new()
                .name("write_file")
                .kind(Kind::Outcome)
                .op(&op(4))
        ),
        [8]
    );
    assert_eq!(seqs(Query::new().name("write_file'; --")), [0; 0]);
    assert_eq!(seqs(Query::new().kind(Kind::Genesis)), [0]);
}

#[test]
fn prefixes_find_operations_once_each() {
    let sample = Sample::new(3);
    let mut log = Log::open(&sample.path).unwrap();
    for id in ["abcd1", "abce1", "ab_d1", "abcd1"] {
        let event = Event::new(Kind::Session, crate::support::time(9), BOOT).op(id);
        log.append(&event, None, Durability::Normal).unwrap();
    }
    let find = |prefix| find_ops(log.connection(), prefix, 10).unwrap();
    assert_eq!(find("abc"), ["abcd1", "abce1"]);
    assert_eq!(find("abcd"), ["abcd1"]);
    assert_eq!(find("ab_d"), ["ab_d1"]);
    assert!(find("b").is_empty());
    assert!(find("%").is_empty());
    assert_eq!(find_ops(log.connection(), "", 2).unwrap().len(), 2);
}

#[test]
fn bodies_come_along_only_as_they_were_committed_to() {
    let sample = Sample::new(3);
    let conn = sample.attacker();
    let at = |seq, bodies| row(&conn, seq, bodies).unwrap().unwrap();
    assert_eq!(
        at(1, Bodies::Load).body.value().unwrap()["path"],
        "src/1.rs"
    );
    assert_eq!(at(1, Bodies::Skip).body, BodyState::NotLoaded);
    assert_eq!(at(2, Bodies::Load).body, BodyState::None);
    assert!(row(&conn, 7, Bodies::Load).unwrap().is_none());
    assert!(row(&conn, u64::MAX, Bodies::Load).unwrap().is_none());
    conn.execute_batch(
        "UPDATE audit_body SET bytes = x'7b7d' WHERE seq = 1; DELETE FROM audit_body WHERE seq = 3",
    )
    .unwrap();
    assert_eq!(at(1, Bodies::Load).body, BodyState::Damaged);
    assert_eq!(at(3, Bodies::Load).body, BodyState::Missing);
    // A damaged row is shown as damaged, and does not hide the others.
    conn.execute_batch("UPDATE audit_event SET bytes = x'00' WHERE seq = 5")
        .unwrap();
    let page = Query::new().page(&conn).unwrap();
    assert_eq!(page.len(), 7);
    let damaged = page.iter().find(|r| r.seq == 5).unwrap();
    assert!(damaged.event.is_none() && !damaged.is_as_written());
}
