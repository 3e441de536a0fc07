//! Everything that is recorded about one object, and how two such records are compared.

use aifirst_sandbox::{Kind, Stat, Time};

/// A SHA-256 digest.
pub type Digest = [u8; 32];

/// What lies below a folder's own inode: the result of one counting walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// Entries below the folder, itself not counted.
    pub entries: u64,
    /// Bytes of all files below it, by their sizes.
    pub bytes: u64,
    /// SHA-256 over path, kind, mode, size, inode, mtime and ctime of every entry, in walk order.
    pub digest: Digest,
    /// The same without the change times, which our own undos and redos inside the tree change.
    pub shape: Digest,
}

/// The whole tuple of one object, as seen at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// What kind of object it is.
    pub kind: Kind,
    /// Permission, setuid, setgid and sticky bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Size in bytes as the file system reports it.
    pub size: u64,
    /// Time of the last change of content.
    pub mtime: Time,
    /// Time of the last change of anything; moves change it too on most file systems.
    pub ctime: Time,
    /// Number of names.
    pub nlink: u64,
    /// Device number, of devices.
    pub rdev: u64,
    /// Target, of symbolic links.
    pub link: Option<Vec<u8>>,
    /// Extended attributes, ACLs and labels among them, sorted by name.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// Inode flags (`FS_IOC_GETFLAGS`), where the file system has them.
    pub flags: Option<u32>,
    /// Device of the file system; holds for one mount only, so it is never compared across boots.
    pub dev: u64,
    /// Inode number; may be given again once the inode is gone.
    pub ino: u64,
    /// Time of birth, where the file system keeps it.
    pub btime: Option<Time>,
    /// File handle, where the file system gives one: holds the inode's generation.
    pub handle: Option<Vec<u8>>,
    /// SHA-256 of the content, where it passed through our hands.
    pub digest: Option<Digest>,
    /// What lies below, of folders that go away whole.
    pub tree: Option<Tree>,
}

/// The first thing in which two records of one path differ, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Difference {
    /// Another kind of object.
    Kind,
    /// Another object of the same kind.
    Object,
    /// The same object with another size, mtime, link target or tree.
    Content,
    /// The same object and content with another mode, owner, flags or attributes.
    Metadata,
    /// All the same, but the change time: something happened that left no other trace.
    ChangeTime,
}

impl State {
    pub(crate) fn from_stat(stat: &Stat) -> Self {
        Self {
            kind: stat.kind,
            mode: stat.mode,
            uid: stat.uid,
            gid: stat.gid,
            size: stat.size,
            mtime: stat.mtime,
            ctime: stat.ctime,
            nlink: u64::from(stat.nlink),
            rdev: stat.rdev,
            link: None,
            xattrs: Vec::new(),
            flags: None,
            dev: stat.identity.dev,
            ino: stat.identity.ino,
            btime: stat.identity.btime,
            handle: stat.identity.handle.as_ref().map(|h| h.to_vec()),
            digest: None,
            tree: None,
        }
    }

    /// Whether both records are of one object: by file handle where both have one, else by inode
    /// number and time of birth.
    #[must_use]
    pub fn same_object(&self, other: &Self) -> bool {
        if self.kind != other.kind {
            return false;
        }
        match (&self.handle, &other.handle) {
            (Some(a), Some(b)) => a == b,
            _ => self.ino == other.ino && self.btime == other.btime,
        }
    }

    /// How `now` differs from this record.
    pub(crate) fn difference(&self, now: &Self) -> Option<Difference> {
        if self.kind != now.kind {
            return Some(Difference::Kind);
        }
        if !self.same_object(now) {
            return Some(Difference::Object);
        }
        // What a folder holds is not the folder's own: its size and mtime move with its entries,
        // and entries are compared by the walk where they matter.
        let own_content = self.kind == Kind::Dir
            || (self.size == now.size && self.mtime == now.mtime && self.link == now.link);
        let (shape, digest) = match (&self.tree, &now.tree) {
            (Some(a), Some(b)) => (a.shape == b.shape, a.digest == b.digest),
            _ => (true, true),
        };
        if !own_content || !shape {
            return Some(Difference::Content);
        }
        let fields = (self.mode, self.uid, self.gid, self.rdev);
        if fields != (now.mode, now.uid, now.gid, now.rdev)
            || self.xattrs != now.xattrs
            // Not every look can read them.
            || (self.flags.is_some() && now.flags.is_some() && self.flags != now.flags)
        {
            return Some(Difference::Metadata);
        }
        let same_moment = if self.kind == Kind::Dir {
            digest
        } else {
            self.ctime == now.ctime
        };
        (!same_moment).then_some(Difference::ChangeTime)
    }

    /// Whether this record, made before our own step, and `now`, seen after it, are one unedited
    /// object: everything but the change time, which our own moves change.
    pub(crate) fn unedited(&self, now: &Self) -> bool {
        matches!(self.difference(now), None | Some(Difference::ChangeTime))
    }

    /// How many bytes the object holds, a folder's whole tree included.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match (&self.tree, self.kind) {
            (Some(tree), _) => tree.bytes,
            (None, Kind::File) => self.size,
            (None, _) => 0,
        }
    }
}

/// The number of a kind in the journal and in a tree's digest.
pub(crate) fn kind_code(kind: Kind) -> u8 {
    match kind {
        Kind::File => 1,
        Kind::Dir => 2,
        Kind::Symlink => 3,
        Kind::Fifo => 4,
        Kind::Socket => 5,
        Kind::CharDevice => 6,
        Kind::BlockDevice => 7,
    }
}

/// The kind with this number.
pub(crate) fn kind_from_code(code: i64) -> Option<Kind> {
    Some(match code {
        1 => Kind::File,
        2 => Kind::Dir,
        3 => Kind::Symlink,
        4 => Kind::Fifo,
        5 => Kind::Socket,
        6 => Kind::CharDevice,
        7 => Kind::BlockDevice,
        _ => return None,
    })
}
