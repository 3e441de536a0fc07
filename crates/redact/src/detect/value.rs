//! Values beside a name: which are placeholders, code or chance, and which look random.

use crate::mark::bits;

/// Stands for each byte of a mark of ours while a text is searched: no letter, no separator.
pub(crate) const MASKED: u8 = 0x7f;

/// Whether the text stands for a value without being one: `${VAR}`, `<your-key>`, `********`.
pub(crate) fn is_placeholder(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    let Some(first) = value.first() else {
        return true;
    };
    if value.iter().all(|byte| {
        matches!(
            byte,
            &MASKED | b'*' | b'.' | b'-' | b'_' | b'x' | b'X' | b'?' | b'#' | b' ' | b'=' | b'0'
        )
    }) && value.len() != 1
    {
        return value.len() < 12 || !value.contains(&b'0');
    }
    // U+2022, the dot of password fields.
    if value.chunks(3).all(|dot| dot == "\u{2022}".as_bytes()) {
        return true;
    }
    let inner = |open: &[u8], close: u8| {
        value.starts_with(open) && value.last() == Some(&close) && value.len() > open.len()
    };
    if inner(b"${", b'}')
        || inner(b"$(", b')')
        || inner(b"{{", b'}')
        || inner(b"<", b'>')
        || inner(b"%{", b'}')
        || inner(b"#{", b'}')
        || inner(b"@{", b'}')
        || inner(b"%(", b's')
    {
        return true;
    }
    if (*first == b'{' || *first == b'%')
        && matches!(value.last(), Some(b'}' | b'%'))
        && value
            .iter()
            .skip(1)
            .take(value.len().saturating_sub(2))
            .all(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'!' | b' ')
            })
    {
        return true;
    }
    if *first == b'$'
        && value.len() > 1
        && value
            .iter()
            .skip(1)
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'{' | b'}'))
        && !value.iter().skip(1).all(u8::is_ascii_digit)
    {
        return true;
    }
    let lower = value.to_ascii_lowercase();
    let contains = |piece: &str| crate::mark::find(&lower, piece.as_bytes()).is_some();
    if [
        "process.env",
        "os.environ",
        "os.getenv",
        "env.",
        "env[",
        "secrets.",
        "import.meta",
        "std::env",
        "system.getenv",
        "var.",
        "local.",
    ]
    .iter()
    .any(|head| lower.starts_with(head.as_bytes()))
    {
        return true;
    }
    if [
        "your-",
        "your_",
        "yourpass",
        "yourapi",
        "yoursecret",
        "yourtoken",
        "my-secret-here",
        "_here",
        "-here",
    ]
    .iter()
    .any(|piece| contains(piece))
        && !value.iter().any(u8::is_ascii_digit)
    {
        return true;
    }
    if matches!(
        value,
        b"%s"
            | b"%v"
            | b"%d"
            | b"%q"
            | b"{}"
            | b"{:?}"
            | b"?"
            | b":"
            | b"="
            | b"|"
            | b">"
            | b"|-"
            | b">-"
    ) {
        return true;
    }
    let bare: &[u8] = lower
        .strip_prefix(b"[")
        .and_then(|text| text.strip_suffix(b"]"))
        .unwrap_or(&lower);
    [
        "redacted",
        "masked",
        "filtered",
        "hidden",
        "removed",
        "secret_hidden",
        "sensitive",
        "omitted",
    ]
    .iter()
    .any(|word| bare == word.as_bytes())
        || is_status(&lower)
}

/// Whether the value, in lower case, is a word that says something about a secret in its place.
pub(crate) fn is_status(lower: &[u8]) -> bool {
    STATUS.iter().any(|word| lower == word.as_bytes())
}

