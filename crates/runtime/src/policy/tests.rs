//! Policy as its caller sees it: first what must hold for every policy, then the letter of the page.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use super::*;

/// The example of the design page, word by word.
const EXAMPLE: &str = r#"
version = 1
default = "allow"                        # what no rule decides: allow | ask | deny
ask_over = { bytes = "256 MiB", entries = 500 }
[guard]
symlinks = "beneath"                     # beneath | deny
hard_links = "deny"                      # deny | read (pnpm, cargo's target, local clones need it)
mounts = []                              # folders that may be other mounts
[[rule]]
name = "generated code is off limits"    # shown when it decides
decide = "deny"                          # allow | ask | deny
operations = ["write_file", "edit_*"]    # globs; absent = all
effects = ["modify", "delete"]           # absent = all
paths = ["gen/**", "!gen/README.md"]     # workspace-relative globs; absent = all
reason = "edit the schema instead"
lifts = []                               # allow only: "folder", "size", "irreversible"
"#;

fn load(text: &str) -> Policy {
    Policy::load(&[(Origin::Workspace, text)]).unwrap()
}

fn refused(text: &str) -> PolicyError {
    Policy::load(&[(Origin::Person, text)]).unwrap_err()
}

fn rules(text: &str) -> Policy {
    load(&format!("version = 1\n{text}"))
}

fn pair(effect: Effect, path: &str) -> Pair<'_> {
    Pair {
        effect,
        spelled: path,
        resolved: path,
        folder: false,
    }
}

fn ask<'a>(operation: &'a str, pairs: &'a [Pair<'a>]) -> Question<'a> {
    Question {
        operation,
        pairs,
        folds_case: false,
        bytes: 0,
        entries: 1,
        replaces_folder: false,
        reversibility: Reversibility::Exact,
        cause: Cause::Do,
    }
}

fn verdict(policy: &Policy, operation: &str, effect: Effect, path: &str) -> Verdict {
    policy
        .decide(&ask(operation, &[pair(effect, path)]))
        .verdict
}

mod properties;

#[test]
fn the_page_s_example_loads_and_means_what_it_says() {
    let policy = load(EXAMPLE);
    assert_eq!(
        verdict(&policy, "write_file", Effect::Modify, "gen/a/b.rs"),
        Verdict::Deny
    );
    assert_eq!(
        verdict(&policy, "edit_file", Effect::Modify, "gen/b.rs"),
        Verdict::Deny
    );
    assert_eq!(
        verdict(&policy, "write_file", Effect::Modify, "gen/README.md"),
        Verdict::Allow
    );
    assert_eq!(
        verdict(&policy, "write_file", Effect::Create, "gen/b.rs"),
        Verdict::Allow
    );
    assert_eq!(
        verdict(&policy, "copy_file", Effect::Modify, "gen/b.rs"),
        Verdict::Allow
    );
    let decision = policy.decide(&ask("write_file", &[pair(Effect::Modify, "gen/b.rs")]));
    assert_eq!(decision.source, Source::Rule);
    assert_eq!(
        decision.rule.as_deref(),
        Some("generated code is off limits")
    );
    assert_eq!(decision.reason.as_deref(), Some("edit the schema instead"));
    assert_eq!(
        decision.because(),
        ["the rule \"generated code is off limits\": edit the schema instead"]
    );
    assert_eq!(
        policy.guard(),
        &GuardSettings {
            symlinks: Symlinks::Beneath,
            hard_links: HardLinks::Deny,
            mounts: vec![]
        }
    );
}

