//! Named points at which a test lets the process fail, stop or die; nothing without the feature.
#![cfg_attr(
    feature = "fault-points",
    allow(
        clippy::disallowed_methods,
        reason = "a test build reads its own variable; the shipped binary has none"
    )
)]

use crate::error::Result;

/// Every point, in the order in which a changing operation and its recovery pass them.
pub const POINTS: &[&str] = &[
    "stage.start",
    "stage.object",
    "stage.synced",
    "begin.revalidated",
    "begin.before_commit",
    "begin.committed",
    "apply.before_step",
    "apply.after_step",
    "apply.checked",
    "rollback.before_step",
    "times.before",
    "times.after",
    "settle.before_sync",
    "settle.synced",
    "settle.before_commit",
    "settle.committed",
    "recover.start",
    "recover.before_step",
    "recover.after_step",
    "recover.before_commit",
    "sweep.object",
];

/// The points outside the engine, in the same order: what composes it passes them through [`point`].
pub const OUTER: &[&str] = &[
    "outer.staged",
    "outer.before_head_copy",
    "outer.applied",
    "outer.before_answer",
    "outer.recovery_told",
];

/// What can be left out, to show that it is needed; see [`is_skipped`].
pub const SKIPS: &[&str] = &["settle.sync"];

/// Passes the point `name`.
///
/// With the feature `fault-points`, the variable `AIFIRST_FAULT` of the form
/// `name[:n][:kill|error|stop]` names the point at whose `n`-th passing (the first, if left out)
/// the process is killed (the default), the call fails, or the process sleeps for 600 s.
///
/// # Errors
/// `Io`, only when the variable asks for it.
#[cfg(not(feature = "fault-points"))]
#[inline]
pub fn point(_name: &'static str) -> Result<()> {
    Ok(())
}

/// Passes the point `name`; see the version without the feature for the variable's form.
///
/// # Errors
/// `Io`, only when the variable asks for it.
#[cfg(feature = "fault-points")]
pub fn point(name: &'static str) -> Result<()> {
    armed::point(name)
}

/// Whether a test build was asked by `name:skip` to leave this step out; never without the feature.
#[cfg(not(feature = "fault-points"))]
#[inline]
#[must_use]
pub fn is_skipped(_name: &'static str) -> bool {
    false
}

/// Whether a test build was asked by `name:skip` to leave this step out; never without the feature.
#[cfg(feature = "fault-points")]
#[must_use]
pub fn is_skipped(name: &'static str) -> bool {
    armed::is_skipped(name)
}

#[cfg(feature = "fault-points")]
mod armed {
    //! Reads the variable once and counts passings.
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use crate::error::{Error, ErrorKind, Result};

    enum Act {
        Kill,
        Error,
        Stop,
        Skip,
    }

    struct Armed {
        name: String,
        nth: u64,
        act: Act,
        passed: AtomicU64,
    }

    fn parse(text: &str) -> Armed {
        let mut parts = text.split(':');
        let name = parts.next().unwrap_or_default().to_owned();
        let mut nth = 1;
        let mut act = Act::Kill;
        for part in parts {
            match part {
                "kill" => act = Act::Kill,
                "error" => act = Act::Error,
                "stop" => act = Act::Stop,
                "skip" => act = Act::Skip,
                number => nth = number.parse().unwrap_or(1),
            }
        }
        Armed {
            name,
            nth,
            act,
            passed: AtomicU64::new(0),
        }
    }

    fn armed() -> Option<&'static Armed> {
        static ARMED: OnceLock<Option<Armed>> = OnceLock::new();
        ARMED
            .get_or_init(|| std::env::var("AIFIRST_FAULT").ok().map(|t| parse(&t)))
            .as_ref()
    }

    pub(super) fn is_skipped(name: &str) -> bool {
        armed().is_some_and(|a| matches!(a.act, Act::Skip) && a.name == name)
    }

    pub(super) fn point(name: &'static str) -> Result<()> {
        let Some(armed) = armed() else { return Ok(()) };
        if armed.name != name || armed.passed.fetch_add(1, Ordering::SeqCst) + 1 != armed.nth {
            return Ok(());
        }
        match armed.act {
            Act::Error => Err(Error::new(ErrorKind::Io, "an asked-for fault").detail(name)),
            Act::Skip => Ok(()),
            Act::Stop => {
                std::thread::sleep(std::time::Duration::from_secs(600));
                Ok(())
            }
            Act::Kill => {
                let _ = rustix::process::kill_process(
                    rustix::process::getpid(),
                    rustix::process::Signal::KILL,
                );
                loop {
                    std::thread::park();
                }
            }
        }
    }
}
