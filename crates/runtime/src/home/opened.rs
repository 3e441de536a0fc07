//! An opened workspace: everything that one process holds of it.
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aifirst_sandbox::Workspace;
use aifirst_undo::{Engine, RealDisk};

use super::database::Database;
use super::folder::{HomeDirs, StateDir, cannot, read_optional};
use super::key::Key;
use super::known::{self, Draft, Foreign, Found, Known, Placement, Start};
use super::lock::Lock;
use super::owner::{self, Owner};
use super::store;
use crate::context::Cancel;
use crate::env::Env;
use crate::error::{Error, ErrorKind, Result};
use crate::policy::{Origin, Policy};

/// A workspace with its state, ready to be changed.
pub(crate) struct Opened {
    pub(crate) known: Known,
    pub(crate) workspace: Workspace,
    pub(crate) key: Key,
    /// Whether names that differ in case alone are one name here, so that rules must not be passed
    /// by another spelling of one.
    pub(crate) folds_case: bool,
    /// One changing step at a time.
    pub(crate) lock: Lock,
    pub(crate) database: Database,
    pub(crate) engine: Engine,
    // Last, so that this process counts as alive until everything above is closed.
    owner: Owner,
}

/// File systems that find a name in any case: FAT, exFAT, NTFS and HFS+, by their numbers in
/// `linux/magic.h` and the kernel's sources. Single folders that fold (`chattr +F`) are not seen.
const FOLDING: [i64; 5] = [0x4d44, 0x2011_bab0, 0x5346_544e, 0x7366_746e, 0x482b];

/// Whether opening made a new workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    /// It was known.
    Before,
    /// It is new.
    Now,
}

/// Opens the workspace that `start` leads to, making its state where it is new.
pub(crate) fn open(
    state_path: &Path,
    homes: &HomeDirs,
    start: &Start,
    foreign: Foreign,
    env: &Arc<dyn Env>,
    cancel: &Cancel,
) -> Result<(Opened, Made)> {
    // Found before anything is made: a refusal leaves nothing behind.
    let existing = StateDir::open(state_path)?;
    let found = known::find(existing.as_ref(), start)?;
    if found.known.is_none() {
        refuse_state_inside(&found, state_path)?;
    }
    let state = StateDir::open_or_make(state_path)?;
    let mut made = Made::Before;
    let found = match found.known {
        Some(_) => found,
        None => {
            if let Err(refused) = known::admit(&found, &state, homes, foreign) {
                // Perhaps only because another first call made this very workspace just now.
                known::find(Some(&state), start)?.known.ok_or(refused)?;
            }
            // One maker at a time, so that two first calls agree on one workspace and one key.
            let makers = Lock::open(&state.path().join("workspaces.lock"))?;
            let held = makers.take(super::database::PATIENCE, cancel)?;
            let mut again = known::find(Some(&state), start)?;
            if again.known.is_none() {
                known::admit(&again, &state, homes, foreign)?;
                Key::open_or_make(&state, &**env)?;
                again.known = Some(make(&state, &again, &**env)?);
                made = Made::Now;
            }
            drop(held);
            again
        }
    };
    let Found {
        workspace,
        known: Some(known),
        ..
    } = found
    else {
        return Err(Error::new(
            ErrorKind::State,
            "the workspace vanished while it was opened",
        ));
    };
    refuse_other_owner(&known, &workspace)?;
    let key = Key::required(&state)?;
    let disk = store::open(&workspace, &known)?;
    let owner = Owner::register(&known.dir.join("owners"), &**env)?;
    let lock = Lock::open(&known.dir.join("lock"))?;
    let database = Database::open(&known.dir, &known.record.id, &**env, cancel)?;
    let engine = engine(disk, owner.name(), env)?;
    let folds_case = workspace
        .file_system()
        .is_ok_and(|fs| FOLDING.contains(&fs.magic));
    let opened = Opened {
        known,
        folds_case,
        workspace,
        key,
        lock,
        database,
        engine,
        owner,
    };
    Ok((opened, made))
}

fn engine(disk: RealDisk, owner: &str, env: &Arc<dyn Env>) -> Result<Engine> {
    let (random, clock) = (Arc::clone(env), Arc::clone(env));
    let engine = Engine::new(
        Arc::new(disk),
        owner,
        Arc::new(move |to: &mut [u8]| {
            random
                .random(to)
                .map_err(|e| std::io::Error::other(e.to_string()))
        }),
        Arc::new(move || clock.now_us()),
    )?;
    Ok(engine)
}

