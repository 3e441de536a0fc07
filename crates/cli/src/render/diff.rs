//! Unified diffs in colour.
use crate::out::{Out, paint, style};
use crate::render::block;

/// One line of a unified diff, coloured by its first character. Escaped by the caller.
pub(crate) fn paint_line(color: bool, line: &str) -> String {
    let style = match line.as_bytes() {
        [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => style::STRONG,
        [b'+', ..] => style::PLUS,
        [b'-', ..] => style::MINUS,
        [b'@', b'@', ..] => style::HUNK,
        _ => return line.to_owned(),
    };
    paint(color, style, line)
}

/// A whole unified diff.
pub(crate) fn write(out: &mut Out, diff: &str) {
    let look = out.look();
    // Not `lines()`: it would eat the CR of a CRLF file, and the diff has to apply.
    for line in block(look, diff).split_inclusive('\n') {
        let line = line.strip_suffix('\n').unwrap_or(line);
        out.line(paint_line(look.color, line));
    }
}
