//! Text that people read: log lines, diffs, tables, sizes, progress.
pub(crate) mod diff;
pub(crate) mod log;
pub(crate) mod progress;
pub(crate) mod table;

use aifirst_runtime::PathView;

use crate::escape;
use crate::out::Look;

/// A size for people, in binary units.
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if n < 1024 {
        return plural(n, "byte", "bytes");
    }
    let mut tenths = u128::from(n) * 10 / 1024;
    for unit in UNITS {
        if tenths < 10 * 1024 {
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
        tenths /= 1024;
    }
    format!("{n} bytes")
}

/// A number with its word.
pub(crate) fn plural(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// A name as stdout takes it: escaped on a terminal, as it is elsewhere.
pub(crate) fn name(look: Look, path: &PathView) -> Vec<u8> {
    if look.terminal {
        escape::path(path).into_bytes()
    } else {
        escape::path_bytes(path)
    }
}

/// Text of several lines as stdout takes it.
pub(crate) fn block(look: Look, text: &str) -> String {
    if look.terminal {
        escape::block(text)
    } else {
        text.to_owned()
    }
}

/// Shortens an escaped path in the middle, only at separators and never inside a name; what does
/// not fit so is left as it is.
pub(crate) fn shorten(path: &str, room: usize) -> String {
    if escape::width(path) <= room {
        return path.to_owned();
    }
    let names: Vec<&str> = path.split('/').collect();
    let Some((last, before)) = names.split_last() else {
        return path.to_owned();
    };
    // The first names and the last ones, as many as fit, the front first.
    for front in (0..before.len()).rev() {
        let mut text = before.get(..front).unwrap_or_default().join("/");
        if front > 0 {
            text.push('/');
        }
        text.push_str("…/");
        text.push_str(last);
        if escape::width(&text) <= room {
            return text;
        }
    }
    if before.is_empty() {
        path.to_owned()
    } else {
        format!("…/{last}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(bytes(0), "0 bytes");
        assert_eq!(bytes(1), "1 byte");
        assert_eq!(bytes(1023), "1023 bytes");
        assert_eq!(bytes(1024), "1.0 KiB");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(200 << 20), "200.0 MiB");
        assert_eq!(bytes(u64::MAX), "15.9 EiB");
    }

    #[test]
    fn paths_are_shortened_at_separators_only() {
        let path = "crates/runtime/src/pipeline/mod.rs";
        assert_eq!(shorten(path, 80), path);
        assert_eq!(shorten(path, 28), "crates/runtime/src/…/mod.rs");
        assert_eq!(shorten(path, 20), "crates/…/mod.rs");
        assert_eq!(shorten(path, 3), "…/mod.rs");
        assert_eq!(shorten("one-long-name.txt", 5), "one-long-name.txt");
    }
}
