//! A captured 4 KiB overwrite beside the plain durable one, in one run, as a ratio.
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
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aifirst_sandbox::{RawRel, Rules, Workspace};
use aifirst_undo::{
    Cause, Change, ChangeSet, Engine, Placement, RealDisk, Source, Store, UnitMeta, install,
};
use criterion::{Criterion, criterion_group, criterion_main};
use rusqlite::Connection;

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

struct Captured {
    workspace: Workspace,
    engine: Engine,
    db: Connection,
    next: u64,
}

impl Captured {
    fn overwrite(&mut self, content: &[u8]) {
        let path = RawRel::parse(b"captured").unwrap();
        let expect = self.workspace.stat_at(&path).unwrap().unwrap();
        let mut set = ChangeSet::new();
        set.push(Change::Replace {
            path,
            expect,
            content: Source::Bytes(content.to_vec()),
        })
        .unwrap();
        self.next += 1;
        let mut op = [0; 10];
        op[..8].copy_from_slice(&self.next.to_le_bytes());
        let meta = UnitMeta {
            op,
            cause: Cause::Do,
            session: String::new(),
            targets: Vec::new(),
        };
        let staged = self.engine.stage(&set).unwrap();
        let begun = staged
            .begin(&mut self.db, &meta, |_, _| Ok::<(), rusqlite::Error>(()))
            .unwrap();
        begun
            .apply()
            .settle(&mut self.db, |_, _| Ok::<(), rusqlite::Error>(()))
            .unwrap();
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap()
}

fn overwrite(c: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("ws");
    fs::create_dir(&root).unwrap();
    let content = vec![b'x'; SIZE];
    fs::write(root.join("plain"), &content).unwrap();
    fs::write(root.join("captured"), &content).unwrap();
    let workspace = Workspace::open(&root, Rules::default()).unwrap();
    let store = Store::create(&dir.path().join("store"), "bench", Placement::State).unwrap();
    let db = Connection::open(dir.path().join("state.db")).unwrap();
    db.pragma_update(None, "journal_mode", "WAL").unwrap();
    install(&db).unwrap();
    let counter = AtomicU64::new(1);
    let engine = Engine::new(
        Arc::new(RealDisk::open(&workspace, &store).unwrap()),
        "bench",
        Arc::new(move |bytes: &mut [u8]| {
            let n = counter.fetch_add(1, Ordering::Relaxed).to_le_bytes();
            for (to, from) in bytes.iter_mut().zip(n) {
                *to = from;
            }
            Ok(())
        }),
        Arc::new(|| 0),
    )
    .unwrap();
    let mut captured = Captured {
        workspace,
        engine,
        db,
        next: 0,
    };

    // In turn, so that a busy disk slows both.
    let (mut plain_times, mut captured_times) = (Vec::new(), Vec::new());
    for _ in 0..40 {
        let start = Instant::now();
        plain(&root, &content);
        plain_times.push(start.elapsed());
        let start = Instant::now();
        captured.overwrite(&content);
        captured_times.push(start.elapsed());
    }
    let (plain_time, captured_time) = (median(plain_times), median(captured_times));
    println!(
        "captured overwrite of {SIZE} bytes: {captured_time:?}, plain durable one: {plain_time:?}, \
         ratio {:.2}",
        captured_time.as_secs_f64() / plain_time.as_secs_f64()
    );

    let mut group = c.benchmark_group("overwrite_4k");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600));
    group.bench_function("plain", |b| b.iter(|| plain(&root, &content)));
    group.bench_function("captured", |b| b.iter(|| captured.overwrite(&content)));
    group.finish();
}

criterion_group!(benches, overwrite);
criterion_main!(benches);
