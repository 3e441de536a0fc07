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

use Right::{Clock, Environment, Files, Print, Processes};

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
        prefix: "crates/cli/src",
        rights: &[Files, Processes, Environment, Clock, Print],
        why: "the command line: its own files, its terminal",
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
        assert!(!may("crates/runtime/src/home/lock.rs", Print));
        assert!(!may("crates/runtime/src/pipeline/mod.rs", Files));
        assert!(
            ROOMS
                .iter()
                .all(|room| !room.why.is_empty() && !room.rights.is_empty())
        );
    }
}
