//! The engine as its user sees it, on real files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::needless_pass_by_value,
    clippy::collapsible_match,
    clippy::collapsible_if,
    unreachable_pub,
    reason = "tests fail by panicking and make their trees with std::fs"
)]

mod conflicts;
mod crashes;
mod fields;
mod kills;
mod life;
mod manifest;
mod properties;
mod races;
mod world;
