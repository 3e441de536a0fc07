//! One Rust file with its comments, literals and test code told apart from the code that ships.

/// A Rust source text, seen in three ways of the same line structure.
#[derive(Debug)]
pub(crate) struct Source {
    /// As written.
    pub(crate) text: String,
    /// Comments and the insides of literals blanked out.
    pub(crate) code: String,
    /// `code` without the items under `#[cfg(test)]`.
    pub(crate) shipped: String,
}

impl Source {
    pub(crate) fn parse(text: String) -> Self {
        let code = blank_comments_and_literals(&text);
        let shipped = blank_test_items(&code);
        Self {
            text,
            code,
            shipped,
        }
    }
}

/// Yields the 1-based line and byte column of every place where `word` stands by itself.
pub(crate) fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = (usize, usize)> + 'a {
    text.lines().enumerate().flat_map(move |(at, line)| {
        line.match_indices(word)
            .filter(move |(column, found)| {
                let before = line[..*column].chars().next_back();
                let after = line[column + found.len()..].chars().next();
                let joins = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
                // A pattern that ends in punctuation needs no boundary behind it.
                let open_end = word.ends_with(|c: char| !(c.is_alphanumeric() || c == '_'));
                !joins(before) && (open_end || !joins(after))
            })
            .map(move |(column, _)| (at + 1, column))
    })
}

fn blank_comments_and_literals(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let mut i = 0;
    let blank = |out: &mut String, c: char| out.push(if c == '\n' { '\n' } else { ' ' });
    while i < chars.len() {
        let c = at(i);
        let joined = i > 0 && (at(i - 1).is_alphanumeric() || at(i - 1) == '_');
        if c == '/' && at(i + 1) == '/' {
            while i < chars.len() && at(i) != '\n' {
                out.push(' ');
                i += 1;
            }
        } else if c == '/' && at(i + 1) == '*' {
            let mut depth = 0;
            while i < chars.len() {
                if at(i) == '/' && at(i + 1) == '*' {
                    depth += 1;
                    out.push_str("  ");
                    i += 2;
                } else if at(i) == '*' && at(i + 1) == '/' {
                    depth -= 1;
                    out.push_str("  ");
                    i += 2;
                    if depth == 0 {
                        break;
                    }
                } else {
                    blank(&mut out, at(i));
                    i += 1;
                }
            }
        } else if let Some(hashes) = raw_string_at(&chars, i).filter(|_| !joined) {
            // r"…", br#"…"#, cr"…": up to the quote with as many hashes.
            while at(i) != '"' {
                out.push(at(i));
                i += 1;
            }
            out.push('"');
            i += 1;
            while i < chars.len() {
                if at(i) == '"' && (1..=hashes).all(|n| at(i + n) == '#') {
                    break;
                }
                blank(&mut out, at(i));
                i += 1;
            }
            if i < chars.len() {
                out.push('"');
                i += 1;
            }
        } else if c == '"' {
            out.push('"');
            i += 1;
            while i < chars.len() && at(i) != '"' {
                if at(i) == '\\' {
                    out.push(' ');
                    i += 1;
                }
                if i < chars.len() {
                    blank(&mut out, at(i));
                    i += 1;
                }
            }
            if i < chars.len() {
                out.push('"');
                i += 1;
            }
        } else if c == '\'' && (at(i + 1) == '\\' || (at(i + 2) == '\'' && at(i + 1) != '\'')) {
            // A character, not a lifetime.
            out.push('\'');
            i += 1;
            while i < chars.len() && at(i) != '\'' {
                let step = if at(i) == '\\' { 2 } else { 1 };
                for _ in 0..step {
                    out.push(' ');
                }
                i += step;
            }
            out.push('\'');
            i += 1;
        } else {
            out.push(c);
            i += 1;
        }
    }
    out
}

/// The number of hashes, if a raw string literal begins at `i`.
fn raw_string_at(chars: &[char], i: usize) -> Option<usize> {
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let mut i = i;
    if matches!(at(i), 'b' | 'c') {
        i += 1;
    }
    if at(i) != 'r' {
        return None;
    }
    i += 1;
    let mut hashes = 0;
    while at(i) == '#' {
        hashes += 1;
        i += 1;
    }
    (at(i) == '"').then_some(hashes)
}

fn blank_test_items(code: &str) -> String {
    let mut out = code.to_owned();
    let mut from = 0;
    while let Some(found) = out[from..].find("#[cfg(test)]").map(|at| at + from) {
        let end = item_end(&out, found);
        let blanked: String = out[found..end]
            .chars()
            .map(|c| if c == '\n' { '\n' } else { ' ' })
            .collect();
        out.replace_range(found..end, &blanked);
        from = found;
    }
    out
}

/// Where the item that begins at `start`, attributes first, ends: behind its block or its semicolon.
fn item_end(code: &str, start: usize) -> usize {
    let (mut braces, mut brackets) = (0_usize, 0_usize);
    for (at, c) in code[start..].char_indices() {
        match c {
            '[' | '(' => brackets += 1,
            ']' | ')' => brackets = brackets.saturating_sub(1),
            '{' => braces += 1,
            '}' => {
                braces = braces.saturating_sub(1);
                if braces == 0 {
                    return start + at + 1;
                }
            }
            ';' if braces == 0 && brackets == 0 => return start + at + 1,
            _ => {}
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_no_code() {
        let source = Source::parse(
            "let a = \"std::fs \\\" x\"; // std::fs\n/* std::fs /* nested */ std::fs */ let b = r#\"std::fs \" x\"#;\nlet c = '\"'; let d: &'static str = \"std::fs\"; std::env::var(x);\n".into(),
        );
        assert_eq!(words(&source.code, "std::fs").count(), 0, "{}", source.code);
        assert_eq!(
            words(&source.code, "std::env").collect::<Vec<_>>(),
            [(3, 46)]
        );
        assert_eq!(source.code.lines().count(), source.text.lines().count());
    }

    #[test]
    fn an_escaped_quote_character_ends_where_it_ends() {
        let source = Source::parse(r"let q = '\''; let n = '\n'; std::fs::read(p);".into());
        assert_eq!(words(&source.code, "std::fs").count(), 1);
    }

    #[test]
    fn test_items_do_not_ship() {
        let source = Source::parse(
            "fn a() {}\n#[cfg(test)]\n#[allow(x)]\nmod tests { fn b() { std::fs::read(p); } }\nfn c() { std::fs::write(p); }\n#[cfg(test)]\nuse std::fs;\n".into(),
        );
        assert_eq!(
            words(&source.shipped, "std::fs").collect::<Vec<_>>(),
            [(5, 9)]
        );
    }

    #[test]
    fn a_word_is_not_a_part_of_another() {
        assert_eq!(
            words("forbid(unsafe_code) unsafe { } my_unsafe", "unsafe").collect::<Vec<_>>(),
            [(1, 20)]
        );
    }
}
