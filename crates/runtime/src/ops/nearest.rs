//! What an edit that fits nowhere was probably meant for, and what differs there.
use std::collections::HashMap;

/// Lines of a file looked at, at most; beyond that no help is better than a slow one.
const LINES: usize = 200_000;
/// Lines compared pair by pair, at most: that costs more.
const LIKENESS: usize = 20_000;
/// Characters of a line that are shown.
const SHOWN: usize = 100;

/// A sentence about the place that comes nearest to `old`, if one does.
pub(super) fn hint(text: &str, old: &str) -> Option<String> {
    let have: Vec<&str> = text.split('\n').take(LINES).collect();
    let want: Vec<&str> = old.split('\n').collect();
    let start = by_squeezed(&have, &want).or_else(|| by_likeness(&have, &want))?;
    let mut worst = None;
    for (j, line) in want.iter().enumerate() {
        let i = start.checked_add_signed(isize::try_from(j).ok()?)?;
        let Some(there) = have.get(i) else {
            return Some(format!(
                "the nearest lines begin at {}, but the file ends before oldText does",
                start + 1
            ));
        };
        // The first and the last line of oldText may be parts of lines.
        let fits = match (j == 0, j + 1 == want.len()) {
            (true, true) => there.contains(line),
            (true, false) => bare(there).ends_with(bare(line)),
            (false, true) => there.starts_with(line),
            (false, false) => bare(there) == bare(line),
        };
        if !fits {
            worst = Some((i, *there, *line));
            break;
        }
    }
    let (i, there, line) = worst?;
    Some(format!(
        "nearest is line {}: {} where oldText has {} ({})",
        i + 1,
        shown(there),
        shown(line),
        difference(there, line)
    ))
}

/// The place where most lines agree but for white space.
fn by_squeezed(have: &[&str], want: &[&str]) -> Option<usize> {
    let mut lines: HashMap<String, Vec<usize>> = HashMap::new();
    for (j, line) in want.iter().enumerate() {
        let key = squeezed(line);
        if !key.is_empty() {
            lines.entry(key).or_default().push(j);
        }
    }
    let mut votes: HashMap<usize, usize> = HashMap::new();
    for (i, line) in have.iter().enumerate() {
        for j in lines.get(&squeezed(line)).into_iter().flatten().take(16) {
            if let Some(start) = i.checked_sub(*j) {
                *votes.entry(start).or_default() += 1;
            }
        }
    }
    votes
        .into_iter()
        .max_by_key(|(start, count)| (*count, std::cmp::Reverse(*start)))
        .map(|(start, _)| start)
}

/// The place where the first line with content has the most pairs of characters in common.
fn by_likeness(have: &[&str], want: &[&str]) -> Option<usize> {
    let (j, line) = want
        .iter()
        .enumerate()
        .find(|(_, l)| squeezed(l).chars().count() > 2)?;
    let wanted = pairs(line);
    let mut best: Option<(usize, usize)> = None;
    for (i, there) in have.iter().enumerate().take(LIKENESS).skip(j) {
        let there = pairs(there);
        let common: usize = wanted
            .iter()
            .map(|(pair, n)| (*n).min(there.get(pair).copied().unwrap_or(0)))
            .sum();
        let total = wanted.values().sum::<usize>() + there.values().sum::<usize>();
        // Dice's coefficient in thousandths; below 600 two lines merely look alike.
        let score = (2000 * common).checked_div(total).unwrap_or(0);
        if score >= 600 && best.is_none_or(|(s, _)| score > s) {
            best = Some((score, i - j));
        }
    }
    best.map(|(_, start)| start)
}

fn pairs(line: &str) -> HashMap<(char, char), usize> {
    let text = squeezed(line);
    let mut out = HashMap::new();
    for pair in text.chars().take(400).zip(text.chars().skip(1)) {
        *out.entry(pair).or_default() += 1;
    }
    out
}

fn squeezed(line: &str) -> String {
    line.chars().filter(|c| !c.is_whitespace()).collect()
}

