//! What the guard's own source may say: one choke point, no path handed to another call.

use std::fs;
use std::path::{Path, PathBuf};

use aifirst_sandbox::{Custodian, Dir, Error, File, Made, Pinned, Workspace};

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[test]
fn paths_are_opened_in_the_listed_rooms_only() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    // The choke point; the probe of it; the one resolution of a host path; /proc's own names.
    let rooms = [
        ("fs::openat2(", &["resolve/openat2.rs", "probe.rs"][..]),
        (
            "fs::openat(",
            &["workspace.rs", "probe.rs", "resolve/walk.rs"],
        ),
        ("fs::open(", &["handle.rs", "sys.rs"]),
        ("std::fs::", &["sys.rs", "lib.rs"]),
        ("unsafe {", &["sys.rs"]),
        (
            "CWD",
            &[
                "workspace.rs",
                "probe.rs",
                "custodian/made.rs",
                "fields.rs",
                "ops/link.rs",
            ],
        ),
        (
            "stat_following(",
            &["identity.rs", "workspace.rs", "custodian/mod.rs"],
        ),
    ];
    let files = sources(&top);
    assert!(files.len() > 10);
    for (call, allowed) in rooms {
        let mut met = 0;
        for file in &files {
            let name = file.strip_prefix(&top).unwrap().to_str().unwrap();
            if fs::read_to_string(file).unwrap().contains(call) {
                met += 1;
                assert!(allowed.contains(&name), "{call} in {name}");
            }
        }
        assert!(met > 0, "{call} is nowhere: the rule is stale");
    }
}

#[test]
fn handles_travel_between_threads() {
    fn check<T: Send + Sync>() {}
    check::<Workspace>();
    check::<Custodian>();
    check::<File>();
    check::<Dir>();
    check::<Pinned>();
    check::<Made>();
    check::<Error>();
}
