//! Many processes in one workspace: nothing is lost, nobody fails for being busy.
use std::process::{Child, Stdio};

use crate::desk::{Desk, Run};

#[test]
fn lesson_e1_eight_processes_at_once_lose_nothing() {
    let desk = Desk::new();
    desk.done(&["call", "write_file", "path=first", "content=x"]);
    let mut wrote = 0;
    for round in 0..3 {
        let children: Vec<(usize, Child)> = (0..8)
            .map(|n| {
                let path = format!("path=f-{round}-{n}");
                let args: Vec<&str> = if n == 7 {
                    vec!["undo", "--json"]
                } else {
                    vec!["call", "write_file", &path, "content=text", "--json"]
                };
                let child = desk
                    .command(args)
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap();
                (n, child)
            })
            .collect();
        for (n, child) in children {
            let run = Run::of(&child.wait_with_output().unwrap());
            assert_eq!(run.code, 0, "process {n}: {run:?}");
            if n != 7 {
                wrote += 1;
            }
        }
    }
    let log = desk.log();
    let count = |name: &str| {
        log.iter()
            .filter(|e| e["operation"] == name && e["outcome"] == "done")
            .count()
    };
    assert_eq!(count("write_file"), wrote + 1, "{log:?}");
    assert_eq!(count("undo"), 3, "{log:?}");
    let files = std::fs::read_dir(desk.project()).unwrap().count();
    assert_eq!(files, wrote + 1 - 3);
    desk.done(&["verify"]);
}
