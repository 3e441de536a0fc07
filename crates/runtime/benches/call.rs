//! One call end to end, everything on, beside the plain durable write and the plain read.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench works on a tree that it makes itself and shows its ratio"
)]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use aifirst_runtime::{Call, Cancel, Runtime, Settings};
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::json;

const SIZE: usize = 4096;

/// What a careful program does: temporary file, fdatasync, rename, fsync of the folder.
fn plain(root: &Path, content: &[u8]) {
    let temp = root.join(".tmp");
    let mut file = fs::File::create(&temp).unwrap();
    file.write_all(content).unwrap();
    file.sync_data().unwrap();
    fs::rename(&temp, root.join("plain")).unwrap();
    fs::File::open(root).unwrap().sync_all().unwrap();
}

fn call(runtime: &Runtime, operation: &str, params: serde_json::Value) {
    runtime
        .call(&Call::new(operation, params), &Cancel::new())
        .unwrap();
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap()
}

fn calls(c: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("ws");
    fs::create_dir(&root).unwrap();
    let mut settings = Settings::new(&root);
    settings.workspace = Some(root.clone());
    settings.state = Some(dir.path().join("state"));
    let runtime = Runtime::open(settings).unwrap();
    let text = |n: usize| format!("{n:08}{}", "x".repeat(SIZE - 8));
    let mut n = 0;

    // Interleaved, because a disk shared with others is another one every second.
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..60 {
        n += 1;
        let started = Instant::now();
        plain(&root, text(n).as_bytes());
        bare.push(started.elapsed());
        let started = Instant::now();
        call(
            &runtime,
            "write_file",
            json!({"path": "f", "content": text(n)}),
        );
        ours.push(started.elapsed());
    }
    let (ours, bare) = (median(ours), median(bare));
    println!(
        "write_file of 4 KiB, recorded and undoable: {:.2} of the plain durable write ({ours:?} to {bare:?})",
        ours.as_secs_f64() / bare.as_secs_f64()
    );

    let mut group = c.benchmark_group("call");
    group.sample_size(10);
    group.measurement_time(Duration::from_secs(1));
    group.warm_up_time(Duration::from_millis(200));
    group.bench_function("read_text_file, 4 KiB", |b| {
        b.iter(|| call(&runtime, "read_text_file", json!({"path": "f"})));
    });
    group.bench_function("std::fs::read, 4 KiB", |b| {
        b.iter(|| fs::read(root.join("f")).unwrap());
    });
    group.finish();
}

criterion_group!(benches, calls);
criterion_main!(benches);
