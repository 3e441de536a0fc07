//! Makes text that agents wrote harmless to a terminal, and words safe for a shell.
use std::fmt::Write as _;

use aifirst_runtime::PathView;
use base64::Engine as _;

/// Whether a terminal might obey the character, or a person might not see it. The joiners and the
/// sixteen variation selectors stay: scripts and emoji need them.
fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

fn push_escaped(to: &mut String, c: char) {
    match c {
        '\n' => to.push_str("\\n"),
        '\r' => to.push_str("\\r"),
        '\t' => to.push_str("\\t"),
        c if u32::from(c) < 0x80 => {
            let _ = write!(to, "\\x{:02x}", u32::from(c));
        }
        c => {
            let _ = write!(to, "\\u{{{:x}}}", u32::from(c));
        }
    }
}

/// One line of text: everything hostile is shown as an escape, line ends and tabs too.
pub(crate) fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hostile(c) {
            push_escaped(&mut out, c);
        } else {
            out.push(c);
        }
    }
    out
}

/// A block of lines: as [`line()`], but line feeds and tabs stay.
pub(crate) fn block(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hostile(c) && c != '\n' && c != '\t' {
            push_escaped(&mut out, c);
        } else {
            out.push(c);
        }
    }
    out
}

/// The same for bytes that may not be UTF-8: what is not is shown as `\xNN`.
pub(crate) fn line_bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(&line(chunk.valid()));
        for b in chunk.invalid() {
            let _ = write!(out, "\\x{b:02x}");
        }
    }
    out
}

/// The bytes of a path as results carry it.
pub(crate) fn path_bytes(path: &PathView) -> Vec<u8> {
    match path {
        PathView::Text { path } => path.clone().into_bytes(),
        PathView::Bytes { path_b64 } => base64::engine::general_purpose::STANDARD
            .decode(path_b64)
            .unwrap_or_else(|_| path_b64.clone().into_bytes()),
    }
}

/// A path for a terminal.
pub(crate) fn path(path: &PathView) -> String {
    line_bytes(&path_bytes(path))
}

/// JSON text in which nothing is left that a terminal might obey. Its meaning stays: outside of
/// strings JSON has no such characters, and inside of them `\uXXXX` is the same character.
pub(crate) fn json(text: &str) -> String {
    if !text.chars().any(|c| is_hostile(c) && c != '\n') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hostile(c) && c != '\n' {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// A word that a POSIX shell takes as it is (lesson H9). The text must hold no control characters.
pub(crate) fn shell(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_./:@%+,=-".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// How many columns of a terminal the text takes, near enough for aligning.
pub(crate) fn width(text: &str) -> usize {
    text.chars()
        .map(|c| match u32::from(c) {
            0x0300..=0x036f | 0x200c | 0x200d | 0xfe00..=0xfe0f => 0,
            0x1100..=0x115f
            | 0x2e80..=0xa4cf
            | 0xac00..=0xd7a3
            | 0xf900..=0xfaff
            | 0xfe30..=0xfe6f
            | 0xff00..=0xff60
            | 0xffe0..=0xffe6
            | 0x1f300..=0x1f64f
            | 0x1f900..=0x1f9ff
            | 0x20000..=0x3fffd => 2,
            _ => 1,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_hostile_is_left(text in any::<String>()) {
            prop_assert!(!line(&text).chars().any(is_hostile));
            prop_assert!(!block(&text).chars().any(|c| is_hostile(c) && c != '\n' && c != '\t'));
        }

        #[test]
        fn bytes_come_out_clean(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(!line_bytes(&bytes).chars().any(is_hostile));
        }

        #[test]
        fn json_keeps_its_meaning(text in any::<String>()) {
            let value = serde_json::json!({ "text": text });
            let safe = json(&value.to_string());
            prop_assert!(!safe.chars().any(is_hostile));
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
        }
    }

    #[test]
    fn lesson_g6_ansi_in_names_and_texts_is_escaped() {
        assert_eq!(line("a\u{1b}[31mb"), "a\\x1b[31mb");
        assert_eq!(line("\u{9b}2J"), "\\u{9b}2J");
        assert_eq!(line("x\u{202e}gpj.exe"), "x\\u{202e}gpj.exe");
        assert_eq!(line("a\u{2028}b\nc\td\re"), "a\\u{2028}b\\nc\\td\\re");
        assert_eq!(block("a\nb\tc\r\u{7}"), "a\nb\tc\\r\\x07");
        assert_eq!(line_bytes(b"ok\xff\x1b"), "ok\\xff\\x1b");
        assert_eq!(line("日本 naïve 👍"), "日本 naïve 👍");
        // What nobody sees can carry a whole message, or make two names look the same.
        assert_eq!(
            line("a\u{3164}b\u{ad}\u{e0101}"),
            "a\\u{3164}b\\u{ad}\\u{e0101}"
        );
        assert_eq!(line("👩\u{200d}🔬 ❤\u{fe0f}"), "👩\u{200d}🔬 ❤\u{fe0f}");
    }

    #[test]
    fn lesson_h9_words_are_quoted_for_a_shell() {
        for (word, quoted) in [
            ("src/main.rs", "src/main.rs"),
            ("~", "'~'"),
            ("a b;c", "'a b;c'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
            ("$HOME", "'$HOME'"),
        ] {
            assert_eq!(shell(word), quoted);
        }
    }

    #[test]
    fn paths_that_are_no_text_keep_their_bytes() {
        let view = PathView::Bytes {
            path_b64: "YWL/".into(),
        };
        assert_eq!(path_bytes(&view), b"ab\xff");
        assert_eq!(path(&view), "ab\\xff");
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(width("日本"), 4);
        assert_eq!(width("e\u{301}"), 1);
    }
}
