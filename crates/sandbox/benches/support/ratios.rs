//! What the guard costs beside the calls it replaces, in processor time of one thread.
//!
//! Both are called in turns; the best tenth of the rounds is compared.

use std::hint::black_box;
use std::os::fd::OwnedFd;
use std::path::Path;

use aifirst_sandbox::{
    Durability, Flow, RawRel, Replace, Rules, TempName, WalkLimits, Workspace, Write,
};
use rustix::fs::{Mode, OFlags};
use rustix::time::{ClockId, clock_gettime};

const ROUNDS: usize = 60;

fn cpu() -> u128 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    u128::try_from(now.tv_sec).unwrap() * 1_000_000_000 + u128::try_from(now.tv_nsec).unwrap()
}

/// Prints what `ours` takes, in parts of what `other` takes.
fn compare(what: &str, calls: u32, mut ours: impl FnMut(), mut other: impl FnMut()) {
    let mut times = [Vec::new(), Vec::new()];
    let round = |times: &mut Vec<u128>, call: &mut dyn FnMut()| {
        let start = cpu();
        for _ in 0..calls {
            call();
        }
        times.push((cpu() - start) / u128::from(calls));
    };
    for _ in 0..ROUNDS {
        round(&mut times[0], &mut ours);
        round(&mut times[1], &mut other);
    }
    let [ours, other] = times.map(|mut times| {
        times.sort_unstable();
        times[ROUNDS / 10]
    });
    let ratio = f64::from(u32::try_from(ours).unwrap()) / f64::from(u32::try_from(other).unwrap());
    println!("{what:<44} {ours:>9} ns / {other:>9} ns = {ratio:.2}");
}

fn bare_open(root: &OwnedFd, path: &str) -> OwnedFd {
    rustix::fs::openat(root, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).unwrap()
}

fn walk_std(folder: &Path) -> u64 {
    let mut met = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let meta = entry.metadata().unwrap();
        met += 1;
        if meta.is_dir() {
            met += walk_std(&entry.path());
        }
    }
    met
}

pub(crate) fn print() {
    let dir = tempfile::tempdir().unwrap();
    let top = dir.path().canonicalize().unwrap();
    let ws = Workspace::open(&top, Rules::default()).unwrap();
    let root: OwnedFd = std::fs::File::open(&top).unwrap().into();
    println!("what                                            guarded /     other     = ratio");
    for depth in [1, 4, 16] {
        let folder = vec!["d"; depth - 1].join("/");
        std::fs::create_dir_all(top.join(&folder)).unwrap();
        let path = format!("{folder}/f").trim_start_matches('/').to_owned();
        std::fs::write(top.join(&path), [7; 4096]).unwrap();
        let (rel, host) = (RawRel::parse(path.as_bytes()).unwrap(), top.join(&path));
        compare(
            &format!("open+check+close, depth {depth}, openat+close"),
            500,
            || drop(black_box(ws.open_file(&rel).unwrap())),
            || drop(black_box(bare_open(&root, &path))),
        );
        compare(
            &format!("read 4 KiB, depth {depth}, std::fs::read"),
            500,
            || drop(black_box(ws.open_file(&rel).unwrap().read_to_vec(1 << 20))),
            || drop(black_box(std::fs::read(&host).unwrap())),
        );
    }
    for folder in 0..50 {
        let folder = top.join(format!("w/{folder}"));
        std::fs::create_dir_all(&folder).unwrap();
        for file in 0..19 {
            std::fs::write(folder.join(file.to_string()), "").unwrap();
        }
    }
    let walked = RawRel::parse(b"w").unwrap();
    compare(
        "walk of 1,000 entries, std with metadata",
        1,
        || {
            let mut met = 0;
            let _ = ws
                .walk(&walked, WalkLimits::default(), &mut |_| {
                    met += 1;
                    Flow::Continue
                })
                .unwrap();
            assert_eq!(met, 1000);
        },
        || assert_eq!(walk_std(&top.join("w")), 1000),
    );
    let (rel, host) = (RawRel::parse(b"out").unwrap(), top.join("out"));
    let how = Write::new(TempName::from_random([1; 16]))
        .replace(Replace::Atomic)
        .durability(Durability::None);
    std::fs::write(&host, "").unwrap();
    compare(
        "atomic write 4 KiB unsynced, std in place",
        50,
        || drop(ws.write_file(&rel, &[7; 4096], &how).unwrap()),
        || std::fs::write(&host, [7; 4096]).unwrap(),
    );
}
