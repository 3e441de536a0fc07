//! Small logs to try things on.

use aifirst_audit::{
    Actor, Body, Cause, Decision, DecisionVerdict, Digest, Durability, Event, HeadCopy,
    HeadCopyFound, Kind, Log, Outcome, Prompt, Redaction, Report, RuleSource, Timestamp,
    VerifyOptions, Vetted, verify,
};
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub(crate) const BOOT: &str = "5f0c1f5e-0000-4000-8000-000000000001";
pub(crate) const LOG: &str = "k3v9q2m4x7t1b8zc";

pub(crate) fn time(n: u64) -> Timestamp {
    Timestamp::from_unix_micros(1_767_225_600_000_000 + n as i64 * 1_000_000).unwrap()
}

pub(crate) fn op(n: u64) -> String {
    format!("{n:016x}")
}

pub(crate) fn actor() -> Actor {
    Actor {
        client: "agent \"Ω\"\u{1}".into(),
        version: "1.0".into(),
        pid: 4242,
        uid: 1000,
    }
}

pub(crate) fn decision() -> Decision {
    Decision {
        verdict: DecisionVerdict::Ask,
        rule: "generated code".into(),
        source: RuleSource::Rule,
        by: "terminal".into(),
        prompt: Prompt::Shown,
        answer: Some("yes".into()),
        reason: None,
    }
}

pub(crate) fn intent(n: u64) -> Event {
    Event::new(Kind::Intent, time(n), BOOT)
        .actor(actor())
        .session(format!("s{}", n % 2))
        .op(op(n))
        .name("write_file")
        .cause(Cause::Do)
        .plan(Digest::from_bytes([n as u8; 32]))
        .decision(decision())
        .redaction(Redaction {
            profile: "default".into(),
            rules: Some(Digest::ZERO),
            counts: vec![("github_token".into(), 1), ("aws".into(), 2)],
        })
}

pub(crate) fn outcome(n: u64, intent: u64) -> Event {
    Event::new(Kind::Outcome, time(n), BOOT)
        .session(format!("s{}", n % 2))
        .op(op(n))
        .name("write_file")
        .intent(intent)
        .outcome(Outcome::Done)
}

pub(crate) fn read(n: u64) -> Event {
    Event::new(Kind::Read, time(n), BOOT)
        .actor(actor())
        .op(op(n))
        .name("read_text_file")
        .decision(decision())
        .outcome(Outcome::Done)
}

pub(crate) fn body(n: u64) -> Body {
    let value = json!({"path": format!("src/{n}.rs"), "ratio": 0.5, "n": n});
    Body::new(Vetted::dangerous_assume_redacted(value), [n as u8; 32])
}

/// A log of a genesis and `pairs` intents with bodies and their outcomes, with its head copy.
pub(crate) struct Sample {
    pub(crate) folder: TempDir,
    pub(crate) path: PathBuf,
    pub(crate) copy: HeadCopy,
}

impl Sample {
    pub(crate) fn new(pairs: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let (mut log, receipt) = Log::create(&path, LOG, time(0), BOOT).unwrap();
        let mut copy = HeadCopy::after(None, receipt.head, Durability::Full, BOOT);
        for n in 1..=pairs {
            let begun = log
                .append(&intent(n), Some(&body(n)), Durability::Full)
                .unwrap();
            copy = HeadCopy::after(Some(&copy), begun.head, Durability::Full, BOOT);
            let ended = log
                .append(&outcome(n, begun.seq), None, Durability::Normal)
                .unwrap();
            copy = HeadCopy::after(Some(&copy), ended.head, Durability::Normal, BOOT);
        }
        drop(log);
        Self { folder, path, copy }
    }

    /// The same log again, its write-ahead log already in the database.
    pub(crate) fn copied(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        for suffix in ["", "-wal"] {
            let name = format!("state.db{suffix}");
            let from = self.folder.path().join(&name);
            if from.exists() {
                std::fs::copy(from, folder.path().join(&name)).unwrap();
            }
        }
        Self {
            folder,
            path,
            copy: self.copy.clone(),
        }
    }

    /// Someone with the user's rights and SQLite at hand, who knows no rules.
    pub(crate) fn attacker(&self) -> Connection {
        let conn = Connection::open(&self.path).unwrap();
        conn.pragma_update(None, "foreign_keys", false).unwrap();
        conn.pragma_update(None, "ignore_check_constraints", true)
            .unwrap();
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false)
            .unwrap();
        conn
    }

    pub(crate) fn verify(&self) -> Report {
        self.verify_in(BOOT)
    }

    pub(crate) fn verify_in(&self, boot: &str) -> Report {
        let found = HeadCopy::decode(&self.copy.encode().unwrap());
        check(
            &self.path,
            &VerifyOptions::new().log(LOG).head_copy(found, boot),
        )
    }

    pub(crate) fn verify_without_copy(&self) -> Report {
        check(
            &self.path,
            &VerifyOptions::new().head_copy(HeadCopyFound::None, BOOT),
        )
    }
}

pub(crate) fn check(path: &Path, options: &VerifyOptions) -> Report {
    let conn = Connection::open(path).unwrap();
    // Looking must not move or remove the write-ahead log.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .unwrap();
    verify(&conn, options).unwrap()
}

/// Changes one member of stored event bytes and writes them canonically again.
pub(crate) fn edited(bytes: &[u8], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut value: Value = serde_json::from_slice(bytes).unwrap();
    change(&mut value);
    aifirst_audit::canonical::Json::from_serde(&value)
        .unwrap()
        .encode()
        .unwrap()
}
