//! What must hold for any bytes; each module is one target, and `check` panics where it does not hold.

pub mod guard;
pub mod redact_text;
pub mod relpath;

/// A target: its name, which is its corpus folder too, and its check.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("relpath", relpath::check),
    ("redact_text", redact_text::check),
    ("guard", guard::check),
];
