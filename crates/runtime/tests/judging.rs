//! Policy and person: what is denied cannot be reached another way, and no answer means no.
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aifirst_runtime::{
    Answer, By, Call, Cancel, Confirm, ErrorKind, Question, Records, Reference, Run, Runtime,
};
use serde_json::json;

use crate::world::{World, call, exists};

fn policy(w: &World, text: &str) {
    fs::write(
        w.inner().join("policy.toml"),
        format!("version = 1\n{text}"),
    )
    .unwrap();
}

const NO_ENV: &str = r#"
[[rule]]
name = "secrets stay"
decide = "deny"
effects = ["read"]
paths = ["**/.env", ".env"]
reason = "ask a person for what you need from it"
"#;

#[test]
fn what_may_not_be_read_cannot_be_probed_moved_or_shown() {
    let w = World::new();
    w.write(".env", "KEY=value\nOTHER=1\n");
    std::os::unix::fs::symlink(".env", w.path("alias")).unwrap();
    let rt = w.open();
    policy(&w, NO_ENV);
    let before = crate::manifest::manifest(&w.root());
    let cases = [
        ("read_text_file", json!({"path": ".env"})),
        ("read_text_file", json!({"path": "alias"})),
        ("read_text_file", json!({"path": "./x/../.env"})),
        (
            "edit_file",
            json!({"path": ".env", "edits": [{"oldText": "KEY=valux", "newText": "x"}]}),
        ),
        (
            "edit_file",
            json!({"path": "alias", "edits": [{"oldText": "=", "newText": "x"}]}),
        ),
        (
            "edit_file",
            json!({"path": ".env", "dryRun": true, "edits": [{"oldText": "KEY", "newText": "x"}]}),
        ),
        (
            "move_file",
            json!({"source": ".env", "destination": "plain"}),
        ),
        (
            "copy_file",
            json!({"source": ".env", "destination": "plain"}),
        ),
        ("get_file_info", json!({"path": ".env", "hash": "sha256"})),
        (
            "write_file",
            json!({"path": ".env", "content": "x", "expected_sha256": "00".repeat(32)}),
        ),
    ];
    for (op, params) in cases {
        let e = call(&rt, op, params.clone()).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Denied, "{op} {params}: {e}");
        assert_eq!(e.rule(), Some("secrets stay"));
        let told = format!("{e} {:?} {:?}", e.hint(), e.path());
        assert!(!told.contains("value") && !told.contains("OTHER"), "{told}");
    }
    assert_eq!(crate::manifest::manifest(&w.root()), before);
    // Overwriting is allowed by this policy, but shows nothing of what was there.
    let mut shown = Call::new(
        "write_file",
        json!({"path": ".env", "content": "KEY=new\n"}),
    );
    shown.run = Run::DryRun;
    let r = rt.call(&shown, &Cancel::new()).unwrap();
    assert!(!serde_json::to_string(&r).unwrap().contains("OTHER"));
    // The control: without the rule the same calls are answered.
    fs::remove_file(w.inner().join("policy.toml")).unwrap();
    let e = call(
        &rt,
        "edit_file",
        json!({"path": ".env", "edits": [{"oldText": "KEY=valux", "newText": "x"}]}),
    )
    .unwrap_err();
    assert_eq!(e.code(), "no_match");
    call(
        &rt,
        "move_file",
        json!({"source": ".env", "destination": "plain"}),
    )
    .unwrap();
}

/// Answers, and does something to the workspace while the person thinks.
struct Thinking<F: Fn(usize) + Send + Sync> {
    asked: AtomicUsize,
    meanwhile: F,
    answer: Answer,
}

impl<F: Fn(usize) + Send + Sync> Confirm for Thinking<F> {
    fn confirm(&self, question: &Question) -> Answer {
        assert_eq!(question.digest.len(), 64);
        (self.meanwhile)(self.asked.fetch_add(1, Ordering::SeqCst));
        self.answer.clone()
    }
}

fn asking(w: &World, confirm: Arc<dyn Confirm>) -> Runtime {
    drop(w.open());
    policy(w, "default = \"ask\"\n");
    let mut settings = w.settings();
    settings.confirm = confirm;
    Runtime::open(settings).unwrap()
}

const YES: Answer = Answer::Yes { by: By::Fixed };

