//! Where an operation works: a path as it was written, as it was resolved, and what is there.
use aifirst_sandbox::{File, Kind, Leaf, Pinned, RawRel, Stat};
use aifirst_undo::{Change, ChangeSet};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::cause::guard;
use crate::context::Context;
use crate::effect::Effect;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Target;

/// A path of a call, resolved by the guard.
#[derive(Debug)]
pub(super) struct Place {
    /// As the call wrote it.
    pub(super) spelled: String,
    /// As it was resolved: no component of it is a link.
    pub(super) path: RawRel,
    /// What is there, held.
    pub(super) found: Option<Pinned>,
    /// How many of its last components are not there.
    missing: usize,
    /// Whether links were gone through on the way.
    linked: bool,
}

impl Place {
    /// Resolves a path, whatever is there.
    pub(super) fn look(context: &Context<'_>, spelled: &str, leaf: Leaf) -> Result<Self> {
        let plain = context
            .workspace()
            .normalize(spelled)
            .map_err(|e| guard(e, spelled))?;
        let resolved = context
            .workspace()
            .resolve(plain.raw(), leaf)
            .map_err(|e| guard(e, spelled))?;
        Ok(Self {
            spelled: spelled.to_owned(),
            linked: *plain.raw() != resolved.path,
            path: resolved.path,
            found: resolved.found,
            missing: resolved.missing,
        })
    }

    /// Resolves the path of something that has to be there.
    pub(super) fn existing(context: &Context<'_>, spelled: &str, leaf: Leaf) -> Result<Self> {
        let place = Self::look(context, spelled, leaf)?;
        match place.found {
            Some(_) => Ok(place),
            None => Err(Error::failed(format!("there is no {spelled:?}"))
                .with_code("not_found")
                .with_path(spelled)
                .with_hint("list_directory shows what is there")),
        }
    }

    /// What was found there.
    pub(super) fn stat(&self) -> Option<&Stat> {
        self.found.as_ref().map(Pinned::stat)
    }

    /// What kind of thing is there.
    pub(super) fn kind(&self) -> Option<Kind> {
        self.stat().map(|s| s.kind)
    }

    /// Refuses the workspace itself: it is never written, moved or deleted.
    pub(super) fn not_the_root(&self) -> Result<()> {
        if self.path.is_root() {
            return Err(Error::new(
                ErrorKind::Guard,
                "the workspace itself cannot be written, moved or deleted",
            )
            .with_code("root_itself")
            .with_path(&self.spelled)
            .with_hint("name something inside it"));
        }
        Ok(())
    }

    /// Refuses what is no regular file: folders by name, and what the guard opens for nobody.
    pub(super) fn is_file(&self) -> Result<()> {
        match self.kind() {
            None | Some(Kind::File) => Ok(()),
            Some(kind) => Err(self.wrong_kind(kind, "a regular file")),
        }
    }

    /// Refuses what is no folder.
    pub(super) fn is_folder(&self) -> Result<()> {
        match self.kind() {
            None | Some(Kind::Dir) => Ok(()),
            Some(kind) => Err(self.wrong_kind(kind, "a folder")),
        }
    }

    /// The error for a thing of another kind than was asked for.
    pub(super) fn wrong_kind(&self, kind: Kind, wanted: &str) -> Error {
        let (error, code) = match kind {
            Kind::Dir => (ErrorKind::Failed, "is_a_directory"),
            Kind::File | Kind::Symlink => (ErrorKind::Failed, "wrong_kind"),
            _ => (ErrorKind::Guard, "special_file"),
        };
        Error::new(
            error,
            format!("{:?} is {}, not {wanted}", self.spelled, words(kind)),
        )
        .with_code(code)
        .with_path(&self.spelled)
    }

    /// Opens the file that is there for reading, once the guard's rules have judged it.
    pub(super) fn open(&self, context: &Context<'_>) -> Result<File> {
        self.is_file()?;
        context
            .workspace()
            .open_file(&self.path)
            .map_err(|e| guard(e, &self.spelled))
    }

    /// A target that stands for the one thing here.
    pub(super) fn target(&self, effect: Effect) -> Target {
        Target::one(
            effect,
            &self.spelled,
            self.path.clone(),
            self.stat().cloned(),
        )
    }

    /// A target that stands for the file as it was opened.
    pub(super) fn target_of(&self, effect: Effect, file: &File) -> Target {
        Target::one(
            effect,
            &self.spelled,
            self.path.clone(),
            Some(file.stat().clone()),
        )
    }

    /// The folders above that are not there, outermost first.
    pub(super) fn missing_parents(&self) -> Vec<RawRel> {
        let mut out: Vec<RawRel> = std::iter::successors(self.path.parent(), RawRel::parent)
            .take(self.missing.saturating_sub(1))
            .collect();
        out.reverse();
        out
    }

