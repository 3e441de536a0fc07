//! A path below the root in its one spelling: `RelPath` as text, `RawRel` byte for byte.

use std::cmp::Ordering;
use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;

use camino::Utf8Path;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, NameFault, Result};

/// Longest component in bytes (`NAME_MAX` of Linux).
pub const MAX_NAME: usize = 255;
/// Longest path in bytes (`PATH_MAX` of Linux without its NUL).
pub const MAX_PATH: usize = 4095;
/// Most components of a path.
pub const MAX_DEPTH: usize = 256;

/// A relative path, byte for byte, in the only spelling it has.
///
/// It has no empty, `.` or `..` component, no NUL and no slash at either end; components are
/// at most 255 bytes, the whole at most 4,095 bytes and 256 components. It says nothing about
/// what is on disk. Ordered component by component, so that a folder stands directly before
/// what is in it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RawRel(Arc<[u8]>);

impl RawRel {
    /// Checks a spelling; changes no byte of it.
    ///
    /// # Errors
    /// `BadName` with the fault. The root has no spelling here, see [`RawRel::root`].
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        check_structure(bytes).map_err(|fault| spelled(Error::name(fault), bytes))?;
        Ok(Self(bytes.into()))
    }

    /// The exact inverse of [`RawRel::as_bytes`]: like `parse`, and no bytes at all is the root.
    ///
    /// # Errors
    /// As [`RawRel::parse`], `Empty` excepted.
    pub fn from_stored(bytes: &[u8]) -> Result<Self> {
        if bytes.is_empty() {
            return Ok(Self::root());
        }
        Self::parse(bytes)
    }

    /// The root itself.
    #[must_use]
    pub fn root() -> Self {
        Self(Arc::default())
    }

    /// Whether this is the root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes; none for the root.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What a system call relative to the root's descriptor takes.
    pub(crate) fn as_operand(&self) -> &[u8] {
        if self.0.is_empty() { b"." } else { &self.0 }
    }

    /// The components, outermost first; none for the root.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0
            .split(|byte| *byte == b'/')
            .filter(|name| !name.is_empty())
    }

    /// The last component.
    #[must_use]
    pub fn name(&self) -> Option<&[u8]> {
        self.components().next_back()
    }

    /// The folder it lies in; `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        let end = self
            .0
            .iter()
            .rposition(|byte| *byte == b'/')
            .unwrap_or_default();
        Some(Self(self.0.get(..end).unwrap_or_default().into()))
    }

    /// The path of `name` within this folder.
    ///
    /// # Errors
    /// `BadName` when `name` is not one accepted component, or the whole becomes too long or deep.
    pub fn join(&self, name: &[u8]) -> Result<Self> {
        let fault = |fault| spelled(Error::name(fault), name);
        if name.contains(&b'/') {
            return Err(fault(NameFault::Slash));
        }
        check_structure(name).map_err(fault)?;
        if self.is_root() {
            return Ok(Self(name.into()));
        }
        let mut bytes = Vec::with_capacity(self.0.len() + 1 + name.len());
        bytes.extend_from_slice(&self.0);
        bytes.push(b'/');
        bytes.extend_from_slice(name);
        if bytes.len() > MAX_PATH {
            return Err(fault(NameFault::PathTooLong));
        }
        if self.depth() + 1 > MAX_DEPTH {
            return Err(fault(NameFault::TooDeep));
        }
        Ok(Self(bytes.into()))
    }

    /// Whether this is `folder` or lies below it, judged by whole components.
    #[must_use]
    pub fn starts_with(&self, folder: &Self) -> bool {
        folder.is_root()
            || self
                .0
                .strip_prefix(&*folder.0)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    }

    /// What remains below `folder`; `None` when it does not start with it.
    #[must_use]
    pub fn strip(&self, folder: &Self) -> Option<Self> {
        if !self.starts_with(folder) {
            return None;
        }
        let rest = self.0.get(folder.0.len()..).unwrap_or_default();
        let rest = rest.strip_prefix(b"/").unwrap_or(rest);
        Some(Self(rest.into()))
    }

    /// The number of components; 0 for the root.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.components().count()
    }

    /// The same path as text, when it is such.
    #[must_use]
    pub fn to_rel(&self) -> Option<RelPath> {
        let text = std::str::from_utf8(&self.0).ok()?;
        check_characters(text).ok()?;
        Some(RelPath(self.clone()))
    }
}

impl Ord for RawRel {
    fn cmp(&self, other: &Self) -> Ordering {
        self.components().cmp(other.components())
    }
}

impl PartialOrd for RawRel {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Escaped: no control, direction-turning, invisible or invalid byte comes out as it is, and a
/// backslash is doubled, so that two paths never look the same. The root shows as `.`.
impl fmt::Display for RawRel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_str(".");
        }
        fmt::Display::fmt(&Escaped(&self.0), f)
    }
}

impl fmt::Debug for RawRel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawRel({self})")
    }
}

