//! The demo's story: an agent at work, what it is refused, and how everything comes back.
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aifirst_runtime::{
    Answer, By, Call, Confirm, ErrorKind, LogEntry, LogFilter, Question, Receipt, Records,
    Reference, RestoreRequest, Runtime, Select, Settings, SystemEnv, rfc3339,
};
use serde_json::{Value, json};

use crate::context::Context;
use crate::demo::go_on;
use crate::demo::manifest::Manifest;
use crate::demo::scratch::{self, Scratch, Source};
use crate::demo::targets::Targets;
use crate::escape;
use crate::out::{Out, style};
use crate::render::log::Columns;
use crate::render::progress::Progress;
use crate::render::{bytes, plural, shorten};
use crate::report::Fail;

/// How many lines of the log are shown.
const LOG_LINES: usize = 12;

/// Where the remarks begin behind short paths.
const ALIGN: usize = 24;

/// One promise, looked at.
struct Check {
    name: &'static str,
    held: bool,
    found: Option<String>,
}

/// What came of it.
pub(crate) struct Story {
    source: Value,
    steps: Vec<Value>,
    log: Vec<LogEntry>,
    undone: Vec<Value>,
    checks: Vec<Check>,
}

impl Story {
    pub(crate) fn check(&mut self, name: &'static str, held: bool, found: Option<String>) {
        self.checks.push(Check { name, held, found });
    }

    /// Whether every promise was kept.
    pub(crate) fn held(&self) -> bool {
        self.checks.iter().all(|c| c.held)
    }

    /// The end: the promises one by one.
    pub(crate) fn finish(&self, out: &mut Out) {
        if out.is_json() {
            let checks: Vec<Value> = self
                .checks
                .iter()
                .map(|c| json!({"name": c.name, "held": c.held, "found": c.found}))
                .collect();
            out.json(&json!({
                "source": self.source,
                "steps": self.steps,
                "log": self.log,
                "undone": self.undone,
                "checks": checks,
                "held": self.held(),
            }));
            return;
        }
        out.line("");
        for c in &self.checks {
            let mark = if c.held {
                out.paint(style::GOOD, "✓")
            } else {
                out.paint(style::BAD, "✗")
            };
            let found = c.found.as_deref().map(escape::line).unwrap_or_default();
            let found = if found.is_empty() {
                found
            } else {
                out.paint(style::DIM, &format!("  {found}"))
            };
            out.line(format!("  {mark} {}{found}", c.name));
        }
        let end = if self.held() {
            out.paint(style::STRONG, "Everything held.")
                + " Now yours: aifirst call write_file path=notes.txt content=hello"
        } else {
            out.paint(style::BAD, "Something did not hold: please report it.")
        };
        out.line(end);
    }
}

/// Answers yes as the demo's person, and counts.
#[derive(Default)]
struct Person(AtomicUsize);

impl Confirm for Person {
    fn confirm(&self, _: &Question) -> Answer {
        self.0.fetch_add(1, Ordering::SeqCst);
        Answer::Yes { by: By::Fixed }
    }
}

fn settings(scratch: &Scratch, person: &Arc<Person>) -> Settings {
    let mut s = Settings::new(scratch.project());
    s.state = Some(scratch.state());
    s.workspace = Some(scratch.project());
    s.client = "aifirst demo".to_owned();
    s.client_version = env!("CARGO_PKG_VERSION").to_owned();
    // Policy and state of whoever runs the demo stay out of it.
    s.homes.home = Some(scratch.home());
    s.confirm = Arc::<Person>::clone(person);
    s
}

