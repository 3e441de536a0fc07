//! Every call beside attackers in a thread and in a process of their own.
//!
//! They exchange a folder, a file and a FIFO with what leads outside or hangs, and move a folder
//! out of the root and back. A few seconds for all calls together; `AIFIRST_SOAK_SECONDS` gives
//! each call so many.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aifirst_sandbox::{
    At, CopyLimits, Custodian, Durability, Flow, HardLinks, How, Leaf, Perm, RawRel, Rename,
    Replace, Rules, TempName, Time, Times, WalkLimits, Workspace, Write,
};
use rustix::fs::{CWD, Mode, RenameFlags, renameat_with};

use crate::scene::{INSIDE, SECRET, Scene, rel, skipped, text};

/// For all calls together, where nothing else is said.
const ALL: Duration = Duration::from_secs(5);
const ATTACKED: &str = "AIFIRST_SANDBOX_TEST_ATTACKED";
const NAME: &str = "races_calls::every_call_under_every_attacker";

/// What is exchanged, below the scene's folder.
const PAIRS: [(&str, &str); 5] = [
    ("ws/d", "ws/dlink"),
    ("ws/leaf", "ws/leaflink"),
    ("ws/pipe", "ws/fifo"),
    ("ws/t/sub", "ws/t/sublink"),
    ("store/t/sub", "store/t/sublink"),
];

/// One round of attacks; how many of them took.
fn attack(top: &Path) -> u64 {
    let mut took = 0;
    for (one, other) in PAIRS {
        let (one, other) = (top.join(one), top.join(other));
        took += u64::from(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).is_ok());
    }
    let (home, away) = (top.join("ws/m"), top.join("away/m"));
    for (from, to) in [(&home, &away), (&away, &home)] {
        took += u64::from(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE).is_ok());
    }
    took
}

/// A thread and a process that attack until they are dropped.
struct Attackers {
    stop: Arc<AtomicBool>,
    took: Arc<AtomicU64>,
    thread: Option<std::thread::JoinHandle<()>>,
    process: Child,
}

impl Attackers {
    fn start(top: &Path) -> Self {
        let process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME])
            .env(ATTACKED, top)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let (stop, took) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
        );
        let (stopped, counted, top) = (Arc::clone(&stop), Arc::clone(&took), top.to_owned());
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                counted.fetch_add(attack(&top), Ordering::Relaxed);
            }
        });
        Self {
            stop,
            took,
            thread: Some(thread),
            process,
        }
    }
}

impl Drop for Attackers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().unwrap().join();
        // The end of its input ends it.
        drop(self.process.stdin.take());
        assert!(self.process.wait().unwrap().success());
    }
}

/// The process: attacks until its input ends.
fn be_attacker(top: &Path) {
    let over = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&over);
    std::thread::spawn(move || {
        let _ = std::io::stdin().read(&mut [0]);
        ended.store(true, Ordering::Relaxed);
    });
    while !over.load(Ordering::Relaxed) {
        attack(top);
    }
}

struct Ground {
    scene: Scene,
    every: [Workspace; 2],
    custodian: Custodian,
    outside: Vec<(u64, u64)>,
}

fn ground() -> Ground {
    let scene = Scene::new();
    for folder in ["ws/d", "ws/m", "away", "outside/m"] {
        fs::create_dir(scene.host(folder)).unwrap();
    }
    for file in ["ws/d/f", "ws/leaf", "ws/pipe", "ws/m/f", "store/other"] {
        fs::write(scene.host(file), INSIDE).unwrap();
    }
    scene.link("../outside/dir", "dlink");
    scene.link("../outside/secret", "leaflink");
    rustix::fs::mkfifoat(CWD, scene.ws("fifo"), Mode::from_raw_mode(0o600)).unwrap();
    let outside = ["outside", "outside/dir", "outside/dir/f", "outside/secret"].map(|path| {
        let meta = scene.host(path).metadata().unwrap();
        (meta.dev(), meta.ino())
    });
    let walking = Workspace::open_walking(&scene.host("ws"), Rules::default()).unwrap();
    let every = [scene.open(), walking];
    let custodian = scene.custodian();
    Ground {
        scene,
        every,
        custodian,
        outside: outside.to_vec(),
    }
}

