//! Locks between processes: one thread a process waits in `flock`, its callers wait for that.
//!
//! Polling a contended lock starves whoever polls slower (measured: 14 s for one writer of
//! four), so nobody polls; and a caller must still be able to give up, so it does not sit in
//! flock(2) itself. The lock dies with its holder, whatever kills it: no process id, no age.
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

use super::folder::{cannot, open_private};
use crate::context::Cancel;
use crate::error::{Error, ErrorKind, Result};

/// How often a waiting caller looks whether it was cancelled.
const LOOK: Duration = Duration::from_millis(20);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hold {
    /// Nobody in this process has it or waits for it.
    Free,
    /// The waiting thread is in `flock`.
    Waiting,
    /// The process has it, no caller took it yet.
    Granted,
    /// A caller has it.
    Taken,
    /// Waiting failed.
    Broken,
}

struct Shared {
    file: File,
    hold: Mutex<Hold>,
    changed: Condvar,
}

/// A lock file of the state folder.
#[derive(Clone)]
pub(crate) struct Lock(Arc<Shared>);

/// The lock, held. Dropping it lets the next one in.
pub(crate) struct Held(Arc<Shared>);

impl Lock {
    /// Opens the lock file, making it where it is missing.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = open_private(path).map_err(|e| cannot("open a lock of the state folder", &e))?;
        let shared = Shared {
            file,
            hold: Mutex::new(Hold::Free),
            changed: Condvar::new(),
        };
        Ok(Self(Arc::new(shared)))
    }

    /// Takes the lock, waiting at most `patience`.
    ///
    /// # Errors
    /// [`ErrorKind::Cancelled`], or [`ErrorKind::TimedOut`] when somebody kept it for so long.
    pub(crate) fn take(&self, patience: Duration, cancel: &Cancel) -> Result<Held> {
        let until = Instant::now() + patience;
        let mut hold = self.0.lock();
        loop {
            match *hold {
                Hold::Granted => break,
                Hold::Free => match flock(&self.0.file, FlockOperation::NonBlockingLockExclusive) {
                    Ok(()) => break,
                    Err(e)
                        if e == rustix::io::Errno::WOULDBLOCK || e == rustix::io::Errno::INTR =>
                    {
                        *hold = Hold::Waiting;
                        Shared::wait_in_thread(&self.0).inspect_err(|_| *hold = Hold::Free)?;
                    }
                    Err(e) => return Err(cannot("take a lock of the state folder", &e.into())),
                },
                Hold::Broken => {
                    *hold = Hold::Free;
                    return Err(cannot(
                        "wait for a lock of the state folder",
                        &io::Error::other("flock failed"),
                    ));
                }
                Hold::Waiting | Hold::Taken => {}
            }
            if cancel.is_cancelled() {
                return Err(Error::new(
                    ErrorKind::Cancelled,
                    "the call was cancelled while it waited; nothing changed",
                ));
            }
            if Instant::now() >= until {
                return Err(Error::new(
                    ErrorKind::TimedOut,
                    "another process kept the workspace busy for too long; nothing changed",
                )
                .with_code("busy")
                .with_hint("try again; `aifirst status` shows what is going on"));
            }
            hold = self
                .0
                .changed
                .wait_timeout(hold, LOOK)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        *hold = Hold::Taken;
        Ok(Held(Arc::clone(&self.0)))
    }

    /// Takes the lock only if nobody has it.
    pub(crate) fn try_take(&self) -> Result<Option<Held>> {
        match self.take(Duration::ZERO, &Cancel::new()) {
            Ok(held) => Ok(Some(held)),
            Err(e) if e.kind() == ErrorKind::TimedOut => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// The file behind the lock, for what is kept in it.
    pub(crate) fn file(&self) -> &File {
        &self.0.file
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Hold> {
        self.hold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_in_thread(shared: &Arc<Self>) -> Result<()> {
        let shared = Arc::clone(shared);
        let waiter = move || {
            let got = loop {
                match flock(&shared.file, FlockOperation::LockExclusive) {
                    Err(rustix::io::Errno::INTR) => {}
                    other => break other,
                }
            };
            let mut hold = shared.lock();
            // The callers that waited may all have given up; whoever comes next finds it granted
            // only if it is still wanted, so it must not stay with a process that forgot it.
            *hold = if got.is_ok() {
                Hold::Granted
            } else {
                Hold::Broken
            };
            shared.changed.notify_all();
            let (mut hold, _) = shared
                .changed
                .wait_timeout_while(hold, LOOK * 5, |h| *h == Hold::Granted)
                .unwrap_or_else(PoisonError::into_inner);
            if *hold == Hold::Granted {
                shared.release(&mut hold);
            }
        };
        std::thread::Builder::new()
            .name("aifirst-lock".to_owned())
            .spawn(waiter)
            .map(drop)
            .map_err(|e| cannot("start a thread that waits for a lock", &e))
    }

    fn release(&self, hold: &mut Hold) {
        // Unlocking an own lock cannot fail in a way that leaves it held (flock(2)).
        let _ = flock(&self.file, FlockOperation::Unlock);
        *hold = Hold::Free;
        self.changed.notify_all();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut hold = self.0.lock();
        self.0.release(&mut hold);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn one_at_a_time_between_threads_and_handles() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let inside = Arc::new(AtomicUsize::new(0));
        let total = Arc::new(AtomicUsize::new(0));
        let mut threads = Vec::new();
        for _ in 0..4 {
            // Each handle is an open file description of its own, as in another process.
            let lock = Lock::open(&path).unwrap();
            for _ in 0..2 {
                let (lock, inside, total) = (lock.clone(), Arc::clone(&inside), Arc::clone(&total));
                threads.push(std::thread::spawn(move || {
                    for _ in 0..50 {
                        let held = lock.take(Duration::from_secs(30), &Cancel::new()).unwrap();
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        std::thread::yield_now();
                        assert_eq!(inside.fetch_sub(1, Ordering::SeqCst), 1);
                        total.fetch_add(1, Ordering::SeqCst);
                        drop(held);
                    }
                }));
            }
        }
        for t in threads {
            t.join().unwrap();
        }
        assert_eq!(total.load(Ordering::SeqCst), 400);
    }

    #[test]
    fn a_waiting_caller_can_be_cancelled_and_the_lock_is_not_lost() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let (a, b) = (Lock::open(&path).unwrap(), Lock::open(&path).unwrap());
        let held = a.take(Duration::ZERO, &Cancel::new()).unwrap();
        assert!(b.try_take().unwrap().is_none());
        let cancel = Cancel::new();
        cancel.cancel();
        let e = b.take(Duration::from_secs(30), &cancel).err().unwrap();
        assert_eq!(e.kind(), ErrorKind::Cancelled);
        let e = b
            .take(Duration::from_millis(1), &Cancel::new())
            .err()
            .unwrap();
        assert_eq!(e.code(), "busy");
        drop(held);
        // The waiting thread got it and, as nobody wants it, gives it back.
        let again = a.take(Duration::from_secs(30), &Cancel::new()).unwrap();
        drop(again);
        b.take(Duration::from_secs(30), &Cancel::new()).unwrap();
    }
}
