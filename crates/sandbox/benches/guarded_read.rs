//! A guarded read of 4 KiB beside `std::fs::read` and canonicalize-and-read, at three depths.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "a bench: its peers go round the guard, and a failure is the end of it"
)]

#[path = "support/ratios.rs"]
mod ratios;

use std::hint::black_box;
use std::time::Duration;

use aifirst_sandbox::{RawRel, Rules, Workspace};
use criterion::{BenchmarkId, Criterion, criterion_group};

fn reads(c: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let top = dir.path().canonicalize().unwrap();
    let mut group = c.benchmark_group("read_4k");
    for depth in [1, 4, 16] {
        let folder = vec!["d"; depth - 1].join("/");
        std::fs::create_dir_all(top.join(&folder)).unwrap();
        let path = if depth == 1 {
            "f".to_owned()
        } else {
            format!("{folder}/f")
        };
        std::fs::write(top.join(&path), [7; 4096]).unwrap();
        let workspace = Workspace::open(&top, Rules::default()).unwrap();
        let (rel, host) = (RawRel::parse(path.as_bytes()).unwrap(), top.join(&path));
        group.bench_function(BenchmarkId::new("guarded", depth), |b| {
            b.iter(|| {
                workspace
                    .open_file(black_box(&rel))
                    .unwrap()
                    .read_to_vec(1 << 20)
                    .unwrap()
            });
        });
        group.bench_function(BenchmarkId::new("std", depth), |b| {
            b.iter(|| std::fs::read(black_box(&host)).unwrap());
        });
        group.bench_function(BenchmarkId::new("canonicalize", depth), |b| {
            b.iter(|| {
                let real = black_box(&host).canonicalize().unwrap();
                assert!(real.starts_with(&top));
                std::fs::read(real).unwrap()
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(500));
    targets = reads
}

/// Not gated: printed for whoever asks what the guard costs.
fn main() {
    ratios::print();
    benches();
    Criterion::default().configure_from_args().final_summary();
}