#[test]
fn lesson_a7_a_broken_policy_is_never_an_empty_one() {
    for text in [
        "",
        "\n\n",
        "# nothing but a remark\n",
        "default = \"allow\"\n",
        "version = 2\n",
        "version = \"1\"\n",
        "version = 1\ndefault",
        "version = 1\n[[rule]]\nname = \"cut o",
        "\0\0\0\0",
    ] {
        let error = refused(text);
        assert_eq!(error.origin, Origin::Person, "{text:?}");
        assert!(
            error.line >= 1 && error.column >= 1 && !error.message.is_empty(),
            "{error:?}"
        );
    }
    assert!(Policy::load(&[(Origin::Person, "version = 1"), (Origin::Workspace, "")]).is_err());
    assert_eq!(
        Policy::load(&[]).unwrap().stamp(),
        Policy::builtin().stamp()
    );
}

#[test]
fn whatever_is_not_understood_is_an_error_with_its_place() {
    let rule =
        |line: &str| format!("version = 1\n[[rule]]\nname = \"x\"\ndecide = \"deny\"\n{line}\n");
    for (text, line, column, piece) in [
        (
            "version = 1\ndefalt = \"deny\"\n".to_owned(),
            2,
            1,
            "defalt",
        ),
        ("version = 1\ndefault = \"no\"\n".to_owned(), 2, 11, "allow"),
        (
            "version = 1\nask_over = { byte = 1 }\n".to_owned(),
            2,
            14,
            "byte",
        ),
        (
            "version = 1\nask_over = { bytes = \"1 mb\" }\n".to_owned(),
            2,
            22,
            "256 MiB",
        ),
        (
            "version = 1\nask_over = { entries = -1 }\n".to_owned(),
            2,
            24,
            "negative",
        ),
        (
            "version = 1\n[guard]\nsymlinks = \"follow\"\n".to_owned(),
            3,
            12,
            "beneath",
        ),
        (
            "version = 1\n[guard]\nmounts = [\"/mnt\"]\n".to_owned(),
            3,
            11,
            "relative",
        ),
        (rule("efects = [\"modify\"]"), 5, 1, "efects"),
        (rule("effects = [\"change\"]"), 5, 12, "modify"),
        (rule("effects = []"), 5, 11, "empty list"),
        (rule("operations = []"), 5, 14, "empty list"),
        (rule("paths = []"), 5, 9, "empty list"),
        (rule("paths = [\"a\", \"/etc/**\"]"), 5, 15, "relative"),
        (rule("paths = [\"~/x\"]"), 5, 10, "relative"),
        (rule("paths = [\"gen/\"]"), 5, 10, "folder/**"),
        (rule("paths = [\"a/../b\"]"), 5, 10, ".."),
        (rule("paths = [\"!a\"]"), 5, 10, "exceptions alone"),
        (rule("paths = [\"a[\"]"), 5, 10, "class"),
        (rule("lifts = [\"folder\"]"), 5, 10, "allows"),
        (
            rule("[[rule]]\nname = \"x\"\ndecide = \"ask\""),
            6,
            8,
            "two rules",
        ),
        (
            "version = 1\n[[rule]]\ndecide = \"deny\"\n".to_owned(),
            2,
            1,
            "name",
        ),
        (
            "version = 1\n[[rule]]\nname = \" \"\ndecide = \"deny\"\n".to_owned(),
            3,
            8,
            "name",
        ),
        (
            "version = 1\n[[rule]]\nname = \"x\"\ndecide = \"allow\"\nlifts = [\"all\"]\n"
                .to_owned(),
            5,
            10,
            "folder",
        ),
    ] {
        let error = refused(&text);
        assert!(error.message.contains(piece), "{text}: {error}");
        assert_eq!(
            (error.line, error.column),
            (line, column),
            "{text}: {error}"
        );
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}

#[test]
fn deny_and_ask_match_by_either_path_and_any_pair_allow_by_both_and_all() {
    let linked = Pair {
        effect: Effect::Modify,
        spelled: "link/x",
        resolved: "gen/x",
        folder: false,
    };
    let deny = |paths: &str| {
        rules(&format!(
            "[[rule]]\nname = \"r\"\ndecide = \"deny\"\npaths = [{paths:?}]"
        ))
    };
    for paths in ["link/**", "gen/**"] {
        assert_eq!(
            deny(paths).decide(&ask("w", &[linked])).verdict,
            Verdict::Deny
        );
        let two = [pair(Effect::Read, "src/a"), linked];
        assert_eq!(deny(paths).decide(&ask("w", &two)).verdict, Verdict::Deny);
    }
    let allow = |paths: &str| {
        rules(&format!(
            "default = \"deny\"\n[[rule]]\nname = \"r\"\ndecide = \"allow\"\npaths = {paths}"
        ))
    };
    for (paths, expected) in [
        ("[\"link/**\"]", Verdict::Deny),
        ("[\"gen/**\"]", Verdict::Deny),
        ("[\"gen/**\", \"link/**\"]", Verdict::Allow),
    ] {
        assert_eq!(
            allow(paths).decide(&ask("w", &[linked])).verdict,
            expected,
            "{paths}"
        );
    }
    let two = [pair(Effect::Read, "src/a"), pair(Effect::Modify, "gen/x")];
    assert_eq!(
        allow("[\"gen/**\"]").decide(&ask("w", &two)).verdict,
        Verdict::Deny
    );
    assert_eq!(
        allow("[\"gen/**\", \"src/*\"]")
            .decide(&ask("w", &two))
            .verdict,
        Verdict::Allow
    );
}

#[test]
fn spellings_do_not_lead_around_a_deny() {
    let policy = rules("[[rule]]\nname = \"r\"\ndecide = \"deny\"\npaths = [\"gen/**\"]");
    for spelled in [
        "gen/x",
        "./gen/x",
        "gen//x",
        "src/../gen/x",
        "gen/./x",
        "/home/ann/work/gen/x",
    ] {
        let pairs = [Pair {
            effect: Effect::Modify,
            spelled,
            resolved: "elsewhere",
            folder: false,
        }];
        assert_eq!(
            policy.decide(&ask("w", &pairs)).verdict,
            Verdict::Deny,
            "{spelled}"
        );
    }
}

#[test]
fn folded_names_are_compared_folded() {
    let policy = rules(
        "[[rule]]\nname = \"r\"\ndecide = \"deny\"\npaths = [\"Gen/Straße/**\", \".git/**\"]",
    );
    for path in ["GEN/STRASSE/x", "gen/straße/X", ".GIT/config"] {
        let pairs = [pair(Effect::Modify, path)];
        let mut question = ask("w", &pairs);
        assert_eq!(policy.decide(&question).verdict, Verdict::Allow, "{path}");
        question.folds_case = true;
        let expected = if path == "GEN/STRASSE/x" {
            Verdict::Allow
        } else {
            Verdict::Deny
        };
        assert_eq!(policy.decide(&question).verdict, expected, "{path}");
    }
}

#[test]
fn a_folder_that_goes_takes_what_is_beneath_along() {
    let policy =
        rules("[[rule]]\nname = \"r\"\ndecide = \"deny\"\npaths = [\"gen/api/**\", \"**/*.lock\"]");
    for effect in [Effect::Delete, Effect::Move] {
        assert_eq!(verdict(&policy, "d", effect, "gen"), Verdict::Deny);
        assert_eq!(verdict(&policy, "d", effect, "gen/api"), Verdict::Deny);
        assert_eq!(verdict(&policy, "d", effect, "gen/other"), Verdict::Allow);
        assert_eq!(verdict(&policy, "d", effect, "src"), Verdict::Allow);
    }
    assert_eq!(verdict(&policy, "d", Effect::Create, "gen"), Verdict::Allow);
    // What is known to be a folder may hold what only a wildcard names.
    let pairs = [pair(Effect::Delete, "src")];
    let mut question = ask("delete_directory", &pairs);
    question.replaces_folder = true;
    assert_eq!(policy.decide(&question).verdict, Verdict::Deny);
    // An allow with an exception beneath does not cover the whole.
    let policy = rules(
        "default = \"deny\"\n[[rule]]\nname = \"r\"\ndecide = \"allow\"\npaths = [\"**\", \"!src/keep/**\"]\nlifts = [\"folder\"]",
    );
    assert_eq!(policy.decide(&question).verdict, Verdict::Deny);
    let pairs = [pair(Effect::Delete, "other")];
    let question = Question {
        pairs: &pairs,
        ..question
    };
    assert_eq!(policy.decide(&question).verdict, Verdict::Allow);
}

#[test]
fn the_last_pattern_that_matches_decides() {
    let policy = rules(
        "[[rule]]\nname = \"r\"\ndecide = \"deny\"\npaths = [\"gen/**\", \"!gen/doc/**\", \"gen/doc/secret.md\"]",
    );
    for (path, expected) in [
        ("gen/a", Verdict::Deny),
        ("gen/doc/a", Verdict::Allow),
        ("gen/doc/secret.md", Verdict::Deny),
    ] {
        assert_eq!(
            verdict(&policy, "w", Effect::Modify, path),
            expected,
            "{path}"
        );
    }
    let policy = rules("[[rule]]\nname = \"r\"\ndecide = \"deny\"\npaths = [\"src/*.rs\"]");
    assert_eq!(
        verdict(&policy, "w", Effect::Modify, "src/a.rs"),
        Verdict::Deny
    );
    assert_eq!(
        verdict(&policy, "w", Effect::Modify, "src/b/a.rs"),
        Verdict::Allow
    );
}

#[test]
fn built_in_questions_are_stilled_only_by_name() {
    let pairs = [pair(Effect::Delete, "target")];
    let mut question = ask("delete_directory", &pairs);
    question.replaces_folder = true;
    question.entries = 501;
    let policy = Policy::builtin();
    let decision = policy.decide(&question);
    assert_eq!(
        (decision.verdict, decision.source),
        (Verdict::Ask, Source::BuiltIn)
    );
    assert_eq!(decision.rule.as_deref(), Some("folder"));
    assert_eq!(decision.because().len(), 2);

    let lifted = |lifts: &str| {
        rules(&format!(
            "[[rule]]\nname = \"r\"\ndecide = \"allow\"\npaths = [\"target\", \"target/**\"]\nlifts = {lifts}"
        ))
    };
    for (lifts, verdict, rule) in [
        ("[]", Verdict::Ask, "folder"),
        ("[\"folder\"]", Verdict::Ask, "size"),
        ("[\"size\"]", Verdict::Ask, "folder"),
        ("[\"folder\", \"size\"]", Verdict::Allow, "r"),
    ] {
        let decision = lifted(lifts).decide(&question);
        assert_eq!(
            (decision.verdict, decision.rule.as_deref()),
            (verdict, Some(rule)),
            "{lifts}"
        );
    }
    let elsewhere = [pair(Effect::Delete, "src")];
    let question = Question {
        pairs: &elsewhere,
        ..question
    };
    assert_eq!(
        lifted("[\"folder\", \"size\"]").decide(&question).verdict,
        Verdict::Ask
    );
}

#[test]
fn undo_and_redo_are_judged_but_not_asked_for_folder_or_size() {
    let pairs = [pair(Effect::Delete, "gen/x")];
    let mut question = ask("undo", &pairs);
    question.replaces_folder = true;
    question.bytes = u64::MAX;
    let denying = rules("[[rule]]\nname = \"r\"\ndecide = \"deny\"\npaths = [\"gen/**\"]");
    for cause in [Cause::Undo, Cause::Redo, Cause::Rollback] {
        question.cause = cause;
        assert_eq!(
            Policy::builtin().decide(&question).verdict,
            Verdict::Allow,
            "{cause:?}"
        );
        assert_eq!(
            denying.decide(&question).verdict,
            Verdict::Deny,
            "{cause:?}"
        );
    }
    question.cause = Cause::Recovery;
    assert_eq!(denying.decide(&question).verdict, Verdict::Allow);
    question.cause = Cause::Undo;
    question.reversibility = Reversibility::Irreversible;
    assert_eq!(Policy::builtin().decide(&question).verdict, Verdict::Ask);
}

#[test]
fn the_default_holds_where_no_rule_decides() {
    for (default, expected) in [
        ("allow", Verdict::Allow),
        ("ask", Verdict::Ask),
        ("deny", Verdict::Deny),
    ] {
        let policy = rules(&format!("default = {default:?}"));
        let decision = policy.decide(&ask("w", &[pair(Effect::Modify, "x")]));
        assert_eq!(
            (decision.verdict, decision.source),
            (expected, Source::Default)
        );
        assert_eq!(decision.because().is_empty(), expected == Verdict::Allow);
    }
}

#[test]
fn of_two_files_the_strictest_that_is_stated_holds() {
    let both = |one: &str, two: &str| {
        Policy::load(&[
            (Origin::Person, &format!("version = 1\n{one}")),
            (Origin::Workspace, &format!("version = 1\n{two}")),
        ])
        .unwrap()
    };
    let decide = |policy: &Policy, bytes| {
        let pairs = [pair(Effect::Modify, "x")];
        policy
            .decide(&Question {
                bytes,
                ..ask("w", &pairs)
            })
            .verdict
    };
    let policy = both("default = \"ask\"", "default = \"allow\"");
    assert_eq!(decide(&policy, 0), Verdict::Ask);
    let policy = both(
        "ask_over = { bytes = 100 }",
        "ask_over = { bytes = \"1 KiB\" }",
    );
    assert_eq!(
        (decide(&policy, 100), decide(&policy, 101)),
        (Verdict::Allow, Verdict::Ask)
    );
    let policy = both("ask_over = { bytes = \"1 GiB\" }", "");
    assert_eq!(decide(&policy, 1 << 30), Verdict::Allow);
    let policy = both(
        "[guard]\nhard_links = \"read\"\nmounts = [\"a\", \"b\"]",
        "[guard]\nsymlinks = \"deny\"\nmounts = [\"b\"]",
    );
    assert_eq!(
        policy.guard(),
        &GuardSettings {
            symlinks: Symlinks::Deny,
            hard_links: HardLinks::Read,
            mounts: vec!["b".to_owned()]
        }
    );
    let policy = both(
        "[guard]\nhard_links = \"read\"",
        "[guard]\nhard_links = \"deny\"",
    );
    assert_eq!(policy.guard().hard_links, HardLinks::Deny);
}

#[test]
fn a_rule_about_paths_says_nothing_where_there_are_none() {
    let policy =
        rules("default = \"deny\"\n[[rule]]\nname = \"r\"\ndecide = \"allow\"\npaths = [\"**\"]\n");
    assert_eq!(policy.decide(&ask("w", &[])).verdict, Verdict::Deny);
    let policy = rules("[[rule]]\nname = \"r\"\ndecide = \"deny\"\noperations = [\"fetch_*\"]\n");
    assert_eq!(policy.decide(&ask("fetch_url", &[])).verdict, Verdict::Deny);
    assert_eq!(
        policy.decide(&ask("write_file", &[])).verdict,
        Verdict::Allow
    );
}

#[test]
fn lesson_g7_another_text_is_another_stamp() {
    let one = rules("default = \"ask\"");
    assert_eq!(one.stamp(), rules("default = \"ask\"").stamp());
    assert_ne!(one.stamp(), rules("default = \"allow\"").stamp());
    assert_ne!(one.stamp(), rules("default = \"ask\" ").stamp());
    let text = "version = 1\ndefault = \"ask\"";
    let person = Policy::load(&[(Origin::Person, text)]).unwrap();
    let workspace = Policy::load(&[(Origin::Workspace, text)]).unwrap();
    assert_ne!(person.stamp(), workspace.stamp());
}