#[test]
fn lesson_g10_a_file_that_changed_during_the_prompt_is_asked_about_again() {
    let w = World::new();
    w.write("f", "0");
    let path = w.path("f");
    let confirm = Arc::new(Thinking {
        asked: AtomicUsize::new(0),
        meanwhile: move |n| {
            if n == 0 {
                fs::write(&path, "person").unwrap();
            }
        },
        answer: YES,
    });
    let rt = asking(&w, confirm.clone());
    call(&rt, "write_file", json!({"path": "f", "content": "agent"})).unwrap();
    assert_eq!(
        confirm.asked.load(Ordering::SeqCst),
        2,
        "the first yes was for another file"
    );
    assert_eq!(w.read("f"), "agent");
}

#[test]
fn a_file_that_keeps_changing_is_a_conflict_and_nothing_is_lost() {
    let w = World::new();
    w.write("f", "0");
    let path = w.path("f");
    let confirm = Arc::new(Thinking {
        asked: AtomicUsize::new(0),
        meanwhile: move |n| fs::write(&path, format!("person {n}")).unwrap(),
        answer: YES,
    });
    let rt = asking(&w, confirm.clone());
    let e = call(&rt, "write_file", json!({"path": "f", "content": "agent"})).unwrap_err();
    assert_eq!((e.kind(), e.code()), (ErrorKind::Conflict, "kept_changing"));
    assert_eq!(w.read("f"), "person 2");
    let log = Records::open(&w.settings())
        .unwrap()
        .show(&Reference::Last)
        .unwrap();
    assert_eq!(log.entry.error.as_deref(), Some("kept_changing"));
}

#[test]
fn lesson_g8_a_confirmer_that_fails_has_not_said_yes() {
    struct Panics;
    impl Confirm for Panics {
        fn confirm(&self, _: &Question) -> Answer {
            panic!("the dialog crashed")
        }
    }
    let no = Answer::No {
        by: By::Fixed,
        reason: Some("not today".into()),
    };
    let away = Answer::NotAvailable {
        why: "nobody is there".into(),
    };
    let silent = |_| {};
    let cases: [(Arc<dyn Confirm>, ErrorKind, &str); 3] = [
        (Arc::new(Panics), ErrorKind::NobodyToAsk, "not_available"),
        (
            Arc::new(Thinking {
                asked: 0.into(),
                meanwhile: silent,
                answer: no,
            }),
            ErrorKind::Denied,
            "no",
        ),
        (
            Arc::new(Thinking {
                asked: 0.into(),
                meanwhile: silent,
                answer: away,
            }),
            ErrorKind::NobodyToAsk,
            "not_available",
        ),
    ];
    for (confirm, kind, answer) in cases {
        let w = World::new();
        let rt = asking(&w, confirm);
        let e = call(&rt, "write_file", json!({"path": "f", "content": "x"})).unwrap_err();
        assert_eq!(e.kind(), kind, "{e}");
        assert!(!exists(&w.path("f")));
        let shown = Records::open(&w.settings())
            .unwrap()
            .show(&Reference::Last)
            .unwrap();
        assert_eq!(shown.entry.outcome, "denied");
        assert_eq!(shown.events[0].event["decision"]["answer"], answer);
        assert_ne!(shown.events[0].event["decision"]["prompt_shown"], true);
    }
}

#[test]
fn a_yes_whose_operation_never_begins_is_an_event_too() {
    let w = World::new();
    w.write("d/f", "0");
    let path = w.path("d");
    let confirm = Arc::new(Thinking {
        asked: AtomicUsize::new(0),
        meanwhile: move |_| {
            let _ = fs::remove_dir_all(&path);
        },
        answer: YES,
    });
    let rt = asking(&w, confirm);
    call(&rt, "delete_file", json!({"path": "d/f"})).unwrap_err();
    let shown = Records::open(&w.settings())
        .unwrap()
        .show(&Reference::Last)
        .unwrap();
    let kinds: Vec<_> = shown
        .events
        .iter()
        .map(|e| e.event["kind"].clone())
        .collect();
    assert_eq!(kinds, ["confirmation", "refusal"]);
}

