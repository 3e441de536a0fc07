//! Policy and person: the only maker of [`Approved`], without which nothing is staged or read.
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::confirm::{Answer, Confirm, Question};
use crate::error::{Error, ErrorKind};
use crate::policy::{Decision, Verdict};
use crate::record::{Answered, Verdicted};

/// A plan that policy allowed or a person confirmed, with the digest that was judged.
pub(crate) struct Approved<P> {
    plan: P,
    digest: [u8; 32],
    verdict: Verdicted,
}

impl<P> Approved<P> {
    pub(crate) fn digest(&self) -> [u8; 32] {
        self.digest
    }

    pub(crate) fn verdict(&self) -> &Verdicted {
        &self.verdict
    }

    pub(crate) fn into_plan(self) -> P {
        self.plan
    }
}

/// A yes that was given: it belongs to one digest, within one call.
#[derive(Clone)]
pub(crate) struct Consent {
    digest: [u8; 32],
    verdict: Verdicted,
}

impl Consent {
    /// The decision that was asked about, with the yes.
    pub(crate) fn verdict(&self) -> &Verdicted {
        &self.verdict
    }
}

/// A plan that was not approved, with who decided.
pub(crate) struct Refused {
    pub(crate) error: Error,
    /// Missing where it failed before policy was asked.
    pub(crate) verdict: Option<Verdicted>,
}

/// Judges a plan: deny is final, ask is put to a person, and no answer means no.
///
/// `consent` is what was answered before in the same call; it counts only for the same digest,
/// and a new yes is left there.
pub(crate) fn approve<P>(
    plan: P,
    digest: [u8; 32],
    decision: Decision,
    question: impl FnOnce(&P) -> Question,
    confirm: &dyn Confirm,
    consent: &mut Option<Consent>,
) -> Result<Approved<P>, Box<Refused>> {
    let refused = |error: Error, verdict| {
        Err(Box::new(Refused {
            error,
            verdict: Some(verdict),
        }))
    };
    match decision.verdict {
        Verdict::Allow => Ok(Approved {
            plan,
            digest,
            verdict: Verdicted {
                decision,
                answered: None,
            },
        }),
        Verdict::Deny => Err(denial(decision)),
        Verdict::Ask => {
            if let Some(given) = consent.as_ref().filter(|c| c.digest == digest) {
                let verdict = Verdicted {
                    decision,
                    answered: given.verdict.answered.clone(),
                };
                return Ok(Approved {
                    plan,
                    digest,
                    verdict,
                });
            }
            let question = question(&plan);
            match ask(confirm, &question) {
                Answer::Yes { by } => {
                    let verdict = Verdicted {
                        decision,
                        answered: Some(Answered {
                            word: "yes",
                            by: Some(by),
                            reason: None,
                        }),
                    };
                    *consent = Some(Consent {
                        digest,
                        verdict: verdict.clone(),
                    });
                    Ok(Approved {
                        plan,
                        digest,
                        verdict,
                    })
                }
                Answer::No { by, reason } => {
                    let mut error = Error::new(ErrorKind::Denied, "the person asked said no")
                        .with_code("person_said_no");
                    if let Some(reason) = &reason {
                        error = error.with_hint(reason.clone());
                    }
                    if let Some(rule) = &decision.rule {
                        error = error.with_rule(rule.clone());
                    }
                    let answered = Some(Answered {
                        word: "no",
                        by: Some(by),
                        reason,
                    });
                    refused(error, Verdicted { decision, answered })
                }
                Answer::NotAvailable { why } => {
                    let mut error = Error::new(
                        ErrorKind::NobodyToAsk,
                        format!("it must be confirmed ({}), and {why}", question.because.join(", ")),
                    )
                    .with_hint("run it at a terminal, answer with --yes, or allow it by a rule in policy.toml");
                    if let Some(rule) = &decision.rule {
                        error = error.with_rule(rule.clone());
                    }
                    let answered = Answered {
                        word: "not_available",
                        by: None,
                        reason: Some(why),
                    };
                    refused(
                        error,
                        Verdicted {
                            decision,
                            answered: Some(answered),
                        },
                    )
                }
            }
        }
    }
}

/// The refusal of what policy denies.
pub(crate) fn denial(decision: Decision) -> Box<Refused> {
    let mut error = Error::new(ErrorKind::Denied, denied_words(&decision));
    if let Some(rule) = &decision.rule {
        error = error.with_rule(rule.clone());
    }
    error = error.with_hint(match &decision.reason {
        Some(reason) => reason.clone(),
        None => "a rule of policy.toml denies it; a person may change the rule".to_owned(),
    });
    let verdict = Verdicted {
        decision,
        answered: None,
    };
    Box::new(Refused {
        error,
        verdict: Some(verdict),
    })
}

/// A confirmer that panics has not said yes.
fn ask(confirm: &dyn Confirm, question: &Question) -> Answer {
    catch_unwind(AssertUnwindSafe(|| confirm.confirm(question))).unwrap_or_else(|_| {
        Answer::NotAvailable {
            why: "whoever should have asked failed".to_owned(),
        }
    })
}

fn denied_words(decision: &Decision) -> String {
    match &decision.rule {
        Some(rule) => format!("the policy denies it by the rule {rule:?}"),
        None => "the policy denies it".to_owned(),
    }
}
