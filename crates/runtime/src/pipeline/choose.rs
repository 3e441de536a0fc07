//! Which operations an undo or redo takes, and in which direction.
use aifirst_undo::Direction;
use rusqlite::Connection;

use super::Pipeline;
use crate::chronicle::{self, Among, Force};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{OpId, Reference};

/// Which operations an undo or redo takes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Select {
    /// The one that came into force last (undo), or was undone last (redo).
    Last,
    /// This one.
    One(Reference),
    /// Every one of a session, newest first.
    Session(String),
    /// Every one after this entry, newest first.
    To(Reference),
    /// Every one that touched this path, newest first.
    Path(String),
}

/// Operations in the order in which they are taken.
pub(super) type Chosen = (Direction, Vec<[u8; 10]>);

impl Pipeline<'_> {
    pub(super) fn choose(
        &self,
        conn: &Connection,
        direction: Direction,
        select: &Select,
    ) -> Result<Chosen> {
        let all = |session: Option<&str>, limit| -> Result<Vec<[u8; 10]>> {
            Ok(match direction {
                Direction::Undo => aifirst_undo::undoable(conn, session, limit)?,
                Direction::Redo => aifirst_undo::redoable(conn, session, limit)?,
            })
        };
        let chosen = match select {
            Select::Last | Select::One(Reference::Last) => all(None, Some(1))?,
            Select::One(reference) => {
                let op = chronicle::resolve(conn, reference, Among::All)?;
                return one(conn, direction, op);
            }
            Select::Session(session) => all(Some(session), None)?,
            Select::To(reference) => {
                // Every entry is a point, the genesis too, which is no operation.
                let until = match reference {
                    Reference::Number(n) => *n,
                    _ => {
                        let op = chronicle::resolve(conn, reference, Among::All)?;
                        chronicle::first_row(conn, op)?
                    }
                };
                let mut after = Vec::new();
                for op in all(None, None)? {
                    if chronicle::first_row(conn, OpId::from_bytes(op))? > until {
                        after.push(op);
                    }
                }
                after
            }
            Select::Path(spelled) => {
                let path = self
                    .workspace
                    .normalize(spelled)
                    .map_err(|e| crate::cause::guard(e, spelled))?;
                let touching = chronicle::touching(conn, path.raw(), Force::Any)?;
                let ids: Vec<[u8; 10]> = touching.iter().map(|op| op.to_bytes()).collect();
                all(None, None)?
                    .into_iter()
                    .filter(|op| ids.contains(op))
                    .collect()
            }
        };
        if chosen.is_empty() {
            return Err(nothing(direction));
        }
        Ok((direction, chosen))
    }
}

/// One operation by its id: an undo or redo that is named stands for what it was about.
fn one(conn: &Connection, direction: Direction, op: OpId) -> Result<Chosen> {
    let unit = aifirst_undo::unit(conn, &op.to_bytes())?.ok_or_else(|| {
        Error::new(
            ErrorKind::NoSuch,
            format!("the operation {op} changed nothing"),
        )
        .with_code("nothing_to_do")
        .with_hint("`aifirst log` shows what changed something")
    })?;
    Ok(match unit.cause {
        aifirst_undo::Cause::Undo => (Direction::Redo, unit.targets),
        aifirst_undo::Cause::Redo => (Direction::Undo, unit.targets),
        _ => (direction, vec![op.to_bytes()]),
    })
}

fn nothing(direction: Direction) -> Error {
    let words = match direction {
        Direction::Undo => "there is nothing to undo",
        Direction::Redo => "there is nothing to redo",
    };
    Error::new(ErrorKind::NoSuch, words)
        .with_code("nothing_to_do")
        .with_hint("`aifirst log` shows what happened and what was undone since")
}
