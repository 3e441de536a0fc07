//! Names and texts that attack a terminal, through every command (lesson G6).
use crate::desk::Desk;
use crate::terminal::Terminal;

/// ESC, OSC 52 (the clipboard), a line end, bidi, C1, a line separator.
const NAME: &str = "x\u{1b}[31m\u{1b}]52;c;QUJD\u{7}\ny\u{202e}z\u{9b}2J\u{2028}w";
const HARMLESS: &str = "x\\x1b[31m\\x1b]52;c;QUJD\\x07\\ny\\u{202e}z\\u{9b}2J\\u{2028}w";
fn hostile(text: &str) -> bool {
    text.contains("\u{1b}]")
        || text.contains("\u{1b}[31m")
        || text.contains('\u{7}')
        || text.contains('\u{202e}')
        || text.contains('\u{9b}')
        || text.contains('\u{2028}')
}

fn laid_out() -> (Desk, String) {
    let desk = Desk::new();
    let text = format!("one\n{NAME}\n");
    desk.put("text", &text);
    desk.put(&format!("dir/{NAME}"), "here already");
    desk.put(&format!("kept/{NAME}"), "here already");
    // The guard takes no such name from an agent; here it comes in what is already there, in
    // contents, in reasons, and in what is refused.
    let path = "path=plain".to_owned();
    desk.done(&["call", "write_file", &path, "content=b", "--reason", NAME]);
    desk.done(&["call", "write_file", &path, &format!("content={NAME}")]);
    let escape = desk.run(&[
        "call",
        "write_file",
        &format!("path=../{NAME}"),
        "content=x",
    ]);
    assert_eq!(escape.code, 4, "{escape:?}");
    assert!(!hostile(&escape.err), "{escape:?}");
    (desk, path)
}

#[test]
fn lesson_g6_no_command_lets_a_hostile_name_reach_a_terminal() {
    let (desk, path) = laid_out();
    let commands: &[&[&str]] = &[
        &["log"],
        &["log", "-v"],
        &["log", NAME],
        &["call", "list_directory", "path=dir"],
        &["call", "read_text_file", &format!("path={NAME}")],
        &[
            "call",
            "delete_directory",
            "path=dir",
            "recursive=true",
            "--yes",
        ],
        &["show", "last"],
        &["show", "@5"],
        &["show", "@2"],
        &["diff", "@2"],
        &["status"],
        &["verify"],
        &["call", "read_text_file", &path],
        &["call", "read_text_file", "path=text"],
        &["call", "get_file_info", &path],
        &["call", "list_directory", "path=."],
        &["call", "write_file", &path, "content=c", "--dry-run"],
        &["call", "write_file", &path, "content=c"],
        &["call", "read_text_file", &format!("path=none{NAME}")],
        &["call", NAME],
        &["ops", NAME],
        &["show", NAME],
        &["undo", "--dry-run"],
        &["undo"],
        &["redo", "--dry-run"],
        &["redo"],
        &["workspace", "list"],
        &["workspace", "forget", NAME, "--yes"],
        &["workspace", "forget", ".", "--dry-run"],
        &[NAME],
        &["log", &format!("--{NAME}")],
        &["doctor"],
    ];
    for args in commands {
        for colour in ["never", "always"] {
            let mut terminal = Terminal::start(&desk, &[args, &["--color", colour][..]].concat());
            terminal.end();
            // The red of our own errors is bold first.
            let seen = terminal
                .seen
                .replace("\u{1b}[1m\u{1b}[31m", "")
                .replace("\u{1b}[31m-", "-");
            assert!(!hostile(&seen), "{args:?} at a terminal: {seen:?}");
        }
    }
    let mut terminal = Terminal::start(&desk, &["log", "--color", "never"]);
    terminal.end();
    assert!(terminal.seen.contains("write_file"), "{:?}", terminal.seen);
    let list = ["call", "list_directory", "path=kept", "--color", "never"];
    let mut terminal = Terminal::start(&desk, &list);
    terminal.end();
    assert!(terminal.seen.contains(HARMLESS), "{:?}", terminal.seen);
}

#[test]
fn lesson_g6_json_and_stderr_are_clean_everywhere() {
    let (desk, path) = laid_out();
    for args in [
        &["log", "--json"][..],
        &["show", "last", "--json"],
        &["diff", "@2", "--json"],
        &["status", "--json"],
        &["call", "read_text_file", &path, "--json"],
        &["call", "list_directory", "path=.", "--json"],
        &[
            "call",
            "read_text_file",
            &format!("path=none{NAME}"),
            "--json",
        ],
        &["call", "read_text_file", &format!("path=none{NAME}")],
        &["undo", "--dry-run", "--json"],
    ] {
        let run = desk.run(args);
        assert!(!hostile(&run.err), "{args:?}: {run:?}");
        if args.contains(&"--json") {
            assert!(!hostile(&run.out), "{args:?}: {run:?}");
        }
    }
}

#[test]
fn names_are_raw_where_no_terminal_is() {
    let (desk, _) = laid_out();
    let run = desk.done(&["call", "list_directory", "path=dir"]);
    assert!(run.out.contains(NAME), "{run:?}");
}

#[test]
fn lesson_g6_the_question_escapes_what_the_agent_wrote() {
    let desk = Desk::new();
    let folder = "folder";
    desk.put(&format!("{folder}/{NAME}"), "x");
    let path = format!("path={folder}");
    let mut terminal = Terminal::start(
        &desk,
        &[
            "call",
            "delete_directory",
            &path,
            "recursive=true",
            "--reason",
            NAME,
            "--color",
            "never",
        ],
    );
    terminal.wait_for("Allow this once? [y/N]");
    terminal.type_in("n\n");
    assert_eq!(terminal.end(), 3);
    assert!(!hostile(&terminal.seen), "{:?}", terminal.seen);
    assert!(desk.path(folder).exists());
}

#[test]
fn a_name_that_is_no_text_is_told_in_json_and_on_a_terminal() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let desk = Desk::new();
    std::fs::create_dir(desk.path("d")).unwrap();
    std::fs::write(desk.path("d").join(OsStr::from_bytes(b"a\xffb")), "x").unwrap();
    let listing = desk.json(&["call", "list_directory", "path=d"]).to_string();
    assert!(listing.contains("ZC9h/2I="), "{listing}");
    desk.done(&[
        "call",
        "delete_directory",
        "path=d",
        "recursive=true",
        "--yes",
    ]);
    desk.done(&["undo"]);
    assert!(desk.path("d").join(OsStr::from_bytes(b"a\xffb")).exists());
}
