//! What this machine supports, tried, and how to get the rest.
#![allow(
    clippy::disallowed_methods,
    reason = "looks at folders of the host to say what they support; changes none"
)]
use std::path::Path;

use aifirst_sandbox::{Rules, Workspace};

use crate::error::Error;
use crate::history::Check;
use crate::home::{self, Key, Known, Placement, StateDir, remote_name};
use crate::records::Records;
use crate::settings::Settings;

/// Looks at kernel, state folder, workspace, store and policy. Makes nothing, changes nothing.
#[must_use]
pub fn doctor(settings: &Settings) -> Vec<Check> {
    let mut checks = vec![kernel()];
    let state = match settings
        .state_path()
        .and_then(|p| StateDir::open(&p).map(|s| (p, s)))
    {
        Ok((path, Some(state))) => {
            checks.push(if state.is_writable() {
                ok("state folder", path.display().to_string())
            } else {
                missing(
                    "state folder",
                    format!("{} cannot be written", path.display()),
                    "make it writable, or name another: --state DIR",
                )
            });
            Some(state)
        }
        Ok((path, None)) => {
            checks.push(ok(
                "state folder",
                format!("{} (made at the first operation)", path.display()),
            ));
            None
        }
        Err(e) => {
            checks.push(failed("state folder", &e));
            None
        }
    };
    match home::find(state.as_ref(), &settings.begin()) {
        Err(e) => checks.push(failed("workspace", &e)),
        Ok(found) => {
            checks.push(match &found.known {
                Some(known) => ok(
                    "workspace",
                    format!("{} is workspace {}", found.path.display(), known.record.id),
                ),
                None => ok(
                    "workspace",
                    format!("{} (made at the first operation)", found.path.display()),
                ),
            });
            checks.push(file_system(&found.workspace));
            if let (Some(state), Some(known)) = (&state, &found.known) {
                checks.push(key(state));
                checks.push(log(settings));
                checks.push(store(&found.workspace, known));
            }
        }
    }
    checks.push(policy(settings, state.as_ref()));
    checks
}

fn kernel() -> Check {
    let uname = rustix::system::uname();
    let release = uname.release().to_string_lossy().into_owned();
    match Workspace::open(Path::new("/proc"), Rules::default()) {
        Err(e) if e.kind() == aifirst_sandbox::ErrorKind::Unsupported => missing(
            "openat2",
            format!("Linux {release} does not offer it to this process"),
            "Linux 5.6 or newer is needed; in a container, its seccomp profile must allow openat2",
        ),
        _ => ok(
            "openat2",
            format!("Linux {release} confines paths in the kernel"),
        ),
    }
}

fn file_system(workspace: &Workspace) -> Check {
    match workspace.file_system() {
        Err(e) => missing(
            "file system",
            e.to_string(),
            "open a folder on a local disk",
        ),
        Ok(fs) => match remote_name(fs.magic) {
            Some(name) => Check {
                name: "file system".to_owned(),
                state: "weaker".to_owned(),
                found: format!("the workspace lies on {name}"),
                remedy: Some("what survives a power loss there is up to its server".to_owned()),
            },
            None => ok("file system", format!("local (type 0x{:x})", fs.magic)),
        },
    }
}

fn key(state: &StateDir) -> Check {
    match Key::required(state) {
        Ok(_) => ok("key", "there, and nobody else can read it".to_owned()),
        Err(e) => failed("key", &e),
    }
}

fn log(settings: &Settings) -> Check {
    match Records::open(settings).and_then(|records| records.condition()) {
        Ok(events) => ok(
            "log",
            format!("{events} events; `aifirst verify` proves them"),
        ),
        Err(e) => failed("log", &e),
    }
}

fn store(workspace: &Workspace, known: &Known) -> Check {
    match home::open_store(workspace, known) {
        Err(e) => failed("store", &e),
        Ok(_) => ok(
            "store",
            match known.record.store {
                Placement::State => "in the state folder; rename, exchange and link worked there",
                Placement::Sibling => {
                    "beside the workspace, since the state folder is on another mount"
                }
            }
            .to_owned(),
        ),
    }
}

fn policy(settings: &Settings, state: Option<&StateDir>) -> Check {
    let found = state.and_then(|s| home::find(Some(s), &settings.begin()).ok());
    let dir = found.and_then(|f| f.known).map(|k| k.dir);
    match home::load_policy(&settings.homes, dir.as_deref()) {
        Ok((_, 0)) => ok(
            "policy",
            "none written; what can be undone is allowed, the rest is asked".to_owned(),
        ),
        Ok((_, n)) => ok("policy", format!("{n} file(s) read")),
        Err(e) => failed("policy", &e),
    }
}

fn ok(name: &str, found: String) -> Check {
    Check {
        name: name.to_owned(),
        state: "ok".to_owned(),
        found,
        remedy: None,
    }
}

fn missing(name: &str, found: String, remedy: &str) -> Check {
    Check {
        name: name.to_owned(),
        state: "missing".to_owned(),
        found,
        remedy: Some(remedy.to_owned()),
    }
}

fn failed(name: &str, e: &Error) -> Check {
    Check {
        name: name.to_owned(),
        state: "missing".to_owned(),
        found: e.to_string(),
        remedy: e.hint().map(ToOwned::to_owned),
    }
}
