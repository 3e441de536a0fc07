//! One operation through the whole net.
use serde_json::json;

use crate::world::{World, call, exists};

#[test]
fn writing_reading_and_deleting_do_what_they_say() {
    let w = World::new();
    w.write("tree/a/b.txt", "inside");
    let rt = w.open();
    assert!(rt.notice().unwrap().contains("new workspace"));
    let r = call(
        &rt,
        "write_file",
        json!({"path": "hello.txt", "content": "one\n"}),
    )
    .unwrap();
    assert!(r.undoable);
    assert_eq!(w.read("hello.txt"), "one\n");
    call(
        &rt,
        "write_file",
        json!({"path": "hello.txt", "content": "two\n"}),
    )
    .unwrap();
    assert_eq!(w.read("hello.txt"), "two\n");
    let r = call(&rt, "read_text_file", json!({"path": "hello.txt"})).unwrap();
    assert_eq!(r.result["content"], "two\n");
    let r = call(
        &rt,
        "delete_directory",
        json!({"path": "tree", "recursive": true}),
    );
    let e = r.unwrap_err();
    assert_eq!(e.code(), "nobody_to_ask", "{e}");
    assert!(exists(&w.path("tree/a/b.txt")));
}

#[test]
fn what_failed_before_it_was_planned_is_an_event_too() {
    let w = World::new();
    let rt = w.open();
    let e = call(&rt, "format_disk", json!({})).unwrap_err();
    assert_eq!(e.code(), "no_such_operation");
    std::fs::write(w.inner().join("policy.toml"), "").unwrap();
    let e = call(&rt, "read_text_file", json!({"path": "x"})).unwrap_err();
    assert_eq!(e.code(), "policy_broken");
    let records = aifirst_runtime::Records::open(&w.settings()).unwrap();
    let log = records.log(&aifirst_runtime::LogFilter::default()).unwrap();
    let said: Vec<_> = log
        .iter()
        .map(|e| e.error.as_deref().unwrap_or(""))
        .collect();
    assert_eq!(said, ["", "no_such_operation", "policy_broken"]);
    assert_eq!(log[2].id.unwrap().to_string(), e.id().unwrap());
}

#[test]
fn eight_writers_of_one_file_all_succeed_and_none_is_lost() {
    let w = World::new();
    w.write("f", "start");
    drop(w.open());
    let settings: Vec<_> = (0..8).map(|_| w.settings()).collect();
    std::thread::scope(|scope| {
        for (n, settings) in settings.into_iter().enumerate() {
            scope.spawn(move || {
                // A runtime of its own, with locks of its own, as in another process.
                let rt = aifirst_runtime::Runtime::open(settings).unwrap();
                for i in 0..6 {
                    let content = format!("{n} {i}");
                    call(&rt, "write_file", json!({"path": "f", "content": content})).unwrap();
                }
            });
        }
    });
    let rt = w.open();
    let request = aifirst_runtime::RestoreRequest::new(aifirst_runtime::Select::Last);
    for _ in 0..48 {
        rt.undo(&request, &aifirst_runtime::Cancel::new()).unwrap();
    }
    assert_eq!(w.read("f"), "start");
}

#[test]
fn lesson_e8_reads_alone_do_not_grow_the_write_ahead_log_for_ever() {
    let w = World::quick();
    w.write("f", "x");
    let rt = w.open();
    let wal = w.inner().join("state.db-wal");
    let mut largest = 0;
    for _ in 0..3000 {
        call(&rt, "get_file_info", json!({"path": "f"})).unwrap();
        largest = largest.max(std::fs::metadata(&wal).unwrap().len());
    }
    // Moved into the database from 4 MiB on, and begun anew from its beginning.
    assert!(largest < 8 << 20, "{largest} bytes");
    assert!(std::fs::metadata(w.inner().join("state.db")).unwrap().len() > 1 << 20);
}
