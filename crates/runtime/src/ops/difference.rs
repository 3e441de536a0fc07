//! How contents differ, for people: a unified diff of bounded cost, or why there is none.
use std::fmt::Write as _;

use similar::{Algorithm, DiffOp, capture_diff_slices, group_diff_ops};

use crate::plan::Diff;

use super::text;

/// Lines of context around a change, as diff(1) gives them.
const CONTEXT: usize = 3;
/// Above this product of changed lines, the changed middle is shown as one block: still true,
/// only coarser. The finest diff costs the product of both, and an agent decides about both.
const EFFORT: usize = 4_000_000;

/// The diff between two contents; `None` is a file that is not there.
///
/// No clock decides how fine it is, so that planning twice gives the same.
pub(crate) fn unified(path: &str, old: Option<&[u8]>, new: Option<&[u8]>, limit: usize) -> Diff {
    let too_large = |bytes: Option<&[u8]>| bytes.is_some_and(|b| b.len() > limit);
    if too_large(old) || too_large(new) {
        return opaque("too large to be shown as lines", size(old), size(new));
    }
    let (before, after) = match (
        text::whole(old.unwrap_or_default()),
        text::whole(new.unwrap_or_default()),
    ) {
        (Ok(before), Ok(after)) => (before, after),
        _ => return opaque("not text", size(old), size(new)),
    };
    let before: Vec<&str> = before.split_inclusive('\n').collect();
    let after: Vec<&str> = after.split_inclusive('\n').collect();
    let mut out = String::new();
    for group in group_diff_ops(steps(&before, &after), CONTEXT) {
        if out.is_empty() {
            let name = |there: bool, side: &str| match there {
                true => format!("{side}/{path}"),
                false => "/dev/null".to_owned(),
            };
            let (a, b) = (name(old.is_some(), "a"), name(new.is_some(), "b"));
            let _ = write!(out, "--- {a}\n+++ {b}\n");
        }
        hunk(&mut out, &group, &before, &after);
        if out.len() > limit {
            return opaque("too much changes to be shown", size(old), size(new));
        }
    }
    Diff::Unified(out)
}

/// Says why there is no diff, and the sizes on both sides.
pub(super) fn opaque(why: &str, old: Option<u64>, new: Option<u64>) -> Diff {
    Diff::Opaque(match (old, new) {
        (None, Some(new)) => format!("{why}; {new} bytes are written"),
        (Some(old), Some(new)) => format!("{why}; {old} bytes become {new}"),
        (Some(old), None) => format!("{why}; {old} bytes go"),
        (None, None) => why.to_owned(),
    })
}

fn size(bytes: Option<&[u8]>) -> Option<u64> {
    bytes.and_then(|b| u64::try_from(b.len()).ok())
}

fn steps(before: &[&str], after: &[&str]) -> Vec<DiffOp> {
    let same = |(a, b): &(&&str, &&str)| a == b;
    let head = before.iter().zip(after).take_while(same).count();
    let (rest_before, rest_after) = (before.len() - head, after.len() - head);
    let tail = before
        .iter()
        .rev()
        .take(rest_before)
        .zip(after.iter().rev().take(rest_after))
        .take_while(same)
        .count();
    let (old_len, new_len) = (rest_before - tail, rest_after - tail);
    if old_len.saturating_mul(new_len) <= EFFORT {
        return capture_diff_slices(Algorithm::Myers, before, after);
    }
    let equal = |old_index, new_index, len| DiffOp::Equal {
        old_index,
        new_index,
        len,
    };
    let mut out = Vec::new();
    if head > 0 {
        out.push(equal(0, 0, head));
    }
    out.push(DiffOp::Replace {
        old_index: head,
        old_len,
        new_index: head,
        new_len,
    });
    if tail > 0 {
        out.push(equal(head + old_len, head + new_len, tail));
    }
    out
}

