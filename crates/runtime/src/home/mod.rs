//! The state on disk: folder, key, workspaces with their identity, locks, owners, the database.
mod folder;
mod key;
mod lock;
mod owner;
mod known;
mod store;
mod database;
mod forget;
mod opened;

pub use folder::HomeDirs;
pub use forget::Forgotten;
pub use known::Foreign;

pub(crate) use database::{Failure, PATIENCE, Written, read_head_copy};
pub(crate) use folder::{StateDir, remote_name};
pub(crate) use forget::{forget, named, plan as forget_plan};
pub(crate) use key::Key;
pub(crate) use known::{Known, Placement, Start, all, condition, find};
pub(crate) use lock::Held;
pub(crate) use opened::{Made, Opened, load_policy, open};
pub(crate) use store::{open as open_store, size_of as store_size};