/// Which names are accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Names {
    /// All that Linux has, as far as they are text people can read.
    #[default]
    Linux,
    /// Those that mean the same on Linux, macOS and Windows: no backslash, colon or other
    /// character that Windows reserves, no name of a device, no dot or space at the end.
    Portable,
}

/// By "Naming Files, Paths, and Namespaces" of Microsoft's Win32 reference.
fn check_portable(name: &str) -> std::result::Result<(), NameFault> {
    if name.contains(['\\', ':', '*', '?', '"', '<', '>', '|']) {
        return Err(NameFault::NotPortable);
    }
    if name.ends_with(['.', ' ']) {
        return Err(NameFault::TrailingDot);
    }
    // `nul.txt` and `nul .txt` are the device too.
    let stem = name.split('.').next().unwrap_or(name).trim_end_matches(' ');
    let upper = stem.to_uppercase();
    let numbered = |port: &str| {
        upper.strip_prefix(port).is_some_and(|rest| {
            let mut rest = rest.chars();
            let digit = rest
                .next()
                .is_some_and(|c| matches!(c, '0'..='9' | '¹' | '²' | '³'));
            digit && rest.next().is_none()
        })
    };
    let device = matches!(
        &*upper,
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$"
    ) || numbered("COM")
        || numbered("LPT");
    if device {
        return Err(NameFault::DeviceName);
    }
    Ok(())
}

/// A relative path that is text people can read: UTF-8 without control, direction-turning or
/// invisible characters, and structured as [`RawRel`].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RelPath(RawRel);

impl RelPath {
    /// Checks a spelling; changes no byte of it.
    ///
    /// # Errors
    /// `BadName` with the fault. The root has no spelling here, see [`RelPath::root`].
    pub fn parse(text: &str) -> Result<Self> {
        check_characters(text).map_err(|fault| spelled(Error::name(fault), text.as_bytes()))?;
        Ok(Self(RawRel::parse(text.as_bytes())?))
    }

    /// As [`RelPath::parse`], with a choice of what names are accepted.
    ///
    /// # Errors
    /// `BadName` with the fault.
    pub fn parse_as(text: &str, names: Names) -> Result<Self> {
        let path = Self::parse(text)?;
        path.check_names(names)?;
        Ok(path)
    }

    /// Whether every name is one of those.
    ///
    /// # Errors
    /// `BadName` with the fault.
    pub fn check_names(&self, names: Names) -> Result<()> {
        if names == Names::Portable && !self.is_root() {
            for name in self.as_str().split('/') {
                check_portable(name).map_err(|fault| Error::name(fault).at(self))?;
            }
        }
        Ok(())
    }

    /// The root itself.
    #[must_use]
    pub fn root() -> Self {
        Self(RawRel::root())
    }

    /// Whether this is the root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_root()
    }

    /// The text; `.` for the root.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Checked when made, so that the other arm is never taken.
        std::str::from_utf8(self.0.as_operand()).unwrap_or(".")
    }

    /// The text as camino's path; `.` for the root.
    #[must_use]
    pub fn as_utf8_path(&self) -> &Utf8Path {
        Utf8Path::new(self.as_str())
    }

    /// The byte-exact twin.
    #[must_use]
    pub fn raw(&self) -> &RawRel {
        &self.0
    }

    /// The folder it lies in; `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0.parent().map(Self)
    }

    /// The last component.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0
            .name()
            .and_then(|name| std::str::from_utf8(name).ok())
    }

    /// The path of `name` within this folder.
    ///
    /// # Errors
    /// As [`RawRel::join`], and `BadName` for characters that do not show.
    pub fn join(&self, name: &str) -> Result<Self> {
        check_characters(name).map_err(|fault| spelled(Error::name(fault), name.as_bytes()))?;
        Ok(Self(self.0.join(name.as_bytes())?))
    }
}

impl std::ops::Deref for RelPath {
    type Target = RawRel;
    fn deref(&self) -> &RawRel {
        &self.0
    }
}

impl AsRef<RawRel> for RelPath {
    fn as_ref(&self) -> &RawRel {
        &self.0
    }
}

impl From<RelPath> for RawRel {
    fn from(path: RelPath) -> Self {
        path.0
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RelPath({})", self.as_str())
    }
}

