//! Every refusal of a workspace or a state folder, each with a positive control.
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use aifirst_runtime::{
    Cancel, Error, ErrorKind, Foreign, LogFilter, Records, RestoreRequest, Runtime, Select,
    Settings, init,
};
use serde_json::json;

use crate::world::{World, call, exists};

fn refused(settings: Settings) -> Error {
    match Runtime::open(settings) {
        Ok(_) => panic!("it was opened"),
        Err(e) => e,
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn the_root_of_the_file_system_is_no_workspace() {
    let w = World::new();
    let mut s = w.settings();
    s.workspace = Some("/".into());
    let e = refused(s);
    assert_eq!(e.kind(), ErrorKind::Usage, "{e}");
    assert!(!exists(&w.state()), "a refusal leaves nothing behind");
}

#[test]
fn lesson_a1_a_home_folder_and_what_is_around_it_is_no_workspace() {
    let w = World::new();
    for (home, workspace) in [("ws", "ws"), ("ws/home", "ws")] {
        fs::create_dir_all(w.dir.path().join(home)).unwrap();
        let mut s = w.settings();
        s.homes.home = Some(w.dir.path().join(home));
        s.workspace = Some(w.dir.path().join(workspace));
        assert_eq!(refused(s).code(), "workspace_is_home");
    }
    let mut s = w.settings();
    s.homes.home = Some(w.dir.path().join("elsewhere"));
    Runtime::open(s).unwrap();
}

#[test]
fn lesson_a1_state_and_workspace_never_lie_in_each_other() {
    let w = World::new();
    for (workspace, state) in [("ws", "ws/state"), ("ws", "ws"), ("state/ws", "state")] {
        fs::create_dir_all(w.dir.path().join(workspace)).unwrap();
        let mut s = w.settings();
        s.workspace = Some(w.dir.path().join(workspace));
        s.state = Some(w.dir.path().join(state));
        let e = refused(s);
        assert!(
            ["workspace_overlaps_state", "state_mode"].contains(&e.code()),
            "{workspace} {state}: {e}"
        );
    }
    // Also where the state does not exist yet and is reached through a link.
    let w = World::new();
    symlink(w.root(), w.dir.path().join("alias")).unwrap();
    let mut s = w.settings();
    s.state = Some(w.dir.path().join("alias/deep/state"));
    assert_eq!(refused(s).code(), "workspace_overlaps_state");
    assert!(!exists(&w.path("deep")), "a refusal leaves nothing behind");
    let mut s = w.settings();
    s.homes.xdg_config = Some(w.root());
    assert_eq!(refused(s).code(), "workspace_overlaps_state");
}

#[test]
fn a_workspace_inside_or_around_another_is_refused() {
    let w = World::new();
    fs::create_dir_all(w.path("inner")).unwrap();
    drop(w.open());
    let mut s = w.settings();
    s.workspace = Some(w.path("inner"));
    assert_eq!(refused(s).code(), "workspace_overlaps");
    let mut s = w.settings();
    s.workspace = Some(w.dir.path().to_path_buf());
    s.state = Some(w.state());
    let e = refused(s);
    assert!(
        [
            "workspace_overlaps",
            "workspace_overlaps_state",
            "workspace_is_home"
        ]
        .contains(&e.code()),
        "{e}"
    );
    // Without a name, the known one around the current folder is the one meant.
    let mut s = w.settings();
    s.workspace = None;
    s.start = w.path("inner");
    let rt = Runtime::open(s).unwrap();
    assert!(rt.notice().is_none());
}

#[test]
fn a_file_and_a_missing_folder_are_no_workspaces() {
    let w = World::new();
    w.write("file", "x");
    let mut s = w.settings();
    s.workspace = Some(w.path("file"));
    assert_eq!(refused(s).kind(), ErrorKind::Usage);
    let mut s = w.settings();
    s.workspace = Some(w.path("missing"));
    assert_eq!(refused(s).code(), "no_such_folder");
}

#[test]
fn lesson_a10_two_spellings_reach_one_workspace() {
    let w = World::new();
    let link = w.dir.path().join("link");
    symlink(w.root(), &link).unwrap();
    let rt = w.open();
    call(&rt, "write_file", json!({"path": "f", "content": "1"})).unwrap();
    let mut s = w.settings();
    s.workspace = Some(link.clone());
    let again = Runtime::open(s).unwrap();
    assert!(again.notice().is_none(), "it is the same workspace");
    let absolute = link.join("f");
    let r = call(
        &again,
        "read_text_file",
        json!({"path": absolute.to_str().unwrap()}),
    )
    .unwrap();
    assert_eq!(r.result["content"], "1");
    w.inner();
}

#[test]
fn a_moved_or_exchanged_folder_is_refused_and_the_way_back_works() {
    let w = World::new();
    drop(w.open());
    let other = w.dir.path().join("other");
    fs::rename(w.root(), &other).unwrap();
    let mut s = w.settings();
    s.workspace = Some(other.clone());
    let e = refused(s);
    assert_eq!(e.code(), "workspace_moved");
    assert!(e.hint().unwrap().contains("workspace forget"));
    fs::create_dir(w.root()).unwrap();
    assert_eq!(refused(w.settings()).code(), "workspace_exchanged");
    fs::remove_dir(w.root()).unwrap();
    fs::rename(&other, w.root()).unwrap();
    assert!(w.open().notice().is_none());
}

#[test]
fn lesson_a3_another_owners_folder_needs_its_name_said() {
    if !is_root() {
        println!("skipped: only root can give a folder to another user");
        return;
    }
    let w = World::new();
    rustix::fs::chown(
        w.root(),
        Some(rustix::fs::Uid::from_raw(65534)),
        Some(rustix::fs::Gid::from_raw(65534)),
    )
    .unwrap();
    assert_eq!(refused(w.settings()).code(), "workspace_owner");
    let mut s = w.settings();
    s.foreign = Foreign::Accept;
    init(&s).unwrap();
    // Accepted once, it stays accepted.
    let rt = w.open();
    call(&rt, "write_file", json!({"path": "f", "content": "1"})).unwrap();
    // State below a home of another user, as with sudo that kept HOME.
    let home = w.dir.path().join("theirs");
    fs::create_dir(&home).unwrap();
    rustix::fs::chown(&home, Some(rustix::fs::Uid::from_raw(1234)), None).unwrap();
    let mut s = w.settings();
    s.state = None;
    s.homes.home = Some(home.clone());
    s.workspace = Some({
        let p = w.dir.path().join("mine");
        fs::create_dir(&p).unwrap();
        p
    });
    assert_eq!(refused(s).code(), "state_owner");
    assert!(
        fs::read_dir(&home).unwrap().next().is_none(),
        "nothing was made"
    );
}

#[test]
fn state_that_others_reach_or_that_is_a_link_is_refused() {
    let w = World::new();
    drop(w.open());
    for (path, code) in [
        (w.state(), "state_mode"),
        (w.state().join("key"), "state_mode"),
    ] {
        let before = fs::metadata(&path).unwrap().permissions();
        fs::set_permissions(&path, fs::Permissions::from_mode(before.mode() | 0o040)).unwrap();
        assert_eq!(refused(w.settings()).code(), code, "{}", path.display());
        fs::set_permissions(&path, before).unwrap();
    }
    let aside = w.dir.path().join("aside");
    fs::rename(w.state(), &aside).unwrap();
    symlink(&aside, w.state()).unwrap();
    assert_eq!(refused(w.settings()).code(), "state_is_link");
}

#[test]
fn newer_formats_are_refused_by_name() {
    let w = World::new();
    drop(w.open());
    let path = w.inner().join("workspace.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"format\": 1", "\"format\": 2")).unwrap();
    let e = refused(w.settings());
    assert_eq!(e.code(), "newer_format");
    assert!(e.to_string().contains("workspace.json has format 2"), "{e}");
    fs::write(&path, &text).unwrap();
    for (table, key) in [("audit_meta", "format"), ("undo_meta", "format")] {
        let conn = rusqlite::Connection::open(w.inner().join("state.db")).unwrap();
        conn.execute(
            &format!("UPDATE {table} SET value = '99' WHERE key = '{key}'"),
            [],
        )
        .unwrap();
        drop(conn);
        let e = refused(w.settings());
        assert_eq!(e.code(), "newer_format", "{table}: {e}");
        let conn = rusqlite::Connection::open(w.inner().join("state.db")).unwrap();
        conn.execute(
            &format!("UPDATE {table} SET value = '1' WHERE key = '{key}'"),
            [],
        )
        .unwrap();
    }
    w.open();
}

#[test]
fn lesson_a7_a_broken_policy_refuses_everything() {
    let w = World::new();
    let rt = w.open();
    let path = w.inner().join("policy.toml");
    for text in [
        "",
        "version = 2\n",
        "version = 1\nnonsense = true\n",
        "version = 1\ndefau",
        "default = \"allow\"\n",
    ] {
        fs::write(&path, text).unwrap();
        for (op, params) in [
            ("write_file", json!({"path": "f", "content": "1"})),
            ("read_text_file", json!({"path": "f"})),
        ] {
            let e = call(&rt, op, params).unwrap_err();
            assert_eq!(
                (e.kind(), e.code()),
                (ErrorKind::State, "policy_broken"),
                "{text:?}: {e}"
            );
        }
    }
    assert!(!exists(&w.path("f")));
    fs::write(&path, "version = 1\n").unwrap();
    call(&rt, "write_file", json!({"path": "f", "content": "1"})).unwrap();
    fs::remove_file(&path).unwrap();
    call(&rt, "write_file", json!({"path": "f", "content": "2"})).unwrap();
}

#[test]
fn lesson_a4_everything_in_the_state_folder_is_private_at_any_umask() {
    let old = rustix::process::umask(rustix::fs::Mode::empty());
    let w = World::new();
    let rt = w.open();
    call(&rt, "write_file", json!({"path": "f", "content": "1"})).unwrap();
    rustix::process::umask(old);
    let mut folders = vec![w.state()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.iter().any(|c| c == "k") {
                seen += 1;
                assert_eq!(mode(&path), 0o600, "{}", path.display());
            }
        }
    }
    assert!(
        seen >= 6,
        "key, workspace.json, lock, log.lock, state.db and -wal at least: {seen}"
    );
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn what_the_log_does_not_hold_bears_no_id() {
    let w = World::new();
    w.write("a.txt", "a");
    let runtime = w.open();
    call(
        &runtime,
        "write_file",
        json!({ "path": "b.txt", "content": "b" }),
    )
    .unwrap();
    let e = call(&runtime, "read_text_file", json!({ "path": "none" })).unwrap_err();
    assert!(e.id().is_some(), "a recorded refusal names its entry");

    let db = rusqlite::Connection::open(w.inner().join("state.db")).unwrap();
    db.execute_batch("ALTER TABLE audit_body RENAME TO elsewhere")
        .unwrap();
    for (operation, params) in [
        ("read_text_file", json!({ "path": "a.txt" })),
        ("read_text_file", json!({ "path": "none" })),
        ("write_file", json!({ "path": "a.txt", "content": "b" })),
    ] {
        let e = call(&runtime, operation, params).unwrap_err();
        assert_eq!(e.id(), None, "{operation}: nothing was recorded");
    }
    assert_eq!(w.read("a.txt"), "a");
    let undo = RestoreRequest::new(Select::Last);
    let e = runtime.undo(&undo, &Cancel::new()).unwrap_err();
    assert_eq!(e.id(), None, "undo: nothing was recorded");
}

#[test]
fn doctor_sees_what_would_refuse_the_next_call() {
    type Break = fn(&World);
    let breaks: [(&str, Break); 6] = [
        ("key", |w| fs::remove_file(w.state().join("key")).unwrap()),
        ("key", |w| {
            fs::write(w.state().join("key"), "short").unwrap();
        }),
        ("store", |w| {
            fs::remove_dir_all(w.inner().join("store")).unwrap();
        }),
        ("log", |w| {
            fs::write(w.inner().join("log.lock"), "x".repeat(184)).unwrap();
        }),
        ("log", |w| {
            fs::write(w.inner().join("state.db-wal"), "").unwrap();
        }),
        ("policy", |w| {
            fs::write(w.inner().join("policy.toml"), "").unwrap();
        }),
    ];
    let missing = |w: &World| -> Vec<String> {
        aifirst_runtime::doctor(&w.settings())
            .into_iter()
            .filter(|c| c.state == "missing")
            .map(|c| c.name)
            .collect()
    };
    for (what, damage) in breaks {
        let w = World::new();
        let runtime = w.open();
        call(
            &runtime,
            "write_file",
            json!({ "path": "a", "content": "a" }),
        )
        .unwrap();
        drop(runtime);
        assert_eq!(missing(&w), [""; 0], "the control, before {what}");
        damage(&w);
        assert!(
            missing(&w).iter().any(|name| name == what),
            "{what}: {:?}",
            missing(&w)
        );
        let next = Runtime::open(w.settings())
            .and_then(|rt| call(&rt, "write_file", json!({ "path": "b", "content": "b" })));
        assert!(next.is_err(), "{what}: the next call is refused");
    }
}

#[test]
fn status_says_when_the_store_is_gone_and_when_there_is_no_log() {
    let w = World::new();
    drop(w.open());
    let records = || Records::open(&w.settings()).unwrap();
    assert!(records().status().unwrap().store.usable);
    fs::rename(w.inner().join("store"), w.dir.path().join("away")).unwrap();
    assert!(!records().status().unwrap().store.usable);
    fs::write(w.inner().join("state.db-wal"), "").unwrap();
    assert_eq!(records().status().unwrap_err().code(), "no_log");
    assert_eq!(
        records().log(&LogFilter::default()).unwrap_err().code(),
        "no_log"
    );
    assert_eq!(records().verify().unwrap().verdict, "rolled_back");
}

#[test]
fn a_damaged_record_of_a_workspace_is_named() {
    let w = World::new();
    drop(w.open());
    let id = w.inner().file_name().unwrap().to_str().unwrap().to_owned();
    let record = w.inner().join("workspace.json");
    let text = fs::read(&record).unwrap();
    for cut in [0, 1, text.len() / 2, text.len() - 3] {
        fs::write(&record, &text[..cut]).unwrap();
        let e = refused(w.settings());
        assert_eq!(e.code(), "workspace_damaged", "{e}");
        assert!(e.to_string().contains(&id), "{e}");
    }
    fs::write(&record, &text).unwrap();
    drop(w.open());
}

#[test]
fn a_log_that_lost_its_record_is_not_hidden_by_a_new_one() {
    let w = World::new();
    drop(w.open());
    let record = w.inner().join("workspace.json");
    let text = fs::read(&record).unwrap();
    fs::remove_file(&record).unwrap();
    assert_eq!(refused(w.settings()).code(), "workspace_damaged");
    fs::write(&record, text).unwrap();
    fs::set_permissions(&record, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(w.open().notice().is_none());
}

#[test]
fn what_a_killed_start_or_deletion_left_is_no_workspace_and_goes() {
    let w = World::new();
    drop(w.open());
    let workspaces = w.state().join("workspaces");
    fs::create_dir_all(workspaces.join("0123456789abcdef/store/k")).unwrap();
    fs::rename(
        w.inner_of("0123456789abcdef"),
        workspaces.join("forgotten-x"),
    )
    .unwrap();
    // The old one is half forgotten: the next start makes a new one and clears both away.
    assert!(w.open().notice().is_some());
    let left: Vec<_> = fs::read_dir(&workspaces)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn forgetting_leaves_the_workspace_and_nothing_of_ours() {
    let w = World::new();
    w.write("kept", "x");
    let rt = w.open();
    call(&rt, "delete_file", json!({"path": "kept"})).unwrap();
    call(&rt, "write_file", json!({"path": "new", "content": "y"})).unwrap();
    drop(rt);
    let id = w.inner().file_name().unwrap().to_str().unwrap().to_owned();
    let plan = aifirst_runtime::forget_plan(&w.settings(), &id[..6]).unwrap();
    assert!(plan.objects >= 1);
    aifirst_runtime::forget(&w.settings(), &id[..6]).unwrap();
    assert!(
        fs::read_dir(w.state().join("workspaces"))
            .unwrap()
            .next()
            .is_none()
    );
    assert_eq!(w.read("new"), "y");
    assert!(w.open().notice().is_some(), "it starts anew");
}
