//! Edits as exact byte splices: what is not named stays as it is, byte for byte.
use std::borrow::Cow;
use std::ops::Range;

use aifirst_undo::Piece;

/// How often the old text must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Times {
    /// Exactly once; more than once is ambiguous.
    Once,
    /// So often, and all of them are replaced.
    Exactly(u64),
    /// At least once, and all of them are replaced.
    All,
}

/// One edit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edit<'a> {
    /// The text that shall go. Not empty.
    pub(super) old: &'a str,
    /// The text that shall stand there instead; nothing in it is expanded.
    pub(super) new: &'a str,
    /// How often.
    pub(super) times: Times,
}

/// Why an edit does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Misfit {
    /// The old text is nowhere.
    Nowhere,
    /// It is there so often, beginning on these lines (the first few).
    Count(u64, Vec<u64>),
}

/// A file's text as pieces of what it was.
#[derive(Debug)]
pub(super) struct Spliced {
    text: Vec<u8>,
    pieces: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Old(Range<usize>),
    New(Vec<u8>),
}

impl Spliced {
    /// The whole file, untouched.
    pub(super) fn new(text: &str) -> Self {
        Self {
            text: text.as_bytes().to_vec(),
            pieces: vec![Part::Old(0..text.len())],
        }
    }

    /// The text as it stands now.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// The pieces, for the engine.
    pub(super) fn into_pieces(self) -> Vec<Piece> {
        self.pieces
            .into_iter()
            .map(|p| match p {
                Part::Old(r) => Piece::Old {
                    offset: number(r.start),
                    len: number(r.len()),
                },
                Part::New(bytes) => Piece::New(bytes),
            })
            .collect()
    }

    /// Makes one edit on the text as it stands now; gives how many places it changed.
    pub(super) fn edit(&mut self, edit: Edit<'_>) -> Result<u64, Misfit> {
        let text = String::from_utf8_lossy(&self.text);
        let (found, new) = matches(&text, edit.old, edit.new);
        if found.is_empty() {
            return Err(Misfit::Nowhere);
        }
        let count = number(found.len());
        let (wrong, count) = match edit.times {
            Times::Once if found.len() > 1 => (true, count),
            // A second place that overlaps the first makes it ambiguous all the same.
            Times::Once if overlaps(&text, edit.old) => (true, 2),
            Times::Exactly(n) => (count != n, count),
            Times::Once | Times::All => (false, count),
        };
        if wrong {
            let lines = found.iter().take(10).map(|r| line_of(&text, r.start));
            return Err(Misfit::Count(count, lines.collect()));
        }
        let places: Vec<(Range<usize>, Vec<u8>)> = found
            .into_iter()
            .map(|range| core(&text, range, &new))
            .collect();
        let changed = number(places.len());
        self.put(&places);
        Ok(changed)
    }

    /// Replaces ranges of the present text, in ascending order and apart.
    fn put(&mut self, places: &[(Range<usize>, Vec<u8>)]) {
        let mut text = Vec::with_capacity(self.text.len());
        let mut pieces = Vec::new();
        let mut old = Walk::over(std::mem::take(&mut self.pieces));
        let mut at = 0;
        for (range, put) in places {
            text.extend_from_slice(self.text.get(at..range.start).unwrap_or_default());
            text.extend_from_slice(put);
            old.copy(range.start - at, &mut pieces);
            old.skip(range.len());
            if !put.is_empty() {
                pieces.push(Part::New(put.clone()));
            }
            at = range.end;
        }
        text.extend_from_slice(self.text.get(at..).unwrap_or_default());
        old.copy(self.text.len() - at, &mut pieces);
        self.text = text;
        self.pieces = pieces;
    }
}

/// Goes through pieces once, front to back.
struct Walk {
    rest: std::vec::IntoIter<Part>,
    now: Option<Part>,
}

impl Walk {
    fn over(pieces: Vec<Part>) -> Self {
        let mut rest = pieces.into_iter();
        let now = rest.next();
        Self { rest, now }
    }

