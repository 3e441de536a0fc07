//! Any sequence of calls leaves what is outside as it was, and both backends and a model agree.

use aifirst_sandbox::{
    At, Custodian, Durability, Error, Flow, HardLinks, How, Leaf, Perm, RawRel, Rename, Replace,
    Rules, TempName, Time, WalkLimits, Workspace, Write,
};
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

const SECRET: &[u8] = b"outside";
const INSIDE: &[u8] = b"inside";

/// What paths are made of; few, so that they meet.
const TOKENS: [&str; 12] = [
    "a", "b", "c", "x", "ok.txt", "l", "out", "abs", "up", "pipe", "new", "h",
];

/// Where links lead to.
const TARGETS: [&str; 12] = [
    "../outside",
    "../outside/secret",
    "../../outside/secret",
    "..",
    "../..",
    ".",
    "/",
    "a",
    "ok.txt",
    "../ws/ok.txt",
    "a/../x/",
    "l",
];

/// Takes three bytes for each call: what, and two paths.
///
/// # Panics
/// Where a promise does not hold.
pub fn check(data: &[u8]) {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let top = folder.path();
    for name in ["ws/a/b", "ws/c", "outside/dir", "store"] {
        fs::create_dir_all(top.join(name)).expect("made");
    }
    for (name, text) in [
        ("ws/ok.txt", INSIDE),
        ("ws/a/x", INSIDE),
        ("outside/secret", SECRET),
        ("outside/dir/x", SECRET),
    ] {
        fs::write(top.join(name), text).expect("written");
    }
    let guards = Guards::open(top);
    let before = canary(&top.join("outside"));
    let resting = descriptors(top);
    for call in data.chunks_exact(3).take(64) {
        let (one, other) = (path(call[1]), path(call[2]));
        match call[0] % 16 {
            0..=3 => guards.agree(&one),
            4 => {
                let target = TARGETS[usize::from(call[2]) % TARGETS.len()];
                guards.plant(&one, |at| symlink(target, at));
            }
            5 => guards.plant(&one, |at| fs::create_dir(at)),
            6 => guards.plant(&one, |at| fs::hard_link(top.join("ws/ok.txt"), at)),
            _ if call[0] / 16 % 2 == 0 => guards.change(call[0], &one, &other),
            _ => guards.change_plainly(call[0], &one, &other),
        }
        guards.agree(&one);
        assert!(top.join("ws").is_dir(), "the root is gone");
    }
    assert_eq!(descriptors(top), resting, "a descriptor is left");
    drop(guards);
    assert_eq!(canary(&top.join("outside")), before, "outside was changed");
}

/// Two or three tokens of a byte.
fn path(byte: u8) -> RawRel {
    let byte = usize::from(byte);
    let mut names = vec![TOKENS[byte % 12]];
    if byte >= 12 {
        names.push(TOKENS[byte / 12 % 12]);
    }
    if byte >= 144 {
        names.push(TOKENS[byte % 11]);
    }
    RawRel::parse(names.join("/").as_bytes()).expect("a path")
}

struct Guards {
    top: PathBuf,
    kernel: Workspace,
    walk: Workspace,
    custodian: Custodian,
}

impl Guards {
    fn open(top: &Path) -> Self {
        let kernel = Workspace::open(&top.join("ws"), Rules::default()).expect("opened");
        let walk = Workspace::open_walking(&top.join("ws"), Rules::default()).expect("opened");
        let custodian = Custodian::open(&kernel, &top.join("store")).expect("opened");
        Self {
            top: top.canonicalize().expect("it is there"),
            kernel,
            walk,
            custodian,
        }
    }

    fn host(&self, path: &RawRel) -> PathBuf {
        self.top.join("ws").join(path.to_string())
    }

    /// Makes something by std, which follows links: where the way goes through none.
    fn plant(&self, path: &RawRel, make: impl FnOnce(&Path) -> std::io::Result<()>) {
        let at = self.host(path);
        let folder = at.parent().expect("it lies in the root");
        if folder.canonicalize().is_ok_and(|real| real == folder) {
            let _ = make(&at);
        }
    }

    /// Both backends answer alike, and as the tree says.
    fn agree(&self, path: &RawRel) {
        let read = |ws: &Workspace| {
            let file = ws.open_file(path)?;
            let content = file.read_to_vec(1 << 16)?;
            assert_ne!(content, SECRET, "{path} was read from outside");
            Ok((content, file.stat().identity.ino))
        };
        let one = read(&self.kernel);
        self.model(path, &one);
        assert_eq!(said(&one), said(&read(&self.walk)), "{path}");
        for leaf in [Leaf::Follow, Leaf::Keep] {
            let resolve = |ws: &Workspace| {
                let found = ws.resolve(path, leaf)?;
                Ok((found.path.to_string(), found.missing))
            };
            let (one, other) = (resolve(&self.kernel), resolve(&self.walk));
            assert_eq!(said(&one), said(&other), "{path}");
        }
    }

