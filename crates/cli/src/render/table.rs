//! Aligned columns.
use anstyle::Style;

use crate::escape;
use crate::out::paint;

/// One cell: what is shown, and how. Its text has been escaped.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) style: Style,
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            style: Style::new(),
        }
    }

    pub(crate) fn styled(text: impl Into<String>, style: Style) -> Self {
        Self {
            text: text.into(),
            style,
        }
    }
}

/// The rows as lines that something else follows: every cell padded.
pub(crate) fn heads(color: bool, rows: &[Vec<Cell>]) -> Vec<String> {
    // A column of marks at the end, so that the last real one is padded too.
    let marked: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| row.iter().cloned().chain([Cell::new("|")]).collect())
        .collect();
    let mut lines = lines(color, 0, &marked);
    for line in &mut lines {
        line.pop();
    }
    lines
}

/// The rows as lines, two blanks between columns, the last column as long as it is.
pub(crate) fn lines(color: bool, indent: usize, rows: &[Vec<Cell>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|c| {
            rows.iter()
                .filter_map(|row| row.get(c))
                .map(|cell| escape::width(&cell.text))
                .max()
                .unwrap_or(0)
        })
        .collect();
    rows.iter()
        .map(|row| {
            let mut line = " ".repeat(indent);
            for (c, (cell, width)) in row.iter().zip(&widths).enumerate() {
                line.push_str(&paint(color, cell.style, &cell.text));
                if c + 1 < row.len() {
                    let pad = width.saturating_sub(escape::width(&cell.text)) + 2;
                    line.push_str(&" ".repeat(pad));
                }
            }
            line.truncate(line.trim_end_matches(' ').len());
            line
        })
        .collect()
}

/// Text broken at blanks so that no line is wider than it may be.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && escape::width(&line) + 1 + escape::width(word) > width {
            out.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        out.push(line);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_what_is_seen() {
        let rows = vec![
            vec![Cell::new("日本"), Cell::new("x")],
            vec![Cell::new("abcdef"), Cell::new("y")],
            vec![Cell::new("a"), Cell::new("")],
        ];
        assert_eq!(lines(false, 1, &rows), [" 日本    x", " abcdef  y", " a"]);
    }

    #[test]
    fn text_is_broken_at_blanks() {
        assert_eq!(wrap("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrap("toolongword x", 5), ["toolongword", "x"]);
    }
}
