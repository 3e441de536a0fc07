//! One rule: which operations, effects and paths it speaks of.
//!
//! In a list of paths the last pattern that matches decides, and one that begins with `!` takes out:
//! `["gen/**", "!gen/README.md"]`. `*` and `?` do not cross `/`, `**` does. Whoever deletes or moves a
//! folder does it to everything beneath, also where it arrives, so a `deny` or `ask` for `gen/**`
//! speaks of `gen` then too.
use globset::{Glob, GlobBuilder, GlobMatcher, GlobSet, GlobSetBuilder};

use super::builtin::BuiltIn;
use super::{Pair, Question, Verdict};
use crate::effect::Effect;

/// What a list of patterns was made into, or which of them is wrong and why.
pub(super) type Checked<T> = Result<T, (usize, String)>;

/// A checked rule.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) decide: Verdict,
    pub(super) reason: Option<String>,
    pub(super) lifts: Vec<BuiltIn>,
    pub(super) operations: Option<GlobSet>,
    pub(super) effects: Option<Vec<Effect>>,
    pub(super) paths: Option<PathList>,
}

impl Rule {
    /// Whether the rule speaks of the question.
    pub(super) fn matches(&self, question: &Question<'_>) -> bool {
        if let Some(operations) = &self.operations
            && !operations.is_match(question.operation)
        {
            return false;
        }
        if question.pairs.is_empty() {
            // Without a target a rule about effects or paths says nothing.
            return self.effects.is_none() && self.paths.is_none();
        }
        match self.decide {
            Verdict::Allow => question
                .pairs
                .iter()
                .all(|pair| self.covers(pair, question)),
            Verdict::Ask | Verdict::Deny => question
                .pairs
                .iter()
                .any(|pair| self.touches(pair, question)),
        }
    }

    fn has_effect(&self, effect: Effect) -> bool {
        self.effects
            .as_ref()
            .is_none_or(|effects| effects.contains(&effect))
    }

    /// By either path, and beneath what goes as a whole.
    fn touches(&self, pair: &Pair<'_>, question: &Question<'_>) -> bool {
        // Who moves a thing away takes it from where a rule guards it: its name is gone there, and
        // what may not be read can be read under the other name.
        let moved = pair.effect == Effect::Move
            && (self.has_effect(Effect::Delete) || self.has_effect(Effect::Read));
        if !moved && !self.has_effect(pair.effect) {
            return false;
        }
        let Some(paths) = &self.paths else {
            return true;
        };
        let whole = goes_whole(pair);
        [pair.spelled, pair.resolved]
            .into_iter()
            .flat_map(readings)
            .any(|path| {
                let path = folded(&path, question);
                paths.of(question).includes(&path)
                    || (whole || question.replaces_folder)
                        && paths
                            .of(question)
                            .reaches(&path, pair.folder || question.replaces_folder)
            })
    }

    /// By both paths, and without an exception beneath what goes as a whole.
    fn covers(&self, pair: &Pair<'_>, question: &Question<'_>) -> bool {
        if !self.has_effect(pair.effect) {
            return false;
        }
        let Some(paths) = &self.paths else {
            return true;
        };
        let whole = goes_whole(pair) || question.replaces_folder;
        let list = paths.of(question);
        [relative(pair.spelled), relative(pair.resolved)]
            .into_iter()
            // An absolute spelling says nothing that the resolved path does not.
            .enumerate()
            .all(|(index, path)| match path {
                Some(path) => {
                    let path = folded(&path, question);
                    list.includes(&path)
                        && !(whole
                            && list.excepts_beneath(&path, pair.folder || question.replaces_folder))
                }
                None => index == 0 && pair.spelled.starts_with('/'),
            })
    }
}

/// Whether what is done is done to all beneath: it goes, or arrives with content.
fn goes_whole(pair: &Pair<'_>) -> bool {
    match pair.effect {
        Effect::Delete | Effect::Move => true,
        Effect::Create => pair.folder,
        _ => false,
    }
}

fn folded(path: &str, question: &Question<'_>) -> String {
    if question.folds_case {
        path.to_lowercase()
    } else {
        path.to_owned()
    }
}

/// The path without `.`, `..` and doubled slashes; `None` where it is absolute or leaves the root.
fn relative(path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            other => parts.push(other),
        }
    }
    Some(parts.join("/"))
}

/// What a spelling may mean inside of the workspace: itself where it is relative, else each of its
/// tails, because how much of an absolute path is the root is not known here.
fn readings(path: &str) -> Vec<String> {
    if let Some(path) = relative(path) {
        return vec![path];
    }
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !matches!(*part, "" | "." | ".."))
        .collect();
    (0..parts.len())
        .filter_map(|from| parts.get(from..))
        .map(|tail| tail.join("/"))
        .collect()
}

/// Patterns in order, as they stand and folded.
#[derive(Clone, Debug)]
pub(super) struct PathList {
    exact: Patterns,
    folded: Patterns,
}

impl PathList {
    /// Checks and compiles; the error names the pattern's index and what is wrong with it.
    pub(super) fn new(patterns: &[&str]) -> Checked<Self> {
        let lower: Vec<String> = patterns.iter().map(|text| text.to_lowercase()).collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        Ok(Self {
            exact: Patterns::new(patterns)?,
            folded: Patterns::new(&lower)?,
        })
    }