#[test]
fn undo_is_judged_but_never_asked_for_folder_or_size() {
    let w = World::new();
    let rt = w.open();
    call(
        &rt,
        "write_file",
        json!({"path": "gen/a", "content": "x", "make_parents": true}),
    )
    .unwrap();
    policy(&w, "ask_over = { bytes = \"1 B\", entries = 1 }\n");
    let request = aifirst_runtime::RestoreRequest::new(aifirst_runtime::Select::Last);
    rt.undo(&request, &Cancel::new()).unwrap();
    rt.redo(&request, &Cancel::new()).unwrap();
    policy(
        &w,
        "[[rule]]\nname = \"keep gen\"\ndecide = \"deny\"\neffects = [\"delete\"]\npaths = [\"gen/**\"]\n",
    );
    let e = rt.undo(&request, &Cancel::new()).unwrap_err();
    assert_eq!((e.kind(), e.rule()), (ErrorKind::Denied, Some("keep gen")));
    assert!(exists(&w.path("gen/a")));
}

#[test]
fn lesson_f1_text_with_a_mark_of_ours_is_not_written_back() {
    let w = World::new();
    let secret = "hunter2-Xk29dLq0";
    w.write(".env", &format!("PASSWORD={secret}\n"));
    let rt = w.open();
    let r = call(
        &rt,
        "edit_file",
        json!({"path": ".env", "edits": [{"oldText": "PASSWORD", "newText": "DB_PASSWORD"}]}),
    )
    .unwrap();
    // What was shown of it is redacted, so an agent may well send it back.
    let shown = serde_json::to_string(&r.diff).unwrap();
    assert!(!shown.contains(secret), "{shown}");
    let start = shown.find("[redacted:").unwrap();
    let end = start + shown[start..].find(']').unwrap();
    let mark = &shown[start..=end];
    let before = w.read(".env");
    let e = call(
        &rt,
        "write_file",
        json!({"path": ".env", "content": format!("PASSWORD={mark}\n")}),
    )
    .unwrap_err();
    assert_eq!(e.code(), "holds_mark", "{e}");
    assert_eq!(w.read(".env"), before);
    // Nor does it become a name.
    for (op, params) in [
        ("write_file", json!({"path": mark, "content": "x"})),
        ("create_directory", json!({"path": format!("d-{mark}")})),
        (
            "move_file",
            json!({"source": ".env", "destination": format!("n-{mark}")}),
        ),
    ] {
        let e = call(&rt, op, params).unwrap_err();
        assert_eq!(e.code(), "holds_mark", "{op}: {e}");
    }
    // A mark that is not ours is text like any other, and what is written is exact.
    let forged =
        "PASSWORD=[redacted:secret:0000000000-000000]\nurl = f\"postgres://u:{pw}@h/db\"\n";
    call(
        &rt,
        "write_file",
        json!({"path": ".env", "content": forged}),
    )
    .unwrap();
    assert_eq!(w.read(".env"), forged);
}

#[test]
fn a_folder_is_not_moved_away_from_a_rule_about_what_is_in_it() {
    let w = World::new();
    w.write("app/Cargo.lock", "x");
    w.write("lib/src", "x");
    let rt = w.open();
    policy(
        &w,
        "[[rule]]\nname = \"locks\"\ndecide = \"deny\"\neffects = [\"move\", \"delete\"]\npaths = [\"**/*.lock\"]\n",
    );
    let e = call(
        &rt,
        "move_file",
        json!({"source": "app", "destination": "gone"}),
    )
    .unwrap_err();
    assert_eq!(e.rule(), Some("locks"), "{e}");
    call(
        &rt,
        "move_file",
        json!({"source": "lib/src", "destination": "lib/dst"}),
    )
    .unwrap();
}

#[test]
fn a_text_that_is_found_tells_as_much_as_one_that_is_not() {
    let w = World::new();
    w.write(".env", "KEY=value\nOTHER=1\n");
    let rt = w.open();
    let mut hit = Call::new(
        "edit_file",
        json!({"path": ".env", "edits": [{"oldText": "KEY=val", "newText": "x"}]}),
    );
    hit.run = Run::DryRun;
    rt.call(&hit, &Cancel::new()).unwrap();
    policy(&w, NO_ENV);
    for run in [Run::DryRun, Run::Do] {
        hit.run = run;
        let e = rt.call(&hit, &Cancel::new()).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Denied, "{run:?}: {e}");
    }
    assert_eq!(w.read(".env"), "KEY=value\nOTHER=1\n");
}