impl std::str::FromStr for RelPath {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl Serialize for RelPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for RelPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        if text == "." {
            return Ok(Self::root());
        }
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

fn check_structure(bytes: &[u8]) -> std::result::Result<(), NameFault> {
    if bytes.is_empty() {
        return Err(NameFault::Empty);
    }
    if bytes.contains(&0) {
        return Err(NameFault::Nul);
    }
    if bytes.starts_with(b"/") {
        return Err(NameFault::Absolute);
    }
    if bytes.len() > MAX_PATH {
        return Err(NameFault::PathTooLong);
    }
    if bytes.ends_with(b"/") {
        return Err(NameFault::TrailingSlash);
    }
    let mut depth = 0;
    for name in bytes.split(|byte| *byte == b'/') {
        depth += 1;
        match name {
            b"" => return Err(NameFault::EmptyComponent),
            b"." => return Err(NameFault::Dot),
            b".." => return Err(NameFault::DotDot),
            _ if name.len() > MAX_NAME => return Err(NameFault::NameTooLong),
            _ if depth > MAX_DEPTH => return Err(NameFault::TooDeep),
            _ => {}
        }
    }
    Ok(())
}

pub(crate) fn check_characters(text: &str) -> std::result::Result<(), NameFault> {
    if text.contains('\0') {
        return Err(NameFault::Nul);
    }
    text.chars().find_map(hidden_fault).map_or(Ok(()), Err)
}

/// Why a character may not stand in a name that people are to recognise, if it may not.
///
/// The ranges are those of Unicode's `Cc`, `Bidi_Control` and `Default_Ignorable_Code_Point`
/// (`DerivedCoreProperties.txt`), with the two line separators.
fn hidden_fault(c: char) -> Option<NameFault> {
    match c {
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => {
            Some(NameFault::Control)
        }
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            Some(NameFault::Bidi)
        }
        _ if is_ignorable(c) => Some(NameFault::Invisible),
        _ => None,
    }
}

/// `Default_Ignorable_Code_Point`, the interlinear marks and the blank Braille and Hangul cells.
pub(crate) fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Adds what was spelled to an error, cut to what can be shown. An absolute spelling is not
/// repeated: it may tell of the host.
pub(crate) fn spelled(error: Error, bytes: &[u8]) -> Error {
    const SHOWN: usize = 256;
    if bytes.is_empty() || bytes.starts_with(b"/") {
        return error;
    }
    match bytes.get(..SHOWN) {
        Some(head) => error.at(&format_args!("{}…", Escaped(head))),
        None => error.at(&Escaped(bytes)),
    }
}

/// Bytes as they may be shown.
struct Escaped<'a>(&'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    '\\' => f.write_str("\\\\")?,
                    '\u{0}'..='\u{7f}' if hidden_fault(c).is_some() => {
                        write!(f, "\\x{:02x}", u32::from(c))?;
                    }
                    _ if hidden_fault(c).is_some() => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                    _ => f.write_char(c)?,
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(bytes: &[u8]) -> Option<NameFault> {
        check_structure(bytes).err()
    }

    #[test]
    fn structure_has_one_spelling() {
        assert_eq!(fault(b"a/b"), None);
        assert_eq!(fault(b""), Some(NameFault::Empty));
        assert_eq!(fault(b"/a"), Some(NameFault::Absolute));
        assert_eq!(fault(b"a//b"), Some(NameFault::EmptyComponent));
        assert_eq!(fault(b"a/"), Some(NameFault::TrailingSlash));
        assert_eq!(fault(b"a/./b"), Some(NameFault::Dot));
        assert_eq!(fault(b"a/.."), Some(NameFault::DotDot));
        assert_eq!(fault(b"a\0.png"), Some(NameFault::Nul));
        assert_eq!(fault(&[b'x'; 256]), Some(NameFault::NameTooLong));
        assert_eq!(fault(&[b'x'; 255]), None);
        assert_eq!(
            fault("a/".repeat(2100).as_bytes()),
            Some(NameFault::PathTooLong)
        );
        assert_eq!(
            fault(format!("{}x", "a/".repeat(256)).as_bytes()),
            Some(NameFault::TooDeep)
        );
        assert_eq!(fault(format!("{}x", "a/".repeat(255)).as_bytes()), None);
    }

    #[test]
    fn names_that_do_not_show_are_refused_as_text_and_escaped_as_bytes() {
        for (text, expected) in [
            ("a\u{1b}[2J", NameFault::Control),
            ("a\u{85}", NameFault::Control),
            ("a\u{202e}txt", NameFault::Bidi),
            ("a\u{200b}", NameFault::Invisible),
            ("a\u{e0041}", NameFault::Invisible),
        ] {
            assert_eq!(check_characters(text), Err(expected), "{text:?}");
            let shown = RawRel::parse(text.as_bytes()).unwrap().to_string();
            assert!(
                shown.chars().all(|c| hidden_fault(c).is_none()),
                "{shown:?}"
            );
        }
        assert_eq!(
            RawRel::parse(b"a\x1b\xff\\/\xe2\x80\xae")
                .unwrap()
                .to_string(),
            r"a\x1b\xff\\/\u{202e}"
        );
    }

    #[test]
    fn prefix_is_by_component() {
        let at = |text: &str| RawRel::parse(text.as_bytes()).unwrap();
        assert!(at("ws/a").starts_with(&at("ws")));
        assert!(!at("ws-evil/a").starts_with(&at("ws")));
        assert!(at("ws").starts_with(&RawRel::root()));
        assert_eq!(at("a/b/c").strip(&at("a")), Some(at("b/c")));
        assert_eq!(at("a").strip(&at("a")), Some(RawRel::root()));
        assert_eq!(at("a/b").parent(), Some(at("a")));
        assert_eq!(at("a").parent(), Some(RawRel::root()));
        assert_eq!(RawRel::root().parent(), None);
        assert!(at("a/b") < at("a-b"), "a folder's content follows it");
    }
}
