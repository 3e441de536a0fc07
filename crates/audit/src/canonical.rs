//! Exact JSON bytes: what is written here is valid under RFC 8785, and nothing else is accepted.
//!
//! A subset of it: keys are printable ASCII without `"` and `\`, numbers are integers
//! below 2^53, so that every JCS library gives the same bytes without rounding.

use crate::error::{Error, ErrorKind, Result};
use std::collections::BTreeMap;

/// The largest integer that a double holds exactly (RFC 8785 section 3.2.2.3, RFC 7493).
pub const MAX_INTEGER: i64 = (1 << 53) - 1;

/// Objects and lists may lie this deep in one another.
pub const MAX_DEPTH: usize = 32;

/// A JSON value that has exactly one spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Json {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// An integer below 2^53 in size.
    Integer(Integer),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// An object.
    Object(Object),
}

/// An integer below 2^53 in size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Integer(i64);

impl Integer {
    /// Checks the size.
    ///
    /// # Errors
    /// `NotCanonical` from 2^53 on: such numbers go as strings.
    pub fn new(n: impl TryInto<i64>) -> Result<Self> {
        match n.try_into() {
            Ok(n) if (-MAX_INTEGER..=MAX_INTEGER).contains(&n) => Ok(Self(n)),
            _ => Err(not("an integer is beyond 2^53 - 1")),
        }
    }
}

/// An object: keys checked, sorted, each there once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Object(BTreeMap<String, Json>);

impl Object {
    /// An object without members.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a member.
    ///
    /// # Errors
    /// `NotCanonical` for a key that is there already, empty, or not printable ASCII
    /// without `"` and `\`.
    pub fn insert(&mut self, key: &str, value: Json) -> Result<()> {
        if key.is_empty() || !key.bytes().all(is_key_byte) {
            return Err(not("a key is not plain ASCII"));
        }
        if self.0.insert(key.to_owned(), value).is_some() {
            return Err(not("a key stands twice"));
        }
        Ok(())
    }

    /// Whether there is no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Json {
    /// The value of a `serde_json` value.
    ///
    /// # Errors
    /// `NotCanonical` for floats, large integers and keys that this subset has not.
    pub fn from_serde(value: &serde_json::Value) -> Result<Self> {
        use serde_json::Value as V;
        Ok(match value {
            V::Null => Self::Null,
            V::Bool(b) => Self::Bool(*b),
            V::Number(n) => Self::Integer(Integer::new(
                n.as_i64()
                    .ok_or_else(|| not("a number is not an integer below 2^53"))?,
            )?),
            V::String(s) => Self::Text(s.clone()),
            V::Array(items) => {
                Self::List(items.iter().map(Self::from_serde).collect::<Result<_>>()?)
            }
            V::Object(members) => {
                let mut object = Object::new();
                for (key, value) in members {
                    object.insert(key, Self::from_serde(value)?)?;
                }
                Self::Object(object)
            }
        })
    }

    /// The one spelling of this value.
    ///
    /// # Errors
    /// `NotCanonical` where it is nested deeper than [`MAX_DEPTH`].
    pub fn encode(&self) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(512);
        write_value(self, &mut out, MAX_DEPTH)?;
        Ok(out)
    }
}

