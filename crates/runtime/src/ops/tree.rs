//! A tree as it stands: how much it holds, and a digest that any change of it changes.
use aifirst_sandbox::{Barrier, Flow, Kind, RawRel, Stat, WalkEntry, WalkLimits};
use sha2::{Digest, Sha256};

use crate::cause::guard;
use crate::context::Context;
use crate::effect::Effect;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Target;

use super::place::{Place, quoted};

/// What the counting walk found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tree {
    /// Entries, the root of the tree with them.
    pub(super) entries: u64,
    /// Bytes of contents.
    pub(super) bytes: u64,
    /// Over everything below the root: name, kind, mode, size, inode, mtime and ctime.
    pub(super) digest: [u8; 32],
}

impl Tree {
    /// Walks a folder; follows no link and crosses no mount.
    pub(super) fn count(context: &Context<'_>, path: &RawRel, spelled: &str) -> Result<Self> {
        let mut hash = Sha256::new();
        // The walk visits what is below; the root of the tree counts too.
        let (mut entries, mut bytes) = (1u64, 0u64);
        let mut stopped: Result<()> = Ok(());
        let _ = context
            .workspace()
            .walk(path, WalkLimits::default(), &mut |entry| {
                stopped = context.go_on().and_then(|()| whole(entry));
                if stopped.is_err() {
                    return Flow::Stop;
                }
                entries += 1;
                if entry.stat.kind == Kind::File {
                    bytes = bytes.saturating_add(entry.stat.size);
                }
                add(&mut hash, entry.path, entry.stat);
                Flow::Continue
            })
            .map_err(|e| guard(e, spelled))?;
        stopped?;
        Ok(Self {
            entries,
            bytes,
            digest: hash.finalize().into(),
        })
    }

    /// Whether there is anything below the root of the tree.
    pub(super) fn has_content(&self) -> bool {
        self.entries > 1
    }

    /// The target that stands for all of it.
    pub(super) fn target(&self, effect: Effect, place: &Place) -> Target {
        Target {
            entries: self.entries,
            bytes: self.bytes,
            tree: Some(self.digest),
            ..place.target(effect)
        }
    }
}

/// A target for whatever is there: a thing, or a tree with its count.
pub(super) fn target(
    context: &Context<'_>,
    effect: Effect,
    place: &Place,
) -> Result<(Target, Option<Tree>)> {
    if place.kind() != Some(Kind::Dir) {
        return Ok((place.target(effect), None));
    }
    let tree = Tree::count(context, &place.path, &place.spelled)?;
    Ok((tree.target(effect, place), Some(tree)))
}

/// "3 entries, 120 bytes", for sentences.
pub(super) fn amount(tree: &Tree) -> String {
    let below = tree.entries.saturating_sub(1);
    let entries = match below {
        1 => "1 entry".to_owned(),
        n => format!("{n} entries"),
    };
    format!("{entries}, {} bytes", tree.bytes)
}

/// The error for a folder that is to go but holds something.
pub(super) fn not_empty(place: &Place, tree: &Tree, hint: &str) -> Error {
    Error::failed(format!(
        "the folder {:?} is not empty: {}",
        place.spelled,
        amount(tree)
    ))
    .with_code("not_empty")
    .with_path(&place.spelled)
    .with_hint(hint)
}

/// Refuses a tree of which some part is not ours to take along.
fn whole(entry: &WalkEntry<'_>) -> Result<()> {
    let (code, why) = match entry.barrier {
        None => return Ok(()),
        Some(Barrier::Mount) => ("mount_crossing", "another file system is mounted there"),
        Some(Barrier::Protected) => ("protected_name", "the name is reserved for the runtime"),
        Some(_) => ("permission_denied", "it cannot be looked into"),
    };
    Err(Error::new(
        ErrorKind::Guard,
        format!("the tree holds {}: {why}", quoted(entry.path)),
    )
    .with_code(code)
    .with_path(entry.path.to_string()))
}

fn add(hash: &mut Sha256, path: &RawRel, stat: &Stat) {
    let name = path.as_bytes();
    // The length stands first, so that no two trees give the same bytes.
    hash.update(u64::try_from(name.len()).unwrap_or(u64::MAX).to_be_bytes());
    hash.update(name);
    hash.update([match stat.kind {
        Kind::File => 1,
        Kind::Dir => 2,
        Kind::Symlink => 3,
        Kind::Fifo => 4,
        Kind::Socket => 5,
        Kind::CharDevice => 6,
        Kind::BlockDevice => 7,
    }]);
    hash.update(stat.mode.to_be_bytes());
    hash.update(stat.size.to_be_bytes());
    hash.update(stat.identity.ino.to_be_bytes());
    for time in [stat.mtime, stat.ctime] {
        hash.update(time.sec.to_be_bytes());
        hash.update(time.nsec.to_be_bytes());
    }
}