    /// What the system itself makes of the path, nobody else being there.
    fn model(&self, path: &RawRel, got: &Result<(Vec<u8>, u64), Error>) {
        let real = self.host(path).canonicalize();
        match (&real, got) {
            (Ok(real), Ok((_, ino))) => {
                assert!(real.starts_with(self.top.join("ws")), "{path} is outside");
                let meta = fs::metadata(real).expect("it is there");
                assert_eq!((meta.ino(), meta.nlink()), (*ino, 1), "{path}");
            }
            (Err(error), Ok(_)) => panic!("{path} was opened, and is not: {error}"),
            // What goes through no link, is a file with one name and inside, is opened.
            (Ok(real), Err(error)) if *real == self.host(path) => {
                let meta = fs::metadata(real).expect("it is there");
                assert!(!meta.is_file() || meta.nlink() > 1, "{path}: {error}");
            }
            _ => {}
        }
    }

    /// What a plain handle changes, of either backend; it may fail, and never outside.
    fn change_plainly(&self, what: u8, one: &RawRel, other: &RawRel) {
        let ws = if what < 128 { &self.kernel } else { &self.walk };
        let how = Write::new(TempName::from_random([what; 16]))
            .replace(Replace::Atomic)
            .durability(Durability::None);
        match what % 16 {
            7 => drop(ws.write_file(one, INSIDE, &how)),
            8 => drop(ws.make_dir_all(one, Perm::FOLDER)),
            9 => drop(ws.rename(one, other, Rename::Over)),
            10 => drop(ws.rename(one, other, Rename::Exchange)),
            11 => drop(ws.copy_file(one, other, &how)),
            12 => {
                let _ = ws.remove_file(one);
                let _ = ws.remove_dir(other);
            }
            13 => {
                let _ = ws.set_perm(one, Perm::FOLDER);
                let _ = ws.truncate(other, 6, Durability::None);
                let _ = ws.append(other, b"", Durability::None);
            }
            14 => drop(ws.remove_tree(one)),
            _ => {
                let target = other.to_string();
                let _ = ws.make_symlink(one, target.as_bytes());
                let readable = ws.rules().clone().hard_links(HardLinks::ReadOnly);
                let _ = ws.with_rules(readable).make_hard_link(one, other);
            }
        }
    }

    /// What the custodian changes; it may fail, and never outside.
    fn change(&self, what: u8, one: &RawRel, other: &RawRel) {
        let (here, there) = (At::workspace(one), At::workspace(other));
        match what % 16 {
            7 => {
                if let Ok(made) = self.custodian.make_file(here, 0o644) {
                    made.write_at(0, INSIDE).expect("written");
                }
            }
            8 => drop(self.custodian.make_dir(here, 0o755)),
            9 => drop(self.custodian.rename(here, there, How::NoReplace)),
            10 => drop(self.custodian.rename(here, there, How::Exchange)),
            11 => drop(self.custodian.link(here, there)),
            12 => {
                let _ = self.custodian.unlink(here);
                let _ = self.custodian.remove_dir(there);
            }
            13 => {
                let _ = self.custodian.set_mode(here, 0o700);
                let _ = self.custodian.set_times(there, Time { sec: 1, nsec: 2 });
            }
            14 => {
                let kept = RawRel::parse(b"kept").expect("a path");
                let kept = At::store(&kept);
                if self.custodian.rename(here, kept, How::NoReplace).is_ok() {
                    self.custodian.remove_tree(kept).expect("removed");
                }
            }
            _ => {
                let mut visit = |entry: &aifirst_sandbox::WalkEntry<'_>| {
                    assert_ne!(entry.path.name(), Some(&b"secret"[..]), "walked out");
                    Flow::Continue
                };
                let _ = self.kernel.walk(one, WalkLimits::default(), &mut visit);
            }
        }
    }
}

/// An answer as text, so that two can be compared.
fn said<T: std::fmt::Debug>(result: &Result<T, Error>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("{error} {:?}", error.raw_os_error()),
    }
}

/// Everything outside: names, modes, link counts, contents.
fn canary(folder: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut pending = vec![folder.to_path_buf()];
    while let Some(here) = pending.pop() {
        let meta = here.symlink_metadata().expect("it is there");
        let content = meta.is_file().then(|| fs::read(&here).expect("read"));
        lines.push(format!(
            "{} {:o} {} {} {content:?}",
            here.display(),
            meta.mode(),
            meta.nlink(),
            meta.mtime()
        ));
        if meta.is_dir() {
            let entries = fs::read_dir(&here).expect("listed");
            pending.extend(entries.map(|entry| entry.expect("listed").path()));
        }
    }
    lines.sort();
    lines
}

/// Descriptors of this process that lead into the folder.
fn descriptors(top: &Path) -> usize {
    fs::read_dir("/proc/self/fd")
        .expect("listed")
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter(|target| target.starts_with(top))
        .count()
}
