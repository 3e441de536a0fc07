//! Removing a kept tree of any depth with a bounded number of descriptors.

use super::{At, Custodian, Side};
use crate::error::{Error, ErrorKind, Result};
use crate::ops::remove::{Closed, clear};
use crate::ops::walk::Ours;
use crate::resolve::Root;

impl Custodian {
    /// Removes what lies at a place of the store, a tree of any depth included, following no
    /// link. Folders whose mode forbids it are opened up first.
    ///
    /// # Errors
    /// `PermissionDenied` for the workspace side, whatever is there; `NotFound`, `RootItself`,
    /// `MountCrossing`; else those of the system, and then part of the tree may be gone.
    pub fn remove_tree(&self, at: At<'_>) -> Result<()> {
        const DOING: &str = "remove the tree";
        if at.side != Side::Store {
            return Err(Error::new(ErrorKind::PermissionDenied, DOING)
                .detail("trees are removed in the store only")
                .at(at.path));
        }
        let (fd, name) = self.parent(at, DOING)?;
        let backend = self.root(at.side).backend;
        let parent = Root { fd, backend };
        clear(&parent, name, Closed::OpenUp, Ours::Enter)
            .map_err(|stopped| stopped.error(DOING).at(at.path))
    }
}
