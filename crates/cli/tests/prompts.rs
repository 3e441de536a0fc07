//! Questions at the controlling terminal, and what counts as an answer.
use crate::desk::Desk;
use crate::terminal::Terminal;

const DELETE: [&str; 4] = ["call", "delete_directory", "path=build", "recursive=true"];
const QUESTION: &str = "Allow this once? [y/N]";

/// Answers the question by typing; the exit code, and whether the folder still stands.
fn answered(keys: &str) -> (i32, bool, String) {
    let desk = Desk::with_files();
    let mut terminal = Terminal::start(&desk, &DELETE);
    terminal.wait_for(QUESTION);
    assert!(desk.path("build").exists(), "deleted before the answer");
    terminal.type_in(keys);
    let code = terminal.end();
    (code, desk.path("build").exists(), terminal.seen.clone())
}

#[test]
fn yes_is_y_or_yes() {
    for keys in ["y\n", "YES\n", " yes \n"] {
        let (code, stands, seen) = answered(keys);
        assert_eq!((code, stands), (0, false), "{keys:?}: {seen}");
    }
}

#[test]
fn lesson_g5_everything_else_is_no() {
    for keys in [
        "\n",
        "n\n",
        "no\n",
        "yess\n",
        "yn\n",
        "\u{4}",
        "ok\n",
        "\u{1b}[Ay\n",
    ] {
        let (code, stands, seen) = answered(keys);
        assert_eq!((code, stands), (3, true), "{keys:?}: {seen}");
    }
}

#[test]
fn the_question_says_what_it_is_about() {
    let desk = Desk::with_files();
    let mut args = DELETE.to_vec();
    args.extend(["--reason", "tidy up"]);
    let mut terminal = Terminal::start(&desk, &args);
    terminal.wait_for(QUESTION);
    terminal.type_in("n\n");
    terminal.end();
    for part in [
        "delete_directory",
        "build",
        "folder",
        "aifirst cli",
        "tidy up",
        "undo",
    ] {
        assert!(
            terminal.seen.contains(part),
            "no {part:?}: {}",
            terminal.seen
        );
    }
    let headline = terminal.seen.find("aifirst asks:").unwrap();
    assert!(headline < terminal.seen.find("tidy up").unwrap());
}

#[test]
fn lesson_g5_yes_piped_in_does_not_approve() {
    let desk = Desk::with_files();
    let line = "yes | \"$AIFIRST\" call delete_directory path=build recursive=true";
    let mut terminal = Terminal::shell(&desk, line);
    terminal.wait_for(QUESTION);
    terminal.type_in("\n");
    assert_eq!(terminal.end(), 3, "{}", terminal.seen);
    assert!(desk.path("build").exists());

    // And where there is no terminal at all.
    let run = desk.shell("yes | aifirst call delete_directory path=build recursive=true");
    assert_eq!(run.code, 3, "{run:?}");
    assert!(desk.path("build").exists());
}

#[test]
fn what_was_typed_before_the_question_is_no_answer() {
    let desk = Desk::with_files();
    let line =
        "read first; sleep 0.2; \"$AIFIRST\" call delete_directory path=build recursive=true";
    let mut terminal = Terminal::shell(&desk, line);
    terminal.type_in("go\ny\n");
    terminal.wait_for(QUESTION);
    terminal.type_in("\n");
    assert_eq!(terminal.end(), 3, "{}", terminal.seen);
    assert!(desk.path("build").exists());
}

#[test]
fn lesson_g4_no_terminal_and_no_flag_is_a_refusal_of_its_own() {
    let desk = Desk::with_files();
    let run = desk.run(&[&DELETE[..], &["--json"]].concat());
    assert_eq!(run.code, 3);
    let error = run.error();
    assert_eq!(error["code"], "nobody_to_ask");
    assert!(error["hint"].as_str().unwrap().contains("--yes"), "{error}");
    assert!(desk.path("build/out.o").exists());

    desk.done(&[&DELETE[..], &["--yes"]].concat());
    assert!(!desk.path("build").exists());
    let log = desk.log();
    assert_eq!(log.last().unwrap()["decision"]["by"], "flag", "{log:?}");
}

#[test]
fn lesson_h3_ctrl_c_at_the_question_is_no_and_leaves_the_terminal_as_it_was() {
    let desk = Desk::with_files();
    // The shell waits, so that the terminal's settings are seen after the command went.
    let line =
        "stty -echo; \"$AIFIRST\" call delete_directory path=build recursive=true; echo ended $?";
    let mut terminal = Terminal::shell(&desk, &format!("trap '' INT; {line}"));
    terminal.wait_for(QUESTION);
    terminal.type_in("n\n");
    terminal.wait_for("ended 3");
    let before = terminal.settings();
    terminal.end();

    let mut terminal = Terminal::shell(&desk, &format!("trap : INT; {line}"));
    terminal.wait_for(QUESTION);
    terminal.type_in("\u{3}");
    terminal.wait_for("ended 130");
    assert_eq!(terminal.settings(), before);
    terminal.end();
    assert!(desk.path("build").exists());
}

#[test]
fn forgetting_a_workspace_asks_too() {
    let desk = Desk::with_files();
    desk.done(&["call", "write_file", "path=a", "content=b"]);
    let run = desk.run(&["workspace", "forget", ".", "--json"]);
    assert_eq!(run.error()["code"], "nobody_to_ask");
    let mut terminal = Terminal::start(&desk, &["workspace", "forget", "."]);
    terminal.wait_for("Forget it? [y/N]");
    terminal.type_in("y\n");
    assert_eq!(terminal.end(), 0, "{}", terminal.seen);
    assert_eq!(desk.run(&["log", "--json"]).error()["exit"], 2);
    assert_eq!(desk.text("a"), "b");
}