/// Words that say something about a secret where it would stand.
#[rustfmt::skip]
const STATUS: &[&str] = &[
    "null", "none", "nil", "true", "false", "undefined", "required", "optional", "string", "str",
    "bool", "boolean", "int", "integer", "number", "bytes", "any", "object", "invalid", "expired",
    "missing", "valid", "unknown", "unset", "set", "empty", "yes", "no", "not", "is", "the", "a",
    "an", "to", "for", "must", "should", "was", "has", "inherit", "write", "read", "default", "env",
    "ok", "failed", "auto", "disabled", "enabled", "never", "always", "prompt", "password",
    "passwd", "secret", "token", "n/a", "todo", "tbd", "self", "this", "type", "return", "await",
    "new", "let", "const", "function", "lambda", "and", "or", "in", "with", "from", "option", "vec",
    "list", "dict", "array", "float", "double", "char", "void", "secretstr", "never,", "date",
    "file", "only", "if", "may", "will", "can", "does", "are", "of", "on", "at", "by",
];

/// Whether the value is a version or a range of versions: `^1.0.0`, `>=2.3`.
pub(crate) fn is_version(value: &[u8]) -> bool {
    let digits: &[u8] = {
        let skip = value
            .iter()
            .take_while(|byte| matches!(byte, b'^' | b'~' | b'>' | b'<' | b'=' | b'v' | b' '))
            .count();
        value.get(skip..).unwrap_or_default()
    };
    digits.first().is_some_and(u8::is_ascii_digit)
        && digits.contains(&b'.')
        && digits.len() < 24
        && digits.iter().all(|byte| {
            byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'x' | b'*' | b' ')
        })
}

/// Whether an unquoted value reads as code instead of as data.
pub(crate) fn is_code(value: &[u8]) -> bool {
    let has = |piece: &[u8]| crate::mark::find(value, piece).is_some();
    if has(b"::") || has(b"->") || has(b"()") || has(b"=>") || has(b"${") || has(b"$(") {
        return true;
    }
    if let Some(open) = value
        .iter()
        .position(|byte| matches!(byte, b'(' | b'[' | b'{'))
        && value
            .get(..open)
            .is_some_and(|head| is_path(head.strip_suffix(b"!").unwrap_or(head)))
        && goes_on(open, value.get(open + 1..).unwrap_or_default())
    {
        return true;
    }
    if matches!(
        value.first(),
        Some(b'&' | b'*' | b'(' | b'{' | b'[' | b'|' | b'@' | b'!')
    ) && value
        .iter()
        .skip(1)
        .all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.' | b'\'' | b' '))
    {
        return true;
    }
    value.contains(&b'.') && is_path(value) && !is_random(value)
}

/// Whether a bracket behind `head` letters is left open as code leaves it open before a space, or what
/// follows its close is how code goes on.
fn goes_on(head: usize, rest: &[u8]) -> bool {
    let Some(close) = rest
        .iter()
        .rposition(|byte| matches!(byte, b')' | b']' | b'}'))
    else {
        return rest.is_empty() || head == 0 || head >= 4;
    };
    rest.get(close + 1)
        .is_none_or(|byte| matches!(byte, b'.' | b'?' | b';' | b',' | b'>' | b':'))
}

/// `a.b_c.d`, each part a name that begins with a letter.
fn is_path(value: &[u8]) -> bool {
    value
        .split(|byte| *byte == b'.' || *byte == b'?')
        .all(|part| {
            part.first()
                .is_none_or(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
                && part
                    .iter()
                    .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        })
}

/// Letters, underscores and hyphens only.
pub(crate) fn is_word(value: &[u8]) -> bool {
    value
        .iter()
        .all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-'))
}

/// A UUID (RFC 9562).
pub(crate) fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(at, byte)| {
            if matches!(at, 8 | 13 | 18 | 23) {
                *byte == b'-'
            } else {
                byte.is_ascii_hexdigit()
            }
        })
}

