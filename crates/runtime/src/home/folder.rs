//! The state folder: where it is, that it is ours alone, and how files in it are made.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the state folder is ours, no workspace is reached here"
)]
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};

/// The folders a person's environment names; read by the edge, judged here.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct HomeDirs {
    /// `$HOME`.
    pub home: Option<PathBuf>,
    /// `$XDG_STATE_HOME`.
    pub xdg_state: Option<PathBuf>,
    /// `$XDG_CONFIG_HOME`.
    pub xdg_config: Option<PathBuf>,
}

impl HomeDirs {
    /// The default state folder: `$XDG_STATE_HOME/aifirst`, else `~/.local/state/aifirst`.
    ///
    /// A relative value is ignored, as the XDG base directory specification says.
    ///
    /// # Errors
    /// [`ErrorKind::State`] when neither is there: never the current folder instead.
    pub fn state(&self) -> Result<PathBuf> {
        if let Some(dir) = absolute(self.xdg_state.as_deref()) {
            return Ok(dir.join("aifirst"));
        }
        let home = absolute(self.home.as_deref()).ok_or_else(|| {
            Error::new(
                ErrorKind::State,
                "neither HOME nor XDG_STATE_HOME names an absolute folder",
            )
            .with_code("no_home")
            .with_hint("set HOME, or name a folder for the state: --state DIR")
        })?;
        Ok(home.join(".local/state/aifirst"))
    }

    /// The person's configuration folder: `$XDG_CONFIG_HOME/aifirst`, else `~/.config/aifirst`.
    #[must_use]
    pub fn config(&self) -> Option<PathBuf> {
        absolute(self.xdg_config.as_deref())
            .or_else(|| absolute(self.home.as_deref()).map(|h| h.join(".config")))
            .map(|dir| dir.join("aifirst"))
    }
}

fn absolute(path: Option<&Path>) -> Option<PathBuf> {
    path.filter(|p| p.is_absolute()).map(Path::to_path_buf)
}

/// What a state folder must not lie on: SQLite's WAL and `flock` are not safe there.
///
/// Magic numbers from statfs(2) and `linux/magic.h`.
const REMOTE: &[(i64, &str)] = &[
    (0x6969, "NFS"),
    (0x517B, "SMB"),
    (0xFF53_4D42, "CIFS"),
    (0xFE53_4D42, "SMB2"),
    (0x0102_1997, "9P"),
    (0x6573_5546, "FUSE"),
    (0x5346_414F, "AFS"),
    (0x6B41_4653, "AFS"),
    (0x00C3_6400, "Ceph"),
    (0x7375_7245, "Coda"),
    (0x564C, "NCP"),
    (0x0BD0_0BD0, "Lustre"),
    (0x7461_636F, "OCFS2"),
    (0x0116_1970, "GFS2"),
    (0x4750_4653, "GPFS"),
    (0x786F_4256, "a shared folder of a virtual machine"),
];

/// The name of the network file system behind a magic number, if it is one.
pub(crate) fn remote_name(magic: i64) -> Option<&'static str> {
    REMOTE
        .iter()
        .find(|(m, _)| *m == magic)
        .map(|(_, name)| *name)
}

/// An opened, checked state folder.
#[derive(Clone, Debug)]
pub(crate) struct StateDir {
    path: PathBuf,
    writable: bool,
}

impl StateDir {
    /// Opens the folder, making it where it is missing.
    ///
    /// # Errors
    /// [`ErrorKind::State`] when it belongs to somebody else, can be reached by others, is a
    /// link, lies on a network file system, or cannot be made.
    pub(crate) fn open_or_make(path: &Path) -> Result<Self> {
        refuse_strange_owner_above(path)?;
        make_private_all(path).map_err(|e| cannot("make the state folder", &e))?;
        Self::check(path)?.need_writable()
    }

    /// Opens an existing folder, for reading at least; `None` where there is none.
    ///
    /// # Errors
    /// As [`open_or_make`](Self::open_or_make), but a folder that cannot be written is fine.
    pub(crate) fn open(path: &Path) -> Result<Option<Self>> {
        match fs::symlink_metadata(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(cannot("look at the state folder", &e)),
            Ok(_) => Self::check(path).map(Some),
        }
    }