/// Tells it, and leaves the promise about the scratch folder to whoever removes that.
pub(crate) fn tell(
    scratch: &Scratch,
    from: &Path,
    context: &Context,
    progress: &Arc<Progress>,
    out: &mut Out,
) -> Result<Story, Fail> {
    let io = |e: std::io::Error| Fail::io("the scratch copy cannot be made", &e);
    let cancel = context.cancel();
    let project = scratch.project();
    let mut source = scratch.fill(from, &cancel).map_err(io)?;
    go_on(context, progress)?;
    let mut tree = Manifest::read(&project, &cancel).map_err(io)?;
    let targets = match Targets::pick(&project, &tree) {
        Some(t) => t,
        None => {
            scratch.fill_built_in().map_err(io)?;
            source = Source::BuiltIn {
                why: "the folder holds too little to show everything".to_owned(),
            };
            tree = Manifest::read(&project, &cancel).map_err(io)?;
            Targets::pick(&project, &tree)
                .ok_or_else(|| Fail::io("the built-in tree", &std::io::ErrorKind::Other.into()))?
        }
    };
    std::os::unix::fs::symlink(scratch.outside(), project.join(&targets.link)).map_err(io)?;
    for path in [&targets.edit, &targets.folder, &String::new()] {
        scratch::mark(&project.join(path));
    }
    let before = Manifest::read(&project, &cancel).map_err(io)?;
    go_on(context, progress)?;

    let mut demo = Demo {
        story: Story {
            source: introduce(&source, &tree, out),
            steps: Vec::new(),
            log: Vec::new(),
            undone: Vec::new(),
            checks: Vec::new(),
        },
        person: Arc::default(),
        context,
        progress,
        changes: 0,
    };
    let settings = settings(scratch, &demo.person);
    let runtime = Runtime::open(settings.clone())?;
    let secrets = Secrets::new()?;
    demo.work(&runtime, &targets, &secrets, out)?;
    demo.escapes(&runtime, scratch, &targets, out)?;
    demo.log(&Records::open(&settings)?, out)?;
    let mark = demo.secrets_in_log(&Records::open(&settings)?, &secrets)?;
    demo.undo(&runtime, out)?;

    let after = Manifest::read(&project, &cancel).map_err(io)?;
    go_on(context, progress)?;
    let different = before.differences(&after, 3);
    let found = if different.is_empty() {
        plural(before.entries(), "entry", "entries")
            + ": content, mode, times, links, attributes; folders too"
    } else {
        different.join("; ")
    };
    demo.story
        .check("the tree is as it was", different.is_empty(), Some(found));
    let untouched = scratch.outside_is_untouched().map_err(io)?;
    demo.story
        .check("nothing was written outside of it", untouched, None);
    let verified = Records::open(&settings)?.verify()?;
    let head = verified.head.get(..16).unwrap_or(&verified.head);
    let found = format!(
        "{}, head {head}…",
        plural(verified.events, "event", "events")
    );
    demo.story
        .check("the log verifies", verified.intact, Some(found));
    drop(runtime);
    let leaked = scratch.state_holds(&secrets.all()).map_err(io)? || mark.is_none();
    demo.story.check(
        "neither password nor token is in log or database",
        !leaked,
        mark.flatten().map(|m| format!("instead: {m}")),
    );
    Ok(demo.story)
}

fn introduce(source: &Source, tree: &Manifest, out: &mut Out) -> Value {
    let size = format!(
        "{}, {}",
        plural(tree.entries(), "entry", "entries"),
        bytes(tree.bytes())
    );
    let (line, value) = match source {
        Source::Copied { from } => {
            let from = escape::line(&from.to_string_lossy());
            let line = format!("On a scratch copy of {from} ({size}) an agent");
            (line, json!({"kind": "copy", "from": from}))
        }
        Source::BuiltIn { why } => {
            let line = format!("On a small tree built in ({size}; {why}) an agent");
            (line, json!({"kind": "built_in", "why": why}))
        }
    };
    if !out.is_json() {
        out.line(line);
        out.flush();
    }
    let mut value = value;
    if let Value::Object(map) = &mut value {
        map.insert("entries".into(), tree.entries().into());
        map.insert("bytes".into(), tree.bytes().into());
    }
    value
}

/// A password and a token made for this run: no scanner finds them in our sources.
struct Secrets {
    password: String,
    token: String,
}

