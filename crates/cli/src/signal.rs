//! Signals: the first asks the running call to stop before it begins, or lets it finish.
#![allow(
    clippy::disallowed_methods,
    reason = "proc(5) tells which signals whoever started us wants ignored"
)]
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aifirst_runtime::Cancel;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// What a signal does while something may be changing. Commands that only read do without: they
/// may die at any moment.
pub(crate) struct Signals {
    cancel: Cancel,
    last: Arc<AtomicUsize>,
    first: Arc<AtomicUsize>,
    wake: OwnedFd,
}

impl Signals {
    /// Takes SIGINT, SIGTERM and SIGHUP over. Further ones change nothing: what was begun is
    /// finished, never left half.
    pub(crate) fn install() -> io::Result<Self> {
        let cancel = Cancel::new();
        let last = Arc::new(AtomicUsize::new(0));
        let first = Arc::new(AtomicUsize::new(0));
        let (mut from_handler, to_thread) = UnixStream::pair()?;
        let (wake, mut waker) = UnixStream::pair()?;
        let ignored = ignored_mask();
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // nohup(1), and a shell's `&`, start programs with a signal ignored: it stays so.
            if ignored & (1 << (signal - 1)) != 0 {
                continue;
            }
            let number = usize::try_from(signal).unwrap_or_default();
            signal_hook::flag::register_usize(signal, Arc::clone(&last), number)?;
            signal_hook::low_level::pipe::register(signal, to_thread.try_clone()?)?;
        }
        let (pull, seen, kept) = (cancel.clone(), Arc::clone(&last), Arc::clone(&first));
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                // The handlers hold the other ends for the life of the process.
                let _keep = to_thread;
                if matches!(from_handler.read(&mut [0]), Ok(1)) {
                    kept.store(seen.load(Ordering::SeqCst), Ordering::SeqCst);
                    pull.cancel();
                    let _ = waker.write_all(&[1]);
                }
                // Kept open: a hang-up would look like a signal to whoever polls.
                loop {
                    std::thread::park();
                }
            })?;
        Ok(Self {
            cancel,
            last,
            first,
            wake: wake.into(),
        })
    }

    /// The token the running call looks at.
    pub(crate) fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// The first signal that came.
    pub(crate) fn seen(&self) -> Option<i32> {
        let first = self.first.load(Ordering::SeqCst);
        let number = if first == 0 {
            self.last.load(Ordering::SeqCst)
        } else {
            first
        };
        i32::try_from(number).ok().filter(|n| *n != 0)
    }

    /// Readable from the first signal on, for those who wait in poll(2).
    pub(crate) fn wake(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

fn ignored_mask() -> u64 {
    std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|text| {
            let line = text.lines().find_map(|l| l.strip_prefix("SigIgn:"))?;
            u64::from_str_radix(line.trim(), 16).ok()
        })
        .unwrap_or(0)
}

/// Waits until one of the two can be read.
pub(crate) fn wait_readable(from: BorrowedFd<'_>, signals: Option<&Signals>) -> io::Result<Ready> {
    use rustix::event::{PollFd, PollFlags, poll};
    loop {
        let mut fds = vec![PollFd::from_borrowed_fd(from, PollFlags::IN)];
        if let Some(s) = signals {
            fds.push(PollFd::from_borrowed_fd(s.wake(), PollFlags::IN));
        }
        match poll(&mut fds, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(e) => return Err(e.into()),
        }
        let ready = |i: usize| fds.get(i).is_some_and(|f| !f.revents().is_empty());
        if ready(1) {
            return Ok(Ready::Signal);
        }
        if ready(0) {
            return Ok(Ready::Data);
        }
    }
}

/// What came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ready {
    /// Something to read, or the end of it.
    Data,
    /// A signal.
    Signal,
}
