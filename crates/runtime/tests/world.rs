//! A workspace and a state folder in a temporary folder, and what tests ask of them.
use std::fs;
use std::path::{Path, PathBuf};

use aifirst_runtime::{Call, Cancel, Error, Receipt, Runtime, Settings};
use serde_json::Value;

/// A fresh workspace with its own state.
pub struct World {
    pub dir: tempfile::TempDir,
}

impl World {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("ws")).unwrap();
        Self { dir }
    }

    /// In memory where the machine has a file system there: properties of many steps do not wait
    /// for a disk. What depends on the disk uses [`World::new`].
    pub fn quick() -> Self {
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() {
            tempfile::tempdir_in(memory).unwrap()
        } else {
            tempfile::tempdir().unwrap()
        };
        fs::create_dir(dir.path().join("ws")).unwrap();
        Self { dir }
    }

    pub fn root(&self) -> PathBuf {
        self.dir.path().join("ws")
    }

    pub fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    pub fn settings(&self) -> Settings {
        let mut settings = Settings::new(self.root());
        settings.workspace = Some(self.root());
        settings.state = Some(self.state());
        settings.homes.home = Some(self.dir.path().join("home"));
        settings.session = Some("test".to_owned());
        settings
    }

    pub fn open(&self) -> Runtime {
        Runtime::open(self.settings()).unwrap()
    }

    /// Opened with a policy that stills the question about folders.
    pub fn open_allowing(&self) -> Runtime {
        let runtime = self.open();
        let policy = "version = 1\n[[rule]]\nname = \"tests\"\ndecide = \"allow\"\nlifts = [\"folder\", \"size\"]\n";
        fs::write(self.inner().join("policy.toml"), policy).unwrap();
        runtime
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The folder of the one workspace's state beside another of this name.
    pub fn inner_of(&self, other: &str) -> PathBuf {
        let dirs = fs::read_dir(self.state().join("workspaces")).unwrap();
        let mut dirs = dirs.map(|e| e.unwrap().path());
        dirs.find(|d| d.file_name().unwrap() != other).unwrap()
    }

    /// The folder of the one workspace's state.
    pub fn inner(&self) -> PathBuf {
        let mut dirs: Vec<_> = fs::read_dir(self.state().join("workspaces"))
            .unwrap()
            .map(|e| e.unwrap().path())
            .collect();
        assert_eq!(dirs.len(), 1);
        dirs.pop().unwrap()
    }
}

pub fn call(runtime: &Runtime, operation: &str, params: Value) -> Result<Receipt, Error> {
    runtime.call(&Call::new(operation, params), &Cancel::new())
}

pub fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}
