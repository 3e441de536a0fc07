//! The rooms: which files may do what is forbidden everywhere else, and why.

/// What a room may do that others may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    /// `std::fs` and path questions: reach files without the guard.
    Files,
    /// `std::process::Command`.
    Processes,
    /// `std::env`: variables, arguments, the current folder.
    Environment,
    /// `SystemTime::now`.
    Clock,
    /// Print macros.
    Print,
}

/// Files whose path from the root of the project begins so.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) prefix: &'static str,
    pub(crate) rights: &'static [Right],
    pub(crate) why: &'static str,
}

use Right::{Clock, Environment, Files};

pub(crate) const ROOMS: &[Room] = &[
    Room {
        prefix: "crates/runtime/src/home",
        rights: &[Files],
        why: "the state folder is ours; no workspace is reached from it",
    },
    Room {
        prefix: "crates/runtime/src/env.rs",
        rights: &[Files, Environment, Clock],
        why: "the real clock, randomness and boot id, put in by the builder",
    },
    Room {
        prefix: "crates/undo/src/store.rs",
        rights: &[Files],
        why: "the store's own folder, before the guard holds it",
    },
    Room {
        prefix: "crates/audit/src/read_only.rs",
        rights: &[Files],
        why: "whether a -wal stands beside the log decides how it can be read",
    },
    Room {
        prefix: "crates/undo/src/fault.rs",
        rights: &[Environment],
        why: "fault points, a feature no shipped binary has",
    },
    Room {
        prefix: "crates/runtime/src/records.rs",
        rights: &[Files],
        why: "reads the lock file's copy of the head; no workspace is reached",
    },
    Room {
        prefix: "crates/runtime/src/doctor.rs",
        rights: &[Files],
        why: "looks at folders of the host to say what they support",
    },
    Room {
        prefix: "crates/cli/src/main.rs",
        rights: &[Environment],
        why: "the arguments come in here",
    },
    Room {
        prefix: "crates/cli/src/context.rs",
        rights: &[Files, Environment],
        why: "environment and current folder come in here",
    },
    Room {
        prefix: "crates/cli/src/signal.rs",
        rights: &[Files],
        why: "proc(5) tells which signals are to stay ignored",
    },
    Room {
        prefix: "crates/cli/src/prompt.rs",
        rights: &[Files],
        why: "the controlling terminal is no part of a workspace",
    },
    Room {
        prefix: "crates/cli/src/demo",
        rights: &[Files, Clock],
        why: "makes, looks at and removes its own scratch copy",
    },
];

/// Whether the file at `path` may use `right`.
pub(crate) fn may(path: &str, right: Right) -> bool {
    ROOMS
        .iter()
        .any(|room| path.starts_with(room.prefix) && room.rights.contains(&right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_belongs_to_its_room_alone() {
        assert!(may("crates/runtime/src/home/lock.rs", Files));
        assert!(!may("crates/runtime/src/home/lock.rs", Right::Print));
        assert!(!may("crates/runtime/src/pipeline/mod.rs", Files));
        assert!(
            ROOMS
                .iter()
                .all(|room| !room.why.is_empty() && !room.rights.is_empty())
        );
    }
}
