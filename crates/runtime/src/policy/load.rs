//! TOML to policy; whatever is not understood is an error with its place.
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::builtin::{self, ASK_OVER, AskOver, BuiltIn, DEFAULT};
use super::rule::{self, Checked, PathList, Rule};
use super::{GuardSettings, HardLinks, Origin, Policy, Symlinks, Verdict};
use crate::effect::Effect;

/// Larger texts are refused.
const LARGEST: usize = 1 << 20;

/// Why a policy was refused, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PolicyError {
    /// Whose file it is.
    pub(crate) origin: Origin,
    /// The line, from 1.
    pub(crate) line: usize,
    /// The column in characters, from 1.
    pub(crate) column: usize,
    /// What is wrong.
    pub(crate) message: String,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the {}'s policy.toml, line {}, column {}: {}",
            self.origin.as_str(),
            self.line,
            self.column,
            self.message
        )
    }
}

impl std::error::Error for PolicyError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: Option<Spanned<i64>>,
    default: Option<Spanned<String>>,
    ask_over: Option<Limits>,
    guard: Option<Guard>,
    #[serde(default)]
    rule: Vec<Spanned<RuleText>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    bytes: Option<Spanned<Size>>,
    entries: Option<Spanned<i64>>,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a number of bytes or a size such as \"256 MiB\""
)]
enum Size {
    Bytes(i64),
    Text(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Guard {
    symlinks: Option<Spanned<String>>,
    hard_links: Option<Spanned<String>>,
    mounts: Option<Vec<Spanned<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    name: Spanned<String>,
    decide: Spanned<String>,
    operations: Option<Spanned<Vec<Spanned<String>>>>,
    effects: Option<Spanned<Vec<Spanned<String>>>>,
    paths: Option<Spanned<Vec<Spanned<String>>>>,
    reason: Option<String>,
    #[serde(default)]
    lifts: Vec<Spanned<String>>,
}

/// What one file states.
#[derive(Default)]
struct Stated {
    default: Option<Verdict>,
    bytes: Option<u64>,
    entries: Option<u64>,
    symlinks: Option<Symlinks>,
    hard_links: Option<HardLinks>,
    mounts: Option<Vec<String>>,
}

pub(super) fn load(texts: &[(Origin, &str)]) -> Result<Policy, PolicyError> {
    let mut policy = builtin::policy();
    let mut files = Vec::with_capacity(texts.len());
    for (origin, text) in texts {
        let reader = Reader {
            origin: *origin,
            text,
        };
        files.push(reader.file(&mut policy.rules)?);
    }
    policy.stamp = builtin::stamp(texts);
    policy.default = strictest(&files, |file| file.default).unwrap_or(DEFAULT);
    policy.ask_over = AskOver {
        bytes: least(&files, |file| file.bytes).unwrap_or(ASK_OVER.bytes),
        entries: least(&files, |file| file.entries).unwrap_or(ASK_OVER.entries),
    };
    policy.guard = guard(&files);
    Ok(policy)
}

fn strictest(files: &[Stated], field: fn(&Stated) -> Option<Verdict>) -> Option<Verdict> {
    files.iter().filter_map(field).max()
}

fn least(files: &[Stated], field: fn(&Stated) -> Option<u64>) -> Option<u64> {
    files.iter().filter_map(field).min()
}

fn guard(files: &[Stated]) -> GuardSettings {
    let mut guard = builtin::guard();
    let links: Vec<Symlinks> = files.iter().filter_map(|file| file.symlinks).collect();
    if links.contains(&Symlinks::Deny) {
        guard.symlinks = Symlinks::Deny;
    }
    let hard: Vec<HardLinks> = files.iter().filter_map(|file| file.hard_links).collect();
    if !hard.is_empty() && !hard.contains(&HardLinks::Deny) {
        guard.hard_links = HardLinks::Read;
    }
    // A folder may be another mount when every file that says anything about mounts names it.
    let mut lists = files.iter().filter_map(|file| file.mounts.as_ref());
    if let Some(first) = lists.next() {
        let rest: Vec<&Vec<String>> = lists.collect();
        guard.mounts = first
            .iter()
            .filter(|mount| rest.iter().all(|list| list.contains(mount)))
            .cloned()
            .collect();
    }
    guard
}

struct Reader<'a> {
    origin: Origin,
    text: &'a str,
}

impl Reader<'_> {
    fn file(&self, rules: &mut Vec<Rule>) -> Result<Stated, PolicyError> {
        if self.text.len() > LARGEST {
            return Err(self.at(0, "it is larger than 1 MiB"));
        }
        let file: File = toml::from_str(self.text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            self.at(start, error.message())
        })?;
        match &file.version {
            Some(version) if *version.get_ref() == 1 => {}
            Some(version) => {
                return Err(self.at(
                    version.span().start,
                    "this version of policies is not known here; known is `version = 1`",
                ));
            }
            None => {
                return Err(self.at(
                    0,
                    "`version = 1` is missing; an empty or half-written policy is no policy",
                ));
            }
        }
        let mut stated = Stated::default();
        if let Some(word) = &file.default {
            stated.default = Some(self.verdict(word)?);
        }
        if let Some(limits) = &file.ask_over {
            stated.bytes = limits
                .bytes
                .as_ref()
                .map(|size| self.size(size))
                .transpose()?;
            stated.entries = limits
                .entries
                .as_ref()
                .map(|number| {
                    u64::try_from(*number.get_ref()).map_err(|_| {
                        self.at(number.span().start, "a number of entries is not negative")
                    })
                })
                .transpose()?;
        }
        if let Some(guard) = &file.guard {
            self.guard(guard, &mut stated)?;
        }
        let own = rules.len();
        for text in &file.rule {
            let rule = self.rule(text)?;
            if rules.iter().skip(own).any(|known| known.name == rule.name) {
                return Err(self.at(
                    text.get_ref().name.span().start,
                    &format!("two rules are called {:?}", rule.name),
                ));
            }
            rules.push(rule);
        }
        Ok(stated)
    }

    fn guard(&self, guard: &Guard, stated: &mut Stated) -> Result<(), PolicyError> {
        if let Some(word) = &guard.symlinks {
            stated.symlinks = Some(match word.get_ref().as_str() {
                "beneath" => Symlinks::Beneath,
                "deny" => Symlinks::Deny,
                _ => {
                    return Err(self.at(word.span().start, "`symlinks` is \"beneath\" or \"deny\""));
                }
            });
        }
        if let Some(word) = &guard.hard_links {
            stated.hard_links = Some(match word.get_ref().as_str() {
                "deny" => HardLinks::Deny,
                "read" => HardLinks::Read,
                _ => return Err(self.at(word.span().start, "`hard_links` is \"deny\" or \"read\"")),
            });
        }
        if let Some(mounts) = &guard.mounts {
            let mut named = Vec::with_capacity(mounts.len());
            for mount in mounts {
                let path = mount.get_ref();
                let odd = path.is_empty()
                    || path.starts_with('/')
                    || path.split('/').any(|part| matches!(part, "" | "." | ".."));
                if odd {
                    return Err(self.at(
                        mount.span().start,
                        "a mount is a path relative to the workspace, without `.`, `..` or a slash at its end",
                    ));
                }
                named.push(path.clone());
            }
            stated.mounts = Some(named);
        }
        Ok(())
    }

    fn rule(&self, text: &Spanned<RuleText>) -> Result<Rule, PolicyError> {
        let rule = text.get_ref();
        if rule.name.get_ref().trim().is_empty() {
            return Err(self.at(
                rule.name.span().start,
                "a rule needs a name: it is shown when it decides",
            ));
        }
        let decide = self.verdict(&rule.decide)?;
        let lifts = rule
            .lifts
            .iter()
            .map(|word| {
                BuiltIn::parse(word.get_ref()).ok_or_else(|| {
                    self.at(
                        word.span().start,
                        "`lifts` knows \"folder\", \"size\" and \"irreversible\"",
                    )
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        if decide != Verdict::Allow
            && let Some(first) = rule.lifts.first()
        {
            return Err(self.at(
                first.span().start,
                "only a rule that allows can lift a question",
            ));
        }
        Ok(Rule {
            name: rule.name.get_ref().clone(),
            decide,
            reason: rule.reason.clone(),
            lifts,
            operations: self.list(rule.operations.as_ref(), rule::operations)?,
            effects: self.effects(rule.effects.as_ref())?,
            paths: self.list(rule.paths.as_ref(), paths)?,
        })
    }

    fn effects(
        &self,
        list: Option<&Spanned<Vec<Spanned<String>>>>,
    ) -> Result<Option<Vec<Effect>>, PolicyError> {
        let Some(list) = list else {
            return Ok(None);
        };
        self.not_empty(list)?;
        list.get_ref()
            .iter()
            .map(|word| {
                Effect::parse(word.get_ref()).ok_or_else(|| {
                    let known: Vec<&str> =
                        Effect::ALL.iter().map(|effect| effect.as_str()).collect();
                    self.at(
                        word.span().start,
                        &format!("no such effect; there are {}", known.join(", ")),
                    )
                })
            })
            .collect::<Result<Vec<_>, _>>()
            .map(Some)
    }

    fn list<T>(
        &self,
        list: Option<&Spanned<Vec<Spanned<String>>>>,
        make: fn(&[&str]) -> Checked<T>,
    ) -> Result<Option<T>, PolicyError> {
        let Some(list) = list else {
            return Ok(None);
        };
        self.not_empty(list)?;
        let words: Vec<&str> = list
            .get_ref()
            .iter()
            .map(|word| word.get_ref().as_str())
            .collect();
        make(&words).map(Some).map_err(|(index, message)| {
            let place = list
                .get_ref()
                .get(index)
                .map_or_else(|| list.span(), Spanned::span);
            self.at(place.start, &message)
        })
    }

    fn not_empty(&self, list: &Spanned<Vec<Spanned<String>>>) -> Result<(), PolicyError> {
        if list.get_ref().is_empty() {
            return Err(self.at(
                list.span().start,
                "an empty list matches nothing; leave the key out to match all",
            ));
        }
        Ok(())
    }

    fn verdict(&self, word: &Spanned<String>) -> Result<Verdict, PolicyError> {
        Verdict::parse(word.get_ref()).ok_or_else(|| {
            self.at(
                word.span().start,
                "a decision is \"allow\", \"ask\" or \"deny\"",
            )
        })
    }

    fn size(&self, size: &Spanned<Size>) -> Result<u64, PolicyError> {
        let bytes = match size.get_ref() {
            Size::Bytes(number) => u64::try_from(*number).ok(),
            Size::Text(text) => parse_size(text),
        };
        bytes.ok_or_else(|| {
            self.at(
                size.span().start,
                "a size is a whole number of bytes or one with a unit, such as \"256 MiB\"",
            )
        })
    }

    fn at(&self, offset: usize, message: &str) -> PolicyError {
        let (line, column) = place(self.text, 0..offset);
        PolicyError {
            origin: self.origin,
            line,
            column,
            message: message.split('\n').collect::<Vec<_>>().join(", "),
        }
    }
}

fn paths(patterns: &[&str]) -> Checked<PathList> {
    if patterns.iter().all(|text| text.starts_with('!')) {
        return Err((
            0,
            "exceptions alone match nothing; name first what they are taken from".to_owned(),
        ));
    }
    PathList::new(patterns)
}

/// Line and column of the end of a range.
fn place(text: &str, range: Range<usize>) -> (usize, usize) {
    let before: String = text
        .char_indices()
        .take_while(|(at, _)| *at < range.end)
        .map(|(_, character)| character)
        .collect();
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .map_or(0, |last| last.chars().count())
        + 1;
    (line, column)
}

/// `512`, `512 B`, `64 KiB`, `256 MiB`, `1 GB`: binary and decimal units (IEC 80000-13).
fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.len()
        - text
            .trim_start_matches(|digit: char| digit.is_ascii_digit())
            .len();
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let factor: u64 = match unit.trim_start() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        _ => return None,
    };
    number.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("512", Some(512)),
            ("512 B", Some(512)),
            ("256 MiB", Some(256 << 20)),
            ("256MiB", Some(256 << 20)),
            ("1 GB", Some(1_000_000_000)),
            ("", None),
            ("MiB", None),
            ("-1", None),
            ("1.5 GiB", None),
            ("1 mib", None),
            ("99999999999 TiB", None),
        ] {
            assert_eq!(parse_size(text), bytes, "{text}");
        }
    }
}
