//! `read_text_file`: a text file whole, or some of its lines, in bounded memory.
//!
//! Long because reading from the front, reading from the end, and the property that holds for both
//! stand together.
use aifirst_sandbox::{File, Leaf, RawRel};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::cause::guard;
use crate::context::Context;
use crate::effect::{Effect, Reversibility};
use crate::error::{Error, Result};
use crate::operation::{Example, Operation, Spec};
use crate::plan::Plan;
use crate::schema::{Param, Type};

use super::content::{self, Next};
use super::given;
use super::place::{Place, quoted, result, result_schema};
use super::text::{self, Check, NotText};

/// Reads a text file.
pub(crate) struct ReadTextFile {
    spec: Spec,
}

impl ReadTextFile {
    pub(crate) fn new() -> Self {
        let lines = Type::Integer { min: 1 };
        Self {
            spec: Spec {
                name: "read_text_file",
                title: "Read a text file",
                description: "Reads a UTF-8 text file, whole or some of its lines, exactly as it \
                    is but for a byte-order mark, which is left out and reported. What is no text \
                    is an error that says why. Long files are cut at whole lines, and the result \
                    says so and where to go on. It changes nothing, so there is nothing to undo, \
                    and it does not ask unless the policy says so.",
                params: vec![
                    Param::required(
                        "path",
                        Type::Text,
                        "The file, relative to the workspace or absolute inside it.",
                    )
                    .path()
                    .or(&["file_path"]),
                    Param::optional(
                        "head",
                        lines.clone(),
                        "Only so many lines from the beginning.",
                    ),
                    Param::optional("tail", lines.clone(), "Only so many lines from the end."),
                    Param::optional(
                        "offset",
                        lines.clone(),
                        "The first line to give, counted from 1.",
                    ),
                    Param::optional("limit", lines, "Only so many lines from offset on."),
                    Param::optional(
                        "max_bytes",
                        Type::Integer { min: 4 },
                        "At most so many bytes of text; never more than the runtime's own limit.",
                    ),
                ],
                result: result_schema(
                    json!({
                        "content": {"type": "string", "description": "The text, with its line ends as they are."},
                        "lines": {"type": "integer", "description": "How many lines it has."},
                        "first_line": {"type": "integer", "description": "The number of its first line; not known for tail."},
                        "total_bytes": {"type": "integer", "description": "Size of the whole file."},
                        "total_lines": {"type": "integer", "description": "Lines of the whole file, where the end was reached."},
                        "truncated": {"type": "boolean", "description": "Whether max_bytes cut it short."},
                        "next_offset": {"type": "integer", "description": "The line to go on with, where there is more."},
                        "bom": {"type": "boolean", "description": "Whether the file begins with a byte-order mark."},
                        "line_ends": {"type": "string", "enum": ["lf", "crlf", "mixed", "none"], "description": "The line ends of the text given."},
                        "sha256": {"type": "string", "description": "SHA-256 of the file, where all of it was given; for expected_sha256."},
                    }),
                    &[
                        "content",
                        "lines",
                        "total_bytes",
                        "truncated",
                        "bom",
                        "line_ends",
                    ],
                ),
                effects: &[Effect::Read],
                reversibility: Reversibility::Exact,
                examples: vec![
                    Example {
                        words: "read a file",
                        params: json!({"path": "README.md"}),
                    },
                    Example {
                        words: "read lines 2 to 3",
                        params: json!({"path": "src/main.rs", "offset": 2, "limit": 2}),
                    },
                ],
            },
        }
    }
}

impl Operation for ReadTextFile {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn plan(&self, params: &Value, context: &Context<'_>) -> Result<Plan> {
        let wanted = Wanted::of(params, context.limits().text)?;
        let spelled = given::text(params, "path")?;
        let place = Place::existing(context, spelled, Leaf::Follow)?;
        let file = place.open(context)?;
        let target = place.target_of(Effect::Read, &file);
        let summary = format!("read {}", quoted(&place.path));
        let notes = place.notes();
        let reading = Reading {
            file,
            path: place.path,
            spelled: place.spelled,
            wanted,
        };
        let reader = Box::new(move |context: &Context<'_>| reading.run(context));
        Ok(Plan {
            notes,
            ..Plan::read(summary, vec![target], reader)
        })
    }
}

/// Which lines, and how many bytes at most.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    part: Part,
    bytes: usize,
}

