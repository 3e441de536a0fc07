//! Secrets that a context gives away: URL user info, Bearer and Basic, command lines.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

use super::known::compile;
use super::scan::past_window;
use super::value::{is_code, is_placeholder, is_random, is_status};
use crate::span::{BY_NAME, Span};
use crate::view::View;

static GATE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compile(
        "(?i)://|bearer[ +]|basic |curl|wget|mysql|mariadb|sshpass|docker|podman|redis-cli|identified by|\
         psexec|passin|passout|smbclient|ldap|htpasswd",
    )
});

/// What one context looks like, from the start of its line or of its word.
struct Shape {
    /// What the gate must have found, in lower case.
    words: &'static [&'static str],
    /// Group 1 is the secret; matched from the gate's hit on.
    pattern: &'static str,
}

#[rustfmt::skip]
const SHAPES: &[Shape] = &[
    // RFC 3986, section 3.2.1; the user name may be empty (redis) or itself the token.
    Shape { words: &["://"], pattern: r#"^://[^\s:/?#@"'<>`\\]{0,128}:([^\s@/"'<>`]+)@[A-Za-z0-9\[_$%{-]"# },
    Shape { words: &["curl", "wget"], pattern: r#"^.*?\s(?:-u|--user|-U|--proxy-user)(?:[ =]*)(?:\\?["'])?[^\s:"'=\\]{0,128}:([^\s"']+)"# },
    // A token as user name with an empty password.
    Shape { words: &["curl", "wget"], pattern: r#"^.*?\s(?:-u|--user)(?:[ =]*)["']?([^\s:"'=]{8,256}):(?:["'\s]|$)"# },
    Shape { words: &["psexec"], pattern: r#"^.*?\s-p ["']?([^\s"']+)"# },
    Shape { words: &["mysql", "mariadb"], pattern: r#"^.*?\s-p["']?([^\s"']{3,256})"# },
    Shape { words: &["sshpass"], pattern: r#"^.*?\s-p ?["']?([^\s"']+)"# },
    Shape { words: &["docker", "podman"], pattern: r#"^ login.*?\s(?:-p|--password)[ =]?["']?([^\s"']+)"# },
    Shape { words: &["docker", "podman"], pattern: r#"^[a-z-]* login.*?\s(?:-p|--password)[ =]?["']?([^\s"']+)"# },
    Shape { words: &["redis-cli"], pattern: r#"^.*?\s(?:-a|--pass) ["']?([^\s"']+)"# },
    Shape { words: &["identified by"], pattern: r#"^\s+(?:PASSWORD\s+)?'([^'\n]+)'"# },
    Shape { words: &["passin", "passout"], pattern: r#"^\s+["']?pass:([^\s"']+)"# },
    Shape { words: &["smbclient"], pattern: r#"^.*?\s-U ?["']?[^\s%"']{1,64}%([^\s"']+)"# },
    Shape { words: &["ldap"], pattern: r#"^(?:search|add|modify|delete|passwd|whoami).*?\s-w ["']?([^\s"']+)"# },
    Shape { words: &["htpasswd"], pattern: r#"^ -[a-zA-Z]*b[a-zA-Z]* \S{1,200} \S{1,64} ["']?([^\s"']+)"# },
];

static PATTERNS: LazyLock<Vec<Option<Regex>>> = LazyLock::new(|| {
    SHAPES
        .iter()
        .map(|shape| compile(&format!("(?is){}", shape.pattern)))
        .collect()
});

/// Adds what the surroundings give away.
pub(crate) fn find(view: &View<'_>, found: &mut Vec<Span>) {
    let text = view.bytes();
    let Some(gate) = GATE.as_ref() else {
        found.push(Span::new(0..text.len(), "rules-broken"));
        return;
    };
    let mut at = 0;
    while let Some(hit) = gate.find_at(text, at) {
        at = hit.end();
        let word = hit.as_bytes().to_ascii_lowercase();
        if word.starts_with(b"bearer") || word.starts_with(b"basic") {
            if view.begins(hit.start()) {
                found.extend(scheme(text, hit.end(), &word).map(|range| Span::new(range, BY_NAME)));
            }
            continue;
        }
        // The user info's pattern begins with the gate's own word, the others behind it.
        let from = if word == b"://" {
            hit.start()
        } else {
            hit.end()
        };
        let Some(rest) = text.get(from..) else { break };
        let rest = command(rest);
        for (shape, pattern) in SHAPES.iter().zip(PATTERNS.iter()) {
            if !shape.words.iter().any(|known| known.as_bytes() == word) {
                continue;
            }
            let Some(secret) = pattern
                .as_ref()
                .and_then(|pattern| pattern.captures(rest))
                .and_then(|captures| captures.get(1))
            else {
                continue;
            };
            let kept = secret.as_bytes();
            let kept = kept
                .iter()
                .rposition(|byte| *byte != b'\\')
                .map_or(kept, |last| kept.get(..=last).unwrap_or(kept));
            let range = from + secret.start()..from + secret.start() + kept.len();
            let mut range = range;
            if secret.end() == rest.len() {
                range.end = past_window(text, range.end);
            }
            if plausible(kept) {
                at = at.max(range.end);
                found.push(Span::new(range, BY_NAME));
                break;
            }
        }
        if word == b"://"
            && let Some(range) = lone_user(text, from)
        {
            found.push(Span::new(range, BY_NAME));
        }
    }
}

/// The rest of a command: to the end of its line, over continued lines, within reason.
fn command(rest: &[u8]) -> &[u8] {
    let rest = rest.get(..rest.len().min(1024)).unwrap_or(rest);
    let end = rest
        .iter()
        .enumerate()
        .position(|(at, byte)| {
            *byte == b'\n' && !rest.get(..at).is_some_and(|head| head.ends_with(b"\\"))
        })
        .unwrap_or(rest.len());
    rest.get(..end).unwrap_or(rest)
}

fn plausible(value: &[u8]) -> bool {
    (!is_placeholder(value) || is_status(&value.to_ascii_lowercase()))
        && !is_code(value)
        && !value.starts_with(b"${")
        && !value.starts_with(b"{")
        && !value.starts_with(b"$(")
        && !(value.len() < 6 && value.iter().all(u8::is_ascii_digit))
}

/// `https://TOKEN@host`.
fn lone_user(text: &[u8], from: usize) -> Option<Range<usize>> {
    let start = from + 3;
    let rest = text.get(start..)?;
    let length = rest
        .iter()
        .take(512)
        .take_while(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'%')
        })
        .count();
    let user = rest.get(..length)?;
    (rest.get(length) == Some(&b'@') && length >= 20 && is_random(user))
        .then_some(start..start + length)
}

/// The token behind `Bearer` (RFC 6750, section 2.1) or `Basic` (RFC 7617) without its header's name.
fn scheme(text: &[u8], from: usize, word: &[u8]) -> Option<Range<usize>> {
    let rest = text.get(from..)?;
    let skip = rest.iter().take_while(|byte| **byte == b' ').count();
    let length = rest
        .get(skip..)?
        .iter()
        .take_while(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=')
        })
        .count();
    let range = from + skip..from + skip + length;
    let token = text.get(range.clone())?;
    let accepted = if word.starts_with(b"basic") {
        is_basic(token)
    } else {
        token.len() >= 12 && token.iter().any(u8::is_ascii_digit) && !is_code(token)
    };
    accepted.then_some(range)
}

/// Whether the text is base64 of `user:password`.
pub(crate) fn is_basic(value: &[u8]) -> bool {
    basic_password(value).is_some()
}

/// The password in base64 of `user:password`.
pub(crate) fn basic_password(value: &[u8]) -> Option<Vec<u8>> {
    if value.len() < 8 || value.len() > 4096 {
        return None;
    }
    let mut plain = Vec::with_capacity(value.len());
    let mut bits = 0u32;
    let mut held = 0u32;
    let trimmed = value.iter().rev().take_while(|byte| **byte == b'=').count();
    for byte in value.get(..value.len() - trimmed)? {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            plain.push(u8::try_from((bits >> held) & 0xff).unwrap_or(0));
        }
    }
    let text = std::str::from_utf8(&plain).ok()?;
    if text.chars().any(char::is_control) {
        return None;
    }
    let (user, password) = text.split_once(':')?;
    (!password.is_empty() && user.len() < 128).then(|| password.as_bytes().to_vec())
}