fn make(state: &StateDir, found: &Found, env: &dyn Env) -> Result<Known> {
    known::clear_leftovers(state);
    let draft = Draft::new(state, found, env)?;
    let dir = draft.dir.clone();
    let made = (|| {
        let placement = store::place(&found.workspace, &draft.dir, &found.path, draft.id())?;
        draft.finish(placement)
    })();
    if made.is_err() {
        super::forget::discard(&dir);
    }
    made
}

/// State inside the workspace is refused before the folder for it is made.
fn refuse_state_inside(found: &Found, state: &Path) -> Result<()> {
    let there = state
        .ancestors()
        .find_map(|p| rustix::fs::stat(p).ok().map(|_| p));
    let real = there.and_then(|p| super::folder::canonical(p).ok());
    if real.is_some_and(|p| p.starts_with(&found.path)) {
        return Err(Error::new(
            ErrorKind::Usage,
            "the workspace and the state folder of aifirst lie in each other",
        )
        .with_code("workspace_overlaps_state")
        .with_hint("name another folder for one of them: --workspace DIR, --state DIR"));
    }
    Ok(())
}

/// A workspace whose owner changed since, or that was made by another user's aifirst.
fn refuse_other_owner(known: &Known, workspace: &Workspace) -> Result<()> {
    let euid = rustix::process::geteuid().as_raw();
    let uid = workspace
        .stat()
        .map_err(|e| crate::cause::guard(e, "."))?
        .uid;
    if uid == euid || known.record.foreign_owner {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::State,
        format!("the workspace belongs to user {uid} now, and this is user {euid}"),
    )
    .with_code("workspace_owner")
    .with_hint("give it back to its owner (chown), or forget it: aifirst workspace forget"))
}

impl Opened {
    /// The folder of its store.
    pub(crate) fn store_path(&self) -> PathBuf {
        let r = &self.known.record;
        store::path(r.store, &self.known.dir, &r.root(), &r.id)
            .unwrap_or_else(|| self.known.dir.join("store"))
    }

    /// Where its store lies.
    pub(crate) fn placement(&self) -> Placement {
        self.known.record.store
    }

    /// The processes that hold this workspace open, by the names of their registrations.
    pub(crate) fn alive(&self) -> Result<Vec<String>> {
        let mut names = owner::alive(&self.known.dir.join("owners"))?;
        if !names.iter().any(|n| n == self.owner.name()) {
            names.push(self.owner.name().to_owned());
        }
        Ok(names)
    }

    /// The policy that governs it, as the files say it now.
    pub(crate) fn policy(&self, homes: &HomeDirs) -> Result<Policy> {
        load_policy(homes, Some(&self.known.dir)).map(|(policy, _)| policy)
    }
}

/// The person's policy and the workspace's, together, and how many files there were.
///
/// # Errors
/// [`ErrorKind::State`] for one that cannot be read or is broken: it refuses everything, since a
/// broken policy is never an empty one.
pub(crate) fn load_policy(homes: &HomeDirs, dir: Option<&Path>) -> Result<(Policy, usize)> {
    let person = homes.config().map(|dir| dir.join("policy.toml"));
    let own = dir.map(|dir| dir.join("policy.toml"));
    let mut texts = Vec::new();
    for (origin, path) in [(Origin::Person, person), (Origin::Workspace, own)] {
        let Some(path) = path else { continue };
        let text = read_optional(&path).map_err(|e| {
            cannot("read a policy", &e)
                .with_code("policy_unreadable")
                .with_hint("make policy.toml readable; until then every operation is refused")
        })?;
        texts.extend(text.map(|text| (origin, text)));
    }
    let borrowed: Vec<(Origin, &str)> = texts.iter().map(|(o, t)| (*o, t.as_str())).collect();
    let policy = Policy::load(&borrowed).map_err(|e| {
        Error::new(ErrorKind::State, format!("the policy cannot be used: {e}"))
            .with_code("policy_broken")
            .with_hint("mend policy.toml; until then every operation is refused")
            .with_source(e)
    })?;
    Ok((policy, texts.len()))
}
