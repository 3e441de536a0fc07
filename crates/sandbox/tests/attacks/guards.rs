//! Two guards that answer the calls of the suite: ours, and the usual one that must lose.

use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use aifirst_sandbox::{
    At, Custodian, Error, How, Perm, RawRel, RelPath, Rename, Replace, TempName, Workspace, Write,
};

use super::stage::Stage;
use crate::scene::{INSIDE, SECRET};

/// A path as a person or an agent would have it taken: checked as text where it is text.
pub(crate) fn path(bytes: &[u8]) -> Result<RawRel, Error> {
    match std::str::from_utf8(bytes) {
        Ok(text) => RelPath::parse(text).map(RawRel::from),
        Err(_) => RawRel::parse(bytes),
    }
}

/// What a read must never give.
pub(crate) fn read(ws: &Workspace, path: &RawRel) -> Result<(), Error> {
    let content = ws.open_file(path)?.read_to_vec(1 << 20)?;
    assert_eq!(content, INSIDE.as_bytes(), "read from outside: {path}");
    Ok(())
}

/// A call of the suite by the plain handle.
pub(crate) fn plain(ws: &Workspace, words: &[Vec<u8>]) -> Result<(), Error> {
    let first = path(&words[1])?;
    match words[0].as_slice() {
        b"read" => read(ws, &first),
        b"write" => {
            let how = Write::new(TempName::from_random([7; 16])).replace(Replace::Atomic);
            ws.write_file(&first, b"new", &how).map(drop)
        }
        b"mkdir" => ws.make_dir_all(&first, Perm::FOLDER).map(drop),
        b"chmod" => ws.set_perm(&first, Perm::new(mode(&words[2]))?),
        b"rename" => ws.rename(&first, &path(&words[2])?, Rename::NoReplace),
        b"remove_tree" => ws.remove_tree(&first),
        other => panic!("no row calls {other:?}"),
    }
}

/// The custodian's nearest to a call of the suite. It follows no link and crosses no mount,
/// whatever else it serves.
pub(crate) fn by_custodian(custodian: &Custodian, words: &[Vec<u8>]) -> Result<(), Error> {
    let first = path(&words[1])?;
    let at = At::workspace(&first);
    match words[0].as_slice() {
        b"read" => {
            let content = custodian.open_read(at)?.read_to_vec(1 << 20)?;
            assert_ne!(content, SECRET.as_bytes(), "read from outside: {first}");
            Ok(())
        }
        b"write" => custodian
            .make_file(at, 0o600)
            .and_then(|made| made.write_at(0, b"new")),
        b"mkdir" => custodian.make_dir(at, 0o700),
        b"chmod" => custodian.set_mode(at, mode(&words[2])),
        b"rename" => {
            let to = path(&words[2])?;
            custodian.rename(at, At::workspace(&to), How::NoReplace)
        }
        b"remove_tree" => {
            // Trees of the workspace go by way of the store.
            let kept = RawRel::parse(b"kept")?;
            custodian.rename(at, At::store(&kept), How::NoReplace)?;
            custodian.remove_tree(At::store(&kept))
        }
        other => panic!("no row calls {other:?}"),
    }
}

pub(crate) fn mode(word: &[u8]) -> u32 {
    u32::from_str_radix(std::str::from_utf8(word).unwrap(), 8).unwrap()
}

/// Canonicalize, compare the beginning, then use the path: what most tools do.
pub(crate) struct Canonical {
    top: PathBuf,
}

impl Canonical {
    pub(crate) fn new(stage: &Stage) -> Self {
        Self {
            top: stage.scene.host("ws").canonicalize().unwrap(),
        }
    }

    /// The real path, beneath the root when it was looked at.
    fn checked(&self, path: &[u8]) -> Option<PathBuf> {
        let whole = self.top.join(std::ffi::OsStr::from_bytes(path));
        let real = whole
            .canonicalize()
            .ok()
            .or_else(|| folded(&whole).canonicalize().ok())
            .or_else(|| last_is_new(&folded(&whole)))?;
        real.starts_with(&self.top).then_some(real)
    }

    /// One call; `i` and `o` for accepted, a capital for harm that shows at once.
    pub(crate) fn call(&self, words: &[Vec<u8>]) -> char {
        let Some(real) = self.checked(&words[1]) else {
            return self.deeper(words);
        };
        let special = |meta: &fs::Metadata| {
            let kind = meta.file_type();
            kind.is_char_device() || kind.is_block_device()
        };
        match words[0].as_slice() {
            b"read" => {
                let Ok(mut file) = fs::File::open(&real) else {
                    return '.';
                };
                if special(&file.metadata().unwrap()) {
                    return 'S';
                }
                let mut content = Vec::new();
                match file.read_to_end(&mut content) {
                    Ok(_) if content == INSIDE.as_bytes() => 'i',
                    Ok(_) => 'R',
                    Err(_) => '.',
                }
            }
            b"write" => match fs::File::create(&real) {
                Ok(file) if special(&file.metadata().unwrap()) => 'S',
                Ok(mut file) => done(&std::io::Write::write_all(&mut file, b"new")),
                Err(_) => '.',
            },
            b"mkdir" => done(&fs::create_dir_all(&real)),
            b"chmod" => {
                let mode = fs::Permissions::from_mode(mode(&words[2]));
                if fs::set_permissions(&real, mode).is_err() {
                    return '.';
                }
                match fs::metadata(&real).unwrap().mode() & 0o6000 {
                    0 => 'o',
                    _ => 'U',
                }
            }
            b"rename" => match self.checked(&words[2]) {
                Some(to) => done(&fs::rename(&real, to)),
                None => '.',
            },
            b"remove_tree" => {
                let gone = fs::remove_dir_all(&real).is_ok();
                let rooted = fs::read_dir(&self.top).is_ok_and(|mut names| names.next().is_some());
                match (rooted, gone) {
                    (false, _) => 'X',
                    (true, true) => 'o',
                    (true, false) => '.',
                }
            }
            other => panic!("no row calls {other:?}"),
        }
    }

    /// Folders that are still to be made: the nearest that is there is checked.
    fn deeper(&self, words: &[Vec<u8>]) -> char {
        if words[0] != b"mkdir" {
            return '.';
        }
        let whole = self.top.join(std::ffi::OsStr::from_bytes(&words[1]));
        let real = whole.ancestors().find_map(|above| {
            let rest = whole.strip_prefix(above).ok()?;
            Some(above.canonicalize().ok()?.join(rest))
        });
        match real {
            Some(real) if real.starts_with(&self.top) => done(&fs::create_dir_all(real)),
            _ => '.',
        }
    }
}

fn done(result: &std::io::Result<()>) -> char {
    if result.is_ok() { 'o' } else { '.' }
}

fn last_is_new(path: &Path) -> Option<PathBuf> {
    Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?))
}

/// As text: `a/..` is nothing, whatever `a` is.
fn folded(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(out.pop()),
            Component::CurDir => {}
            part => out.push(part),
        }
    }
    out
}
