//! The numbers of actions and statuses in the rows.

use super::damaged;
use crate::error::Result;
use crate::steps::{Action, ChangeStatus};

pub(super) fn action_code(action: Action) -> i64 {
    match action {
        Action::Create => 1,
        Action::Replace => 2,
        Action::Delete => 3,
        Action::DeleteTree => 4,
        Action::MakeDir => 5,
        Action::Rename => 6,
        Action::RenameOver => 7,
        Action::UnRenameOver => 8,
    }
}

pub(super) fn action_from_code(code: i64) -> Result<Action> {
    Ok(match code {
        1 => Action::Create,
        2 => Action::Replace,
        3 => Action::Delete,
        4 => Action::DeleteTree,
        5 => Action::MakeDir,
        6 => Action::Rename,
        7 => Action::RenameOver,
        8 => Action::UnRenameOver,
        _ => return Err(damaged("an unknown action")),
    })
}

pub(super) fn status_code(status: ChangeStatus) -> i64 {
    match status {
        ChangeStatus::Planned => 0,
        ChangeStatus::Applied => 1,
        ChangeStatus::NotApplied => 2,
        ChangeStatus::Conflict => 3,
        ChangeStatus::TakenBack => 4,
    }
}

pub(super) fn status_from_code(code: i64) -> Result<ChangeStatus> {
    Ok(match code {
        0 => ChangeStatus::Planned,
        1 => ChangeStatus::Applied,
        2 => ChangeStatus::NotApplied,
        3 => ChangeStatus::Conflict,
        4 => ChangeStatus::TakenBack,
        _ => return Err(damaged("an unknown status of a change")),
    })
}
