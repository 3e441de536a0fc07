//! Replays the committed corpora, and small changes of each entry, without a fuzzer.

use std::path::Path;

/// Changes tried of each entry; the same ones in every run.
const CHANGES: u64 = 200;

#[test]
fn corpora_hold() {
    for (name, check) in aifirst_fuzz::TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("corpus")
            .join(name);
        let mut entries: Vec<_> = std::fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|entry| entry.expect("listed").path())
            .collect();
        entries.sort();
        assert!(entries.len() > 5, "the corpus of {name} is gone");
        let mut tried = 0;
        for entry in &entries {
            let data = std::fs::read(entry).expect("read");
            // Names the entry when a check panics.
            println!(
                "{name}: {}",
                entry.file_name().unwrap_or_default().to_string_lossy()
            );
            check(&data);
            for seed in 0..CHANGES {
                check(&changed(&data, seed));
                tried += 1;
            }
        }
        println!(
            "{name}: {} entries and {tried} changes of them hold",
            entries.len()
        );
    }
}

/// One to four small changes: a byte set, a piece removed, doubled, or a telling one put in.
fn changed(data: &[u8], seed: u64) -> Vec<u8> {
    const TELLING: &[&[u8]] = &[
        b"/",
        b"..",
        b"../",
        b"//",
        b"\0",
        b"~",
        b"./",
        b"\xff",
        b"\xe2\x80\xae",
        b"\x1b[31m",
        b"\"",
        b"\\",
        b"\n",
        b"=",
        b"ghp_",
        b"password: ",
        b"[redacted:",
    ];
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ data.len() as u64 | 1;
    let mut next = |below: usize| {
        // xorshift64: chance enough, and the same on every machine.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    let mut out = data.to_vec();
    for _ in 0..=next(4) {
        let at = next(out.len() + 1);
        let end = (at + 1 + next(8)).min(out.len());
        match next(4) {
            0 if at < out.len() => out[at] = next(256) as u8,
            1 if at < end => drop(out.drain(at..end)),
            2 if at < end => {
                let piece = out[at..end].to_vec();
                out.splice(at..at, piece);
            }
            _ => drop(out.splice(at..at, TELLING[next(TELLING.len())].iter().copied())),
        }
    }
    out
}
