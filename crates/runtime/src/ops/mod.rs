//! The operations, one a file: each only plans, and sees the guard's reading handles alone.

mod given;
mod text;
mod difference;
mod splice;
mod nearest;
mod place;
mod content;
mod tree;

mod read_text_file;
mod write_file;
mod delete_directory;

#[cfg(test)]
mod testing;

use std::sync::Arc;

use crate::operation::Operation;

/// The built-in operations, in the order in which they are listed everywhere.
pub(crate) fn all() -> Vec<Arc<dyn Operation>> {
    vec![
        Arc::new(read_text_file::ReadTextFile::new()),
        Arc::new(write_file::WriteFile::new()),
        Arc::new(delete_directory::DeleteDirectory::new()),
    ]
}