    fn copy(&mut self, len: usize, to: &mut Vec<Part>) {
        self.go(len, &mut |part| to.push(part));
    }

    fn skip(&mut self, len: usize) {
        self.go(len, &mut |_| {});
    }

    fn go(&mut self, mut len: usize, each: &mut dyn FnMut(Part)) {
        while len > 0 {
            let Some(part) = self.now.take() else { return };
            let have = match &part {
                Part::Old(r) => r.len(),
                Part::New(b) => b.len(),
            };
            if have <= len {
                len -= have;
                each(part);
                self.now = self.rest.next();
            } else {
                let (first, second) = match part {
                    Part::Old(r) => (
                        Part::Old(r.start..r.start + len),
                        Part::Old(r.start + len..r.end),
                    ),
                    Part::New(mut b) => {
                        let tail = b.split_off(len);
                        (Part::New(b), Part::New(tail))
                    }
                };
                each(first);
                self.now = Some(second);
                return;
            }
        }
    }
}

/// The new text, and whether its line ends are those of the place.
enum NewText<'a> {
    /// As it was given.
    Exact(&'a str),
    /// With LF only; it takes the line ends of the place.
    Local(Cow<'a, str>),
}

/// The places where the old text stands, apart from each other; line ends count only where the
/// old text names them itself.
fn matches<'a>(text: &str, old: &str, new: &'a str) -> (Vec<Range<usize>>, NewText<'a>) {
    let has_cr = |s: &str| s.contains("\r\n");
    if has_cr(old) {
        let found = all(text, old);
        if !found.is_empty() {
            return (found, NewText::Exact(new));
        }
    }
    let local = if has_cr(old) && has_cr(new) {
        NewText::Local(Cow::Owned(new.replace("\r\n", "\n")))
    } else if has_cr(new) {
        NewText::Exact(new)
    } else {
        NewText::Local(Cow::Borrowed(new))
    };
    if !has_cr(text) {
        let found = match has_cr(old) {
            true => all(text, &old.replace("\r\n", "\n")),
            false => all(text, old),
        };
        return (found, local);
    }
    // The same text with LF only, and where each CR was taken out.
    let mut plain = String::with_capacity(text.len());
    let mut taken: Vec<usize> = Vec::new();
    for (i, piece) in text.split("\r\n").enumerate() {
        if i > 0 {
            taken.push(plain.len());
            plain.push('\n');
        }
        plain.push_str(piece);
    }
    // A place in the plain text lies as many bytes further on as CRs were taken before it; a
    // place just before such an LF lies before its CR, so whole line ends go or stay.
    let back = |at: usize| at + taken.partition_point(|t| *t < at);
    let found = all(&plain, &old.replace("\r\n", "\n"))
        .into_iter()
        .map(|r| back(r.start)..back(r.end))
        .collect();
    (found, local)
}

fn all(text: &str, old: &str) -> Vec<Range<usize>> {
    text.match_indices(old)
        .map(|(at, found)| at..at + found.len())
        .collect()
}

/// Whether the one place where the old text stands is overlapped by another.
fn overlaps(text: &str, old: &str) -> bool {
    let (text, old) = (text.replace("\r\n", "\n"), old.replace("\r\n", "\n"));
    let step = old.chars().next().map_or(1, char::len_utf8);
    let again = |at: usize| {
        text.get(at + step..)
            .is_some_and(|rest| rest.contains(&old))
    };
    text.find(&old).is_some_and(again)
}

