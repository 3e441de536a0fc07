//! An append-only log whose tampering shows.
//!
//! ```
//! use aifirst_audit::{Durability, Event, Kind, Log, Timestamp, VerifyOptions, verify};
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("state.db");
//! let time = Timestamp::parse("2026-01-02T03:04:05.678901Z")?;
//! let (mut log, _) = Log::create(&path, "my-log", time.clone(), "boot-1")?;
//! let receipt = log.append(&Event::new(Kind::Session, time, "boot-1"), None, Durability::Full)?;
//! assert_eq!(receipt.seq, 1);
//! assert!(verify(log.connection(), &VerifyOptions::new())?.verdict.is_intact());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Promises: what is stored is what is hashed; an append is whole or not there, also beside other
//! writers, kills and full disks; a changed, missing, added, moved or repeated row is found and
//! named; a tail that was cut is found by the copy of the head; what cannot be proved is never
//! called intact. Clock, randomness and boot id come from the caller.
//!
//! Does not promise: to find a rewrite of the database *and* of the copy of its head (there is no
//! key yet), to keep the last unsynced events through a power loss, that what was said is true, or
//! that it is redacted: that is vouched for by whoever makes a [`Vetted`].

#![forbid(unsafe_code)]

mod error;

mod time;

pub mod canonical;

pub mod digest;

mod event;

mod body;

mod view;

mod head_copy;

mod schema;

mod rows;

mod query;

mod report;

mod inspect;

mod verify;

mod writer;

mod read_only;

pub use body::{Body, MAX_BODY_BYTES, Vetted};
pub use digest::{Digest, Head};
pub use error::{Error, ErrorKind, Result};
pub use event::{
    Actor, Cause, Decision, DecisionVerdict, EVENT_FORMAT, Event, Kind, MAX_EVENT_BYTES, Outcome,
    Prompt, Redaction, RuleSource,
};
pub use head_copy::{Durability, HeadCopy};
pub use query::{Order, Query, find_ops};
pub use read_only::{ReadMode, ReadOnlyLog, open_read_only};
pub use report::{MAX_PROBLEMS, Problem, ProblemKind, Report, Verdict};
pub use rows::{Bodies, BodyState, EventRow, row};
pub use schema::{
    APPLICATION_ID, BUSY_TIMEOUT, Installed, SCHEMA_FORMAT, check_format, configure, head, install,
    log_id, set_durability,
};
pub use time::Timestamp;
pub use verify::{HeadCopyFound, VerifyOptions, verify};
pub use view::EventView;
pub use writer::{Log, Receipt, append_in, check_head_copy, checkpoint, genesis, pending_pages};
