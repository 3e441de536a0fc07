//! What must hold for every policy and every question.
use proptest::prelude::*;

use super::*;

/// A rule as text, without its name.
#[derive(Clone, Debug)]
struct RuleText {
    decide: &'static str,
    body: String,
}

fn words(all: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    proptest::sample::subsequence(all, 0..=all.len().min(3))
}

fn rule() -> impl Strategy<Value = RuleText> {
    (
        proptest::sample::select(vec!["allow", "ask", "deny"]),
        words(&["write_file", "edit_*", "*", "delete_file", "read_?ext_file"]),
        words(&["read", "modify", "delete", "move", "create"]),
        words(&[
            "src/**",
            "**/*.rs",
            "gen/api/*",
            "*",
            "**",
            "gen",
            "a b/[xy]",
            "{src,gen}/x",
        ]),
        words(&["!src/x", "!**/y.rs", "!gen/**"]),
        words(&["folder", "size", "irreversible"]),
    )
        .prop_map(|(decide, operations, effects, paths, except, lifts)| {
            let list = |key: &str, words: &[&str]| {
                if words.is_empty() {
                    String::new()
                } else {
                    format!("{key} = {words:?}\n")
                }
            };
            let mut body = list("operations", &operations) + &list("effects", &effects);
            if !paths.is_empty() {
                body += &list("paths", &[paths, except].concat());
            }
            if decide == "allow" {
                body += &list("lifts", &lifts);
            }
            RuleText { decide, body }
        })
}

fn text(default: &str, rules: &[RuleText]) -> String {
    let mut text = format!("version = 1\ndefault = {default:?}\n");
    for (index, rule) in rules.iter().enumerate() {
        text += &format!(
            "[[rule]]\nname = \"r{index}\"\ndecide = {:?}\n{}",
            rule.decide, rule.body
        );
    }
    text
}

#[derive(Clone, Debug)]
struct Asked {
    operation: &'static str,
    pairs: Vec<(Effect, String, String)>,
    flags: (bool, bool, bool, bool),
}

impl Asked {
    fn of(&self, policy: &Policy) -> Decision {
        let pairs: Vec<Pair<'_>> = self
            .pairs
            .iter()
            .map(|(effect, spelled, resolved)| Pair {
                effect: *effect,
                spelled,
                resolved,
                folder: false,
            })
            .collect();
        let (folds_case, replaces_folder, large, gone) = self.flags;
        policy.decide(&Question {
            operation: self.operation,
            pairs: &pairs,
            folds_case,
            bytes: if large { 1 << 40 } else { 1 },
            entries: 1,
            replaces_folder,
            reversibility: if gone {
                Reversibility::Irreversible
            } else {
                Reversibility::Exact
            },
            cause: Cause::Do,
        })
    }
}

fn path() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(vec![
            "src/x",
            "src/a/y.rs",
            "gen",
            "gen/api",
            "gen/api/z",
            "GEN/api/z",
            "a b/x",
            "README.md",
            "./src/x",
            "src/../gen/api/z",
            "/w/src/x",
            ".",
            "",
        ])
        .prop_map(str::to_owned),
        "[a-zé]{1,3}(/[a-z.]{1,4}){0,2}",
    ]
}

fn asked() -> impl Strategy<Value = Asked> {
    (
        proptest::sample::select(vec![
            "write_file",
            "edit_file",
            "delete_file",
            "read_text_file",
        ]),
        proptest::collection::vec(
            (
                proptest::sample::select(Effect::ALL.to_vec()),
                path(),
                path(),
            ),
            0..4,
        ),
        any::<(bool, bool, bool, bool)>(),
    )
        .prop_map(|(operation, pairs, flags)| Asked {
            operation,
            pairs,
            flags,
        })
}

fn default() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec!["allow", "ask", "deny"])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_deny_rule_matches_is_denied(
        rules in proptest::collection::vec(rule(), 0..6), last in rule(), at in any::<usize>(),
        default in default(), asked in asked(),
    ) {
        let deny = RuleText { decide: "deny", body: strip_lifts(&last.body) };
        // Alone over `allow`, the deny rule shows whether it matches.
        let alone = load(&text("allow", std::slice::from_ref(&deny)));
        let mut all = rules;
        let at = at % (all.len() + 1);
        all.insert(at, deny);
        let together = load(&text(default, &all));
        if asked.of(&alone).verdict == Verdict::Deny {
            prop_assert_eq!(asked.of(&together).verdict, Verdict::Deny);
        }
    }

    #[test]
    fn one_more_deny_or_ask_never_loosens(
        rules in proptest::collection::vec(rule(), 0..6), more in rule(), default in default(), asked in asked(),
    ) {
        let before = asked.of(&load(&text(default, &rules)));
        for decide in ["ask", "deny"] {
            let mut all = rules.clone();
            all.push(RuleText { decide, body: strip_lifts(&more.body) });
            let after = asked.of(&load(&text(default, &all)));
            // An ask rule is an answer where `default` was none: it may ask what the default denies.
            let answered = before.source == Source::Default
                && before.verdict == Verdict::Deny
                && after.verdict == Verdict::Ask;
            prop_assert!(after.verdict >= before.verdict || answered, "{before:?} {after:?}");
        }
    }

    #[test]
    fn the_order_of_rules_does_not_matter(
        rules in proptest::collection::vec(rule(), 0..6), default in default(), asked in asked(),
    ) {
        let forward = asked.of(&load(&text(default, &rules)));
        let mut back = rules;
        back.reverse();
        let backward = asked.of(&load(&text(default, &back)));
        prop_assert_eq!(forward.verdict, backward.verdict);
        prop_assert_eq!(forward.source, backward.source);
    }

    #[test]
    fn two_files_are_as_strict_as_each(
        one in proptest::collection::vec(rule(), 0..4), two in proptest::collection::vec(rule(), 0..4),
        first in default(), second in default(), asked in asked(),
    ) {
        let (one, two) = (text(first, &one), text(second, &two));
        let both = Policy::load(&[(Origin::Person, &one), (Origin::Workspace, &two)]).unwrap();
        for single in [&one, &two] {
            let alone = asked.of(&load(single));
            if alone.verdict == Verdict::Deny && alone.source == Source::Rule {
                prop_assert_eq!(asked.of(&both).verdict, Verdict::Deny);
            }
        }
    }

    #[test]
    fn no_text_panics_and_none_is_empty(text in ".{0,60}", tail in "(version|rule|=|1|\\[|\\]|\"|\n| ){0,20}") {
        for text in [text.clone(), tail.clone(), format!("version = 1\n{text}"), format!("version = 1\n{tail}")] {
            let loaded = Policy::load(&[(Origin::Person, &text)]);
            prop_assert!(loaded.is_err() || text.contains("version"));
        }
    }

    #[test]
    fn a_deny_for_a_folder_holds_for_whatever_is_beneath(
        tail in "[a-z]{1,5}(/[a-z]{1,5}){0,3}", effect in proptest::sample::select(Effect::ALL.to_vec()),
    ) {
        let policy = rules("[[rule]]\nname = \"no\"\ndecide = \"deny\"\npaths = [\"gen/**\"]");
        prop_assert_eq!(verdict(&policy, "any", effect, &format!("gen/{tail}")), Verdict::Deny);
        prop_assert_eq!(verdict(&policy, "any", effect, &format!("gen2/{tail}")), Verdict::Allow);
    }
}

fn strip_lifts(body: &str) -> String {
    body.lines()
        .filter(|line| !line.starts_with("lifts"))
        .map(|line| format!("{line}\n"))
        .collect()
}