fn write_value(value: &Json, out: &mut Vec<u8>, depth: usize) -> Result<()> {
    let deeper = || depth.checked_sub(1).ok_or_else(too_deep);
    match value {
        Json::Null => out.extend_from_slice(b"null"),
        Json::Bool(true) => out.extend_from_slice(b"true"),
        Json::Bool(false) => out.extend_from_slice(b"false"),
        Json::Integer(n) => out.extend_from_slice(n.0.to_string().as_bytes()),
        Json::Text(text) => write_text(text, out),
        Json::List(items) => {
            let depth = deeper()?;
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write_value(item, out, depth)?;
            }
            out.push(b']');
        }
        Json::Object(members) => {
            let depth = deeper()?;
            out.push(b'{');
            for (i, (key, member)) in members.0.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write_text(key, out);
                out.push(b':');
                write_value(member, out, depth)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

/// RFC 8785 section 3.2.2.2: two-character escapes where there are some, `\u00xx` in
/// lower case for the other control characters, everything else as it is.
fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for &b in text.as_bytes() {
        match b {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x09 => out.extend_from_slice(b"\\t"),
            0x0a => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            0x0d => out.extend_from_slice(b"\\r"),
            0x00..=0x1f => out.extend_from_slice(format!("\\u{b:04x}").as_bytes()),
            _ => out.push(b),
        }
    }
    out.push(b'"');
}

/// Says whether bytes are the one spelling of some value, in one pass.
///
/// # Errors
/// `NotCanonical` with the offset and what stands there.
pub fn check(bytes: &[u8]) -> Result<()> {
    if std::str::from_utf8(bytes).is_err() {
        return Err(not("the bytes are not UTF-8"));
    }
    let mut reader = Reader { bytes, at: 0 };
    let what = match reader.value(MAX_DEPTH) {
        Ok(()) if reader.at == bytes.len() => return Ok(()),
        Ok(()) => "something follows the value",
        Err(what) => what,
    };
    Err(not(&format!("{what} (at byte {})", reader.at)))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

type Checked<T = ()> = std::result::Result<T, &'static str>;

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> Checked {
        if self.peek() == Some(wanted) {
            self.at += 1;
            Ok(())
        } else {
            Err("another character was expected")
        }
    }

    fn word(&mut self, word: &[u8]) -> Checked {
        word.iter().try_for_each(|b| self.take(*b))
    }

    fn value(&mut self, depth: usize) -> Checked {
        match self.peek() {
            Some(b'n') => self.word(b"null"),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'"') => self.text(),
            Some(b'-' | b'0'..=b'9') => self.integer(),
            Some(b'[') => self.list(deeper(depth)?),
            Some(b'{') => self.object(deeper(depth)?),
            _ => Err("no value begins here"),
        }
    }

    fn list(&mut self, depth: usize) -> Checked {
        self.take(b'[')?;
        if self.peek() == Some(b']') {
            return self.take(b']');
        }
        loop {
            self.value(depth)?;
            if self.peek() != Some(b',') {
                return self.take(b']');
            }
            self.take(b',')?;
        }
    }

    fn object(&mut self, depth: usize) -> Checked {
        self.take(b'{')?;
        if self.peek() == Some(b'}') {
            return self.take(b'}');
        }
        let mut last: &[u8] = &[];
        loop {
            let key = self.key()?;
            if key <= last {
                return Err("a key is empty, stands twice or out of order");
            }
            last = key;
            self.take(b':')?;
            self.value(depth)?;
            if self.peek() != Some(b',') {
                return self.take(b'}');
            }
            self.take(b',')?;
        }
    }

    fn key(&mut self) -> Checked<&'a [u8]> {
        self.take(b'"')?;
        let from = self.at;
        while self.peek().is_some_and(is_key_byte) {
            self.at += 1;
        }
        let key = self.bytes.get(from..self.at).unwrap_or_default();
        self.take(b'"').map_err(|_| "a key is not plain ASCII")?;
        Ok(key)
    }

    fn text(&mut self) -> Checked {
        self.take(b'"')?;
        loop {
            match self.peek() {
                Some(b'"') => return self.take(b'"'),
                Some(b'\\') => {
                    self.at += 1;
                    self.escape()?;
                }
                Some(0x20..) => self.at += 1,
                _ => return Err("a control character or the end inside a string"),
            }
        }
    }

    fn escape(&mut self) -> Checked {
        match self.peek() {
            Some(b'"' | b'\\' | b'b' | b't' | b'n' | b'f' | b'r') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => {
                let digits = self.bytes.get(self.at + 1..self.at + 5).unwrap_or_default();
                let needed = matches!(digits, [b'0', b'0', b'0' | b'1', b'0'..=b'9' | b'a'..=b'f'])
                    && !matches!(digits, b"0008" | b"0009" | b"000a" | b"000c" | b"000d");
                self.at += 5;
                if needed {
                    Ok(())
                } else {
                    Err("an escape that is not the shortest")
                }
            }
            _ => Err("an escape that is not the shortest"),
        }
    }

    fn integer(&mut self) -> Checked {
        let from = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        let text = self.bytes.get(from..self.at).unwrap_or_default();
        let value = std::str::from_utf8(text)
            .ok()
            .and_then(|t| t.parse::<i64>().ok());
        match value {
            // Writing it again is the shortest way to refuse -0 and leading zeros.
            Some(n)
                if (-MAX_INTEGER..=MAX_INTEGER).contains(&n)
                    && n.to_string().as_bytes() == text =>
            {
                Ok(())
            }
            _ => Err("a number that is not a plain integer below 2^53"),
        }
    }
}

fn deeper(depth: usize) -> Checked<usize> {
    depth.checked_sub(1).ok_or("nested too deep")
}

fn is_key_byte(b: u8) -> bool {
    matches!(b, 0x20..=0x7e) && b != b'"' && b != b'\\'
}

fn too_deep() -> Error {
    not("nested too deep")
}

fn not(what: &str) -> Error {
    Error::new(
        ErrorKind::NotCanonical,
        format!("not canonical JSON: {what}"),
    )
}
