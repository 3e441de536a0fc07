//! `aifirst doctor`: what this machine supports, and how to get the rest.
use aifirst_runtime::{Check, doctor};
use serde_json::json;

use crate::context::Context;
use crate::escape;
use crate::exit::Exit;
use crate::out::{Out, style};
use crate::render::table::{self, Cell};
use crate::report::Fail;

pub(crate) fn run(context: &Context, out: &mut Out) -> Result<Exit, Fail> {
    let checks = doctor(&context.settings(None)?);
    let exit = if checks.iter().any(|c| c.state == "missing") {
        Exit::Unsupported
    } else {
        Exit::Done
    };
    if out.is_json() {
        out.json(&json!({ "checks": checks }));
    } else {
        human(&checks, out);
    }
    Ok(exit)
}

fn human(checks: &[Check], out: &mut Out) {
    let mut rows = Vec::new();
    for c in checks {
        let style = match c.state.as_str() {
            "ok" => style::GOOD,
            "missing" => style::BAD,
            _ => style::ODD,
        };
        rows.push(vec![
            Cell::styled(escape::line(&c.state), style),
            Cell::styled(escape::line(&c.name), style::STRONG),
            Cell::new(escape::line(&c.found)),
        ]);
        if let Some(remedy) = &c.remedy {
            rows.push(vec![
                Cell::default(),
                Cell::default(),
                Cell::styled(format!("→ {}", escape::line(remedy)), style::DIM),
            ]);
        }
    }
    for line in table::lines(out.look().color, 0, &rows) {
        out.line(line);
    }
}