    fn of(&self, question: &Question<'_>) -> &Patterns {
        if question.folds_case {
            &self.folded
        } else {
            &self.exact
        }
    }
}

#[derive(Clone, Debug)]
struct Patterns {
    set: GlobSet,
    each: Vec<Pattern>,
}

#[derive(Clone, Debug)]
struct Pattern {
    takes_out: bool,
    /// `None` where the pattern cannot be cut at its slashes.
    parts: Option<Vec<Part>>,
}

#[derive(Clone, Debug)]
enum Part {
    Literal(String),
    Glob(GlobMatcher),
    AnyDepth,
}

/// Whether a pattern can match beneath a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    No,
    /// The folder is one that the pattern names part by part.
    ByName,
    /// Only through a wildcard: it matters for what is known to be a folder.
    ByWildcard,
}

impl Patterns {
    fn new(patterns: &[&str]) -> Checked<Self> {
        let mut set = GlobSetBuilder::new();
        let mut each = Vec::with_capacity(patterns.len());
        for (index, text) in patterns.iter().enumerate() {
            let (takes_out, text) = match text.strip_prefix('!') {
                Some(rest) => (true, rest),
                None => (false, *text),
            };
            check(text).map_err(|what| (index, what.to_owned()))?;
            set.add(glob(text).map_err(|error| (index, error.kind().to_string()))?);
            each.push(Pattern {
                takes_out,
                parts: parts(text),
            });
        }
        let set = set.build().map_err(|error| (0, error.kind().to_string()))?;
        Ok(Self { set, each })
    }

    /// The last pattern that matches decides.
    fn includes(&self, path: &str) -> bool {
        self.set
            .matches(path)
            .last()
            .and_then(|index| self.each.get(*index))
            .is_some_and(|pattern| !pattern.takes_out)
    }

    /// Whether something beneath the path may be included.
    fn reaches(&self, path: &str, is_folder: bool) -> bool {
        self.any_beneath(path, is_folder, |pattern| !pattern.takes_out)
    }

    /// Whether something beneath the path may be taken out.
    fn excepts_beneath(&self, path: &str, is_folder: bool) -> bool {
        self.any_beneath(path, is_folder, |pattern| pattern.takes_out)
    }

    fn any_beneath(&self, path: &str, is_folder: bool, which: fn(&Pattern) -> bool) -> bool {
        self.each
            .iter()
            .filter(|pattern| which(pattern))
            .any(|pattern| match pattern.reach(path) {
                Reach::No => false,
                Reach::ByName => true,
                Reach::ByWildcard => is_folder,
            })
    }
}

impl Pattern {
    fn reach(&self, path: &str) -> Reach {
        let Some(parts) = &self.parts else {
            return Reach::ByWildcard;
        };
        let mut parts = parts.iter();
        let mut reach = Reach::ByName;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            match parts.next() {
                None => return Reach::No,
                Some(Part::AnyDepth) => return Reach::ByWildcard,
                Some(Part::Literal(text)) if text == name => {}
                Some(Part::Glob(glob)) if glob.is_match(name) => reach = Reach::ByWildcard,
                Some(Part::Literal(_) | Part::Glob(_)) => return Reach::No,
            }
        }
        match parts.next() {
            None => Reach::No,
            Some(_) => reach,
        }
    }
}

fn check(pattern: &str) -> Result<(), &'static str> {
    if pattern.is_empty() {
        return Err("an empty path matches nothing");
    }
    if pattern.starts_with('/') || pattern.starts_with('~') {
        return Err("paths are relative to the workspace and begin neither with `/` nor with `~`");
    }
    if pattern.ends_with('/') {
        return Err("a path that ends in `/` matches nothing; write `folder/**` for what is in it");
    }
    if pattern
        .split('/')
        .any(|part| matches!(part, "" | "." | ".."))
    {
        return Err("a path with `.`, `..` or an empty part matches nothing");
    }
    Ok(())
}

fn glob(pattern: &str) -> Result<Glob, globset::Error> {
    GlobBuilder::new(pattern).literal_separator(true).build()
}

fn parts(pattern: &str) -> Option<Vec<Part>> {
    // An alternative or a class may hold a slash: then the parts are not what stands between them.
    if pattern.contains(['{', '[', '\\']) {
        let balanced = pattern.split('/').all(|part| {
            glob(part).is_ok() && part.matches('{').count() == part.matches('}').count()
        });
        if !balanced {
            return None;
        }
    }
    pattern
        .split('/')
        .map(|part| {
            if part == "**" {
                Some(Part::AnyDepth)
            } else if part.contains(['*', '?', '[', '{', '\\']) {
                glob(part)
                    .ok()
                    .map(|glob| Part::Glob(glob.compile_matcher()))
            } else {
                Some(Part::Literal(part.to_owned()))
            }
        })
        .collect()
}

/// Names of operations; `*` matches any of their letters.
pub(super) fn operations(patterns: &[&str]) -> Checked<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for (index, text) in patterns.iter().enumerate() {
        if text.is_empty() {
            return Err((index, "an empty name matches nothing".to_owned()));
        }
        set.add(Glob::new(text).map_err(|error| (index, error.kind().to_string()))?);
    }
    set.build().map_err(|error| (0, error.kind().to_string()))
}
