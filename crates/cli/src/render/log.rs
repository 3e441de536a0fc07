//! The log, one line per operation.
use aifirst_runtime::LogEntry;

use crate::escape;
use crate::out::{Look, Out, style};
use crate::render::{name, shorten};

/// The columns' widths, taken from all entries that are shown together.
pub(crate) struct Columns {
    seq: usize,
    time: usize,
    operation: usize,
    outcome: usize,
    today: String,
}

/// What an entry is called in the operation column.
pub(crate) fn title(entry: &LogEntry) -> String {
    escape::line(entry.operation.as_deref().unwrap_or(&entry.kind))
}

fn style_of(outcome: &str) -> anstyle::Style {
    match outcome {
        "done" | "unchanged" | "recovered_done" | "ok" => style::GOOD,
        "denied" | "failed" | "refused" | "damaged" | "timed_out" | "conflict" => style::BAD,
        _ => style::ODD,
    }
}

/// A time for a column: the clock for today, the date before; the whole of it off a terminal.
fn when(look: Look, today: &str, time: &str) -> String {
    if !look.terminal {
        return time.to_owned();
    }
    let (date, clock) = time.split_once('T').unwrap_or(("", time));
    if date == today {
        clock.get(..8).unwrap_or(clock).to_owned()
    } else if date.get(..4) == today.get(..4) {
        format!(
            "{} {}",
            date.get(5..).unwrap_or(date),
            clock.get(..5).unwrap_or(clock)
        )
    } else {
        date.to_owned()
    }
}

impl Columns {
    /// Measures. `now` is RFC 3339.
    pub(crate) fn of(look: Look, entries: &[LogEntry], now: &str) -> Self {
        let today = now.get(..10).unwrap_or_default().to_owned();
        let widest = |f: &dyn Fn(&LogEntry) -> String| {
            entries
                .iter()
                .map(|e| escape::width(&f(e)))
                .max()
                .unwrap_or(0)
        };
        Self {
            seq: widest(&|e| e.seq.to_string()) + 1,
            time: widest(&|e| when(look, &today, &e.time)),
            operation: widest(&title),
            outcome: widest(&|e| escape::line(&e.outcome)),
            today,
        }
    }

    /// One entry as a line.
    pub(crate) fn line(&self, out: &Out, entry: &LogEntry) -> Vec<u8> {
        let look = out.look();
        let undone = entry.undone_by.is_some();
        let pad = |text: &str, to: usize| " ".repeat(to.saturating_sub(escape::width(text)));
        let seq = format!("@{}", entry.seq);
        let time = when(look, &self.today, &entry.time);
        let operation = title(entry);
        let outcome = escape::line(&entry.outcome);
        let mut line = String::new();
        line.push_str(&pad(&seq, self.seq));
        line.push_str(&out.paint(style::NAME, &seq));
        line.push_str("  ");
        line.push_str(&out.paint(style::DIM, &time));
        line.push_str(&pad(&time, self.time));
        line.push_str("  ");
        line.push_str(&out.paint(if undone { style::DIM } else { style::STRONG }, &operation));
        line.push_str(&pad(&operation, self.operation));
        line.push_str("  ");
        line.push_str(&out.paint(style_of(&entry.outcome), &outcome));
        line.push_str(&pad(&outcome, self.outcome));
        line.push_str("  ");
        let used = self.seq + self.time + self.operation + self.outcome + 8;

        let mut mark = String::new();
        if let Some(by) = &entry.undone_by {
            mark = format!("undone by @{} ({})", by.seq, escape::line(&by.client));
        } else if let Some(error) = &entry.error {
            mark = escape::line(error);
        }
        if look.verbose {
            if let Some(id) = entry.id {
                mark.push_str(&format!("{}{id}", if mark.is_empty() { "" } else { "  " }));
            }
            mark.push_str(&format!("  {}", escape::line(&entry.session)));
        }
        let room = look
            .width
            .saturating_sub(used)
            .saturating_sub(if mark.is_empty() {
                0
            } else {
                escape::width(&mark) + 2
            });
        let mut line = line.into_bytes();
        line.extend(paths(look, entry, room));
        if !mark.is_empty() {
            line.extend(b"  ");
            line.extend(out.paint(style::ODD, &mark).into_bytes());
        }
        while line.last() == Some(&b' ') {
            line.pop();
        }
        line
    }
}

fn paths(look: Look, entry: &LogEntry, room: usize) -> Vec<u8> {
    let Some((first, rest)) = entry.paths.split_first() else {
        return Vec::new();
    };
    if look.terminal && !look.verbose {
        let more = match rest.len() {
            0 => String::new(),
            // Both ends of a move are worth a line when they fit.
            1 => {
                let both = format!(
                    "{}  {}",
                    escape::path(first),
                    rest.first().map(escape::path).unwrap_or_default()
                );
                if escape::width(&both) <= room {
                    return both.into_bytes();
                }
                " +1".to_owned()
            }
            n => format!(" +{n}"),
        };
        let text = shorten(&escape::path(first), room.saturating_sub(more.len()));
        return format!("{text}{more}").into_bytes();
    }
    let mut out = name(look, first);
    for path in rest {
        out.extend(b"  ");
        out.extend(name(look, path));
    }
    out
}
