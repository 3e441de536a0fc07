//! Where state and workspace are found, and what is refused as either.
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::desk::{Desk, Run};

const WRITE: [&str; 4] = ["call", "write_file", "path=a", "content=b"];

#[test]
fn lesson_a5_a_relative_or_empty_xdg_value_is_ignored_and_no_home_is_an_error() {
    for value in ["relative/path", ""] {
        let desk = Desk::new();
        let output = desk
            .command(WRITE)
            .env("XDG_STATE_HOME", value)
            .env("XDG_CONFIG_HOME", value)
            .output()
            .unwrap();
        let run = Run::of(&output);
        assert_eq!(run.code, 0, "{run:?}");
        assert!(desk.state().join("workspaces").exists());
        assert!(!desk.path("relative").exists());
    }
    let desk = Desk::new();
    let mut command = desk.command(WRITE);
    let run = Run::of(&command.env_remove("HOME").output().unwrap());
    assert_ne!(run.code, 0, "{run:?}");
    assert_eq!(std::fs::read_dir(desk.project()).unwrap().count(), 0);
}

#[test]
fn the_state_folder_comes_from_flag_variable_xdg_home_in_this_order() {
    let desk = Desk::new();
    let at = |name: &str| desk.root().join(name);
    let run = |flag: bool, variable: bool, xdg: bool| {
        let mut command = desk.command(WRITE);
        if flag {
            command.arg("--state").arg(at("flag"));
        }
        if variable {
            command.env("AIFIRST_STATE_DIR", at("variable"));
        }
        if xdg {
            command.env("XDG_STATE_HOME", at("xdg"));
        }
        let run = Run::of(&command.output().unwrap());
        assert_eq!(run.code, 0, "{run:?}");
    };
    run(true, true, true);
    assert!(at("flag/workspaces").exists() && !at("variable").exists());
    run(false, true, true);
    assert!(at("variable/workspaces").exists() && !at("xdg").exists());
    run(false, false, true);
    assert!(at("xdg/aifirst/workspaces").exists() && !desk.state().exists());
    for folder in ["flag", "flag/workspaces"] {
        let mode = std::fs::metadata(at(folder)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{folder}");
    }
}

#[test]
fn lesson_a10_two_spellings_are_one_workspace() {
    let desk = Desk::new();
    desk.done(&WRITE);
    symlink(desk.project(), desk.root().join("other")).unwrap();
    let other = desk.root().join("other");
    let output = desk
        .command(["undo", "--json", "--workspace", other.to_str().unwrap()])
        .output()
        .unwrap();
    assert_eq!(Run::of(&output).code, 0, "{output:?}");
    assert!(!desk.path("a").exists());
    assert_eq!(desk.done(&["workspace", "list", "--json"]).lines().len(), 1);
    // From a folder below, it is the same one.
    std::fs::create_dir(desk.path("below")).unwrap();
    let mut command = desk.command(["status", "--json"]);
    let run = Run::of(&command.current_dir(desk.path("below")).output().unwrap());
    assert!(run.document()["redoable"].is_string(), "{run:?}");
}

#[test]
fn lesson_a1_home_and_root_are_no_workspaces() {
    let desk = Desk::new();
    let home = desk.root().join("home");
    for folder in [home.to_str().unwrap(), "/"] {
        let run = desk.run(&["workspace", "init", "--workspace", folder, "--json"]);
        assert_ne!(run.code, 0, "{folder}: {run:?}");
        run.error();
    }
    assert_eq!(desk.done(&["workspace", "list", "--json"]).lines().len(), 0);
}

#[test]
fn the_session_comes_from_flag_or_variable() {
    let desk = Desk::new();
    let mut command = desk.command(WRITE);
    let run = Run::of(
        &command
            .env("AIFIRST_SESSION", "from-variable")
            .output()
            .unwrap(),
    );
    assert_eq!(run.code, 0, "{run:?}");
    desk.done(&[
        "call",
        "write_file",
        "path=c",
        "content=d",
        "--session",
        "flag",
    ]);
    let sessions: Vec<String> = desk
        .log()
        .iter()
        .filter(|e| e["operation"] == "write_file")
        .map(|e| e["session"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(sessions, ["from-variable", "flag"]);
}

#[test]
fn lesson_a4_state_and_store_are_private_and_usable_at_any_umask() {
    for umask in ["000", "777"] {
        let desk = Desk::new();
        let run = desk.shell(&format!("umask {umask}; aifirst {}", WRITE.join(" ")));
        assert_eq!(run.code, 0, "{umask}: {run:?}");
        let mut folders = vec![desk.state()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                let meta = entry.metadata().unwrap();
                let wanted = if meta.is_dir() { 0o700 } else { 0o600 };
                let mode = meta.permissions().mode() & 0o777;
                assert_eq!(mode, wanted, "umask {umask}: {:?}", entry.path());
                if meta.is_dir() {
                    folders.push(entry.path());
                }
            }
        }
    }
}