#[derive(Clone, Copy, Debug)]
enum Part {
    Lines { first: u64, count: Option<u64> },
    Tail(u64),
}

impl Wanted {
    fn of(params: &Value, most: u64) -> Result<Self> {
        let number = |name| given::number(params, name);
        let range = number("offset").is_some() || number("limit").is_some();
        let part = match (number("head"), number("tail"), range) {
            (Some(head), None, false) => Part::Lines {
                first: 1,
                count: Some(head),
            },
            (None, Some(tail), false) => Part::Tail(tail),
            (None, None, _) => Part::Lines {
                first: number("offset").unwrap_or(1),
                count: number("limit"),
            },
            _ => {
                return Err(Error::usage(
                    "the parameters \"head\", \"tail\" and \"offset\" with \"limit\" exclude each other",
                ));
            }
        };
        let bytes = number("max_bytes").unwrap_or(most).min(most);
        Ok(Self {
            part,
            bytes: usize::try_from(bytes).unwrap_or(usize::MAX),
        })
    }
}

struct Reading {
    file: File,
    path: RawRel,
    spelled: String,
    wanted: Wanted,
}

impl Reading {
    fn run(self, context: &Context<'_>) -> Result<Value> {
        let total = self
            .file
            .restat()
            .map_err(|e| guard(e, &self.spelled))?
            .size;
        let taken = match self.wanted.part {
            Part::Lines { first, count } => self.lines(first, count, context)?,
            Part::Tail(count) => self.tail(count, total, context)?,
        };
        Ok(result(&self.path, taken.into_fields(total)))
    }

    fn lines(&self, first: u64, count: Option<u64>, context: &Context<'_>) -> Result<Taken> {
        let mut check = Check::default();
        let mut hash = Sha256::new();
        let mut taken = Taken::new(first, count, self.wanted.bytes);
        let mut begin = true;
        content::blocks(&self.file, 0, &self.spelled, context, &mut |block| {
            hash.update(block);
            let text = check.take(block).map_err(|e| self.no_text(e))?;
            let text = match text.strip_prefix('\u{feff}') {
                Some(rest) if std::mem::take(&mut begin) => {
                    taken.bom = true;
                    rest
                }
                _ => text.as_str(),
            };
            begin &= text.is_empty();
            Ok(taken.take(text))
        })?;
        if taken.ended() {
            check.end().map_err(|e| self.no_text(e))?;
            taken.sha256 = (first == 1).then(|| hash.finalize().into());
        }
        Ok(taken)
    }

    fn tail(&self, count: u64, total: u64, context: &Context<'_>) -> Result<Taken> {
        let room = u64::try_from(self.wanted.bytes).unwrap_or(u64::MAX);
        let floor = total.saturating_sub(room);
        // The byte before tells whether a line begins right where there is room for it.
        let before = floor.saturating_sub(1);
        let (mut start, found) = self.line_from_end(count, total, before, context)?;
        let cut = !found && floor > 0;
        if cut {
            start = self.whole_from(floor, total, context)?;
        }
        let mut mark = [0; 3];
        let n = self.read(0, &mut mark)?;
        let bom = mark.get(..n) == Some(text::BOM);
        if bom && start < 3 {
            start = 3;
        }
        let mut check = Check::at(start);
        let mut taken = Taken::new(1, None, self.wanted.bytes);
        content::blocks(&self.file, start, &self.spelled, context, &mut |block| {
            let text = check.take(block).map_err(|e| self.no_text(e))?;
            Ok(taken.take(&text))
        })?;
        if taken.ended() {
            check.end().map_err(|e| self.no_text(e))?;
        }
        taken.bom = bom;
        taken.truncated |= cut;
        if start > u64::from(bom) * 3 {
            taken.from = None;
        }
        Ok(taken)
    }

