//! The real disk, through the guard's custodian.

use aifirst_sandbox::{
    Cloned, Custodian, DirEntry, File, Flow, How, Made, Probe, RawRel, Side, Stat, Sync, Time,
    WalkLimits, Workspace,
};

use super::{Disk, Field, Place, StoreSync};
use crate::error::{Error, Result};
use crate::store::Store;

/// `EXT4_SUPER_MAGIC`, `XFS_SUPER_MAGIC`, `BTRFS_SUPER_MAGIC` (statfs(2)).
const EXT4: i64 = 0xEF53;
const XFS: i64 = 0x5846_5342;
const BTRFS: i64 = 0x9123_683E;

/// The workspace and its store, as the kernel shows them.
#[derive(Debug)]
pub struct RealDisk {
    custodian: Custodian,
    magic: i64,
}

impl RealDisk {
    /// Opens both together.
    ///
    /// # Errors
    /// As the guard says.
    pub fn open(workspace: &Workspace, store: &Store) -> Result<Self> {
        let custodian = Custodian::open(workspace, store.path())?;
        let magic = workspace.file_system()?.magic;
        Ok(Self { custodian, magic })
    }

    /// What really works between workspace and store, tried; leaves nothing behind.
    ///
    /// # Errors
    /// As the guard says.
    pub fn probe(&self) -> Result<Probe> {
        Ok(self.custodian.probe()?)
    }
}

fn at<'a>(place: &'a Place) -> impl Fn(aifirst_sandbox::Error) -> Error + 'a {
    |error| {
        let error = Error::from(error);
        match place.side {
            Side::Workspace => error.at(&place.path),
            // The store's own names say nothing to a person.
            Side::Store => error,
        }
    }
}

impl Disk for RealDisk {
    fn stat(&self, place: &Place) -> Result<Option<Stat>> {
        match self.custodian.stat(place.at()) {
            // What a link leads to is another place: here is nothing.
            Err(error) if error.kind() == aifirst_sandbox::ErrorKind::LinkDenied => Ok(None),
            stat => stat.map_err(at(place)),
        }
    }

    fn handle(&self, place: &Place) -> Result<Option<Vec<u8>>> {
        let handle = self.custodian.handle(place.at()).map_err(at(place))?;
        Ok(handle.map(|bytes| bytes.to_vec()))
    }

    fn xattrs(&self, place: &Place) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        self.custodian.xattrs(place.at()).map_err(at(place))
    }

    fn flags(&self, place: &Place) -> Result<Option<u32>> {
        self.custodian.inode_flags(place.at()).map_err(at(place))
    }

    fn read_link(&self, place: &Place) -> Result<Vec<u8>> {
        self.custodian.read_link(place.at()).map_err(at(place))
    }

    fn open(&self, place: &Place) -> Result<File> {
        self.custodian.open_read(place.at()).map_err(at(place))
    }

    fn list(&self, place: &Place) -> Result<Vec<DirEntry>> {
        self.custodian.list(place.at()).map_err(at(place))
    }

    fn walk(&self, place: &Place, each: &mut dyn FnMut(&RawRel, &Stat) -> Flow) -> Result<()> {
        self.custodian
            .walk(place.at(), WalkLimits::default(), &mut |entry| {
                each(entry.path, entry.stat)
            })
            .map(drop)
            .map_err(at(place))
    }

    fn make_unnamed(&self, dir: &Place, mode: u32) -> Result<Made> {
        self.custodian.make_unnamed(dir.at(), mode).map_err(at(dir))
    }

    fn make_file(&self, place: &Place, mode: u32) -> Result<Made> {
        self.custodian
            .make_file(place.at(), mode)
            .map_err(at(place))
    }

    fn make_dir(&self, place: &Place, mode: u32) -> Result<()> {
        self.custodian.make_dir(place.at(), mode).map_err(at(place))
    }

    fn write(&self, made: &Made, offset: u64, bytes: &[u8]) -> Result<()> {
        Ok(made.write_at(offset, bytes)?)
    }

    fn clone_content(&self, made: &Made, from: &File) -> Result<Cloned> {
        Ok(made.clone_from(from)?)
    }

    fn set(&self, made: &Made, field: Field<'_>) -> Result<()> {
        match field {
            Field::Owner(uid, gid) => made.set_owner(uid, gid),
            Field::Xattr(name, value) => made.set_xattr(name, value),
            Field::NoXattr(name) => made.remove_xattr(name),
            Field::Mode(mode) => made.set_mode(mode),
            Field::Flags(flags) => made.set_inode_flags(flags),
        }?;
        Ok(())
    }

    fn sync_made(&self, made: &Made) -> Result<()> {
        // All, not data: the fields must come too.
        Ok(made.sync(Sync::All)?)
    }

    fn publish(&self, made: &Made, place: &Place) -> Result<()> {
        self.custodian.publish(made, place.at()).map_err(at(place))
    }

    fn rename(&self, from: &Place, to: &Place, how: How) -> Result<()> {
        let named = if from.side == Side::Workspace {
            from
        } else {
            to
        };
        self.custodian
            .rename(from.at(), to.at(), how)
            .map_err(at(named))
    }

    fn set_mtime(&self, place: &Place, mtime: Time) -> Result<()> {
        self.custodian
            .set_times(place.at(), mtime)
            .map_err(at(place))
    }

    fn set_mode(&self, place: &Place, mode: u32) -> Result<()> {
        self.custodian.set_mode(place.at(), mode).map_err(at(place))
    }

    fn discard(&self, store_path: &RawRel) -> Result<()> {
        let place = Place::store(store_path);
        self.custodian.remove_tree(place.at()).map_err(at(&place))
    }

    fn sync(&self, place: &Place, what: Sync) -> Result<()> {
        self.custodian.sync(place.at(), what).map_err(at(place))
    }

    fn sync_all(&self, side: Side) -> Result<()> {
        Ok(self.custodian.sync_file_system(side)?)
    }

    fn is_clean(&self, place: &Place) -> Result<Option<bool>> {
        // Only where "nothing waits in memory" was measured to survive a power loss; btrfs may
        // still lose what was written back and never synced.
        if self.magic == EXT4 || self.magic == XFS {
            self.custodian.is_clean(place.at()).map_err(at(place))
        } else {
            Ok(None)
        }
    }

    fn store_sync(&self) -> StoreSync {
        if [EXT4, XFS, BTRFS].contains(&self.magic) {
            StoreSync::WithWorkspace
        } else {
            StoreSync::Apart
        }
    }
}