    fn check(path: &Path) -> Result<Self> {
        let meta =
            fs::symlink_metadata(path).map_err(|e| cannot("look at the state folder", &e))?;
        private(&meta, "the state folder")?;
        let stat = rustix::fs::statfs(path)
            .map_err(|e| cannot("look at the state folder's file system", &e.into()))?;
        #[allow(
            clippy::unnecessary_cast,
            reason = "the type differs between architectures"
        )]
        if let Some(name) = remote_name(stat.f_type as i64) {
            return Err(Error::new(
                ErrorKind::State,
                format!(
                    "the state folder lies on {name}, where locks and the database are not safe"
                ),
            )
            .with_code("state_on_network")
            .with_hint("name a folder on a local disk: --state DIR or AIFIRST_STATE_DIR"));
        }
        let writable = rustix::fs::accessat(
            rustix::fs::CWD,
            path,
            rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK,
            rustix::fs::AtFlags::EACCESS,
        )
        .is_ok();
        // The canonical spelling, so that overlap with a workspace is seen through links above.
        let path = path
            .canonicalize()
            .map_err(|e| cannot("resolve the state folder", &e))?;
        Ok(Self { path, writable })
    }

    fn need_writable(self) -> Result<Self> {
        if self.writable {
            return Ok(self);
        }
        Err(Error::new(ErrorKind::State, "the state folder cannot be written, so nothing could be recorded")
            .with_code("state_read_only")
            .with_hint("make it writable, or name another: --state DIR; `aifirst log` and `aifirst verify` still read it"))
    }

    /// Its canonical path.
    #[must_use]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it can be written.
    #[must_use]
    pub(crate) fn is_writable(&self) -> bool {
        self.writable
    }

    /// The folder that holds one folder a workspace, made where it is missing.
    pub(crate) fn workspaces(&self) -> Result<PathBuf> {
        let dir = self.path.join("workspaces");
        make_private(&dir).map_err(|e| cannot("make the folder of workspaces", &e))?;
        Ok(dir)
    }
}

/// Refuses what is not a folder or file of ours that nobody else can reach.
pub(crate) fn private(meta: &fs::Metadata, what: &str) -> Result<()> {
    let euid = rustix::process::geteuid().as_raw();
    if meta.file_type().is_symlink() {
        return Err(Error::new(ErrorKind::State, format!("{what} is a link"))
            .with_code("state_is_link")
            .with_hint("put the real folder in its place, or name it: --state DIR"));
    }
    if meta.uid() != euid {
        return Err(Error::new(
            ErrorKind::State,
            format!(
                "{what} belongs to user {}, and this is user {euid}",
                meta.uid()
            ),
        )
        .with_code("state_owner")
        .with_hint("run as its owner, or name another folder: --state DIR"));
    }
    if meta.mode() & 0o077 != 0 {
        return Err(Error::new(
            ErrorKind::State,
            format!(
                "{what} can be reached by others (mode {:04o})",
                meta.mode() & 0o7777
            ),
        )
        .with_code("state_mode")
        .with_hint(
            "take their rights away: chmod go-rwx, once you are sure nobody changed what is in it",
        ));
    }
    Ok(())
}

/// Refuses to make state below a home folder that belongs to somebody else (sudo keeps HOME).
fn refuse_strange_owner_above(path: &Path) -> Result<()> {
    let euid = rustix::process::geteuid().as_raw();
    let Some(there) = path.ancestors().skip(1).find_map(|p| fs::metadata(p).ok()) else {
        return Ok(());
    };
    // A sticky or root-owned parent (/tmp, /var/lib) is nobody's home.
    if there.uid() == euid || there.uid() == 0 || there.mode() & 0o1000 != 0 || path.exists() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::State,
        format!(
            "the folder for the state belongs to user {}, and this is user {euid}",
            there.uid()
        ),
    )
    .with_code("state_owner")
    .with_hint("with sudo, set HOME too (sudo -H), or name a folder: --state DIR"))
}

/// Makes a folder that is ours alone at any umask; one that is there is left as it is.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => fs::set_permissions(path, fs::Permissions::from_mode(0o700)),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(e),
    }
}

fn make_private_all(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path).is_ok() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        make_private_all(parent)?;
    }
    make_private(path)
}

/// Opens a file of the state folder for reading and writing, 0600 at any umask, never a link.
pub(crate) fn open_private(path: &Path) -> io::Result<fs::File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let made = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(flags)
        .open(path);
    match made {
        Ok(file) => {
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
            Ok(file)
        }
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            let file = fs::OpenOptions::new()
                .read(true)
                .write(true)
                .custom_flags(flags)
                .open(path)?;
            if file.metadata()?.is_file() {
                Ok(file)
            } else {
                Err(io::Error::other("it is not a regular file"))
            }
        }
        Err(e) => Err(e),
    }
}

