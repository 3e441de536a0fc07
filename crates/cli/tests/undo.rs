//! Undo and redo at the command line: what they say, and that they say the truth.
use crate::desk::Desk;

#[test]
fn lesson_d11_undo_says_what_it_undid_and_n_undos_go_n_back() {
    let desk = Desk::with_files();
    let before = desk.tree();
    for (path, content) in [("a", "1"), ("README.md", "2"), ("src/lib.rs", "3")] {
        let (path, content) = (format!("path={path}"), format!("content={content}"));
        desk.done(&["call", "write_file", &path, &content]);
    }
    let after = desk.tree();
    for path in ["src/lib.rs", "README.md", "a"] {
        let run = desk.done(&["undo"]);
        assert!(run.out.contains("undone  write_file"), "{run:?}");
        assert!(run.out.contains(path), "{run:?}");
    }
    assert_eq!(desk.tree(), before);
    assert_eq!(desk.run(&["undo"]).code, 2);
    for path in ["a", "README.md", "src/lib.rs"] {
        let run = desk.done(&["redo"]);
        assert!(run.out.contains("redone  write_file"), "{run:?}");
        assert!(run.out.contains(path), "{run:?}");
    }
    assert_eq!(desk.tree(), after);
    let log = desk.done(&["log"]);
    assert_eq!(log.out.matches("write_file").count(), 3, "{log:?}");
    desk.done(&["verify"]);
}

#[test]
fn log_and_show_say_what_was_undone_since_and_by_whom() {
    let desk = Desk::with_files();
    let receipt = desk.json(&["call", "write_file", "path=a", "content=1"]);
    let id = receipt["id"].as_str().unwrap();
    desk.done(&["undo", id]);
    let log = desk.done(&["log"]);
    let line = log.out.lines().find(|l| l.contains("write_file")).unwrap();
    assert!(
        line.contains("undone by @") && line.contains("(aifirst cli)"),
        "{line}"
    );
    let show = desk.done(&["show", id]);
    assert!(show.out.contains("undone by @"), "{show:?}");
    assert_eq!(
        desk.json(&["show", id])["undone_by"]["client"],
        "aifirst cli"
    );
}

#[test]
fn a_conflict_offers_the_three_choices_and_they_do_what_they_say() {
    for choice in ["--keep-mine", "--beside", "--force"] {
        let desk = Desk::with_files();
        desk.done(&["call", "write_file", "path=README.md", "content=agent"]);
        desk.put("README.md", "mine");
        let refused = desk.run(&["undo", "--yes"]);
        assert_eq!(refused.code, 5, "--yes chooses nothing: {refused:?}");
        assert!(refused.err.contains("README.md"), "{refused:?}");
        assert_eq!(desk.text("README.md"), "mine");
        desk.done(&["undo", choice]);
        let original = "# Project\n\nA small tool that counts ships.\n";
        let names: Vec<String> = std::fs::read_dir(desk.project())
            .unwrap()
            .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|n| n.contains("README"))
            .collect();
        match choice {
            "--force" => assert_eq!(desk.text("README.md"), original),
            "--beside" => {
                assert_eq!(desk.text("README.md"), "mine");
                let beside = names
                    .iter()
                    .find(|n| *n != "README.md")
                    .expect("nothing beside");
                assert_eq!(desk.text(beside), original);
            }
            _ => {
                assert_eq!(desk.text("README.md"), "mine");
                assert_eq!(names, ["README.md"]);
            }
        }
    }
}

#[test]
fn dry_runs_change_nothing() {
    let desk = Desk::with_files();
    desk.done(&["call", "write_file", "path=README.md", "content=x"]);
    let before = desk.tree();
    let log = desk.log().len();
    let plan = desk.done(&[
        "call",
        "write_file",
        "path=README.md",
        "content=yy",
        "--dry-run",
    ]);
    assert!(
        plan.out.contains("-x") && plan.out.contains("+yy"),
        "{plan:?}"
    );
    desk.done(&["undo", "--dry-run"]);
    assert_eq!(desk.tree(), before);
    assert!(desk.log().len() <= log + 1);
    assert!(desk.done(&["undo", "--dry-run"]).out.contains("would undo"));
}
