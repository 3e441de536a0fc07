//! The operations, one a file: each only plans, and sees the guard's reading handles alone.

mod given;
mod text;
pub(crate) mod difference;
mod splice;
mod nearest;
mod place;
mod content;
mod tree;

mod read_text_file;
mod write_file;
mod edit_file;
mod create_directory;
mod list_directory;
mod move_file;
mod copy_file;
mod delete_file;
mod delete_directory;
mod get_file_info;

#[cfg(test)]
mod testing;

use std::sync::Arc;

use crate::operation::Operation;

/// The built-in operations, in the order in which they are listed everywhere.
pub(crate) fn all() -> Vec<Arc<dyn Operation>> {
    vec![
        Arc::new(read_text_file::ReadTextFile::new()),
        Arc::new(write_file::WriteFile::new()),
        Arc::new(edit_file::EditFile::new()),
        Arc::new(create_directory::CreateDirectory::new()),
        Arc::new(list_directory::ListDirectory::new()),
        Arc::new(move_file::MoveFile::new()),
        Arc::new(copy_file::CopyFile::new()),
        Arc::new(delete_file::DeleteFile::new()),
        Arc::new(delete_directory::DeleteDirectory::new()),
        Arc::new(get_file_info::GetFileInfo::new()),
    ]
}
