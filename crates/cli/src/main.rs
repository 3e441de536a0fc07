//! The command `aifirst`.
fn main() {}