/// What is called: the path of a file that somebody fights over, and its number.
struct Turn<'a> {
    ground: &'a Ground,
    ws: &'a Workspace,
    path: &'a RawRel,
    number: u32,
}

impl Turn<'_> {
    fn at(&self) -> At<'_> {
        At::workspace(self.path)
    }

    fn beside(&self, name: &str) -> RawRel {
        let parent = self.path.parent().unwrap();
        name.split('/')
            .fold(parent, |at, name| at.join(name.as_bytes()).unwrap())
    }

    fn custodian(&self) -> &Custodian {
        &self.ground.custodian
    }

    fn how(&self) -> Write {
        let mut name = [0; 16];
        name[..4].copy_from_slice(&self.number.to_le_bytes());
        Write::new(TempName::from_random(name)).durability(Durability::None)
    }

    fn host(&self, path: &str) -> PathBuf {
        self.ground.scene.host(path)
    }

    /// A tree to be removed, with a link in it that is exchanged with a folder. It is made where
    /// nobody fights: std would follow the link.
    fn grow(&self, top: &str) {
        let quiet = self.host(&format!("quiet{}", self.number));
        fs::create_dir_all(quiet.join("sub/deep")).unwrap();
        fs::write(quiet.join("sub/deep/f"), INSIDE).unwrap();
        symlink(self.host("outside/dir"), quiet.join("sublink")).unwrap();
        if fs::rename(&quiet, self.host(top)).is_err() {
            fs::remove_dir_all(&quiet).unwrap();
        }
    }
}

/// A call's name, and the call; whether it worked.
type Call = (&'static str, fn(&Turn<'_>) -> bool);

fn escape_less(file: &aifirst_sandbox::File) -> bool {
    assert_eq!(text(file), INSIDE, "an escape");
    true
}