#[test]
fn what_is_read_only_after_a_question_is_not_shown_without_one() {
    let w = World::new();
    w.write(".env", "KEY=value\nOTHER=1\n");
    let rt = w.open();
    policy(&w, &NO_ENV.replace("\"deny\"", "\"ask\""));
    let mut shown = Call::new("write_file", json!({"path": ".env", "content": "x"}));
    shown.run = Run::DryRun;
    let r = rt.call(&shown, &Cancel::new()).unwrap();
    let told = serde_json::to_string(&r).unwrap();
    assert!(!told.contains("OTHER") && !told.contains("KEY"), "{told}");
    let near = json!({"path": ".env", "edits": [{"oldText": "OTHER=2", "newText": "x"}]});
    let e = call(&rt, "edit_file", near).unwrap_err();
    assert_eq!(e.code(), "no_match");
    assert!(!e.hint().unwrap_or_default().contains("OTHER=1"), "{e:?}");
    let hit = json!({"path": ".env", "edits": [{"oldText": "OTHER=1", "newText": "x"}]});
    let e = call(&rt, "edit_file", hit).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::NobodyToAsk, "{e}");
    assert_eq!(w.read(".env"), "KEY=value\nOTHER=1\n");
}

const NO_GEN: &str = r#"
[[rule]]
name = "generated"
decide = "deny"
effects = ["create"]
paths = ["gen/**"]
"#;

#[test]
fn a_folder_that_arrives_is_judged_with_what_is_in_it() {
    let w = World::new();
    fs::create_dir(w.path("src")).unwrap();
    w.write("src/f", "1");
    let rt = w.open();
    policy(&w, NO_GEN);
    let to = |to: &str| json!({"source": "src", "destination": to});
    let e = call(&rt, "move_file", to("gen")).unwrap_err();
    assert_eq!((e.kind(), e.rule()), (ErrorKind::Denied, Some("generated")));
    // An empty folder of that name puts nothing beneath it.
    call(&rt, "create_directory", json!({"path": "gen"})).unwrap();
    call(&rt, "move_file", to("other")).unwrap();
}

#[test]
fn undo_puts_nothing_where_policy_lets_nothing_be_put() {
    let w = World::new();
    fs::create_dir(w.path("gen")).unwrap();
    w.write("gen/moved", "1");
    w.write("gen/deleted", "2");
    let rt = w.open();
    let ids = [
        call(
            &rt,
            "move_file",
            json!({"source": "gen/moved", "destination": "moved"}),
        )
        .unwrap()
        .id,
        call(&rt, "delete_file", json!({"path": "gen/deleted"}))
            .unwrap()
            .id,
    ];
    let undo = |id: &aifirst_runtime::OpId| {
        let select = aifirst_runtime::Select::One(Reference::Prefix(id.to_string()));
        let request = aifirst_runtime::RestoreRequest::new(select);
        rt.undo(&request, &Cancel::new())
    };
    policy(&w, NO_GEN);
    for id in &ids {
        let e = undo(id).unwrap_err();
        assert_eq!((e.kind(), e.rule()), (ErrorKind::Denied, Some("generated")));
    }
    assert!(!exists(&w.path("gen/moved")) && !exists(&w.path("gen/deleted")));
    fs::remove_file(w.inner().join("policy.toml")).unwrap();
    for id in ids.iter().rev() {
        undo(id).unwrap();
    }
    assert_eq!(w.read("gen/moved"), "1");
}

#[test]
fn a_policy_that_denies_meanwhile_is_heeded_after_the_yes_too() {
    for (op, params) in [
        ("read_text_file", json!({"path": "f"})),
        ("write_file", json!({"path": "f", "content": "agent"})),
        ("delete_file", json!({"path": "f"})),
    ] {
        let w = World::new();
        w.write("f", "person");
        drop(w.open());
        let file = w.inner().join("policy.toml");
        let confirm = Arc::new(Thinking {
            asked: AtomicUsize::new(0),
            meanwhile: move |_| fs::write(&file, "version = 1\ndefault = \"deny\"\n").unwrap(),
            answer: YES,
        });
        let rt = asking(&w, confirm.clone());
        let e = call(&rt, op, params).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Denied, "{op}: {e:?}");
        assert_eq!(confirm.asked.load(Ordering::SeqCst), 1, "{op}");
        assert_eq!(w.read("f"), "person", "{op}");
    }
}