fn bare(line: &str) -> &str {
    line.strip_suffix('\r').unwrap_or(line)
}

fn difference(there: &str, line: &str) -> String {
    let (a, b) = (bare(there), bare(line));
    if squeezed(a) != squeezed(b) {
        return match a.to_lowercase() == b.to_lowercase() {
            true => "upper and lower case differ".to_owned(),
            false => "other characters".to_owned(),
        };
    }
    let mut all = Vec::new();
    let indent = |s: &str| -> String { s.chars().take_while(|c| c.is_whitespace()).collect() };
    let (before_a, before_b) = (indent(a), indent(b));
    if before_a != before_b {
        all.push(format!(
            "indented by {}, not by {}",
            spaces(&before_a),
            spaces(&before_b)
        ));
    }
    let trailing = |s: &str| s.len() - s.trim_end().len();
    match (trailing(a), trailing(b)) {
        (x, y) if x == y => {}
        (0, _) => all.push("oldText has white space at the end of the line".to_owned()),
        _ => all.push("the file has white space at the end of the line".to_owned()),
    }
    if all.is_empty() && a != b {
        all.push("the white space inside the line differs".to_owned());
    }
    if all.is_empty() {
        all.push("the line ends differ".to_owned());
    }
    all.join("; ")
}

fn spaces(text: &str) -> String {
    if text.is_empty() {
        return "nothing".to_owned();
    }
    let tabs = text.chars().filter(|c| *c == '\t').count();
    let blanks = text.chars().filter(|c| *c == ' ').count();
    let many = |n: usize, what: &str| match n {
        1 => format!("1 {what}"),
        _ => format!("{n} {what}s"),
    };
    match (tabs, blanks) {
        (t, b) if t + b < text.chars().count() => "other white space".to_owned(),
        (0, b) => many(b, "space"),
        (t, 0) => many(t, "tab"),
        (t, b) => format!("{} and {}", many(t, "tab"), many(b, "space")),
    }
}

fn shown(line: &str) -> String {
    let cut: String = line.chars().take(SHOWN).collect();
    let more = match cut.len() < line.len() {
        true => "…",
        false => "",
    };
    format!("{cut:?}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn help_never_fails_and_names_a_line_that_is_there(
            text in "([ab \t\r日]{0,6}\n){0,6}[ab ]{0,3}", old in "[ab \t\r日\n]{1,9}",
        ) {
            prop_assume!(!text.contains(&old));
            if let Some(line) = hint(&text, &old).and_then(|h| {
                h.strip_prefix("nearest is line ")?.split(':').next()?.parse::<usize>().ok()
            }) {
                prop_assert!(line >= 1 && line <= text.split('\n').count());
            }
        }
    }

    #[test]
    fn lesson_i3_near_misses_say_what_differs() {
        let text = "fn a() {\n\tlet x = 1;\n    let y = 2;  \n}\nfn Other() {}\r\n";
        let cases = [
            (
                "    let x = 1;",
                "line 2",
                "indented by 1 tab, not by 4 spaces",
            ),
            ("    let y = 2;\n}", "line 3", "white space at the end"),
            ("fn a() {\n    let x = 1;", "line 2", "not by 4 spaces"),
            ("\tlet x  = 1;", "line 2", "inside the line"),
            ("fn other() {}", "line 5", "upper and lower case"),
            ("\tlet x = 12;", "line 2", "other characters"),
        ];
        for (old, line, why) in cases {
            assert!(!text.contains(old));
            let hint = hint(text, old).unwrap_or_else(|| panic!("nothing near {old:?}"));
            assert!(hint.contains(line), "{hint} should name {line}");
            assert!(hint.contains(why), "{hint} should say {why}");
        }
        assert_eq!(hint(text, "something entirely else"), None);
    }

    #[test]
    fn long_lines_are_cut() {
        let text = format!("{}!", "abc".repeat(400));
        let hint = hint(&text, &format!("{}?", "abc".repeat(400))).unwrap();
        assert!(hint.len() < 400, "{hint}");
    }
}
