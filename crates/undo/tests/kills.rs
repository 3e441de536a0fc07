//! A process that is killed at a named point; the next one recovers.
//!
//! Needs the feature `fault-points`: `cargo test -p aifirst-undo --features fault-points`.

#[cfg(not(feature = "fault-points"))]
#[test]
fn killed_at_every_point() {
    println!("skipped: built without the feature fault-points");
}

#[cfg(feature = "fault-points")]
mod with_points {
    //! The test binary starts itself again as the process that dies.
    use std::os::unix::process::ExitStatusExt;
    use std::path::PathBuf;
    use std::process::{Command, Stdio};

    use aifirst_undo::{Direction, fault::POINTS, undoable};

    use crate::manifest::differences;
    use crate::world::World;

    const DIR: &str = "UNDO_TEST_DIR";
    const WHAT: &str = "UNDO_TEST_WHAT";

    fn plant(world: &World) {
        for name in ["file", "gone", "tree/x", "folder/x"] {
            world.write(name, name);
        }
    }

    fn operation(world: &mut World) {
        let changes = vec![
            world.create("new", "n"),
            world.replace("file", "r"),
            world.make_dir("dir"),
            world.create("dir/inside", "i"),
            world.delete("gone"),
            world.delete_tree("tree"),
            world.rename("folder", "dir/folder"),
        ];
        let _ = world.attempt(changes);
    }

    /// Not a test of its own: the process that dies, when the parent asks for it.
    #[test]
    fn child() {
        let Some(dir) = std::env::var_os(DIR) else {
            return;
        };
        let mut world = World::at(&PathBuf::from(dir));
        match std::env::var(WHAT).unwrap().as_str() {
            "do" => operation(&mut world),
            "undo" => {
                let op = undoable(&world.db, None, None).unwrap()[0];
                let _ = world.attempt_restore(op, Direction::Undo);
            }
            _ => {
                let _ = world.recover();
            }
        }
    }

    /// Whether the process was killed at the point.
    fn run(dir: &std::path::Path, what: &str, fault: &str) -> bool {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["kills::with_points::child", "--exact"])
            .env(DIR, dir)
            .env(WHAT, what)
            .env("AIFIRST_FAULT", fault)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        status.signal() == Some(9)
    }

    /// Lesson D3: a kill at any step of capturing or applying leaves the tree as before or after.
    #[test]
    fn lesson_d3_killed_at_every_point_of_do_and_undo() {
        let mut passed = 0;
        for what in ["do", "undo"] {
            for point in POINTS
                .iter()
                .filter(|p| !p.starts_with("recover") && !p.starts_with("sweep"))
            {
                for n in 1.. {
                    let mut world = World::quick();
                    plant(&world);
                    let before = world.manifest();
                    if what == "undo" {
                        operation(&mut world);
                    }
                    let after = world.manifest();
                    let fault = format!("{point}:{n}");
                    if !run(world.dir.path(), what, &fault) {
                        break;
                    }
                    passed += 1;
                    world.recover().unwrap();
                    let now = world.manifest();
                    let told = format!("{what} killed at {fault}");
                    if what == "undo" {
                        let undone = differences(&before, &now).is_empty();
                        assert!(undone || differences(&after, &now).is_empty(), "{told}");
                    } else if differences(&before, &now).is_empty() {
                        assert_eq!(world.stored(), 0, "{told}");
                    } else {
                        world.undo_last().unwrap();
                        let left = differences(&before, &world.manifest());
                        assert!(left.is_empty(), "{told}: {left:#?}");
                    }
                }
            }
        }
        assert!(passed > 60, "{passed} kills");
    }

    #[test]
    fn killed_inside_recovery() {
        let mut passed = 0;
        for point in POINTS.iter().filter(|p| {
            p.starts_with("recover")
                || p.starts_with("times")
                || p.starts_with("settle")
                || p.starts_with("sweep")
        }) {
            for n in 1..4 {
                let mut world = World::quick();
                plant(&world);
                let before = world.manifest();
                assert!(run(world.dir.path(), "do", "apply.after_step:5:kill"));
                let fault = format!("{point}:{n}");
                if !run(world.dir.path(), "recover", &fault) {
                    break;
                }
                passed += 1;
                world.recover().unwrap();
                let left = differences(&before, &world.manifest());
                assert!(left.is_empty(), "killed again at {fault}: {left:#?}");
                assert_eq!(world.stored(), 0, "killed again at {fault}");
            }
        }
        assert!(passed > 8, "{passed} kills");
    }
}
