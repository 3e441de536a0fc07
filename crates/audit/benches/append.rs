//! A durable append beside the bare append and fdatasync; verification by rows a second.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a bench that meets an error should stop there; it measures real files"
)]

use aifirst_audit::{
    Actor, Body, Decision, DecisionVerdict, Durability, Event, Kind, Log, Outcome, Prompt,
    RuleSource, Timestamp, VerifyOptions, Vetted, append_in, verify,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rusqlite::TransactionBehavior;
use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

const BOOT: &str = "5f0c1f5e-0000-4000-8000-000000000001";
const ROWS: u64 = 20_000;

fn event(n: u64) -> Event {
    let micros = 1_767_225_600_000_000 + i64::try_from(n).unwrap();
    Event::new(
        Kind::Read,
        Timestamp::from_unix_micros(micros).unwrap(),
        BOOT,
    )
    .actor(Actor {
        client: "bench".into(),
        version: "1".into(),
        pid: 1,
        uid: 1000,
    })
    .session("bench")
    .op(format!("{n:016x}"))
    .name("read_text_file")
    .decision(Decision {
        verdict: DecisionVerdict::Allow,
        rule: String::new(),
        source: RuleSource::Default,
        by: "policy".into(),
        prompt: Prompt::NotShown,
        answer: None,
        reason: None,
    })
    .outcome(Outcome::Done)
}

fn body(n: u64) -> Body {
    let value = serde_json::json!({ "path": "src/main.rs", "n": n });
    Body::new(Vetted::dangerous_assume_redacted(value), [7; 32])
}

fn create(path: &Path) -> Log {
    let time = Timestamp::from_unix_micros(0).unwrap();
    Log::create(path, "bench", time, BOOT).unwrap().0
}

fn append(c: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let mut group = c.benchmark_group("append");
    let mut file = std::fs::File::create(folder.path().join("bare")).unwrap();
    group.bench_function("bare 500 bytes and fdatasync", |b| {
        b.iter(|| {
            file.write_all(black_box(&[b'x'; 500])).unwrap();
            file.sync_data().unwrap();
        });
    });
    let mut log = create(&folder.path().join("log.db"));
    let mut n = 0;
    for (name, durability) in [
        ("event, full", Durability::Full),
        ("event, normal", Durability::Normal),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| {
                n += 1;
                log.append(&event(n), None, durability).unwrap()
            });
        });
    }
    group.bench_function("event and body, full", |b| {
        b.iter(|| {
            n += 1;
            log.append(&event(n), Some(&body(n)), Durability::Full)
                .unwrap()
        });
    });
    group.finish();
}

fn prove(c: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    drop(create(&path));
    let conn = rusqlite::Connection::open(&path).unwrap();
    aifirst_audit::configure(&conn).unwrap();
    let tx = rusqlite::Transaction::new_unchecked(&conn, TransactionBehavior::Immediate).unwrap();
    for n in 1..ROWS {
        append_in(&tx, &event(n), Some(&body(n))).unwrap();
    }
    tx.commit().unwrap();
    aifirst_audit::checkpoint(&conn).unwrap();
    let mut group = c.benchmark_group("verify");
    group.throughput(Throughput::Elements(ROWS));
    group.bench_function("read every row", |b| {
        b.iter(|| {
            let mut statement = conn
                .prepare_cached(
                    "SELECT e.*, b.* FROM audit_event e LEFT JOIN audit_body b ON b.seq = e.seq",
                )
                .unwrap();
            let mut rows = statement.query([]).unwrap();
            let mut bytes = 0;
            while let Some(row) = rows.next().unwrap() {
                bytes += row.get_ref(9).unwrap().as_blob().unwrap().len();
            }
            black_box(bytes)
        });
    });
    group.bench_function("verify with bodies and columns", |b| {
        b.iter(|| {
            let report = verify(&conn, &VerifyOptions::new()).unwrap();
            assert!(report.verdict.is_intact());
            report.size
        });
    });
    group.finish();
}

fn short() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1))
}

criterion_group! { name = benches; config = short(); targets = append, prove }
criterion_main!(benches);
