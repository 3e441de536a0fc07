//! A person who saves by rename at any moment: the newest save is at its name, and none vanishes.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aifirst_undo::{Change, ChangeSet};

use crate::world::{Attempt, World, bytes, rel};

#[test]
fn a_person_who_saves_by_rename_loses_nothing() {
    let mut world = World::quick();
    world.write("a", "person 0");
    let stop = Arc::new(AtomicBool::new(false));
    let saver = {
        let (root, stop) = (world.root(), stop.clone());
        std::thread::spawn(move || {
            let mut n = 0_u64;
            while !stop.load(Ordering::SeqCst) {
                n += 1;
                fs::write(root.join(".save"), format!("person {n}")).unwrap();
                fs::rename(root.join(".save"), root.join("a")).unwrap();
                // A pause now and then, so that some of the agent's writes come through.
                if n.is_multiple_of(4) {
                    std::thread::sleep(std::time::Duration::from_micros(300));
                }
            }
            n
        })
    };
    let (mut done, mut refused) = (0, 0);
    for _ in 0..400 {
        let Some(expect) = world.workspace.stat_at(&rel("a")).unwrap() else {
            panic!("the name was empty for a moment");
        };
        let mut set = ChangeSet::new();
        set.push(Change::Replace {
            path: rel("a"),
            expect,
            content: bytes("agent"),
        })
        .unwrap();
        match world.attempt_racing(&set) {
            Attempt::Done(_) => done += 1,
            _ => refused += 1,
        }
    }
    stop.store(true, Ordering::SeqCst);
    println!("{done} done, {refused} refused");
    assert!(done > 0, "{refused} refused and none done");
    let last = saver.join().unwrap();
    // The last save is at its name, or was what a finished operation displaced and kept.
    let newest = format!("person {last}");
    let at_name = world.read("a");
    let kept = fs::read_dir(world.store.path().join("k"))
        .unwrap()
        .flat_map(|dir| fs::read_dir(dir.unwrap().path()).unwrap())
        .any(|object| fs::read_to_string(object.unwrap().path()).is_ok_and(|t| t == newest));
    assert!(
        at_name == newest || (at_name == "agent" && kept),
        "{at_name} after {last} saves, {done} done, {refused} refused"
    );
}
