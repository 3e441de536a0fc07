//! Writes a file through the engine, undoes it and redoes it, with a journal of its own.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "an example shows what it does, on a tree that it makes itself"
)]

use std::error::Error;
use std::sync::Arc;

use aifirst_sandbox::{RawRel, Rules, Workspace};
use aifirst_undo::{
    Cause, Change, ChangeSet, Direction, Engine, OnConflict, Placement, RealDisk, Settling, Source,
    Staged, Store, UnitId, UnitMeta, install,
};
use rusqlite::{Connection, Transaction};

/// Three stations: nothing else can follow one of them.
fn carry_out(staged: Staged, db: &mut Connection, meta: &UnitMeta) -> Result<(), Box<dyn Error>> {
    // A caller's own rows would go into the same two transactions.
    let begun = staged.begin(db, meta, |_: &Transaction<'_>, _: UnitId| {
        Ok::<(), rusqlite::Error>(())
    })?;
    let settled = begun
        .apply()
        .settle(db, |_: &Transaction<'_>, _: &Settling<'_>| {
            Ok::<(), rusqlite::Error>(())
        })?;
    println!("  {:?} is {}", meta.cause, settled.status().name());
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let root = dir.path().join("project");
    std::fs::create_dir(&root)?;
    std::fs::write(root.join("notes.txt"), "by hand\n")?;

    let workspace = Workspace::open(&root, Rules::default())?;
    let store = Store::create(&dir.path().join("store"), "example", Placement::State)?;
    let mut db = Connection::open(dir.path().join("journal.db"))?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    install(&db)?;

    let engine = Engine::new(
        Arc::new(RealDisk::open(&workspace, &store)?),
        "example",
        Arc::new(|bytes: &mut [u8]| {
            std::io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, bytes)
        }),
        Arc::new(|| 0),
    )?;

    let path = RawRel::parse(b"notes.txt")?;
    let expect = workspace
        .stat_at(&path)?
        .ok_or("the file was made just now")?;
    let mut set = ChangeSet::new();
    set.push(Change::Replace {
        path,
        expect,
        content: Source::Bytes(b"by an agent\n".to_vec()),
    })?;
    let op = *b"operation1";
    let meta = |op: &[u8; 10], cause, targets: Vec<[u8; 10]>| UnitMeta {
        op: *op,
        cause,
        session: "example".to_owned(),
        targets,
    };

    println!("write:");
    carry_out(
        engine.stage(&set)?,
        &mut db,
        &meta(&op, Cause::Do, Vec::new()),
    )?;
    print!("  {}", std::fs::read_to_string(root.join("notes.txt"))?);

    for (direction, id) in [
        (Direction::Undo, b"operation2"),
        (Direction::Redo, b"operation3"),
    ] {
        let plan = engine.plan(&db, &[op], direction, OnConflict::Refuse)?;
        for path in plan.paths() {
            println!("{direction:?}: {} {}", path.does.name(), path.path);
        }
        let staged = engine.stage_restore(&plan, 0)?;
        carry_out(staged, &mut db, &meta(id, plan.cause(), vec![op]))?;
        print!("  {}", std::fs::read_to_string(root.join("notes.txt"))?);
    }
    Ok(())
}
