//! The jobs of this project, one file each.
fn main() {}