fn number(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// Narrows a replacement to what differs, so that the lines both texts share keep their bytes.
fn core(text: &str, range: Range<usize>, new: &NewText<'_>) -> (Range<usize>, Vec<u8>) {
    let new = match new {
        NewText::Exact(new) => return (range, new.as_bytes().to_vec()),
        NewText::Local(new) => new.as_ref(),
    };
    let old = text.get(range.clone()).unwrap_or_default();
    let old_lines: Vec<&str> = old.split_inclusive('\n').collect();
    let new_lines: Vec<&str> = new.split_inclusive('\n').collect();
    let same = |(a, b): &(&&str, &&str)| plain_line(a) == plain_line(b);
    let head = old_lines.iter().zip(&new_lines).take_while(same).count();
    let tail = old_lines
        .iter()
        .skip(head)
        .rev()
        .zip(new_lines.iter().skip(head).rev())
        .take_while(same)
        .count();
    let length = |lines: &[&str]| lines.iter().map(|l| l.len()).sum::<usize>();
    let start = range.start + length(old_lines.get(..head).unwrap_or_default());
    let end = range.end - length(old_lines.get(old_lines.len() - tail..).unwrap_or_default());
    let put = new_lines
        .get(head..new_lines.len() - tail)
        .unwrap_or_default()
        .concat();
    let put = match line_end(text, start..end) {
        "\n" => put,
        end => put.replace('\n', end),
    };
    (start..end, put.into_bytes())
}

fn plain_line(line: &str) -> (&str, bool) {
    match line.strip_suffix('\n') {
        Some(rest) => (rest.strip_suffix('\r').unwrap_or(rest), true),
        None => (line, false),
    }
}

/// The line end that new lines at a place take: that of the first line that ends there, else of
/// the line around it, else of the one before.
fn line_end(text: &str, range: Range<usize>) -> &'static str {
    let kind = |at: usize| match at.checked_sub(1).and_then(|i| text.as_bytes().get(i)) {
        Some(b'\r') => "\r\n",
        _ => "\n",
    };
    let from = range.start;
    if let Some(at) = text.get(from..).and_then(|rest| rest.find('\n')) {
        return kind(from + at);
    }
    match text.get(..from).and_then(|before| before.rfind('\n')) {
        Some(at) => kind(at),
        None => "\n",
    }
}