const CALLS: &[Call] = &[
    ("open_file", |turn| {
        turn.ws.open_file(turn.path).is_ok_and(|f| escape_less(&f))
    }),
    ("open_dir", |turn| {
        let Ok(dir) = turn.ws.open_dir(&turn.path.parent().unwrap()) else {
            return false;
        };
        let id = &dir.folder().identity;
        assert!(!turn.ground.outside.contains(&(id.dev, id.ino)));
        assert!(dir.stat(b"keep").unwrap().is_none() && dir.stat(b"secret").unwrap().is_none());
        dir.entries().is_ok()
    }),
    ("pin", |turn| {
        let Ok(pinned) = turn.ws.pin(turn.path) else {
            return false;
        };
        let id = &pinned.stat().identity;
        assert!(!turn.ground.outside.contains(&(id.dev, id.ino)));
        let reopened = pinned.reopen_read(turn.ws.rules());
        reopened.is_ok_and(|file| escape_less(&file))
    }),
    ("stat_at", |turn| {
        let Ok(Some(stat)) = turn.ws.stat_at(turn.path) else {
            return false;
        };
        let id = &stat.identity;
        assert!(!turn.ground.outside.contains(&(id.dev, id.ino)));
        true
    }),
    ("resolve", |turn| {
        let Ok(found) = turn.ws.resolve(turn.path, Leaf::Follow) else {
            return false;
        };
        let Some(found) = found.found else {
            return false;
        };
        let id = &found.stat().identity;
        assert!(!turn.ground.outside.contains(&(id.dev, id.ino)));
        true
    }),
    ("read_link", |turn| {
        turn.ws.read_link(&rel("leaflink")).is_ok() || turn.ws.read_link(&rel("dlink")).is_ok()
    }),
    ("walk", |turn| {
        let seen = turn
            .ws
            .walk(&RawRel::root(), WalkLimits::default(), &mut |entry| {
                let seen = (entry.stat.identity.dev, entry.stat.identity.ino);
                assert!(!turn.ground.outside.contains(&seen), "{}", entry.path);
                Flow::Continue
            });
        seen.is_ok()
    }),
    ("write_file", |turn| {
        let how = turn.how().replace(Replace::Atomic);
        let done = turn.ws.write_file(turn.path, INSIDE.as_bytes(), &how);
        done.is_ok()
    }),
    ("write_file, new", |turn| {
        let new = turn.beside("new");
        let done = turn.ws.write_file(&new, INSIDE.as_bytes(), &turn.how());
        let _ = turn.ws.remove_file(&new);
        done.is_ok()
    }),
    ("append and truncate", |turn| {
        let done = turn.ws.append(turn.path, b"more", Durability::None);
        let cut = turn.ws.truncate(turn.path, 6, Durability::None);
        done.is_ok() && cut.is_ok()
    }),
    ("copy_file", |turn| {
        let copy = rel("copy");
        let how = turn.how().replace(Replace::Atomic);
        let done = turn.ws.copy_file(turn.path, &copy, &how);
        if done.is_ok() {
            assert!(turn.ws.open_file(&copy).is_ok_and(|f| escape_less(&f)));
        }
        done.is_ok()
    }),
    ("copy_tree", |turn| {
        let copy = rel("copies");
        let from = turn.path.parent().unwrap();
        if from.is_root() {
            return false;
        }
        let done = turn
            .ws
            .copy_tree(&from, &copy, &turn.how(), CopyLimits::default());
        // What was copied is what was inside, however far it came.
        if let Ok(file) = turn.ws.open_file(&rel("copies/f")) {
            escape_less(&file);
        }
        assert!(!turn.host("ws/copies/keep").exists());
        let _ = turn.ws.remove_tree(&copy);
        done.is_ok()
    }),
    ("make_dir_all and remove_dir", |turn| {
        let (outer, inner) = (turn.beside("new"), turn.beside("new/deep"));
        let done = turn.ws.make_dir_all(&inner, Perm::FOLDER);
        let _ = turn.ws.remove_dir(&inner);
        let _ = turn.ws.remove_dir(&outer);
        done.is_ok()
    }),
    ("rename", |turn| {
        let other = rel("moved");
        let done = turn.ws.rename(turn.path, &other, Rename::NoReplace);
        let _ = turn.ws.rename(&other, turn.path, Rename::NoReplace);
        // Where the way back was closed, a new one takes its place.
        if turn.ws.rename(&other, &rel("heap"), Rename::Over).is_ok() {
            let _ = turn
                .ws
                .write_file(turn.path, INSIDE.as_bytes(), &turn.how());
        }
        done.is_ok()
    }),
    ("remove_file", |turn| {
        let done = turn.ws.remove_file(turn.path);
        let _ = turn
            .ws
            .write_file(turn.path, INSIDE.as_bytes(), &turn.how());
        done.is_ok()
    }),
    ("remove_tree", |turn| {
        turn.grow("ws/t");
        turn.ws.remove_tree(&rel("t")).is_ok()
    }),
    ("make_symlink and make_hard_link", |turn| {
        let (link, hard) = (turn.beside("link"), turn.beside("hard"));
        let linked = turn.ws.make_symlink(&link, b"f");
        let _ = turn.ws.remove_file(&link);
        let rules = Rules::default().hard_links(HardLinks::ReadOnly);
        let doubled = turn.ws.with_rules(rules).make_hard_link(turn.path, &hard);
        let _ = turn.ws.remove_file(&hard);
        linked.is_ok() && doubled.is_ok()
    }),
    ("set_perm, set_times and set_user_xattr", |turn| {
        let perm = Perm::new(0o600 + (turn.number & 0o77)).unwrap();
        let done = turn.ws.set_perm(turn.path, perm);
        let modified = Some(Time {
            sec: 1_000_000_000,
            nsec: 7,
        });
        let times = Times {
            accessed: None,
            modified,
        };
        let timed = turn.ws.set_times(turn.path, times);
        let _ = turn.ws.set_user_xattr(turn.path, b"user.mark", b"1");
        done.is_ok() && timed.is_ok()
    }),
    ("custodian open_read", |turn| {
        let opened = turn.custodian().open_read(turn.at());
        opened.is_ok_and(|file| escape_less(&file))
    }),
    ("custodian set_mode", |turn| {
        let mode = 0o600 + (turn.number & 0o77);
        turn.custodian().set_mode(turn.at(), mode).is_ok()
    }),
    ("custodian set_times", |turn| {
        let mtime = Time {
            sec: 1_000_000_000 + i64::from(turn.number),
            nsec: 7,
        };
        turn.custodian().set_times(turn.at(), mtime).is_ok()
    }),
    ("custodian make_file and unlink", |turn| {
        let new = turn.beside("new");
        let _ = turn.custodian().unlink(At::workspace(&new));
        let made = turn.custodian().make_file(At::workspace(&new), 0o644);
        let Ok(made) = made else { return false };
        made.write_at(0, INSIDE.as_bytes()).unwrap();
        turn.custodian().unlink(At::workspace(&new)).is_ok()
    }),
    ("custodian make_dir and remove_dir", |turn| {
        let new = turn.beside("newdir");
        let made = turn.custodian().make_dir(At::workspace(&new), 0o755);
        let _ = turn.custodian().remove_dir(At::workspace(&new));
        made.is_ok()
    }),
    ("custodian exchange", |turn| {
        let other = rel("other");
        let there = At::store(&other);
        let done = turn.custodian().rename(turn.at(), there, How::Exchange);
        // Back, so that the next turn finds a file; another one may have come in between.
        let _ = turn.custodian().rename(turn.at(), there, How::Exchange);
        done.is_ok()
    }),
    ("custodian link", |turn| {
        let kept = rel("kept");
        let done = turn.custodian().link(turn.at(), At::store(&kept));
        let _ = turn.custodian().unlink(At::store(&kept));
        done.is_ok()
    }),
    ("custodian remove_tree", |turn| {
        turn.grow("store/t");
        turn.custodian().remove_tree(At::store(&rel("t"))).is_ok()
    }),
];

