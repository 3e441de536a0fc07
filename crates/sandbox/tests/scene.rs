//! The folder that the tests play in: a workspace, its evil sibling, and things outside.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use aifirst_sandbox::{Error, ErrorKind, File, RawRel, Rules, Workspace};

/// What lies outside and must never be read.
pub(crate) const SECRET: &str = "outside";
/// What lies inside.
pub(crate) const INSIDE: &str = "inside";

pub(crate) struct Scene {
    dir: tempfile::TempDir,
}

impl Scene {
    /// ```text
    /// ws/ok.txt ws/a/b/in.txt ws/b/x
    /// ws-evil/secret outside/secret outside/dir/f store/
    /// ```
    pub(crate) fn new() -> Self {
        let scene = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        for folder in ["ws/a/b", "ws/b", "ws-evil", "outside/dir", "store"] {
            fs::create_dir_all(scene.host(folder)).unwrap();
        }
        for file in ["ws/ok.txt", "ws/a/b/in.txt", "ws/b/x"] {
            fs::write(scene.host(file), INSIDE).unwrap();
        }
        for file in ["ws-evil/secret", "outside/secret", "outside/dir/f"] {
            fs::write(scene.host(file), SECRET).unwrap();
        }
        scene
    }

    /// A path of the host, from the scene's own folder.
    pub(crate) fn host(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    pub(crate) fn ws(&self, path: &str) -> PathBuf {
        self.host("ws").join(path)
    }

    pub(crate) fn open(&self) -> Workspace {
        self.open_with(Rules::default())
    }

    pub(crate) fn open_with(&self, rules: Rules) -> Workspace {
        Workspace::open(&self.host("ws"), rules).unwrap()
    }

    pub(crate) fn custodian(&self) -> aifirst_sandbox::Custodian {
        aifirst_sandbox::Custodian::open(&self.open(), &self.host("store")).unwrap()
    }

    pub(crate) fn link(&self, target: impl AsRef<Path>, at: &str) {
        symlink(target, self.ws(at)).unwrap();
    }

    /// Everything outside, to be compared.
    pub(crate) fn outside(&self) -> Vec<String> {
        let mut seen = manifest(&self.host("outside"));
        seen.extend(manifest(&self.host("ws-evil")));
        seen
    }
}

pub(crate) fn rel(path: &str) -> RawRel {
    RawRel::parse(path.as_bytes()).unwrap()
}

pub(crate) fn text(file: &File) -> String {
    String::from_utf8(file.read_to_vec(1 << 20).unwrap()).unwrap()
}

pub(crate) fn kind<T>(result: Result<T, Error>) -> ErrorKind {
    match result {
        Ok(_) => panic!("accepted"),
        Err(error) => error.kind(),
    }
}

/// Names, kinds, modes, owners, link counts, targets and contents below a folder.
pub(crate) fn manifest(top: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut pending = vec![top.to_path_buf()];
    while let Some(here) = pending.pop() {
        let meta = here.symlink_metadata().unwrap();
        let what = if meta.is_symlink() {
            format!("-> {}", fs::read_link(&here).unwrap().display())
        } else if meta.is_file() {
            format!("{:?}", fs::read(&here))
        } else {
            String::new()
        };
        let (mode, uid, nlink) = (meta.mode(), meta.uid(), meta.nlink());
        lines.push(format!("{} {mode:o} {uid} {nlink} {what}", here.display()));
        if meta.is_dir() {
            pending.extend(fs::read_dir(&here).unwrap().map(|e| e.unwrap().path()));
        }
    }
    lines.sort();
    lines
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A skip is named, so that it can be counted in the output.
pub(crate) fn skipped(why: &str) {
    println!("skipped: {why}");
}
