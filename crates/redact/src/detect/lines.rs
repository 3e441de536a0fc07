//! Key material whose BEGIN line is out of sight: a hunk of a diff, the tail of a file.
//!
//! Lines of one block are alike (RFC 7468: 64 base64 characters, the last one shorter), so two of
//! them beside each other are taken for a key, unless a line that is there says that it is none.

use crate::span::Span;

use super::value::is_random;

/// The widths of full lines: PEM (RFC 7468) and MIME (RFC 2045).
const WIDTHS: [usize; 2] = [64, 76];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    /// A full line of key material.
    Full,
    /// It may be the last one of a block.
    Short,
    /// A line that ends a private key.
    EndPrivate,
    /// Begins or ends something else than a private key, or begins one whole.
    Other,
    /// Anything else.
    Plain,
}

/// Adds what looks like the inside of a private key.
pub(crate) fn find(text: &[u8], found: &mut Vec<Span>) {
    let mut at = 0;
    let mut run: Option<(usize, usize, usize)> = None;
    let mut named = false;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let (kind, from, to) = classify(line);
        let (from, to) = (at + from, at + to);
        at += line.len();
        match (kind, run) {
            (Line::Full, Some((start, _, full))) => run = Some((start, to, full + 1)),
            (Line::Full, None) => run = Some((from, to, 1)),
            // A tail alone counts only where the END line follows.
            (Line::Short, None) if to - from >= 16 => run = Some((from, to, 0)),
            (Line::Short, Some((start, _, full))) => run = Some((start, to, full)),
            (Line::EndPrivate, Some((start, end, _))) if !named => {
                found.push(Span::new(start..end, "private-key"));
                run = None;
            }
            (Line::Other, _) => {
                // What a BEGIN line names is judged by its name, to its END.
                run = None;
            }
            (_, Some((start, end, full))) => {
                if full > 1 && !named {
                    found.push(Span::new(start..end, "private-key"));
                }
                run = None;
            }
            (_, None) => {}
        }
        named = match kind {
            Line::Other => line_begins(line),
            Line::EndPrivate => false,
            Line::Full | Line::Short => named,
            Line::Plain => false,
        };
    }
    if let Some((start, end, full)) = run
        && full > 1
        && !named
    {
        found.push(Span::new(start..end, "private-key"));
    }
}

fn line_begins(line: &[u8]) -> bool {
    crate::mark::find(line, b"-----BEGIN ").is_some()
}

/// What a line is, and where in it the material stands.
fn classify(line: &[u8]) -> (Line, usize, usize) {
    let ends = line.trim_ascii_end().len();
    if let Some(mark) = crate::mark::find(line, b"-----END ") {
        let private = crate::mark::find(line.get(mark..).unwrap_or_default(), b"PRIVATE KEY");
        let kind = match private {
            Some(_) => Line::EndPrivate,
            None => Line::Other,
        };
        return (kind, 0, ends);
    }
    if line_begins(line) {
        return (Line::Other, 0, ends);
    }
    // The sign of a diff, and indentation.
    let signed = line.strip_prefix(b"+").or_else(|| line.strip_prefix(b"-"));
    for body in [Some(line), signed].into_iter().flatten() {
        let body = body.trim_ascii();
        let material =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
        if body.is_empty() || !body.iter().all(material) {
            continue;
        }
        let kind = if WIDTHS.contains(&body.len()) && is_mixed(body) {
            Line::Full
        } else if body.len() < 76 && body.len() % 4 == 0 {
            Line::Short
        } else {
            continue;
        };
        return (kind, ends - body.len(), ends);
    }
    (Line::Plain, 0, ends)
}

fn is_mixed(body: &[u8]) -> bool {
    body.iter().any(u8::is_ascii_digit)
        && body.iter().any(u8::is_ascii_uppercase)
        && body.iter().any(u8::is_ascii_lowercase)
        && is_random(body)
}
