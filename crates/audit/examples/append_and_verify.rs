//! Appends an operation's intent and outcome, verifies, tampers, and verifies again.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "an example shows what it does"
)]

use aifirst_audit::{
    Actor, Body, Cause, Decision, DecisionVerdict, Durability, Event, HeadCopy, HeadCopyFound,
    Kind, Log, Order, Outcome, Prompt, Query, RuleSource, Timestamp, VerifyOptions, Vetted, verify,
};
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("state.db");
    // Clock, boot id and randomness are the caller's.
    let boot = "5f0c1f5e-0000-4000-8000-000000000001";
    let time = Timestamp::parse("2026-01-02T03:04:05.678901Z")?;

    let (mut log, _) = Log::create(&path, "example", time.clone(), boot)?;
    let intent = Event::new(Kind::Intent, time.clone(), boot)
        .actor(Actor {
            client: "example".into(),
            version: "1".into(),
            pid: 1,
            uid: 1000,
        })
        .op("k3v9q2m4x7t1b8zc")
        .name("write_file")
        .cause(Cause::Do)
        .decision(Decision {
            verdict: DecisionVerdict::Allow,
            rule: String::new(),
            source: RuleSource::Default,
            by: "policy".into(),
            prompt: Prompt::NotShown,
            answer: None,
            reason: None,
        });
    let body = Vetted::dangerous_assume_redacted(json!({ "path": "src/main.rs" }));
    let begun = log.append(&intent, Some(&Body::new(body, [7; 32])), Durability::Full)?;
    let outcome = Event::new(Kind::Outcome, time, boot)
        .op("k3v9q2m4x7t1b8zc")
        .intent(begun.seq)
        .outcome(Outcome::Done);
    let ended = log.append(&outcome, None, Durability::Full)?;
    // Kept outside the database, so that a cut tail shows.
    let copy = HeadCopy::after(None, ended.head, Durability::Full, boot);

    for row in Query::new()
        .order(Order::OldestFirst)
        .page(log.connection())?
    {
        println!("@{} {}", row.seq, String::from_utf8_lossy(&row.bytes));
    }
    let options = VerifyOptions::new().head_copy(HeadCopyFound::Copy(copy), boot);
    let report = verify(log.connection(), &options)?;
    println!(
        "{} events, head {}: {}",
        report.size, report.head.hash, report.verdict
    );
    assert!(report.verdict.is_intact());

    // Someone with SQLite at hand makes the operation a harmless one.
    log.connection().execute(
        "UPDATE audit_event SET bytes = CAST(replace(CAST(bytes AS TEXT), 'write_file', 'read_file') AS BLOB) WHERE seq = 1",
        [],
    )?;
    let report = verify(log.connection(), &options)?;
    println!("after a change: {}", report.verdict);
    for problem in &report.problems {
        println!("  {}", problem.text);
    }
    assert_eq!(report.first_row(), Some(1));
    Ok(())
}