impl Secrets {
    fn new() -> Result<Self, Fail> {
        const LETTERS: &[u8; 62] =
            b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let mut random = [0u8; 52];
        SystemEnv::shared().random(&mut random)?;
        let text: String = random
            .iter()
            .map(|b| {
                let letter = LETTERS.get(usize::from(*b) % LETTERS.len());
                char::from(letter.copied().unwrap_or(b'x'))
            })
            .collect();
        let (password, token) = text.split_at(16);
        Ok(Self {
            password: password.to_owned(),
            token: format!("ghp_{token}"),
        })
    }

    fn all(&self) -> [&str; 2] {
        [&self.password, &self.token]
    }
}

struct Demo<'a> {
    story: Story,
    person: Arc<Person>,
    context: &'a Context,
    progress: &'a Arc<Progress>,
    changes: usize,
}

impl Demo<'_> {
    /// One line of the story.
    fn line(&self, out: &mut Out, verb: &str, what: &str, more: &str) {
        if out.is_json() {
            return;
        }
        let room = out.look().width.min(100).saturating_sub(12);
        let what = shorten(&escape::line(what), room.saturating_sub(more.len() + 2));
        let verb = format!("{verb:<8}");
        let verb = if verb.starts_with("refused") {
            out.paint(style::BAD, &verb)
        } else {
            out.paint(style::STRONG, &verb)
        };
        let more = out.paint(style::DIM, more);
        let pad = " ".repeat(ALIGN.saturating_sub(escape::width(&what)));
        out.line(format!("  {verb}  {what}{pad}  {more}"));
        out.flush();
    }

    fn call(
        &mut self,
        rt: &Runtime,
        op: &str,
        params: Value,
        reason: &str,
    ) -> Result<Receipt, Fail> {
        go_on(self.context, self.progress)?;
        let mut call = Call::new(op, params);
        call.reason = Some(reason.to_owned());
        let receipt = rt.call(&call, &self.context.cancel())?;
        self.changes += 1;
        self.story.steps.push(
            json!({"operation": op, "id": receipt.id, "seq": receipt.seq, "outcome": receipt.outcome}),
        );
        Ok(receipt)
    }

    fn work(
        &mut self,
        rt: &Runtime,
        t: &Targets,
        secrets: &Secrets,
        out: &mut Out,
    ) -> Result<(), Fail> {
        let content = format!(
            "DATABASE_PASSWORD={}\nGITHUB_TOKEN={}\n",
            secrets.password, secrets.token
        );
        let reason = format!("deploy with token {}", secrets.token);
        let params = json!({"path": t.new_file, "content": content});
        self.call(rt, "write_file", params, &reason)?;
        self.line(
            out,
            "writes",
            &t.new_file,
            "with a password and a token in it",
        );

        let edited = format!("{} (edited by an agent)", t.line);
        let edits = json!([{"oldText": t.line, "newText": edited}]);
        let params = json!({"path": t.edit, "edits": edits});
        self.call(rt, "edit_file", params, "improve the text")?;
        self.line(out, "edits", &t.edit, "one line");

        let (source, destination) = &t.moved;
        let params = json!({"source": source, "destination": destination});
        self.call(rt, "move_file", params, "tidy up")?;
        let name = destination.rsplit('/').next().unwrap_or(destination);
        self.line(out, "moves", source, &format!("to {}", escape::line(name)));

        let before = self.person.0.load(Ordering::SeqCst);
        let params = json!({"path": t.folder, "recursive": true});
        self.call(rt, "delete_directory", params, "not needed any more")?;
        let asked = self.person.0.load(Ordering::SeqCst) > before;
        let more = format!(
            "{}{}",
            plural(t.folder_entries, "entry", "entries"),
            if asked {
                "; it asked first, the demo said yes"
            } else {
                ""
            }
        );
        self.line(out, "deletes", &format!("{}/", t.folder), &more);
        self.story
            .check("deleting a folder asked first", asked, None);
        Ok(())
    }

    fn escapes(
        &mut self,
        rt: &Runtime,
        scratch: &Scratch,
        t: &Targets,
        out: &mut Out,
    ) -> Result<(), Fail> {
        let absolute = scratch.outside().join("stolen");
        let ways = [
            ("../stolen".to_owned(), "past the root"),
            (absolute.to_string_lossy().into_owned(), "absolute, outside"),
            (format!("{}/stolen", t.link), "through a link out"),
        ];
        let mut held = true;
        for (path, how) in ways {
            go_on(self.context, self.progress)?;
            let call = Call::new("write_file", json!({"path": path, "content": "stolen"}));
            match rt.call(&call, &self.context.cancel()) {
                Err(e) if e.kind() == ErrorKind::Guard => {
                    self.story.steps.push(
                        json!({"operation": "write_file", "refused": how, "code": e.code(), "id": e.id()}),
                    );
                    // The folder's random name says nothing to anybody.
                    let shown = match path.rsplit_once("aifirst-demo-") {
                        Some((_, rest)) => {
                            format!("/…/{}", rest.split_once('/').map_or("", |(_, r)| r))
                        }
                        None => path,
                    };
                    self.line(out, "refused", &shown, how);
                }
                Err(e) if e.kind() == ErrorKind::Cancelled => return Err(e.into()),
                other => {
                    held = false;
                    let outcome = match other {
                        Ok(_) => "it was done".to_owned(),
                        Err(e) => e.to_string(),
                    };
                    self.story.steps.push(
                        json!({"operation": "write_file", "escaped": how, "outcome": outcome}),
                    );
                    self.line(out, "ESCAPED", &path, &outcome);
                }
            }
        }
        self.story
            .check("three ways out of the folder were refused", held, None);
        Ok(())
    }

    fn log(&mut self, records: &Records, out: &mut Out) -> Result<(), Fail> {
        let entries = records.log(&LogFilter::default())?;
        if !out.is_json() {
            out.line("");
            out.line(out.paint(style::STRONG, "The log has it all"));
            let now = rfc3339(SystemEnv::shared().now_us());
            let skip = entries.len().saturating_sub(LOG_LINES);
            let shown = entries.get(skip..).unwrap_or_default();
            let columns = Columns::of(out.look(), shown, &now);
            for entry in shown {
                let mut line = b"  ".to_vec();
                line.extend(columns.line(out, entry));
                out.line(line);
            }
            out.flush();
        }
        self.story.log = entries;
        Ok(())
    }

    /// Looks for the secrets in all that the log tells; the mark that stands there instead, or
    /// nothing when a secret was found.
    fn secrets_in_log(
        &self,
        records: &Records,
        secrets: &Secrets,
    ) -> Result<Option<Option<String>>, Fail> {
        let mut mark = None;
        for entry in self.story.log.iter().filter(|e| e.id.is_some()) {
            let shown = records.show(&Reference::Number(entry.seq))?;
            let text = serde_json::to_string(&shown).unwrap_or_default();
            if secrets.all().iter().any(|s| text.contains(s)) {
                return Ok(None);
            }
            if mark.is_none()
                && let Some((_, rest)) = text.split_once("[redacted:")
                && let Some((inner, _)) = rest.split_once(']')
            {
                mark = Some(format!("[redacted:{inner}]"));
            }
        }
        Ok(Some(mark))
    }

    fn undo(&mut self, rt: &Runtime, out: &mut Out) -> Result<(), Fail> {
        let request = RestoreRequest::new(Select::Last);
        let mut names = Vec::new();
        for _ in 0..self.changes {
            go_on(self.context, self.progress)?;
            let restored = rt.undo(&request, &self.context.cancel())?;
            for op in &restored.operations {
                names.push(escape::line(&op.operation));
                self.story
                    .undone
                    .push(serde_json::to_value(op).unwrap_or_default());
            }
        }
        if !out.is_json() {
            out.line("");
            out.line(format!(
                "{}  {}",
                out.paint(style::STRONG, "Undone, newest first:"),
                names.join(", ")
            ));
            out.flush();
        }
        Ok(())
    }
}
