//! Job `test`: every test once, with the fault points in, counted together with what was skipped.

use crate::{Failed, step};

/// The features under which tests, examples and benches are built, so that each crate is built once.
pub(crate) const FEATURES: &[&str] = &[
    "--workspace",
    "--features",
    "aifirst/fault-points",
    "--locked",
];

pub(crate) fn run(rest: &[String]) -> Result<(), Failed> {
    let count = all(rest)?;
    println!("test: {count}");
    Ok(())
}

/// What a run of tests came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: u64,
    pub(crate) ignored: u64,
    /// What single tests said they could not try here, and why.
    pub(crate) skipped: Vec<String>,
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} tests passed, {} ignored, {} parts skipped",
            self.passed,
            self.ignored,
            self.skipped.len()
        )
    }
}

/// Runs unit and integration tests: with nextest where it is installed, else with `cargo test`.
pub(crate) fn all(rest: &[String]) -> Result<Count, Failed> {
    let mut watch = Watch::default();
    let mut command = step::cargo();
    let nextest = step::answers(step::cargo().args(["nextest", "--version"]));
    if nextest {
        command.args(["nextest", "run"]).args(FEATURES);
        command
            .args([
                "--no-fail-fast",
                "--success-output",
                "immediate",
                "--color",
                "never",
            ])
            .args(rest);
    } else {
        println!(
            "cargo-nextest is not installed: `cargo test` does the same, one test program after the other"
        );
        command
            .arg("test")
            .args(FEATURES)
            .args(["--lib", "--bins", "--tests", "--no-fail-fast"])
            .args(rest)
            .args(["--", "--show-output"]);
    }
    let ended = step::run_watched(&mut command, |line| {
        if watch.take(line) {
            println!("{line}");
        }
    });
    let count = watch.count;
    for reason in &count.skipped {
        println!("skipped: {reason}");
    }
    ended?;
    if count.passed == 0 {
        // A filter that hits nothing, or an output we no longer understand, must not look like success.
        return Err(Failed::new("test: no test was counted"));
    }
    Ok(count)
}

/// Reads the output of either runner line by line.
#[derive(Default)]
struct Watch {
    count: Count,
    /// The test whose output is being read.
    test: String,
    /// Whether that test passed: then its output is kept off the screen, but for what it skipped.
    passed: bool,
    /// Inside such an output.
    quiet: bool,
}

impl Watch {
    /// Takes one line in, and says whether it is worth showing.
    fn take(&mut self, line: &str) -> bool {
        let trimmed = line.trim_start();
        if let Some(reason) = trimmed.strip_prefix("skipped: ") {
            self.count.skipped.push(format!("{}: {reason}", self.test));
            return false;
        }
        self.nextest(line, trimmed);
        self.cargo_test(line);
        !self.quiet
    }

    fn nextest(&mut self, line: &str, trimmed: &str) {
        // `    PASS [   0.006s] (1/3) xtask a::b`, then `  stdout ───` and what the test printed.
        let status = trimmed
            .split_once(" [")
            .map_or("", |(status, _)| status.trim());
        let is_status = !status.is_empty()
            && status
                .chars()
                .all(|c| c.is_ascii_uppercase() || c == ' ' || c.is_ascii_digit());
        if status == "Summary" {
            self.quiet = false;
            self.count.passed += number_before(line, " passed");
            self.count.ignored += number_before(line, " skipped");
        } else if is_status {
            self.quiet = false;
            self.passed = matches!(status, "PASS" | "LEAK");
            self.test = line
                .split_whitespace()
                .next_back()
                .unwrap_or_default()
                .to_owned();
        }
        let heads = ["stdout ─", "stderr ─", "output ─"]
            .iter()
            .any(|head| trimmed.starts_with(head));
        if heads && self.passed {
            self.quiet = true;
        }
    }

    fn cargo_test(&mut self, line: &str) {
        // `successes:` or `failures:`, then `---- a::b stdout ----` and what the test printed.
        if let Some(test) = line
            .strip_prefix("---- ")
            .and_then(|rest| rest.split(' ').next())
        {
            self.test = test.to_owned();
        }
        match line {
            "successes:" => self.quiet = true,
            "failures:" => self.quiet = false,
            _ if line.starts_with("test result: ") => {
                self.quiet = false;
                self.count.passed += number_before(line, " passed");
                self.count.ignored += number_before(line, " ignored");
            }
            _ => {}
        }
    }
}

/// The number that stands right before `word`, or nought.
fn number_before(line: &str, word: &str) -> u64 {
    let Some((before, _)) = line.split_once(word) else {
        return 0;
    };
    let digits = before.len() - before.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    before[before.len() - digits..].parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(lines: &str) -> (Count, String) {
        let mut watch = Watch::default();
        let shown: Vec<&str> = lines.lines().filter(|line| watch.take(line)).collect();
        (watch.count, shown.join("\n"))
    }

    #[test]
    fn nextest_is_counted_and_its_successes_kept_short() {
        let (count, shown) = watched(
            "    Starting 3 tests across 1 binary\n        PASS [   0.006s] (1/3) xtask a::b\n  stdout ───\n\n    skipped: no loop device\n    chatter\n\n        FAIL [   0.006s] (2/3) xtask a::c\n  stdout ───\n    why it failed\n     Summary [   0.010s] 3 tests run: 2 passed, 1 failed, 4 skipped\n",
        );
        assert_eq!(
            count,
            Count {
                passed: 2,
                ignored: 4,
                skipped: vec!["a::b: no loop device".into()]
            }
        );
        assert!(!shown.contains("chatter"), "{shown}");
        assert!(shown.contains("why it failed"), "{shown}");
    }

    #[test]
    fn cargo_test_is_counted_over_its_programs() {
        let (count, shown) = watched(
            "test a ... ok\n\nsuccesses:\n\n---- a stdout ----\nskipped: not root\nchatter\n\nsuccesses:\n    a\n\ntest result: ok. 1 passed; 0 failed; 2 ignored; 0 measured\ntest b ... FAILED\nfailures:\n\n---- b stdout ----\nwhy\ntest result: FAILED. 4 passed; 1 failed; 0 ignored\n",
        );
        assert_eq!(
            count,
            Count {
                passed: 5,
                ignored: 2,
                skipped: vec!["a: not root".into()]
            }
        );
        assert!(
            !shown.contains("chatter") && shown.contains("why"),
            "{shown}"
        );
    }
}
