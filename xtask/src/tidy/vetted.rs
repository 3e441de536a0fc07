//! Rule `vetted`: what the log accepts unread is vouched for in one place.

use crate::source::words;
use crate::tree::{Problem, Tree};

const NAME: &str = "dangerous_assume_redacted";
const CALLER: &str = "crates/runtime/src/record.rs";

pub(super) fn find(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut calls = 0;
    for (path, source) in tree
        .sources()
        .filter(|(path, _)| path.starts_with("crates/") || path.starts_with("fuzz/"))
    {
        if path == CALLER {
            calls += words(&source.shipped, NAME).count();
            continue;
        }
        // The crate that defines it tries it in tests and examples; its shipped code must not call it.
        let home = path.starts_with("crates/audit/");
        let code = if home && path.contains("/src/") {
            &source.shipped
        } else {
            &source.code
        };
        for (line, column) in words(code, NAME) {
            let text = code.lines().nth(line - 1).unwrap_or_default();
            let defines = home && text[..column].trim_end().ends_with("fn");
            let tried = home && !path.contains("/src/");
            if !defines && !tried {
                problems.push(Problem::new(
                    path,
                    line,
                    format!("`{NAME}` is called in {CALLER} alone"),
                ));
            }
        }
    }
    if calls > 1 {
        problems.push(Problem::new(
            CALLER,
            0,
            format!("`{NAME}` stands here {calls} times; one place vouches"),
        ));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::planted::tree;

    const CALL: &str = "//! A file.\nfn f() { audit::Vetted::dangerous_assume_redacted(x); }\n";

    #[test]
    fn a_second_caller_is_found() {
        for path in [
            "crates/runtime/src/pipeline.rs",
            "crates/cli/src/main.rs",
            "crates/runtime/tests/main.rs",
            "crates/audit/src/writer.rs",
        ] {
            assert_eq!(find(&tree(&[(path, CALL)])).len(), 1, "{path}");
        }
        let twice = format!("{CALL}fn g() {{ dangerous_assume_redacted(y) }}\n");
        assert_eq!(find(&tree(&[(CALLER, &twice)])).len(), 1);
    }

    #[test]
    fn the_caller_the_definition_and_its_tests_are_let_be() {
        let tree = tree(&[
            (CALLER, CALL),
            (
                "crates/audit/src/event.rs",
                "//! Events.\n/// See `dangerous_assume_redacted`.\npub fn dangerous_assume_redacted() {}\n#[cfg(test)]\nmod tests { fn f() { dangerous_assume_redacted() } }\n",
            ),
            ("crates/audit/examples/append.rs", CALL),
            ("crates/audit/tests/main.rs", CALL),
        ]);
        assert_eq!(find(&tree), []);
    }
}
