//! What is accepted below the root: links, hard links, mounts, types, protected names.

use crate::error::{Error, ErrorKind, Result};
use crate::identity::{Kind, Stat};
use crate::relpath::{Names, RawRel, RelPath, is_ignorable};

/// What the plain handles accept. The default is the strictest sensible choice.
///
/// Whatever is chosen: FIFOs, sockets and devices are never opened, and names that fold to a
/// beginning of `.aifirst-` belong to the runtime.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rules {
    /// Symbolic links.
    pub links: Links,
    /// Files with several names.
    pub hard_links: HardLinks,
    /// Folders that may be the root of another mount.
    pub mounts: Vec<RelPath>,
    /// What to do where `openat2` is missing. It counts when a workspace is opened.
    pub fallback: Fallback,
    /// Which names `Workspace::normalize` accepts.
    pub names: Names,
}

impl Rules {
    /// The same with another choice for symbolic links.
    #[must_use]
    pub fn links(mut self, links: Links) -> Self {
        self.links = links;
        self
    }

    /// The same with another choice for files with several names.
    #[must_use]
    pub fn hard_links(mut self, hard_links: HardLinks) -> Self {
        self.hard_links = hard_links;
        self
    }

    /// The same with another list of folders that may be mounts.
    #[must_use]
    pub fn mounts(mut self, mounts: Vec<RelPath>) -> Self {
        self.mounts = mounts;
        self
    }

    /// The same with another choice for systems without `openat2`.
    #[must_use]
    pub fn fallback(mut self, fallback: Fallback) -> Self {
        self.fallback = fallback;
        self
    }

    /// The same with another choice of names.
    #[must_use]
    pub fn names(mut self, names: Names) -> Self {
        self.names = names;
        self
    }

    /// The innermost listed mount that `path` is or lies below.
    pub(crate) fn mount_of(&self, path: &RawRel) -> Option<&RelPath> {
        self.mounts
            .iter()
            .filter(|mount| !mount.is_root() && path.starts_with(mount.raw()))
            .max_by_key(|mount| mount.depth())
    }
}

/// Symbolic links below the root.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Links {
    /// Followed while they are relative and stay below the root at every step.
    #[default]
    Beneath,
    /// None is followed.
    Deny,
}

/// Regular files with more than one name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HardLinks {
    /// Not opened: another name may lie outside.
    #[default]
    Deny,
    /// Opened for reading.
    ReadOnly,
}

/// Systems on which `openat2` is missing or filtered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Fallback {
    /// The workspace is refused.
    #[default]
    Refuse,
    /// Paths are walked component by component, with the same answers at a higher price.
    /// `Workspace::backend` says whether it came to that.
    Walk,
}

/// Permission bits that may be given: `0o777` at most, without setuid, setgid and sticky.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Perm(u32);

impl Perm {
    /// What programs ask for when they make a file: `0o666`, less the umask.
    pub const FILE: Self = Self(0o666);
    /// What programs ask for when they make a folder: `0o777`, less the umask.
    pub const FOLDER: Self = Self(0o777);
    /// A folder that is being filled.
    pub(crate) const PRIVATE_FOLDER: Self = Self(0o700);

    /// Checks the bits.
    ///
    /// # Errors
    /// `ModeDenied` for bits above `0o777`.
    pub fn new(bits: u32) -> Result<Self> {
        if bits > 0o777 {
            return Err(
                Error::new(ErrorKind::ModeDenied, "use the mode").detail(format!("{bits:o}"))
            );
        }
        Ok(Self(bits))
    }

    /// The bits of an object, as far as they may be given.
    pub(crate) fn of(stat: &Stat) -> Self {
        Self(stat.mode & 0o777)
    }

    /// The bits.
    #[must_use]
    pub fn bits(self) -> u32 {
        self.0
    }
}