fn hunk(out: &mut String, group: &[DiffOp], before: &[&str], after: &[&str]) {
    let (Some(first), Some(last)) = (group.first(), group.last()) else {
        return;
    };
    let old = span(first.old_range().start, last.old_range().end);
    let new = span(first.new_range().start, last.new_range().end);
    let _ = writeln!(out, "@@ -{old} +{new} @@");
    for step in group {
        let (gone, come) = (
            before.get(step.old_range()).unwrap_or_default(),
            after.get(step.new_range()).unwrap_or_default(),
        );
        if matches!(step, DiffOp::Equal { .. }) {
            lines(out, ' ', gone);
        } else {
            lines(out, '-', gone);
            lines(out, '+', come);
        }
    }
}

/// A range as POSIX diff -u writes it: an empty one names the line before it.
fn span(start: usize, end: usize) -> String {
    match end - start {
        0 => format!("{start},0"),
        1 => (start + 1).to_string(),
        n => format!("{},{n}", start + 1),
    }
}

fn lines(out: &mut String, sign: char, lines: &[&str]) {
    for line in lines {
        out.push(sign);
        out.push_str(line);
        if !line.ends_with('\n') {
            out.push_str("\n\\ No newline at end of file\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(old: &str, new: &str) -> String {
        match unified("f", Some(old.as_bytes()), Some(new.as_bytes()), 1 << 20) {
            Diff::Unified(text) => text,
            Diff::Opaque(why) => panic!("{why}"),
        }
    }

    /// Applies a diff as patch(1) does, from its text alone.
    fn patched(old: &str, diff: &str) -> String {
        let old: Vec<&str> = old.split_inclusive('\n').collect();
        let mut out = String::new();
        let mut at = 0;
        let mut last = ' ';
        for line in diff.split_inclusive('\n').skip(2) {
            if let Some(range) = line.strip_prefix("@@ -") {
                let range = range.split(' ').next().unwrap();
                let (start, len) = range.split_once(',').unwrap_or((range, "1"));
                let start: usize = start.parse().unwrap();
                let from = if len == "0" { start } else { start - 1 };
                out.push_str(&old[at..from].concat());
                at = from;
                continue;
            }
            let (sign, text) = (line.chars().next().unwrap(), &line[1..]);
            match sign {
                ' ' | '-' => {
                    assert_eq!(old[at].trim_end_matches('\n'), text.trim_end_matches('\n'));
                    at += 1;
                    if sign == ' ' {
                        out.push_str(text);
                    }
                }
                '+' => out.push_str(text),
                '\\' if last != '-' => assert_eq!(out.pop(), Some('\n')),
                _ => {}
            }
            last = sign;
        }
        out + &old[at..].concat()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn a_diff_patches_old_into_new(
            old in "([ab]{0,2}\n){0,12}[ab]{0,1}",
            new in "([ab]{0,2}\n){0,12}[ab]{0,1}",
        ) {
            let diff = shown(&old, &new);
            prop_assert_eq!(diff.is_empty(), old == new);
            prop_assert_eq!(patched(&old, &diff), new);
        }
    }

    #[test]
    fn a_coarse_diff_is_still_true() {
        let body = |c: char| (0..3000).fold(String::new(), |s, i| s + &format!("{c}{i}\n"));
        let (old, new) = (
            format!("x\n{}y\n", body('a')),
            format!("x\n{}y\n", body('b')),
        );
        let diff = shown(&old, &new);
        assert_eq!(diff.matches("\n@@").count(), 1);
        assert_eq!(patched(&old, &diff), new);
    }

    #[test]
    fn what_cannot_be_shown_says_why() {
        let opaque = |old: Option<&[u8]>, new: Option<&[u8]>| match unified("f", old, new, 20) {
            Diff::Opaque(why) => why,
            Diff::Unified(text) => panic!("{text}"),
        };
        assert_eq!(
            opaque(Some(b"a\0"), Some(b"b")),
            "not text; 2 bytes become 1"
        );
        assert_eq!(
            opaque(None, Some(&[b'a'; 21])),
            "too large to be shown as lines; 21 bytes are written"
        );
    }

    #[test]
    fn a_new_file_comes_from_nowhere() {
        let Diff::Unified(text) = unified("d/f", None, Some(b"one\ntwo"), 1000) else {
            panic!("no diff");
        };
        assert_eq!(
            text,
            "--- /dev/null\n+++ b/d/f\n@@ -0,0 +1,2 @@\n+one\n+two\n\\ No newline at end of file\n"
        );
    }
}
