//! Megabytes a second over benign and adversarial text, beside a plain scan for one byte.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::hint::black_box;
use std::time::Duration;

use aifirst_redact::Redactor;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::json;

fn text(bytes: usize, line: &str) -> String {
    let mut text = String::with_capacity(bytes + line.len());
    while text.len() < bytes {
        text.push_str(line);
    }
    text
}

fn benches(criterion: &mut Criterion) {
    let redactor = Redactor::new(&[7; 32]);
    let benign = text(
        1 << 20,
        "fn main() { let mut lines = reader.lines(); // 2026-11-02 read 4711 rows from src/lib.rs\n",
    );
    let adversarial = text(
        1 << 20,
        "let token = next_token(); // password: String, key_length, sk-not\n",
    );
    let mut group = criterion.benchmark_group("text");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(1))
        .warm_up_time(Duration::from_millis(300))
        .throughput(Throughput::Bytes(1 << 20));
    group.bench_function("scan for one absent byte", |bencher| {
        bencher.iter(|| black_box(&benign).as_bytes().contains(&0));
    });
    group.bench_function("benign", |bencher| {
        bencher.iter(|| redactor.text(black_box(&benign)).total());
    });
    group.bench_function("a keyword on every line", |bencher| {
        bencher.iter(|| redactor.text(black_box(&adversarial)).total());
    });
    group.finish();

    let parameters =
        json!({ "path": "src/main.rs", "content": text(900, "let x = 1;\n"), "overwrite": true });
    let mut group = criterion.benchmark_group("json");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(1))
        .warm_up_time(Duration::from_millis(300));
    group.bench_function("1 KiB of parameters", |bencher| {
        bencher.iter(|| redactor.json(black_box(&parameters)).total());
    });
    group.finish();
}

criterion_group!(redact, benches);
criterion_main!(redact);