/// Judges what was opened as a file, by its fields as they were after the open.
pub(crate) fn judge_file(stat: &Stat, rules: &Rules, doing: &'static str) -> Result<()> {
    match stat.kind {
        Kind::File => {}
        Kind::Dir => return Err(Error::new(ErrorKind::IsADirectory, doing)),
        Kind::Symlink => return Err(Error::new(ErrorKind::LinkDenied, doing)),
        other => {
            return Err(Error::new(ErrorKind::SpecialFile, doing).detail(format!("{other:?}")));
        }
    }
    if stat.nlink > 1 && rules.hard_links == HardLinks::Deny {
        return Err(
            Error::new(ErrorKind::HardLinked, doing).detail(format!("{} names", stat.nlink))
        );
    }
    Ok(())
}

/// What every name of the runtime's own begins with.
const OURS: &str = ".aifirst-";

/// Whether one component is a name of the runtime's own, however it is disguised.
///
/// Folds case as case-folding file systems do (ext4, xfs, APFS, NTFS), drops what they ignore,
/// and takes compatibility forms for their letters: rather a name too many than one too few.
#[must_use]
pub fn is_protected(name: &[u8]) -> bool {
    // Most names of the world begin otherwise; every disguise of the dot is outside ASCII.
    match name.first() {
        Some(b'.') => {}
        Some(first) if first.is_ascii() => return false,
        _ => {}
    }
    // Cut at the first byte that is no text: such a name matches byte for byte at most.
    let text = name.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let mut wanted = OURS.chars().peekable();
    for c in text.chars().filter(|c| !is_ignorable(*c)) {
        for folded in fold(c) {
            match wanted.next() {
                Some(expected) if expected == folded => {}
                Some(_) => return false,
                None => return true,
            }
        }
        if wanted.peek().is_none() {
            return true;
        }
    }
    wanted.peek().is_none()
}

fn fold(c: char) -> impl Iterator<Item = char> {
    let c = match c {
        // The full-width block mirrors ASCII.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xff01 + 0x21).unwrap_or(c),
        '\u{2024}' | '\u{fe52}' => '.',
        '\u{2010}' | '\u{2011}' | '\u{fe63}' => '-',
        other => other,
    };
    let whole: &'static str = match c {
        '\u{fb01}' => "fi",
        '\u{fb05}' | '\u{fb06}' => "st",
        '\u{17f}' => "s",
        '\u{130}' | '\u{131}' => "i",
        _ => "",
    };
    let single = whole.is_empty().then(|| c.to_lowercase());
    whole.chars().chain(single.into_iter().flatten())
}

/// Refuses a path any component of which is a name of the runtime's own.
pub(crate) fn refuse_protected(path: &RawRel, doing: &'static str) -> Result<()> {
    if path.components().any(is_protected) {
        return Err(Error::new(ErrorKind::ProtectedName, doing).at(path));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disguises_of_our_names_are_ours() {
        for name in [
            ".aifirst-store",
            ".aifirst-",
            ".AIFIRST-x",
            ".AiFirSt-store-1",
            ".ai\u{200c}first-x",
            "\u{feff}.aifirst-x",
            ".a\u{130}first-x",
            ".aifir\u{17f}t-x",
            ".aifir\u{fb05}-x",
            ".aifir\u{fb06}-",
            "\u{ff0e}aifirst-x",
            ".aifirst\u{ad}-x",
        ] {
            assert!(is_protected(name.as_bytes()), "{name:?}");
        }
        assert!(is_protected(".a\u{131}\u{200d}first-\u{e000}".as_bytes()));
        assert!(is_protected(b".aifirst-\xff"));
        for name in [
            "aifirst-x",
            ".aifirst",
            ".aifirs-t",
            ".git",
            "x.aifirst-",
            ".aifirst_",
            "",
        ] {
            assert!(!is_protected(name.as_bytes()), "{name:?}");
        }
        assert!(!is_protected(b".ai\xfffirst-"));
    }
}