/// The line a byte lies on, counted from 1.
pub(super) fn line_of(text: &str, at: usize) -> u64 {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    number(before.iter().filter(|b| **b == b'\n').count()).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn once<'a>(old: &'a str, new: &'a str) -> Edit<'a> {
        Edit {
            old,
            new,
            times: Times::Once,
        }
    }

    /// What the engine will make of the pieces.
    fn made(old: &str, pieces: &[Piece]) -> Vec<u8> {
        pieces.iter().fold(Vec::new(), |mut out, p| {
            match p {
                Piece::Old { offset, len } => {
                    let start = usize::try_from(*offset).unwrap();
                    let len = usize::try_from(*len).unwrap();
                    out.extend_from_slice(&old.as_bytes()[start..start + len]);
                }
                Piece::New(bytes) => out.extend_from_slice(bytes),
            }
            out
        })
    }

    fn edited(text: &str, edits: &[Edit<'_>]) -> Result<String, Misfit> {
        let mut spliced = Spliced::new(text);
        for e in edits {
            spliced.edit(*e)?;
        }
        let now = spliced.text().to_vec();
        assert_eq!(made(text, &spliced.into_pieces()), now);
        Ok(String::from_utf8(now).unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn pieces_and_text_never_part(
            text in "[ab\n]{0,40}",
            edits in proptest::collection::vec(("[ab\n]{1,3}", "[abc\n$&]{0,4}", any::<bool>()), 0..6),
        ) {
            let mut spliced = Spliced::new(&text);
            let mut want = text.clone();
            for (old, new, every) in &edits {
                let times = if *every { Times::All } else { Times::Once };
                if spliced.edit(Edit { old, new, times }).is_ok() {
                    want = if *every { want.replace(old.as_str(), new) } else { want.replacen(old.as_str(), new, 1) };
                }
                prop_assert_eq!(spliced.text(), want.as_bytes());
            }
            let now = spliced.text().to_vec();
            prop_assert_eq!(made(&text, &spliced.into_pieces()), now);
        }

        #[test]
        fn lesson_i5_edits_of_crlf_files_are_those_of_lf_files(
            text in "[ab\n]{0,40}", old in "[ab\n]{1,3}", new in "[abc\n]{0,4}",
        ) {
            prop_assume!(text.contains('\n'));
            let crlf = |s: &str| s.replace('\n', "\r\n");
            let plain = edited(&text, &[once(&old, &new)]);
            let windows = edited(&crlf(&text), &[once(&old, &new)]);
            prop_assert_eq!(plain.clone().map(|s| crlf(&s)), windows);
            // A caller who writes CRLF himself gets the same.
            let both = edited(&crlf(&text), &[once(&crlf(&old), &crlf(&new))]);
            prop_assert_eq!(plain.map(|s| crlf(&s)), both);
        }
    }

    #[test]
    fn lesson_i1_new_text_has_no_pattern_language() {
        for new in ["$&", "$'", "$`", "$$", "$1", "\\1", "\\n"] {
            assert_eq!(
                edited("a-b", &[once("-", new)]).unwrap(),
                format!("a{new}b")
            );
        }
    }

    #[test]
    fn lesson_i2_several_matches_are_an_error_with_their_lines() {
        let e = edited("x = 1\ny\nx = 1\nx = 1\n", &[once("x = 1", "x = 2")]);
        assert_eq!(e, Err(Misfit::Count(3, vec![1, 3, 4])));
        // Overlapping ones are ambiguous too.
        assert_eq!(
            edited("aaa", &[once("aa", "b")]),
            Err(Misfit::Count(2, vec![1]))
        );
        let all = |times| {
            [Edit {
                old: "a",
                new: "b",
                times,
            }]
        };
        assert_eq!(edited("a a", &all(Times::All)).unwrap(), "b b");
        assert_eq!(edited("a a", &all(Times::Exactly(2))).unwrap(), "b b");
        assert_eq!(
            edited("a a", &all(Times::Exactly(3))),
            Err(Misfit::Count(2, vec![1, 1]))
        );
    }

    #[test]
    fn lesson_i5_other_lines_of_a_mixed_file_keep_their_ends() {
        let mixed = "one\r\ntwo\nthree\r\nfour\n";
        assert_eq!(
            edited(mixed, &[once("two\nthree\nfour", "two\nnew\nthree\nfour")]).unwrap(),
            "one\r\ntwo\nnew\r\nthree\r\nfour\n"
        );
        assert_eq!(
            edited(mixed, &[once("two", "a\nb")]).unwrap(),
            "one\r\na\nb\nthree\r\nfour\n"
        );
        assert_eq!(
            edited(mixed, &[once("one", "a\nb")]).unwrap(),
            "a\r\nb\r\ntwo\nthree\r\nfour\n"
        );
        // Whoever names the line end himself changes it.
        assert_eq!(
            edited(mixed, &[once("one\r\n", "one\n")]).unwrap(),
            "one\ntwo\nthree\r\nfour\n"
        );
    }

    #[test]
    fn lesson_i4_only_the_span_differs() {
        let text = "\tif x {\u{a0}“q”  \n\t\ty\n";
        assert_eq!(
            edited(text, &[once("y", "z")]).unwrap(),
            "\tif x {\u{a0}“q”  \n\t\tz\n"
        );
    }

    #[test]
    fn lesson_i6_and_i7_bom_and_missing_final_newline_stay() {
        assert_eq!(
            edited("\u{feff}a\nb", &[once("b", "c"), once("a", "d")]).unwrap(),
            "\u{feff}d\nc"
        );
        assert_eq!(
            edited("a\r\nb", &[once("b", "c\nd")]).unwrap(),
            "a\r\nc\r\nd"
        );
    }

    #[test]
    fn later_edits_see_what_earlier_ones_wrote() {
        assert_eq!(
            edited(
                "abc",
                &[once("b", "xyz"), once("yzc", "!"), once("ax!", "")]
            )
            .unwrap(),
            ""
        );
    }
}
