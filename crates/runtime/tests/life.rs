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
