//! How long the command takes to start, beside a program that does nothing.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    missing_docs,
    reason = "a bench starts programs and stops at the first thing that is wrong"
)]
use std::hint::black_box;
use std::process::{Command, Stdio};
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};

fn start(program: &str, args: &[&str]) -> bool {
    Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap()
        .success()
}

fn cold_start(c: &mut Criterion) {
    let mut group = c.benchmark_group("cold_start");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    group.bench_function("true", |b| b.iter(|| black_box(start("true", &[]))));
    let program = env!("CARGO_BIN_EXE_aifirst");
    group.bench_function("aifirst_ops", |b| {
        b.iter(|| black_box(start(program, &["ops"])));
    });
    group.finish();
}

criterion_group!(benches, cold_start);
criterion_main!(benches);
