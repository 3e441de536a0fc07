//! An append-only log whose tampering shows.
