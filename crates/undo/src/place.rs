//! A place in the workspace or in its store.

use aifirst_sandbox::{At, RawRel, Side};

/// A place: a path beneath the workspace's folder or beneath the store's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Which of the two roots.
    pub side: Side,
    /// The path beneath it.
    pub path: RawRel,
}

impl Place {
    /// A place in the workspace.
    #[must_use]
    pub fn workspace(path: &RawRel) -> Self {
        Self {
            side: Side::Workspace,
            path: path.clone(),
        }
    }

    /// A place in the store.
    #[must_use]
    pub fn store(path: &RawRel) -> Self {
        Self {
            side: Side::Store,
            path: path.clone(),
        }
    }

    /// The same place as the sandbox names it.
    #[must_use]
    pub fn at(&self) -> At<'_> {
        At {
            side: self.side,
            path: &self.path,
        }
    }

    /// The folder that holds this place; `None` for a root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        Some(Self {
            side: self.side,
            path: self.path.parent()?,
        })
    }
}