    /// Adds the folders above that are not there, or says that they are missing.
    pub(super) fn make_parents(
        &self,
        parents: Parents,
        set: &mut ChangeSet,
        targets: &mut Vec<Target>,
    ) -> Result<()> {
        let missing = self.missing_parents();
        if let (Parents::MustBeThere(remedy), Some(first)) = (parents, missing.first()) {
            return Err(Error::failed(format!(
                "the folder {} is not there",
                quoted(self.path.parent().as_ref().unwrap_or(first))
            ))
            .with_code("no_parent")
            .with_path(&self.spelled)
            .with_hint(remedy));
        }
        for path in missing {
            targets.push(Target::one(
                Effect::Create,
                &self.spelled,
                path.clone(),
                None,
            ));
            push(set, Change::MakeDir { path, mode: None })?;
        }
        Ok(())
    }

    /// What a person should know about the way to the file and about the file.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.linked {
            notes.push(format!(
                "{:?} goes through a link; what it leads to is {}, and the link stays",
                self.spelled,
                quoted(&self.path)
            ));
        }
        notes
    }

    /// Notes about writing new contents over what is there.
    pub(super) fn notes_of_replacing(&self) -> Vec<String> {
        let mut notes = self.notes();
        if let Some(stat) = self.stat() {
            if stat.nlink > 1 {
                notes.push(format!(
                    "{} has {} names; this one gets the new contents, the others keep the old ones: they part",
                    quoted(&self.path),
                    stat.nlink
                ));
            }
            if stat.mode & 0o222 == 0 {
                notes.push(format!(
                    "{} is marked read-only (mode {:04o}); it stays so, with new contents",
                    quoted(&self.path),
                    stat.mode
                ));
            }
        }
        notes
    }
}

/// Whether folders that are not there are made.
#[derive(Clone, Copy, Debug)]
pub(super) enum Parents {
    /// They are made, as part of the operation.
    Make,
    /// They must be there; the words say what to do when they are not.
    MustBeThere(&'static str),
}

/// What a thing is, in words.
pub(super) fn words(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "a regular file",
        Kind::Dir => "a folder",
        Kind::Symlink => "a symbolic link",
        Kind::Fifo => "a named pipe",
        Kind::Socket => "a socket",
        Kind::CharDevice | Kind::BlockDevice => "a device",
    }
}

/// The word for a kind in results.
pub(super) fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "file",
        Kind::Dir => "directory",
        Kind::Symlink => "symlink",
        Kind::Fifo => "fifo",
        Kind::Socket => "socket",
        Kind::CharDevice => "char_device",
        Kind::BlockDevice => "block_device",
    }
}

/// All words for kinds.
pub(super) const KIND_WORDS: [&str; 7] = [
    "file",
    "directory",
    "symlink",
    "fifo",
    "socket",
    "char_device",
    "block_device",
];

/// A path in a sentence: escaped, in quotes.
pub(super) fn quoted(path: &RawRel) -> String {
    format!("\"{path}\"")
}

/// The fields that name a path in a result: `path`, or `path_b64` where it is not UTF-8.
pub(super) fn named(path: &RawRel, prefix: &str) -> Map<String, Value> {
    let mut map = Map::new();
    match std::str::from_utf8(path.as_bytes()) {
        Ok("") => map.insert(format!("{prefix}path"), json!(".")),
        Ok(text) => map.insert(format!("{prefix}path"), json!(text)),
        Err(_) => map.insert(
            format!("{prefix}path_b64"),
            json!(STANDARD.encode(path.as_bytes())),
        ),
    };
    map
}

/// A result object: where it was, and the given fields.
pub(super) fn result(path: &RawRel, fields: Value) -> Value {
    let mut map = named(path, "");
    if let Value::Object(fields) = fields {
        map.extend(fields);
    }
    Value::Object(map)
}

/// The schema of a result: these properties, some of them always there, and where it was.
pub(super) fn result_schema(properties: Value, required: &[&str]) -> Value {
    let mut all = Map::new();
    all.insert(
        "path".into(),
        json!({"type": "string", "description": "The path, relative to the workspace, with links resolved."}),
    );
    all.insert(
        "path_b64".into(),
        json!({"type": "string", "description": "Instead of path: its bytes in base64, where they are not UTF-8."}),
    );
    if let Value::Object(properties) = properties {
        all.extend(properties);
    }
    json!({
        "type": "object",
        "properties": all,
        "required": required,
        "additionalProperties": false,
    })
}

/// Adds a change; the set refuses what no plan may hold.
pub(super) fn push(set: &mut ChangeSet, change: Change) -> Result<()> {
    Ok(set.push(change)?)
}