    /// Where the last `count` lines begin, looked for from the end and no further than `floor`.
    fn line_from_end(
        &self,
        count: u64,
        total: u64,
        floor: u64,
        context: &Context<'_>,
    ) -> Result<(u64, bool)> {
        let mut buffer = vec![0; content::BLOCK];
        let mut end = total;
        let mut ends = 0;
        while end > floor {
            context.go_on()?;
            let len = (end - floor).min(u64::try_from(content::BLOCK).unwrap_or(u64::MAX));
            let from = end - len;
            let room = usize::try_from(len).unwrap_or(content::BLOCK);
            let block = buffer.get_mut(..room).unwrap_or_default();
            let n = self.read(from, block)?;
            for (i, byte) in block.iter().enumerate().take(n).rev() {
                let at = from.saturating_add(u64::try_from(i).unwrap_or(u64::MAX));
                // The line end at the end of the file closes the last line; it begins none.
                if *byte == b'\n' && at + 1 < total {
                    ends += 1;
                    if ends == count {
                        return Ok((at + 1, true));
                    }
                }
            }
            end = from;
        }
        Ok((floor, false))
    }

    /// The first whole line from an offset on, or the first whole character where there is none.
    fn whole_from(&self, floor: u64, total: u64, context: &Context<'_>) -> Result<u64> {
        let mut line = None;
        let mut at = floor.saturating_sub(1);
        content::blocks(&self.file, at, &self.spelled, context, &mut |block| {
            let found = block.iter().position(|b| *b == b'\n');
            line = found.map(|i| at.saturating_add(u64::try_from(i).unwrap_or(0)) + 1);
            at = at.saturating_add(u64::try_from(block.len()).unwrap_or(0));
            Ok(match line {
                Some(_) => Next::Stop,
                None => Next::More,
            })
        })?;
        if let Some(line) = line.filter(|l| *l < total) {
            return Ok(line);
        }
        let mut few = [0; 4];
        let n = self.read(floor, &mut few)?;
        let inside = few
            .iter()
            .take(n)
            .take_while(|b| **b & 0b1100_0000 == 0b1000_0000)
            .count();
        Ok(floor.saturating_add(u64::try_from(inside).unwrap_or(0)))
    }

    /// Reads until the buffer is full or the file ends.
    fn read(&self, at: u64, buffer: &mut [u8]) -> Result<usize> {
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|r| !r.is_empty()) {
            let from = at.saturating_add(u64::try_from(done).unwrap_or(u64::MAX));
            match self
                .file
                .read_at(from, rest)
                .map_err(|e| guard(e, &self.spelled))?
            {
                0 => break,
                n => done += n,
            }
        }
        Ok(done)
    }

    fn no_text(&self, why: NotText) -> Error {
        text::refusal(&self.spelled, why)
    }
}

/// What was taken so far.
struct Taken {
    from: Option<u64>,
    count: Option<u64>,
    room: usize,
    out: String,
    /// The line that the next character belongs to, counted from 1.
    line: u64,
    /// Where the last whole line in `out` ends.
    whole: usize,
    /// Whether the character before was a line end, or there was none.
    fresh: bool,
    more: bool,
    truncated: bool,
    bom: bool,
    next: Option<u64>,
    sha256: Option<[u8; 32]>,
}

impl Taken {
    fn new(first: u64, count: Option<u64>, room: usize) -> Self {
        Self {
            from: Some(first),
            count,
            room,
            out: String::new(),
            line: 1,
            whole: 0,
            fresh: true,
            more: false,
            truncated: false,
            bom: false,
            next: None,
            sha256: None,
        }
    }

    fn take(&mut self, text: &str) -> Next {
        let first = self.from.unwrap_or(1);
        for piece in text.split_inclusive('\n') {
            let last = self.count.map(|n| first.saturating_add(n));
            if last.is_some_and(|last| self.line >= last) {
                self.more = true;
                self.next = Some(self.line);
                return Next::Stop;
            }
            if self.line >= first {
                if self.out.len() + piece.len() > self.room {
                    self.cut(piece);
                    return Next::Stop;
                }
                self.out.push_str(piece);
            }
            self.fresh = piece.ends_with('\n');
            if self.fresh {
                self.line = self.line.saturating_add(1);
                self.whole = self.out.len();
            }
        }
        Next::More
    }

    /// No room for all of a piece: whole lines only, or the beginning of the first one.
    fn cut(&mut self, piece: &str) {
        self.more = true;
        self.truncated = true;
        self.next = Some(self.line);
        if self.whole > 0 {
            self.out.truncate(self.whole);
            return;
        }
        let room = self.room - self.out.len();
        let end = (0..=room.min(piece.len()))
            .rev()
            .find(|i| piece.is_char_boundary(*i))
            .unwrap_or(0);
        self.out.push_str(piece.get(..end).unwrap_or_default());
        self.next = Some(self.line.saturating_add(1));
    }

