//! A row's set-up, made on a real file system.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::Command;

use rustix::fs::{CWD, FileType, Mode};

use super::rows::{Row, deep, expand};
use crate::scene::{INSIDE, SECRET, Scene};

/// A staged row; its mounts end with it.
pub(crate) struct Stage {
    pub(crate) scene: Scene,
    pub(crate) words: Vec<Vec<u8>>,
    mounted: Vec<PathBuf>,
    _socket: Option<UnixListener>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        for at in self.mounted.iter().rev() {
            let _ = Command::new("umount").arg("-l").arg(at).output();
        }
    }
}

impl Stage {
    /// `Err` with a reason where this machine cannot make it.
    pub(crate) fn new(row: &Row) -> Result<Self, String> {
        let scene = Scene::new();
        fs::create_dir(scene.ws("b/c")).unwrap();
        for (file, text) in [
            ("ws/b/c/x", INSIDE),
            ("ws/x", INSIDE),
            ("outside/dir/keep", SECRET),
        ] {
            fs::write(scene.host(file), text).unwrap();
        }
        let top = scene.host("");
        let words = row.call.iter().map(|word| expand(word, &top)).collect();
        let mut stage = Self {
            scene,
            words,
            mounted: Vec::new(),
            _socket: None,
        };
        for step in &row.make {
            stage
                .make(step)
                .map_err(|why| format!("{}: {} cannot be made: {why}", row.id, step[0]))?;
        }
        Ok(stage)
    }

    fn make(&mut self, step: &[String]) -> Result<(), String> {
        let top = self.scene.host("");
        let text = |at: usize| OsString::from_vec(expand(&step[at], &top));
        let inside = |at: usize| self.scene.host("ws").join(text(at));
        match step[0].as_str() {
            "file" => {
                let content = step.get(2).map_or(INSIDE, String::as_str);
                fs::write(inside(1), content).unwrap();
            }
            "dir" => fs::create_dir(inside(1)).unwrap(),
            "link" => std::os::unix::fs::symlink(text(2), inside(1)).unwrap(),
            "hard" => {
                fs::hard_link(self.scene.host(&step[2]), inside(1)).map_err(|e| e.to_string())?;
            }
            "fifo" => {
                rustix::fs::mkfifoat(CWD, inside(1), Mode::from_raw_mode(0o666)).unwrap();
            }
            "socket" => self._socket = Some(UnixListener::bind(inside(1)).unwrap()),
            "node" => {
                let kind = match step[2].as_str() {
                    "c" => FileType::CharacterDevice,
                    _ => FileType::BlockDevice,
                };
                let number =
                    rustix::fs::makedev(step[3].parse().unwrap(), step[4].parse().unwrap());
                rustix::fs::mknodat(CWD, inside(1), kind, Mode::from_raw_mode(0o666), number)
                    .map_err(|errno| errno.to_string())?;
            }
            "chain" => {
                let count: usize = step[1].parse().unwrap();
                self.scene.link("ok.txt", "c1");
                for at in 2..=count {
                    self.scene.link(format!("c{}", at - 1), &format!("c{at}"));
                }
            }
            "deep" => {
                fs::create_dir_all(self.scene.ws(&deep())).unwrap();
                fs::write(self.scene.ws(&deep()).join("leaf"), INSIDE).unwrap();
            }
            "bind" => {
                let from = self.scene.host(&step[1]);
                let at = inside(2);
                self.mount(&["--bind", from.to_str().unwrap()], at)?;
            }
            "tmpfs" => self.mount(&["-t", "tmpfs", "none"], inside(1))?,
            "proc" => {
                let at = inside(1);
                self.mount(&["--rbind", "/proc"], at)?;
            }
            other => panic!("no row makes a `{other}`"),
        }
        Ok(())
    }

    fn mount(&mut self, arguments: &[&str], at: PathBuf) -> Result<(), String> {
        let run = Command::new("mount").args(arguments).arg(&at).output();
        let run = run.map_err(|error| error.to_string())?;
        if !run.status.success() {
            return Err(String::from_utf8_lossy(&run.stderr).trim().to_owned());
        }
        self.mounted.push(at);
        Ok(())
    }
}
