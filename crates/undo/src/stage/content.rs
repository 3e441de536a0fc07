//! Content and fields of a prepared object, from whatever source.

use aifirst_sandbox::{Cloned, File, Made, Stat};
use sha2::{Digest as _, Sha256};

use crate::change_set::{Piece, Source};
use crate::disk::{Field, Place};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::state::{Digest, State};

const BUFFER: usize = 1 << 20;

/// Content up to this size is read again for its digest where the file system cloned it.
const DIGEST_CLONES_UP_TO: u64 = 1 << 20;

impl Engine {
    /// Gives a prepared replacement the fields of the old file, in the order in which setting one
    /// does not undo another: owner (clears setuid and capabilities), attributes, mode.
    pub(super) fn take_fields(&self, made: &Made, old: &State) -> Result<()> {
        let disk = self.disk();
        let now = made.stat()?;
        if (now.uid, now.gid) != (old.uid, old.gid) {
            disk.set(made, Field::Owner(old.uid, old.gid))?;
        }
        let wanted = kept_xattrs(old);
        let inherited = made.xattrs()?;
        for (name, _) in &inherited {
            if !wanted.iter().any(|(n, _)| n == name) {
                disk.set(made, Field::NoXattr(name))?;
            }
        }
        for pair in &wanted {
            if !inherited.contains(pair) {
                disk.set(made, Field::Xattr(&pair.0, &pair.1))?;
            }
        }
        disk.set(made, Field::Mode(old.mode))?;
        match old.flags {
            Some(flags) if flags != 0 => disk.set(made, Field::Flags(flags)),
            _ => Ok(()),
        }
    }

    /// Writes the content of a prepared file; the digest is computed on the way.
    pub(super) fn fill(
        &self,
        made: &Made,
        source: &Source,
        old: Option<&Place>,
    ) -> Result<Option<Digest>> {
        let disk = self.disk();
        let mut sum = Sha256::new();
        let mut at = 0;
        match source {
            Source::Bytes(bytes) => {
                self.put(made, bytes, &mut at, &mut sum)?;
            }
            Source::Splice(pieces) => {
                let old = old.ok_or_else(|| {
                    Error::new(ErrorKind::BadChangeSet, "cannot splice without an old file")
                })?;
                let file = disk.open(old)?;
                for piece in pieces {
                    match piece {
                        Piece::New(bytes) => self.put(made, bytes, &mut at, &mut sum)?,
                        Piece::Old { offset, len } => {
                            self.copy(&file, *offset, *len, made, &mut at, &mut sum)?;
                        }
                    }
                }
            }
            Source::File { file, .. } => {
                let before = file.restat()?;
                if before.size > 0 && disk.clone_content(made, file)? == Cloned::Yes {
                    if before.size > DIGEST_CLONES_UP_TO {
                        same_file(&before, &file.restat()?)?;
                        return Ok(None);
                    }
                    let mut buffer = vec![0; BUFFER];
                    while at < before.size {
                        let n = file.read_at(at, &mut buffer)?;
                        if n == 0 {
                            break;
                        }
                        sum.update(buffer.get(..n).unwrap_or_default());
                        at += n as u64;
                    }
                } else {
                    self.copy(file, 0, before.size, made, &mut at, &mut sum)?;
                }
                same_file(&before, &file.restat()?)?;
            }
        }
        Ok(Some(sum.finalize().into()))
    }

    fn put(&self, made: &Made, bytes: &[u8], at: &mut u64, sum: &mut Sha256) -> Result<()> {
        for chunk in bytes.chunks(BUFFER) {
            self.disk().write(made, *at, chunk)?;
            sum.update(chunk);
            *at += chunk.len() as u64;
        }
        Ok(())
    }

    fn copy(
        &self,
        from: &File,
        offset: u64,
        len: u64,
        made: &Made,
        at: &mut u64,
        sum: &mut Sha256,
    ) -> Result<()> {
        let mut buffer = vec![0; BUFFER.min(usize::try_from(len).unwrap_or(BUFFER)).max(1)];
        let mut done = 0;
        while done < len {
            let want = usize::try_from(len - done)
                .unwrap_or(usize::MAX)
                .min(buffer.len());
            let Some(window) = buffer.get_mut(..want) else {
                break;
            };
            let n = from.read_at(offset + done, window)?;
            if n == 0 {
                return Err(
                    Error::new(ErrorKind::Changed, "cannot copy the old content")
                        .detail("the file is shorter than planned"),
                );
            }
            let chunk = buffer.get(..n).unwrap_or_default();
            self.put(made, chunk, at, sum)?;
            done += n as u64;
        }
        Ok(())
    }
}

/// Attributes that a replacement takes over: hashes of the old content would be lies.
pub(super) fn kept_xattrs(old: &State) -> Vec<(Vec<u8>, Vec<u8>)> {
    old.xattrs
        .iter()
        .filter(|(name, _)| name != b"security.ima" && name != b"security.evm")
        .cloned()
        .collect()
}

fn same_file(before: &Stat, after: &Stat) -> Result<()> {
    if (before.size, before.mtime, before.ctime) == (after.size, after.mtime, after.ctime) {
        Ok(())
    } else {
        Err(Error::new(ErrorKind::Changed, "cannot copy a file")
            .detail("it was changed while it was read"))
    }
}
