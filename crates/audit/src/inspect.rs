//! Looks at a database's schema: what is the log's, what is missing, what was planted.

use crate::error::Result;
use crate::report::ProblemKind as P;
use crate::schema::OBJECTS;
use rusqlite::Connection;
use rusqlite::types::ValueRef;

/// What a look at the schema found.
pub(crate) struct Inspected {
    /// Whether anything of a log is there.
    pub(crate) any: bool,
    /// What is not as the format has it.
    pub(crate) strange: Vec<(P, String)>,
}

/// Compares every object of the schema with the format's, character by character.
pub(crate) fn look(conn: &Connection) -> Result<Inspected> {
    let mut seen = vec![false; OBJECTS.len()];
    let mut changed = Vec::new();
    let mut strange = Vec::new();
    let mut statement = conn.prepare("SELECT type, name, tbl_name, sql FROM main.sqlite_schema")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let column = |i| -> Result<String> {
            let text = match row.get_ref(i)? {
                ValueRef::Text(text) | ValueRef::Blob(text) => text,
                _ => b"",
            };
            Ok(String::from_utf8_lossy(text).into_owned())
        };
        let (kind, name, table, sql) = (column(0)?, column(1)?, column(2)?, column(3)?);
        let ours = OBJECTS.iter().position(|(k, n, s)| {
            *k == kind && *n == name && *s == sql && (kind != "table" || table == name)
        });
        if let Some(flag) = ours.and_then(|i| seen.get_mut(i)) {
            *flag = true;
        } else if OBJECTS.iter().any(|(_, n, _)| *n == name) {
            let text = format!("the {kind} {name} is not as the format has it");
            strange.push((P::Schema, text));
            changed.push(name);
        } else if is_planted(&kind, &name, &table, &sql) {
            strange.push((
                P::Planted,
                format!("the {kind} {name} does not belong there"),
            ));
        }
    }
    let any = seen.contains(&true) || !changed.is_empty();
    for (there, (kind, name, _)) in seen.into_iter().zip(OBJECTS) {
        if any && !there && !changed.iter().any(|c| c == name) {
            strange.push((P::Schema, format!("the {kind} {name} is not there")));
        }
    }
    Ok(Inspected { any, strange })
}

/// Tables of others may refer to ours; what carries our name, lies on our tables or runs
/// by itself on them may not be there.
fn is_planted(kind: &str, name: &str, table: &str, sql: &str) -> bool {
    match kind {
        "trigger" | "view" => names_us(name) || names_us(table) || speaks_of_us(sql),
        "table" | "index" => names_us(name) || names_us(table),
        _ => true,
    }
}

/// SQL names are not case-sensitive.
fn names_us(name: &str) -> bool {
    name.get(..6)
        .is_some_and(|start| start.eq_ignore_ascii_case("audit_"))
}

fn speaks_of_us(sql: &str) -> bool {
    sql.to_ascii_lowercase().contains("audit_")
}
