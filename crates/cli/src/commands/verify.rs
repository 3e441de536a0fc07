//! `aifirst verify`: proves the log.
use aifirst_runtime::Verified;
use serde_json::Value;

use crate::context::Context;
use crate::escape;
use crate::exit::Exit;
use crate::out::{Out, say, style};
use crate::render::plural;
use crate::report::Fail;

pub(crate) fn run(context: &Context, out: &mut Out) -> Result<Exit, Fail> {
    let progress = context.progress("verify");
    let result = context.records().and_then(|r| Ok(r.verify()?));
    progress.stop();
    let verified = result?;
    let exit = match (verified.intact, verified.tampered) {
        (true, _) => Exit::Done,
        (false, true) => Exit::Tampered,
        // Nothing is proved either way.
        (false, false) => Exit::State,
    };
    if out.is_json() {
        json(&verified, exit, out);
    } else {
        human(&verified, exit, out);
    }
    Ok(exit)
}

/// One document also when tampered with: the verdict whole, and the envelope as a member of it.
fn json(v: &Verified, exit: Exit, out: &mut Out) {
    let mut document = serde_json::to_value(v).unwrap_or_default();
    if exit != Exit::Done
        && let Value::Object(map) = &mut document
    {
        map.insert("error".to_owned(), not_intact(v, exit).envelope());
    }
    out.json(&document);
}

fn not_intact(v: &Verified, exit: Exit) -> Fail {
    if exit == Exit::Tampered {
        Fail::new(
            exit,
            "log_tampered",
            format!("the log is not what was written: {}", v.verdict),
        )
        .with_hint("keep the state folder as it is; a copy from before shows what is missing")
    } else {
        Fail::new(
            exit,
            "log_unproved",
            format!(
                "the log can be proved neither right nor wrong: {}",
                v.verdict
            ),
        )
        .with_hint("`aifirst doctor` says what is wrong with the state")
    }
}

fn human(v: &Verified, exit: Exit, out: &mut Out) {
    let look = out.look();
    let verdict = escape::line(&v.verdict);
    let events = plural(v.events, "event", "events");
    if v.intact {
        let line = format!(
            "{}  {events}, head {}",
            out.paint(style::GOOD, &verdict),
            v.head
        );
        out.line(line);
    } else {
        let line = format!(
            "{}  {}",
            out.paint(style::BAD, &verdict.to_uppercase()),
            escape::line(&not_intact(v, exit).message)
        );
        out.line(line);
        for p in &v.problems {
            let row = p.seq.map(|n| format!("@{n}")).unwrap_or_default();
            let line = format!(
                "  {}  {}",
                out.paint(style::NAME, &row),
                escape::line(&p.text)
            );
            out.line(line);
        }
    }
    for note in &v.notes {
        out.line(out.paint(style::DIM, &format!("  {}", escape::line(note))));
    }
    if !v.intact && !look.quiet {
        out.flush();
        if let Some(hint) = &not_intact(v, exit).hint {
            say(&format!("hint: {hint}"));
        }
    }
}