/// Whether the value looks drawn by chance: long, mixed, of high entropy, and no path, URL or words.
pub(crate) fn is_random(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    if value.len() < 12 || value.len() > 4096 || value.iter().any(|byte| byte.is_ascii_whitespace())
    {
        return false;
    }
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = value
        .iter()
        .filter(|byte| byte.is_ascii_alphabetic())
        .count();
    if digits < 2 || letters < 2 || is_version(value) {
        return false;
    }
    if value.contains(&b'\\')
        || crate::mark::find(value, b"://").is_some()
        || matches!(value.first(), Some(b'/' | b'~' | b'.' | b'<' | b'$' | b'{'))
    {
        return false;
    }
    // A chain of words with a number or two: `us-east-1-production`, `2026-11-02T10:11:12Z`.
    let drawn = value
        .split(|byte| !byte.is_ascii_alphanumeric())
        .any(|part| {
            part.len() >= 8
                && part.iter().any(u8::is_ascii_digit)
                && part.iter().any(u8::is_ascii_alphabetic)
        });
    if !drawn && !is_uuid(value) {
        return false;
    }
    let digit_runs = value
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.is_ascii_digit() != b.is_ascii_digit()))
        .count();
    digit_runs >= 3 && bits(value) >= 40.0
}

/// A message to people: four or more words with an end mark or a capital.
pub(crate) fn is_sentence(value: &[u8]) -> bool {
    let words = value.split(|byte| *byte == b' ').count();
    words >= 4
        && (matches!(value.last(), Some(b'.' | b':' | b'?' | b'!'))
            || value.first().is_some_and(u8::is_ascii_uppercase))
        || words == 3 && matches!(value.last(), Some(b'.' | b':' | b'?'))
}

/// `{token}` or `prefix-${token}`: nothing but a place for a value and a few letters around it.
pub(crate) fn is_template(value: &[u8]) -> bool {
    let Some(open) = value.iter().position(|byte| *byte == b'{') else {
        return false;
    };
    let Some(close) = value.iter().rposition(|byte| *byte == b'}') else {
        return false;
    };
    open < close
        && !value
            .get(..open)
            .into_iter()
            .chain(value.get(close..))
            .flatten()
            .any(u8::is_ascii_digit)
}

/// A regular expression about secrets.
pub(crate) fn is_pattern(value: &[u8]) -> bool {
    value.starts_with(b"^")
        || [
            &b"\\w"[..],
            b"\\d",
            b"\\s",
            b"\\S",
            b"\\[",
            b"[a-z",
            b"[A-Z",
            b"[0-9",
            b"[^",
        ]
        .iter()
        .any(|piece| crate::mark::find(value, piece).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_no_values() {
        for value in [
            "",
            "${DB_PASSWORD}",
            "$DB_PASSWORD",
            "$(cat x)",
            "{{ secret }}",
            "<your-password>",
            "********",
            "xxxxxxxx",
            "[REDACTED]",
            "process.env.X",
            "null",
            "required",
            "%s",
            "your-api-key",
            "%PASSWORD%",
            "{password}",
        ] {
            assert!(is_placeholder(value.as_bytes()), "{value}");
        }
        for value in [
            "hunter2",
            "c0rrect",
            "P$ssw0rd",
            "correct-horse",
            "x",
            "Passw0rd!",
        ] {
            assert!(!is_placeholder(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn code_is_no_value() {
        for value in [
            "next_token()",
            "config.password",
            "String::new()",
            "self.token",
            "tokens[0]",
            "&str",
        ] {
            assert!(
                is_code(value.as_bytes()) || is_placeholder(value.as_bytes()),
                "{value}"
            );
        }
        for value in ["hunter2", "pa(ss", "4.7xQ9z", "Zk9(x)7"] {
            assert!(!is_code(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn random_values() {
        for value in [
            "junjs9grqzfhupg9okzbofl7wb1jmovi",
            "a65b0146769d433a835f36660881db50",
        ] {
            assert!(is_random(value.as_bytes()), "{value}");
        }
        for value in [
            "us-east-1-production",
            "2026-11-02T10:11:12Z",
            "/usr/lib/x86_64",
            "https://a1b2c3d4e5f6",
            "application2",
        ] {
            assert!(!is_random(value.as_bytes()), "{value}");
        }
    }
}
