//! What each operation leaves on the disk, and that its undo leaves nothing of it.
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use aifirst_runtime::{Cancel, ErrorKind, RestoreRequest, Runtime, Select};
use serde_json::{Value, json};

use crate::manifest::manifest;
use crate::world::{World, call, exists};

/// Does it, shows what it did, takes it back, and compares the whole tree with what it was.
fn done(w: &World, rt: &Runtime, operation: &str, params: Value, look: impl FnOnce(&Value)) {
    let before = manifest(&w.root());
    let receipt = call(rt, operation, params).unwrap();
    assert!(receipt.undoable, "{operation}");
    look(&receipt.result);
    assert_ne!(before, manifest(&w.root()), "{operation} changed nothing");
    rt.undo(&RestoreRequest::new(Select::Last), &Cancel::new())
        .unwrap();
    assert_eq!(before, manifest(&w.root()), "{operation}");
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn attribute(path: &Path) -> Option<Vec<u8>> {
    let mut value = Vec::with_capacity(16);
    let n = rustix::fs::getxattr(
        path,
        "user.note",
        rustix::buffer::spare_capacity(&mut value),
    );
    n.ok().map(|_| value)
}

fn project() -> World {
    let w = World::new();
    w.write("README.md", "# Project\n\nA small one.\n");
    w.write("src/main.rs", "fn main() {}\n");
    w.write("build/out/a.o", "object");
    w.write("tool.sh", "#!/bin/sh\r\necho one\r\n");
    mode(&w.path("tool.sh"), 0o755);
    symlink("src/main.rs", w.path("link")).unwrap();
    w
}

#[test]
fn lesson_c1_the_mode_of_a_replaced_file_stays_and_a_new_one_is_by_umask() {
    let w = project();
    let rt = w.open();
    w.write("plain", "made by this process");
    for bits in [0o755, 0o600, 0o640] {
        mode(&w.path("tool.sh"), bits);
        let params = json!({"path": "tool.sh", "content": "#!/bin/sh\n"});
        done(&w, &rt, "write_file", params, |_| {
            assert_eq!(w.read("tool.sh"), "#!/bin/sh\n");
            assert_eq!(mode_of(&w.path("tool.sh")), bits);
        });
    }
    let params = json!({"path": "new", "content": "x"});
    done(&w, &rt, "write_file", params, |result| {
        assert_eq!(result["created"], true);
        assert_eq!(mode_of(&w.path("new")), mode_of(&w.path("plain")));
    });
}

#[test]
fn lesson_c2_attributes_stay_with_their_file() {
    let w = project();
    let path = w.path("README.md");
    if rustix::fs::setxattr(&path, "user.note", b"kept", rustix::fs::XattrFlags::empty()).is_err() {
        println!("skipped: no user attributes on this file system");
        return;
    }
    let rt = w.open();
    let edits = json!([{"oldText": "small", "newText": "tiny"}]);
    let params = json!({"path": "README.md", "edits": edits});
    done(&w, &rt, "edit_file", params, |_| {
        assert_eq!(attribute(&path).as_deref(), Some(&b"kept"[..]));
    });
    let params = json!({"source": "README.md", "destination": "copy.md"});
    done(&w, &rt, "copy_file", params, |_| {
        assert_eq!(attribute(&w.path("copy.md")).as_deref(), Some(&b"kept"[..]));
    });
}

#[test]
fn lesson_c3_a_link_stays_a_link() {
    let w = project();
    let rt = w.open();
    let params = json!({"path": "link", "content": "fn other() {}\n"});
    done(&w, &rt, "write_file", params, |_| {
        assert!(fs::symlink_metadata(w.path("link")).unwrap().is_symlink());
        assert_eq!(w.read("src/main.rs"), "fn other() {}\n");
    });
}

#[test]
fn lesson_c4_a_file_with_other_names_is_left_alone() {
    let w = project();
    fs::hard_link(w.path("README.md"), w.path("twin")).unwrap();
    let rt = w.open();
    let params = json!({"path": "twin", "content": "x"});
    let e = call(&rt, "write_file", params).unwrap_err();
    assert_eq!(e.code(), "hard_linked");
    assert_eq!(w.read("README.md"), w.read("twin"));
    // One of the names may go, and comes back as a name of the same file.
    let inode = fs::metadata(w.path("twin")).unwrap().ino();
    done(&w, &rt, "delete_file", json!({"path": "twin"}), |_| {
        assert!(!exists(&w.path("twin")) && exists(&w.path("README.md")));
    });
    assert_eq!(fs::metadata(w.path("twin")).unwrap().ino(), inode);
}

#[test]
fn lesson_i5_an_edit_changes_its_span_and_nothing_else() {
    let w = project();
    let rt = w.open();
    let edits = json!([{"oldText": "echo one\n", "newText": "echo $&\necho two\n"}]);
    let params = json!({"path": "tool.sh", "edits": edits});
    done(&w, &rt, "edit_file", params, |_| {
        assert_eq!(w.read("tool.sh"), "#!/bin/sh\r\necho $&\r\necho two\r\n");
        assert_eq!(mode_of(&w.path("tool.sh")), 0o755);
    });
}

#[test]
fn folders_are_made_and_things_are_moved_and_copied() {
    let w = project();
    let rt = w.open();
    done(&w, &rt, "create_directory", json!({"path": "a/b/c"}), |r| {
        assert_eq!(r["made"], 3);
        assert!(fs::metadata(w.path("a/b/c")).unwrap().is_dir());
    });
    let params = json!({"path": "a/b/f", "content": "x", "make_parents": true});
    done(&w, &rt, "write_file", params, |_| {
        assert_eq!(w.read("a/b/f"), "x");
    });
    let params = json!({"source": "build", "destination": "src/built"});
    done(&w, &rt, "move_file", params, |_| {
        assert!(!exists(&w.path("build")));
        assert_eq!(w.read("src/built/out/a.o"), "object");
    });
    let params = json!({"source": "README.md", "destination": "src/main.rs", "overwrite": true});
    done(&w, &rt, "move_file", params, |_| {
        assert!(!exists(&w.path("README.md")));
        assert_eq!(w.read("src/main.rs"), "# Project\n\nA small one.\n");
    });
    let params = json!({"source": "tool.sh", "destination": "tool2.sh"});
    done(&w, &rt, "copy_file", params, |_| {
        assert_eq!(w.read("tool2.sh"), w.read("tool.sh"));
        assert_eq!(mode_of(&w.path("tool2.sh")), 0o755);
    });
    let params = json!({"source": "tool.sh", "destination": "README.md", "overwrite": true});
    let bits = mode_of(&w.path("README.md"));
    done(&w, &rt, "copy_file", params, |_| {
        assert_eq!(w.read("README.md"), w.read("tool.sh"));
        assert_eq!(mode_of(&w.path("README.md")), bits);
    });
}

#[test]
fn lesson_i10_a_large_file_is_copied_without_being_held() {
    let w = project();
    let file = fs::File::create(w.path("large")).unwrap();
    file.set_len(200 << 20).unwrap();
    drop(file);
    let rt = w.open();
    let peak = || -> u64 {
        let text = fs::read_to_string("/proc/self/status").unwrap();
        let line = text.lines().find(|l| l.starts_with("VmHWM")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let before = peak();
    let params = json!({"source": "large", "destination": "copy"});
    let receipt = call(&rt, "copy_file", params).unwrap();
    let more = peak() - before;
    assert_eq!(receipt.result["bytes"], 200 << 20);
    assert_eq!(fs::metadata(w.path("copy")).unwrap().len(), 200 << 20);
    // Other tests run beside this one; the whole file in memory would show all the same.
    assert!(more < 100 << 10, "{more} KiB more at the peak");
    rt.undo(&RestoreRequest::new(Select::Last), &Cancel::new())
        .unwrap();
    assert!(!exists(&w.path("copy")));
}

#[test]
fn a_change_that_somebody_outran_is_a_conflict() {
    use std::sync::atomic::{AtomicBool, Ordering};

    let w = World::quick();
    w.write("f", "0");
    let rt = w.open();
    let (file, next) = (w.path("f"), w.dir.path().join("next"));
    let stop = AtomicBool::new(false);
    let outrun = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                std::fs::write(&next, "theirs").unwrap();
                std::fs::rename(&next, &file).unwrap();
                std::thread::yield_now();
            }
        });
        let mut outrun = 0;
        for _ in 0..300 {
            if let Err(e) = call(&rt, "write_file", json!({ "path": "f", "content": "ours" })) {
                assert_eq!(e.kind(), ErrorKind::Conflict, "{} {e}", e.code());
                outrun += u32::from(e.code() == "rolled_back");
            }
            if outrun > 2 {
                break;
            }
        }
        stop.store(true, Ordering::Relaxed);
        outrun
    });
    if outrun == 0 {
        println!("skipped: nobody was outrun between begin and apply on this machine");
    }
}
