//! What works between a workspace and its store: tried, not guessed.

use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::FlockOperation;

use super::{At, Custodian, How, Made, Side};
use crate::error::{Error, ErrorKind, Result};
use crate::identity::{Kind, Stat};
use crate::relpath::RawRel;

/// What was seen to work between workspace and store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Probe {
    /// A file moves from one to the other and back.
    pub rename: bool,
    /// Two names change places in one step.
    pub exchange: bool,
    /// A file gets a name in both.
    pub link: bool,
    /// A file without a name can be made in the workspace and named there and in the store.
    pub unnamed: bool,
    /// Content of the workspace can be shared with the store instead of copied.
    pub clone: bool,
    /// Files have handles, which tell them apart for good.
    pub handle: bool,
    /// Files take `user.*` attributes.
    pub xattr: bool,
    /// The kernel tells whether a file is on disk yet.
    pub clean: bool,
}

/// What the names of trials begin with.
const PREFIX: &[u8] = b".aifirst-probe-";

fn lock(fd: BorrowedFd<'_>) -> bool {
    rustix::fs::flock(fd, FlockOperation::NonBlockingLockExclusive).is_ok()
}

/// How many names are tried before a folder full of them is given up.
const NAMES: u32 = 1_000;

impl Custodian {
    /// Tries everything with files of its own and leaves none behind. The folders' times of
    /// change are put back.
    ///
    /// # Errors
    /// When not even a file can be made in workspace or store: `ReadOnly`, `PermissionDenied`,
    /// `NoSpace`; else those of the system.
    pub fn probe(&self) -> Result<Probe> {
        let root = RawRel::root();
        let mut times = Vec::new();
        for at in [At::workspace(&root), At::store(&root)] {
            times.push((at, self.stat(at)?));
        }
        self.sweep_trials();
        let probe = self.try_all();
        for (at, before) in times {
            if let Some(before) = before {
                // Another owner's folder keeps the new time; nothing depends on it.
                let _ = self.set_times(at, before.mtime);
            }
        }
        probe
    }

    /// Removes what trials of killed processes left behind: a living one holds its file locked.
    fn sweep_trials(&self) {
        let root = RawRel::root();
        for side in [Side::Workspace, Side::Store] {
            // What cannot be listed or opened is not ours to sweep.
            let names = self.list(At { side, path: &root }).unwrap_or_default();
            for entry in names.iter().filter(|entry| entry.name.starts_with(PREFIX)) {
                let Ok(path) = root.join(&entry.name) else {
                    continue;
                };
                let at = At { side, path: &path };
                if let Ok(file) = self.open_read(at)
                    && lock(file.fd())
                {
                    let _ = self.unlink(at);
                }
            }
        }
    }

    fn try_all(&self) -> Result<Probe> {
        let mine = Trial::new(self, Side::Workspace)?;
        let kept = Trial::new(self, Side::Store)?;
        mine.made.write_at(0, b"probe")?;
        let mut probe = Probe {
            handle: self.handle(mine.at())?.is_some(),
            xattr: mine.made.set_xattr(b"user.aifirst", b"1").is_ok(),
            clean: self.is_clean(mine.at())?.is_some(),
            ..Probe::default()
        };
        let file = self.open_read(mine.at())?;
        probe.clone = matches!(kept.made.clone_from(&file), Ok(super::Cloned::Yes));

        let (a, b) = (mine.made.stat()?, kept.made.stat()?);
        let now = |trial: &Trial<'_>, wanted: &Stat| {
            self.stat(trial.at())
                .is_ok_and(|stat| stat.is_some_and(|s| s.identity.same_now(&wanted.identity)))
        };
        if self.rename(mine.at(), kept.at(), How::Exchange).is_ok() {
            let swapped = now(&mine, &b) && now(&kept, &a);
            let back = self.rename(mine.at(), kept.at(), How::Exchange);
            probe.exchange = swapped && back.is_ok();
        }
        // A free name on the other side, made free by removing our own file there.
        self.unlink(kept.at())?;
        if self.rename(mine.at(), kept.at(), How::NoReplace).is_ok() {
            let moved = now(&kept, &a);
            let back = self.rename(kept.at(), mine.at(), How::NoReplace);
            probe.rename = moved && back.is_ok();
        }
        if self.link(mine.at(), kept.at()).is_ok() {
            probe.link = now(&kept, &a) && now(&mine, &a);
            self.unlink(kept.at())?;
        }
        self.unlink(mine.at())?;
        let root = RawRel::root();
        if let Ok(unnamed) = self.make_unnamed(At::workspace(&root), 0o600)
            && self.publish(&unnamed, mine.at()).is_ok()
        {
            // Between the two it is a link, which may fail on its own.
            probe.unnamed = self.publish(&unnamed, kept.at()).is_ok() == probe.link;
        }
        Ok(probe)
    }
}

/// A file of the probe's own; whatever stands at its name is removed in the end.
struct Trial<'a> {
    custodian: &'a Custodian,
    side: Side,
    path: RawRel,
    made: Made,
}

impl<'a> Trial<'a> {
    fn new(custodian: &'a Custodian, side: Side) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let process = rustix::process::getpid();
        for _ in 0..NAMES {
            // Its own in every process and thread, so that trials do not meet.
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let mut name = PREFIX.to_vec();
            name.extend_from_slice(format!("{process}-{number}").as_bytes());
            let path = RawRel::root().join(&name)?;
            let at = At { side, path: &path };
            match custodian.make_file(at, 0o600) {
                Ok(made) => {
                    // Someone may have swept it before it was locked.
                    let mine = made.stat()?.identity;
                    let held = lock(made.fd());
                    let there = custodian.stat(at)?.map(|stat| stat.identity);
                    if !held || !there.is_some_and(|there| there.same_now(&mine)) {
                        continue;
                    }
                    // It is opened again by its name, which a umask may forbid.
                    made.set_mode(0o600)?;
                    return Ok(Self {
                        custodian,
                        side,
                        path,
                        made,
                    });
                }
                Err(error) if error.kind() == ErrorKind::Exists => {}
                Err(error) => return Err(error.doing("try")),
            }
        }
        Err(Error::new(ErrorKind::Exists, "try").detail("every name of the trial is taken"))
    }

    fn at(&self) -> At<'_> {
        At {
            side: self.side,
            path: &self.path,
        }
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        // The name is ours by prefix, and only a file of the trial's stands there.
        let file = self.custodian.stat(self.at());
        if matches!(file, Ok(Some(stat)) if stat.kind == Kind::File) {
            let _ = self.custodian.unlink(self.at());
        }
    }
}