    /// Whether the end of the file was reached.
    fn ended(&self) -> bool {
        !self.more
    }

    fn into_fields(self, total: u64) -> Value {
        let crlf = self.out.matches("\r\n").count();
        let all = self.out.matches('\n').count();
        let open = usize::from(!self.out.is_empty() && !self.out.ends_with('\n'));
        let mut fields = json!({
            "content": self.out,
            "lines": all + open,
            "total_bytes": total,
            "truncated": self.truncated,
            "bom": self.bom,
            "line_ends": match (crlf, all) {
                (0, 0) => "none",
                (0, _) => "lf",
                (c, a) if c == a => "crlf",
                _ => "mixed",
            },
        });
        if let Value::Object(map) = &mut fields {
            if let Some(from) = self.from {
                map.insert("first_line".into(), json!(from));
                if !self.more {
                    let lines = self.line - u64::from(self.fresh);
                    map.insert("total_lines".into(), json!(lines));
                }
            }
            if let Some(next) = self.next.filter(|_| self.from.is_some()) {
                map.insert("next_offset".into(), json!(next));
            }
            if let Some(digest) = self.sha256.filter(|_| !self.truncated) {
                map.insert("sha256".into(), json!(given::hex(&digest)));
            }
        }
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::ops::testing::Tree;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]
        #[test]
        fn any_part_is_a_part_of_the_text(
            text in "([aé日\r]{0,4}\r?\n){0,8}[aé日]{0,4}",
            first in 1u64..10, limit in proptest::option::of(1u64..6),
            bytes in 4usize..60, tail in 1u64..10,
        ) {
            let tree = Tree::new();
            tree.write("f", &text);
            let all: Vec<&str> = text.split_inclusive('\n').collect();
            let mut params = json!({"path": "f", "offset": first, "max_bytes": bytes});
            if let Some(limit) = limit {
                params["limit"] = json!(limit);
            }
            let got = tree.call("read_text_file", params).unwrap();
            let content = got["content"].as_str().unwrap();
            let from = usize::try_from(first).unwrap() - 1;
            let most = limit.map_or(usize::MAX, |n| usize::try_from(n).unwrap());
            let wanted: Vec<&str> = all.iter().skip(from).take(most).copied().collect();
            let wanted_text = wanted.concat();
            prop_assert!(content.len() <= bytes);
            prop_assert!(wanted_text.starts_with(content));
            prop_assert_eq!(got["truncated"] == true, content != wanted_text);
            // Reading on from next_offset until there is none gives every whole line.
            if content == wanted_text {
                let next = got.get("next_offset").map(|n| usize::try_from(n.as_u64().unwrap()).unwrap() - 1);
                let left = all.get(from + wanted.len()..).unwrap_or_default();
                prop_assert_eq!(next, (!left.is_empty()).then_some(from + wanted.len()));
            }
            if got.get("total_lines").is_some() {
                prop_assert_eq!(&got["total_lines"], all.len());
            }

            let got = tree.call("read_text_file", json!({"path": "f", "tail": tail, "max_bytes": bytes})).unwrap();
            let content = got["content"].as_str().unwrap();
            let skip = all.len().saturating_sub(usize::try_from(tail).unwrap());
            let wanted = all[skip..].concat();
            prop_assert!(content.len() <= bytes);
            prop_assert!(wanted.ends_with(content), "{:?} is no end of {:?}", content, wanted);
            prop_assert_eq!(got["truncated"] == true, content != wanted);
        }
    }

    #[test]
    fn a_line_that_fits_exactly_is_not_cut() {
        let tree = Tree::new();
        tree.write("f", "\nééé");
        let read = |tail: u64, bytes: u64| {
            let params = json!({"path": "f", "tail": tail, "max_bytes": bytes});
            let got = tree.call("read_text_file", params).unwrap();
            (
                got["content"].as_str().unwrap().to_owned(),
                got["truncated"] == true,
            )
        };
        assert_eq!(read(1, 6), ("ééé".to_owned(), false));
        assert_eq!(read(2, 6), ("ééé".to_owned(), true));
        assert_eq!(read(2, 7), ("\nééé".to_owned(), false));
        assert_eq!(read(1, 5), ("éé".to_owned(), true));
    }

    #[test]
    fn lesson_i8_text_is_cut_between_characters() {
        let tree = Tree::new();
        tree.write("a", format!("{}日本", "x".repeat(1023)));
        tree.write("b", "日".repeat(171));
        for (path, bytes, want) in [("a", 1024, 1023), ("a", 1026, 1026), ("b", 512, 510)] {
            let got = tree
                .call("read_text_file", json!({"path": path, "max_bytes": bytes}))
                .unwrap();
            assert_eq!(got["content"].as_str().unwrap().len(), want);
            assert_eq!(got["truncated"], true);
        }
        // A block border inside a character is none.
        tree.write("c", format!("{}日", "x".repeat(content::BLOCK - 1)));
        let got = tree.call("read_text_file", json!({"path": "c"})).unwrap();
        assert_eq!(got["truncated"], false);
        assert!(got["content"].as_str().unwrap().ends_with("x日"));
    }

    #[test]
    fn lesson_i6_a_mark_is_hidden_and_said() {
        let tree = Tree::new();
        tree.write("f", "\u{feff}one\r\ntwo\r\n");
        for params in [json!({"path": "f"}), json!({"path": "f", "tail": 9})] {
            let got = tree.call("read_text_file", params).unwrap();
            assert_eq!(got["content"], "one\r\ntwo\r\n");
            assert_eq!(got["bom"], true);
            assert_eq!(got["line_ends"], "crlf");
        }
        let got = tree
            .call("read_text_file", json!({"path": "f", "tail": 1}))
            .unwrap();
        assert_eq!(got["content"], "two\r\n");
        assert_eq!(got["bom"], true);
    }

    #[test]
    fn what_is_no_text_is_said_with_its_place() {
        let tree = Tree::new();
        for (bytes, part) in [
            (&b"caf\xe9\n"[..], "0xe9 at offset 3"),
            (b"ab\0", "a NUL byte at offset 2"),
            (b"\xff\xfea\0", "UTF-16"),
            (b"a\xe2\x82", "no whole character"),
        ] {
            tree.write("f", bytes);
            for params in [json!({"path": "f"}), json!({"path": "f", "tail": 1})] {
                let e = tree.refused("read_text_file", params);
                assert_eq!(e.code(), "not_text");
                assert!(e.to_string().contains(part), "{e} should hold {part}");
            }
        }
    }

    #[test]
    fn ways_to_say_which_lines_exclude_each_other() {
        let tree = Tree::project();
        for params in [
            json!({"path": "README.md", "head": 1, "tail": 1}),
            json!({"path": "README.md", "head": 1, "offset": 1}),
            json!({"path": "README.md", "tail": 1, "limit": 1}),
            json!({"path": "README.md", "head": 0}),
        ] {
            assert_eq!(
                tree.refused("read_text_file", params).kind(),
                ErrorKind::Usage
            );
        }
    }

    #[test]
    fn lesson_i10_a_huge_file_costs_no_memory_and_a_pipe_no_time() {
        fn peak() -> u64 {
            let text = std::fs::read_to_string("/proc/self/status").unwrap();
            let line = text.lines().find(|l| l.starts_with("VmHWM")).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        }
        let tree = Tree::new();
        let file = std::fs::File::create(tree.path("sparse")).unwrap();
        file.set_len(2 << 30).unwrap();
        let before = peak();
        assert_eq!(
            tree.refused("read_text_file", json!({"path": "sparse"}))
                .code(),
            "not_text"
        );
        let e = tree.refused("read_text_file", json!({"path": "sparse", "tail": 3}));
        assert_eq!(e.code(), "not_text");
        // Other tests run beside this one; 2 GiB in memory would show all the same.
        assert!(peak() - before < 512 << 10, "{} KiB more", peak() - before);
        rustix::fs::mknodat(
            rustix::fs::CWD,
            tree.path("pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap();
        let e = tree.refused("read_text_file", json!({"path": "pipe"}));
        assert_eq!((e.kind(), e.code()), (ErrorKind::Guard, "special_file"));
    }
}
