//! Owners: one locked file a running process, so that what the dead left behind can be told.
#![allow(
    clippy::disallowed_methods,
    reason = "the state folder is ours, no workspace is reached here"
)]
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::folder::{cannot, make_private, open_private};
use crate::env::Env;
use crate::error::Result;

/// This process as an owner of staged objects; alive as long as this value is.
pub(crate) struct Owner {
    name: String,
    path: PathBuf,
    // Held locked: closing it is what tells the others that this process is gone.
    _file: fs::File,
}

impl Owner {
    /// Registers this process in `owners/`.
    pub(crate) fn register(dir: &Path, env: &dyn Env) -> Result<Self> {
        make_private(dir).map_err(|e| cannot("make the folder of owners", &e))?;
        loop {
            let mut bytes = [0u8; 8];
            env.random(&mut bytes)?;
            let name = format!("{:016x}", u64::from_be_bytes(bytes));
            let path = dir.join(&name);
            let file = open_private(&path).map_err(|e| cannot("register this process", &e))?;
            lock(&file)?;
            // Who was stopped between making and locking it may have been taken for dead.
            let links = rustix::fs::fstat(&file).map(|stat| stat.st_nlink);
            if links.map_err(|e| cannot("look at this process's registration", &e.into()))? == 0 {
                continue;
            }
            return Ok(Self {
                name,
                path,
                _file: file,
            });
        }
    }

    /// Its name, safe as part of a file name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// Waits: whoever looks for the dead holds the lock of each registration for a moment.
fn lock(file: &fs::File) -> Result<()> {
    loop {
        match flock(file, FlockOperation::LockExclusive) {
            Err(rustix::io::Errno::INTR) => {}
            other => {
                return other.map_err(|e| cannot("lock this process's registration", &e.into()));
            }
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // The name is random and never used again, so that removing it races with nobody.
        let _ = fs::remove_file(&self.path);
    }
}

/// The owners that are alive, by name; registrations of the dead are removed on the way.
pub(crate) fn alive(dir: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let entries = match fs::read_dir(dir) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(names),
        other => other.map_err(|e| cannot("list the owners", &e))?,
    };
    for entry in entries {
        let entry = entry.map_err(|e| cannot("list the owners", &e))?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let Ok(file) = fs::File::open(entry.path()) else {
            continue;
        };
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            // A process between making its file and locking it looks dead for a moment. It is
            // given the benefit of the doubt by its file's age on the file system's own clock.
            Ok(()) if is_young(&file, dir) => names.push(name),
            Ok(()) => {
                let _ = fs::remove_file(entry.path());
            }
            Err(_) => names.push(name),
        }
    }
    Ok(names)
}

fn is_young(file: &fs::File, dir: &Path) -> bool {
    let newest = |m: fs::Metadata| m.ctime();
    match (file.metadata().map(newest), fs::metadata(dir).map(newest)) {
        (Ok(file), Ok(dir)) => dir - file < 2,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::SystemEnv;

    #[test]
    fn many_register_while_others_look_for_the_dead() {
        let dir = tempfile::tempdir().unwrap();
        let owners = dir.path().join("owners");
        let looking = std::sync::atomic::AtomicBool::new(true);
        std::thread::scope(|scope| {
            let look = || {
                while looking.load(std::sync::atomic::Ordering::Relaxed) {
                    alive(&owners).unwrap();
                }
            };
            scope.spawn(look);
            scope.spawn(look);
            let register = || {
                for _ in 0..300 {
                    let owner = Owner::register(&owners, &*SystemEnv::shared()).unwrap();
                    assert!(alive(&owners).unwrap().contains(&owner.name));
                }
            };
            let workers = [scope.spawn(register), scope.spawn(register)];
            let ended = workers.map(|w| w.join().is_ok());
            looking.store(false, std::sync::atomic::Ordering::Relaxed);
            assert_eq!(ended, [true, true]);
        });
    }

    #[test]
    fn an_owner_is_alive_until_it_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let owners = dir.path().join("owners");
        let env = SystemEnv::shared();
        let a = Owner::register(&owners, &*env).unwrap();
        let b = Owner::register(&owners, &*env).unwrap();
        let mut names = alive(&owners).unwrap();
        names.sort();
        let mut want = vec![a.name().to_owned(), b.name().to_owned()];
        want.sort();
        assert_eq!(names, want);
        drop(a);
        assert_eq!(alive(&owners).unwrap(), vec![b.name().to_owned()]);
    }
}
