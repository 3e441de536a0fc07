//! An append-only log whose tampering shows.

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
pub use writer::{Log, Receipt, append_in, check_head_copy, checkpoint, genesis};
