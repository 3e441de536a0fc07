//! Rules, built-in questions and the default to one decision.
use super::builtin::BuiltIn;
use super::rule::Rule;
use super::{Cause, Decision, Policy, Question, Source, Verdict};
use crate::effect::Reversibility;

pub(super) fn decide(policy: &Policy, question: &Question<'_>) -> Decision {
    if question.cause == Cause::Recovery {
        return Decision {
            verdict: Verdict::Allow,
            source: Source::BuiltIn,
            rule: None,
            reason: Some("recovery finishes or takes back what was judged before".to_owned()),
            because: Vec::new(),
        };
    }
    let matching: Vec<&Rule> = policy
        .rules
        .iter()
        .filter(|rule| rule.matches(question))
        .collect();
    let of = |verdict| {
        matching
            .iter()
            .copied()
            .filter(move |rule| rule.decide == verdict)
    };
    if of(Verdict::Deny).next().is_some() {
        return by_rule(Verdict::Deny, of(Verdict::Deny), &[]);
    }
    let asks: Vec<BuiltIn> = questions(policy, question)
        .into_iter()
        .filter(|asked| !of(Verdict::Allow).any(|rule| rule.lifts.contains(asked)))
        .collect();
    let words: Vec<String> = asks
        .iter()
        .map(|asked| words(policy, question, *asked))
        .collect();
    if of(Verdict::Ask).next().is_some() {
        return by_rule(Verdict::Ask, of(Verdict::Ask), &words);
    }
    let allowed = of(Verdict::Allow).next();
    let base = allowed.map_or(policy.default, |_| Verdict::Allow);
    if let (false, Some(first)) = (base == Verdict::Deny, asks.first()) {
        return Decision {
            verdict: Verdict::Ask,
            source: Source::BuiltIn,
            rule: Some(first.as_str().to_owned()),
            reason: words.first().cloned(),
            because: words,
        };
    }
    if let Some(rule) = allowed {
        return Decision {
            verdict: Verdict::Allow,
            source: Source::Rule,
            rule: Some(rule.name.clone()),
            reason: rule.reason.clone(),
            because: Vec::new(),
        };
    }
    Decision {
        verdict: base,
        source: Source::Default,
        rule: None,
        reason: None,
        because: match base {
            Verdict::Allow => Vec::new(),
            Verdict::Ask => vec!["no rule allows it, and the policy asks by default".to_owned()],
            Verdict::Deny => vec!["no rule allows it, and the policy denies by default".to_owned()],
        },
    }
}

/// A decision by rules: the first names it, all of them say why.
fn by_rule<'a>(
    verdict: Verdict,
    rules: impl Iterator<Item = &'a Rule>,
    more: &[String],
) -> Decision {
    let mut decision = Decision {
        verdict,
        source: Source::Rule,
        rule: None,
        reason: None,
        because: Vec::new(),
    };
    for rule in rules {
        if decision.rule.is_none() {
            decision.rule = Some(rule.name.clone());
            decision.reason.clone_from(&rule.reason);
        }
        decision.because.push(match &rule.reason {
            Some(reason) => format!("the rule {:?}: {reason}", rule.name),
            None => format!("the rule {:?}", rule.name),
        });
    }
    decision.because.extend_from_slice(more);
    decision
}

/// The built-in questions that arise.
fn questions(policy: &Policy, question: &Question<'_>) -> Vec<BuiltIn> {
    let forward = question.cause == Cause::Do;
    BuiltIn::ALL
        .into_iter()
        .filter(|asked| match asked {
            BuiltIn::Irreversible => question.reversibility == Reversibility::Irreversible,
            BuiltIn::Folder => forward && question.replaces_folder,
            BuiltIn::Size => {
                forward
                    && (question.bytes > policy.ask_over.bytes
                        || question.entries > policy.ask_over.entries)
            }
        })
        .collect()
}

fn words(policy: &Policy, question: &Question<'_>, asked: BuiltIn) -> String {
    match asked {
        BuiltIn::Irreversible => "it cannot be undone".to_owned(),
        BuiltIn::Folder => "it deletes or replaces a folder with content".to_owned(),
        BuiltIn::Size => format!(
            "it changes {} bytes in {} entries, and the policy asks beyond {} bytes or {} entries",
            question.bytes, question.entries, policy.ask_over.bytes, policy.ask_over.entries
        ),
    }
}
