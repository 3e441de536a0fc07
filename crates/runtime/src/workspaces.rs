//! Workspaces as a person manages them: made by name, listed, forgotten.
use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};
use crate::history::WorkspaceView;
use crate::home::{self, Forgotten, Known, Made, StateDir};
use crate::settings::Settings;

/// A workspace that `init` made, or found.
#[derive(Clone, Debug, Serialize)]
pub struct Initialised {
    /// The workspace.
    #[serde(flatten)]
    pub workspace: WorkspaceView,
    /// Whether it is new.
    pub new: bool,
}

/// Makes the folder that the settings lead to a workspace; one that is known is left as it is.
///
/// # Errors
/// Every refusal of a folder, each with a code of its own.
pub fn init(settings: &Settings) -> Result<Initialised> {
    let (opened, made) = home::open(
        &settings.state_path()?,
        &settings.homes,
        &settings.begin(),
        settings.foreign,
        &settings.env,
        &settings.cancel,
    )?;
    Ok(Initialised {
        workspace: view(&opened.known),
        new: made == Made::Now,
    })
}

/// Every known workspace.
///
/// # Errors
/// When the state folder cannot be read.
pub fn list(settings: &Settings) -> Result<Vec<WorkspaceView>> {
    let Some(state) = StateDir::open(&settings.state_path()?)? else {
        return Ok(Vec::new());
    };
    Ok(home::all(&state)?.iter().map(view).collect())
}

/// What forgetting a workspace would delete. `name` is an id, a prefix of one, or a path.
///
/// # Errors
/// [`ErrorKind::NoSuch`] when none is called so.
pub fn forget_plan(settings: &Settings, name: &str) -> Result<Forgotten> {
    let (_, known) = named(settings, name)?;
    Ok(home::forget_plan(&known))
}

/// Deletes a workspace's state, log and store; the workspace itself is not touched.
///
/// # Errors
/// [`ErrorKind::NoSuch`]; [`ErrorKind::State`] when another process is at work in it.
pub fn forget(settings: &Settings, name: &str) -> Result<Forgotten> {
    let (state, known) = named(settings, name)?;
    if !state.is_writable() {
        return Err(
            Error::new(ErrorKind::State, "the state folder cannot be written")
                .with_code("state_read_only")
                .with_hint("make it writable first"),
        );
    }
    home::forget(&known)
}

fn named(settings: &Settings, name: &str) -> Result<(StateDir, Known)> {
    let state = StateDir::open(&settings.state_path()?)?.ok_or_else(|| {
        Error::new(ErrorKind::NoSuch, "there is no workspace yet")
            .with_hint("`aifirst workspace list` shows those there are")
    })?;
    let path = settings.start.join(name);
    let found = home::named(&state, name).or_else(|e| match path.to_str() {
        Some(path) if e.code() == "no_such" => home::named(&state, path).map_err(|_| e),
        _ => Err(e),
    });
    found.map(|known| (state, known))
}

fn view(known: &Known) -> WorkspaceView {
    let log = aifirst_audit::open_read_only(&known.dir.join("state.db")).ok();
    let events = log
        .and_then(|log| aifirst_audit::head(log.connection()).ok())
        .map_or(0, |head| head.size);
    WorkspaceView {
        id: known.record.id.clone(),
        root: known.record.root().display().to_string(),
        state: home::condition(known).to_owned(),
        events,
        bytes: home::forget_plan(known).bytes,
    }
}
