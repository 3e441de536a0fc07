//! Contents of files in bounded memory: digests and comparisons, block by block.
use aifirst_sandbox::File;
use sha2::{Digest, Sha256};

use crate::cause::guard;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};

/// How much is held at a time.
pub(super) const BLOCK: usize = 64 << 10;

/// Hands a file's contents to `each`, block by block, from an offset to the end.
pub(super) fn blocks(
    file: &File,
    from: u64,
    spelled: &str,
    context: &Context<'_>,
    each: &mut dyn FnMut(&[u8]) -> Result<Next>,
) -> Result<()> {
    let mut buffer = vec![0; BLOCK];
    let mut at = from;
    loop {
        context.go_on()?;
        let n = file
            .read_at(at, &mut buffer)
            .map_err(|e| guard(e, spelled))?;
        if n == 0 {
            return Ok(());
        }
        if each(buffer.get(..n).unwrap_or_default())? == Next::Stop {
            return Ok(());
        }
        at = at.saturating_add(u64::try_from(n).unwrap_or(u64::MAX));
    }
}

/// Whether more is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The next block.
    More,
    /// Nothing.
    Stop,
}

/// The SHA-256 of a file's contents.
pub(super) fn digest(file: &File, spelled: &str, context: &Context<'_>) -> Result<[u8; 32]> {
    let mut hash = Sha256::new();
    blocks(file, 0, spelled, context, &mut |block| {
        hash.update(block);
        Ok(Next::More)
    })?;
    Ok(hash.finalize().into())
}

/// The SHA-256 of bytes.
pub(super) fn digest_of(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Whether a file holds exactly these bytes.
pub(super) fn same(
    file: &File,
    bytes: &[u8],
    spelled: &str,
    context: &Context<'_>,
) -> Result<bool> {
    if u64::try_from(bytes.len()).ok() != Some(file.stat().size) {
        return Ok(false);
    }
    let mut rest = Some(bytes);
    blocks(file, 0, spelled, context, &mut |block| {
        rest = rest.and_then(|r| r.strip_prefix(block));
        Ok(match rest {
            Some(_) => Next::More,
            None => Next::Stop,
        })
    })?;
    Ok(rest == Some(&[]))
}

/// Whether two files hold the same bytes.
pub(super) fn same_files(a: &File, b: &File, spelled: &str, context: &Context<'_>) -> Result<bool> {
    if a.stat().size != b.stat().size {
        return Ok(false);
    }
    let mut equal = true;
    let mut at = 0u64;
    let mut other = vec![0; BLOCK];
    blocks(a, 0, spelled, context, &mut |block| {
        let mut done = 0;
        while let Some(rest) = block.get(done..).filter(|r| !r.is_empty()) {
            let room = other.get_mut(..rest.len()).unwrap_or_default();
            let n = b.read_at(at, room).map_err(|e| guard(e, spelled))?;
            if n == 0 || rest.get(..n) != room.get(..n) {
                equal = false;
                return Ok(Next::Stop);
            }
            done += n;
            at = at.saturating_add(u64::try_from(n).unwrap_or(u64::MAX));
        }
        Ok(Next::More)
    })?;
    Ok(equal)
}

/// The whole contents, where they are no larger than an operation may hold.
pub(super) fn whole(file: &File, spelled: &str, limit: u64) -> Result<Vec<u8>> {
    if file.stat().size > limit {
        return Err(Error::failed(format!(
            "{spelled:?} is larger than this operation may hold: {} bytes, the limit is {limit}",
            file.stat().size
        ))
        .with_code("too_large")
        .with_path(spelled));
    }
    file.read_to_vec(limit).map_err(|e| guard(e, spelled))
}

/// Refuses when the contents are not those that the caller last saw.
pub(super) fn fresh(
    have: Option<[u8; 32]>,
    expected: Option<[u8; 32]>,
    spelled: &str,
) -> Result<()> {
    match expected {
        Some(expected) if have != Some(expected) => Err(Error::new(
            ErrorKind::Conflict,
            match have {
                Some(_) => format!("{spelled:?} is not as you saw it: its SHA-256 is another"),
                None => format!("{spelled:?} is not as you saw it: it is not there"),
            },
        )
        .with_code("stale")
        .with_path(spelled)
        .with_hint("read it again, then decide")),
        _ => Ok(()),
    }
}