/// Writes a whole file of the state folder so that it is the old or the new one, never a part.
pub(crate) fn write_atomic(path: &Path, temp_name: &str, bytes: &[u8]) -> io::Result<()> {
    let dir = path
        .parent()
        .ok_or_else(|| io::Error::other("it has no folder"))?;
    let temp = dir.join(temp_name);
    // One that a killed start left; whoever writes this file has its lock.
    let _ = fs::remove_file(&temp);
    let written = (|| {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temp)?;
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temp, path)?;
        fs::File::open(dir)?.sync_all()
    })();
    if written.is_err() {
        // Best effort: the error that matters is the first one.
        let _ = fs::remove_file(&temp);
    }
    written
}

/// The canonical spelling of a path of the host.
pub(crate) fn canonical(path: &Path) -> io::Result<PathBuf> {
    path.canonicalize()
}

/// The text of a file that may be missing.
pub(crate) fn read_optional(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// An error of the state folder.
pub(crate) fn cannot(what: &str, e: &io::Error) -> Error {
    let full = matches!(
        e.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    );
    let error = Error::new(ErrorKind::State, format!("cannot {what}: {}", io_words(e)));
    let error = if full {
        error
            .with_code("state_full")
            .with_hint("free some space; nothing was changed")
    } else {
        error.with_code("state_unwritable").with_hint(
            "check the state folder's owner, mode and space, or name another: --state DIR",
        )
    };
    error.with_source(io::Error::new(e.kind(), io_words(e)))
}

/// The words of an I/O error without its number.
pub(crate) fn io_words(e: &io::Error) -> String {
    let text = e.to_string();
    match text.find(" (os error") {
        Some(end) => text.get(..end).unwrap_or(&text).to_lowercase(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dirs(home: Option<&str>, state: Option<&str>) -> HomeDirs {
        HomeDirs {
            home: home.map(Into::into),
            xdg_state: state.map(Into::into),
            xdg_config: None,
        }
    }

    #[test]
    fn lesson_a5_relative_xdg_values_are_ignored_and_no_home_is_an_error() {
        assert_eq!(
            dirs(Some("/h"), None).state().unwrap(),
            Path::new("/h/.local/state/aifirst")
        );
        assert_eq!(
            dirs(Some("/h"), Some("/s")).state().unwrap(),
            Path::new("/s/aifirst")
        );
        assert_eq!(
            dirs(Some("/h"), Some("s")).state().unwrap(),
            Path::new("/h/.local/state/aifirst")
        );
        assert_eq!(
            dirs(Some("/h"), Some("")).state().unwrap(),
            Path::new("/h/.local/state/aifirst")
        );
        for d in [
            dirs(None, None),
            dirs(Some(""), Some("")),
            dirs(Some("h"), Some("s")),
        ] {
            assert_eq!(d.state().unwrap_err().code(), "no_home");
        }
    }

    #[test]
    fn lesson_a4_state_is_private_and_a_shared_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b/state");
        let state = StateDir::open_or_make(&path).unwrap();
        assert_eq!(fs::metadata(state.path()).unwrap().mode() & 0o7777, 0o700);
        for mode in [0o701, 0o770, 0o702, 0o777] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(
                StateDir::open_or_make(&path).unwrap_err().code(),
                "state_mode",
                "{mode:o}"
            );
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(
            StateDir::open_or_make(&link).unwrap_err().code(),
            "state_is_link"
        );
    }

    #[test]
    fn lesson_e5_network_file_systems_are_known_by_number() {
        for magic in [0x6969, 0xFF53_4D42, 0x0102_1997, 0x6573_5546] {
            assert!(remote_name(magic).is_some(), "{magic:x}");
        }
        for (local, name) in [
            (0xEF53, "ext4"),
            (0x5846_5342, "xfs"),
            (0x9123_683E, "btrfs"),
            (0x0102_1994, "tmpfs"),
            (0x794C_7630, "overlay"),
        ] {
            assert!(remote_name(local).is_none(), "{name}");
        }
    }

    #[test]
    fn a_whole_file_is_written_or_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        write_atomic(&path, ".t", b"one").unwrap();
        write_atomic(&path, ".t", b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    }
}
