//! Clock, randomness and boot id, passed in so that tests decide them.
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::ids::OpId;

/// Where the runtime takes time, random bytes and the boot id from.
pub trait Env: Send + Sync {
    /// Microseconds since the Unix epoch, UTC.
    fn now_us(&self) -> i64;
    /// Fills `to` with random bytes.
    ///
    /// # Errors
    /// When the system has none to give; no operation runs without.
    fn random(&self, to: &mut [u8]) -> Result<()>;
    /// An id that lasts from one boot to the next.
    fn boot(&self) -> &str;
}

/// The machine's own clock, random numbers and boot id.
pub struct SystemEnv {
    boot: String,
}

impl SystemEnv {
    /// Reads the boot id (`/proc/sys/kernel/random/boot_id`, proc(5)).
    #[must_use]
    #[allow(
        clippy::disallowed_methods,
        reason = "proc(5) is no part of any workspace"
    )]
    pub fn shared() -> Arc<dyn Env> {
        // Without /proc every start counts as a boot of its own: recovery then trusts less.
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
            .map(|text| text.trim().to_owned())
            .unwrap_or_else(|_| format!("unknown-{}", std::process::id()));
        Arc::new(Self { boot })
    }
}

impl Env for SystemEnv {
    #[allow(clippy::disallowed_methods, reason = "this is the one clock")]
    fn now_us(&self) -> i64 {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }

    fn random(&self, to: &mut [u8]) -> Result<()> {
        getrandom::fill(to).map_err(|e| {
            Error::new(ErrorKind::Unsupported, "the system gives no random numbers")
                .with_code("no_randomness")
                .with_source(std::io::Error::other(e.to_string()))
        })
    }

    fn boot(&self) -> &str {
        &self.boot
    }
}

/// A new operation id.
pub(crate) fn new_id(env: &dyn Env) -> Result<OpId> {
    let mut bytes = [0u8; 10];
    env.random(&mut bytes)?;
    Ok(OpId::from_bytes(bytes))
}

/// RFC 3339 in UTC with microseconds, as everything in the log is dated.
#[must_use]
pub fn rfc3339(us: i64) -> String {
    match jiff::Timestamp::from_microsecond(us) {
        Ok(t) => format!("{t:.6}"),
        Err(_) => "0000-01-01T00:00:00.000000Z".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_six_digits_and_end_in_z() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(
            rfc3339(1_764_073_735_123_456),
            "2025-11-25T12:28:55.123456Z"
        );
    }
}
