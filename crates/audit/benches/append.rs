//! A durable append beside the bare append and fdatasync; verification by rows a second.
fn main() {}
