//! The demo keeps its promises, says so in under a screen, and leaves nothing behind.
use std::process::Command;

use crate::desk::Desk;
use crate::terminal::Terminal;

fn left_behind(desk: &Desk) -> Vec<std::ffi::OsString> {
    std::fs::read_dir(desk.root().join("tmp"))
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect()
}

#[test]
fn the_demo_holds_on_a_real_tree() {
    let desk = Desk::with_files();
    let before = desk.tree();
    let run = desk.done(&["demo"]);
    assert!(run.out.contains("Everything held."), "{run:?}");
    assert!(
        run.out.lines().count() <= 40,
        "longer than a screen: {run:?}"
    );
    // The log names the absolute path of the refused escape, which is as long as it is.
    assert!(run.out.lines().all(|l| l.chars().count() <= 200), "{run:?}");
    for part in ["writes", "edits", "moves", "deletes", "refused", "Undone"] {
        assert!(run.out.contains(part), "no {part:?}: {run:?}");
    }
    assert!(run.out.matches("refused").count() >= 3, "{run:?}");
    assert_eq!(desk.tree(), before);
    assert_eq!(left_behind(&desk).len(), 0);
    assert!(!desk.state().exists(), "the person's own state was touched");
}

#[test]
fn the_demo_has_a_tree_of_its_own_where_there_is_none() {
    let desk = Desk::new();
    let document = desk.json(&["demo"]);
    assert_eq!(document["held"], true, "{document}");
    assert_eq!(document["source"]["kind"], "built_in", "{document}");
    assert_eq!(left_behind(&desk).len(), 0);
    let other = Desk::with_files();
    let document = desk.json(&["demo", "--on", other.project().to_str().unwrap()]);
    assert_eq!(document["source"]["kind"], "copy", "{document}");
    assert_eq!(document["held"], true, "{document}");
}

#[test]
fn the_demo_leaves_nothing_behind_after_ctrl_c() {
    let desk = Desk::with_files();
    for text in ["agent", "writes", "deletes", "The log"] {
        let mut terminal = Terminal::start(&desk, &["demo", "--color", "never"]);
        terminal.wait_for(text);
        terminal.type_in("\u{3}");
        let code = terminal.end();
        // The last steps may be over before the key arrives.
        assert!(code == 130 || code == 0, "{code}: {}", terminal.seen);
        assert_eq!(
            left_behind(&desk).len(),
            0,
            "after {text:?}: {}",
            terminal.seen
        );
    }
    // Many times, at moments nobody chose.
    for turn in 0..8u64 {
        let child = desk
            .program(crate::desk::PROGRAM)
            .arg("demo")
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // The handlers stand before anything is made; before that there is nothing to leave.
        std::thread::sleep(std::time::Duration::from_millis(turn * 25));
        let _ = Command::new("kill")
            .args(["-TERM", &child.id().to_string()])
            .status();
        let mut child = child;
        child.wait().unwrap();
        assert_eq!(left_behind(&desk).len(), 0, "turn {turn}");
    }
}