fn budget() -> Duration {
    let each = std::env::var("AIFIRST_SOAK_SECONDS")
        .ok()
        .map(|seconds| Duration::from_secs(seconds.parse().unwrap()));
    each.unwrap_or(ALL / u32::try_from(CALLS.len() + 1).unwrap())
}

#[test]
fn every_call_under_every_attacker() {
    if let Some(top) = std::env::var_os(ATTACKED) {
        be_attacker(Path::new(&top));
        return;
    }
    let paths = ["d/f", "leaf", "pipe", "m/f"].map(rel);
    for (name, call) in CALLS {
        let ground = ground();
        let before = ground.scene.outside();
        let attackers = Attackers::start(&ground.scene.host(""));
        let start = Instant::now();
        let (mut worked, mut calls) = (0_u64, 0_u32);
        // On a busy machine one side may not run at all for a while.
        let patient = budget().max(Duration::from_secs(1)) * 30;
        while start.elapsed() < budget() || (worked == 0 && start.elapsed() < patient) {
            for ws in &ground.every {
                for path in &paths {
                    calls += 1;
                    let turn = Turn {
                        ground: &ground,
                        ws,
                        path,
                        number: calls,
                    };
                    worked += u64::from(call(&turn));
                }
            }
        }
        let took = attackers.took.load(Ordering::Relaxed);
        drop(attackers);
        println!("{name}: {calls} calls, {worked} worked, {took} attacks of one of the two took");
        assert!(worked > 0 && took > 0, "{name}: both sides must be met");
        assert_eq!(
            ground.scene.outside(),
            before,
            "{name}: something outside was changed"
        );
        assert!(ground.scene.host("ws").is_dir());
    }
}

#[test]
fn canonicalize_and_open_loses_to_the_same_attackers() {
    let ground = ground();
    let top = ground.scene.host("ws").canonicalize().unwrap();
    let attackers = Attackers::start(&ground.scene.host(""));
    let start = Instant::now();
    let mut escapes = 0_u64;
    while start.elapsed() < budget() || (escapes == 0 && start.elapsed() < 5 * ALL) {
        for path in ["d/f", "leaf"] {
            let Ok(real) = ground.scene.ws(path).canonicalize() else {
                continue;
            };
            let inside = real.starts_with(&top);
            if inside && fs::read_to_string(&real).is_ok_and(|read| read == SECRET) {
                escapes += 1;
            }
        }
    }
    drop(attackers);
    println!("canonicalize-and-open escaped {escapes} times");
    if escapes == 0 {
        skipped("canonicalize-and-open did not lose in its time on this machine");
    }
}
