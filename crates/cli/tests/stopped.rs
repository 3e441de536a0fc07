//! Slow and dying processes beside busy ones: nobody waits for the dead, nobody sweeps what lives.
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::desk::{Desk, PROGRAM, Run};
use crate::faults::{has_fault_points, quick_desk, run};

fn start(desk: &Desk, fault: Option<&str>, args: &[&str]) -> Child {
    let mut command = desk.program(PROGRAM);
    if let Some(fault) = fault {
        command.env("AIFIRST_FAULT", fault);
    }
    command
        .args(args)
        .arg("--json")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn ended(child: Child) -> Run {
    Run::of(&child.wait_with_output().unwrap())
}

fn signal(child: &Child, signal: rustix::process::Signal) {
    rustix::process::kill_process(rustix::process::Pid::from_child(child), signal).unwrap();
}

/// Waits until the process sleeps at its fault, which the store or the log shows.
fn until(what: &str, mut there: impl FnMut() -> bool) {
    for _ in 0..600 {
        if there() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{what} never came");
}

fn staged(desk: &Desk) -> usize {
    let state = desk.state().join("workspaces");
    let Ok(mut all) = std::fs::read_dir(state) else {
        return 0;
    };
    all.next().map_or(0, |folder| {
        std::fs::read_dir(folder.unwrap().path().join("store/s")).map_or(0, Iterator::count)
    })
}

#[test]
fn eight_first_starts_at_once_agree_on_one_workspace() {
    for _ in 0..3 {
        let desk = quick_desk();
        desk.fill();
        let children: Vec<Child> = (0..8)
            .map(|n| {
                let path = format!("path=f-{n}");
                start(&desk, None, &["call", "write_file", &path, "content=x"])
            })
            .collect();
        let mut ids = Vec::new();
        for child in children {
            let run = ended(child);
            assert_eq!(run.code, 0, "{run:?}");
            ids.push(run.document()["id"].as_str().unwrap().to_owned());
        }
        let log = run(&desk, &["log", "--json"]).lines();
        for id in ids {
            let entry = log.iter().find(|e| e["id"] == id.as_str()).unwrap();
            assert_eq!(entry["outcome"], "done");
        }
        assert_eq!(run(&desk, &["verify"]).code, 0);
        crate::faults::folder(&desk);
    }
}

#[test]
fn what_a_stopped_process_staged_is_left_to_it() {
    let desk = quick_desk();
    desk.fill();
    let first = run(&desk, &["call", "write_file", "path=seed", "content=s"]);
    assert_eq!(first.code, 0, "{first:?}");
    if !has_fault_points() {
        return;
    }
    let overwrite = ["call", "write_file", "path=src/lib.rs", "content=slow"];
    // The fault's own sleep is longer than any test; SIGSTOP comes on top of it here.
    let slow = start(&desk, Some("outer.staged:1:stop"), &overwrite);
    until("a staged object", || staged(&desk) == 1);
    std::thread::sleep(Duration::from_millis(200));
    signal(&slow, rustix::process::Signal::STOP);
    // Its registration is no longer young when the others look.
    std::thread::sleep(Duration::from_millis(2100));
    let mut busy = Vec::new();
    for n in 0..7 {
        let path = format!("path=f-{n}");
        busy.push(start(
            &desk,
            None,
            &["call", "write_file", &path, "content=x"],
        ));
    }
    for child in busy {
        let run = ended(child);
        assert_eq!(run.code, 0, "{run:?}");
    }
    // One that dies in the middle makes the others recover and sweep.
    let killed = ended(start(&desk, Some("outer.applied"), &["undo"]));
    assert_eq!(killed.code, 137, "{killed:?}");
    let killed = ended(start(&desk, Some("outer.staged"), &overwrite));
    assert_eq!(killed.code, 137, "{killed:?}");
    std::thread::sleep(Duration::from_millis(2100));
    let next = run(&desk, &["call", "write_file", "path=next", "content=x"]);
    assert_eq!(next.code, 0, "{next:?}");
    assert_eq!(staged(&desk), 1, "the stopped one's, and none of the dead");
    // Ended at last, it leaves nothing behind either.
    signal(&slow, rustix::process::Signal::KILL);
    signal(&slow, rustix::process::Signal::CONT);
    assert_eq!(ended(slow).code, 137);
    std::thread::sleep(Duration::from_millis(2100));
    let next = run(&desk, &["call", "write_file", "path=next2", "content=x"]);
    assert_eq!(next.code, 0, "{next:?}");
    assert_eq!(staged(&desk), 0);
    assert!(desk.text("src/lib.rs").contains("count"));
    assert_eq!(crate::faults::orphans(&desk), Vec::<String>::new());
    assert_eq!(run(&desk, &["verify"]).code, 0);
}

/// Without fault points: stopped at any moment and let go again, it ends as if nothing had been.
#[test]
fn a_process_stopped_for_a_while_ends_well_beside_seven_busy_ones() {
    let desk = quick_desk();
    desk.fill();
    let first = run(&desk, &["call", "write_file", "path=seed", "content=s"]);
    assert_eq!(first.code, 0, "{first:?}");
    for moment in [3, 8, 14] {
        let path = format!("path=slow-{moment}");
        let slow = start(&desk, None, &["call", "write_file", &path, "content=slow"]);
        std::thread::sleep(Duration::from_millis(moment));
        signal(&slow, rustix::process::Signal::STOP);
        let busy: Vec<Child> = (0..7)
            .map(|n| {
                let path = format!("path=f-{moment}-{n}");
                start(&desk, None, &["call", "write_file", &path, "content=x"])
            })
            .collect();
        std::thread::sleep(Duration::from_millis(2500));
        signal(&slow, rustix::process::Signal::CONT);
        let run = ended(slow);
        assert_eq!(run.code, 0, "{moment}: {run:?}");
        for child in busy {
            let run = ended(child);
            assert_eq!(run.code, 0, "{moment}: {run:?}");
        }
        assert_eq!(desk.text(&format!("slow-{moment}")), "slow");
    }
    assert_eq!(run(&desk, &["verify"]).code, 0);
}

#[test]
fn a_killed_holder_of_the_lock_blocks_nobody() {
    if !has_fault_points() {
        return;
    }
    let desk = quick_desk();
    desk.fill();
    let first = run(&desk, &["call", "write_file", "path=seed", "content=s"]);
    assert_eq!(first.code, 0, "{first:?}");
    let args = ["call", "write_file", "path=src/lib.rs", "content=held"];
    let holder = start(&desk, Some("begin.committed:1:stop"), &args);
    until("the holder's intent", || {
        let log = run(&desk, &["log", "--json"]);
        log.out.contains("\"open\"")
    });
    let waiting: Vec<Child> = (0..7)
        .map(|n| {
            let path = format!("path=w-{n}");
            start(&desk, None, &["call", "write_file", &path, "content=x"])
        })
        .collect();
    std::thread::sleep(Duration::from_millis(300));
    signal(&holder, rustix::process::Signal::KILL);
    assert_eq!(ended(holder).code, 137);
    for child in waiting {
        let run = ended(child);
        assert_eq!(run.code, 0, "{run:?}");
    }
    let log = run(&desk, &["log", "--json"]).lines();
    let recoveries = log.iter().filter(|e| e["kind"] == "recovery").count();
    assert_eq!(recoveries, 1, "{log:#?}");
    assert!(log.iter().any(|e| e["outcome"] == "interrupted"));
    assert_eq!(run(&desk, &["verify"]).code, 0);
}

/// Lesson E1 with everything at once: a fresh workspace, all kinds of calls, and kills among them.
#[test]
fn lesson_e1_eight_processes_of_mixed_calls_and_kills_lose_nothing_answered() {
    let desk = quick_desk();
    desk.fill();
    let mut answered = Vec::new();
    for round in 0..5 {
        let names: Vec<String> = (0..8).map(|n| format!("path=m-{round}-{n}")).collect();
        let source = format!("source=m-{}-0", round.max(1) - 1);
        let to = format!("destination=moved-{round}");
        let copy = format!("destination=copied-{round}");
        let edit = format!(
            r#"{{"path":"src/main.rs","edits":[{{"oldText":"println","newText":"println{round}"}}]}}"#
        );
        let shared = format!("content={round}");
        let calls: [&[&str]; 8] = [
            &["call", "write_file", &names[0], "content=x"],
            &["call", "create_directory", &names[1]],
            &["call", "move_file", &source, &to],
            &["call", "copy_file", "source=README.md", &copy],
            &["call", "edit_file", "--params", &edit],
            &["call", "write_file", "path=shared", &shared],
            &["undo"],
            &["call", "delete_file", &names[0]],
        ];
        let children: Vec<(usize, Child)> = calls
            .iter()
            .enumerate()
            .map(|(n, args)| (n, start(&desk, None, args)))
            .collect();
        for (n, mut child) in children {
            if n == round + 1 {
                std::thread::sleep(Duration::from_millis(5));
                let _ = child.kill();
            }
            let run = ended(child);
            let told = format!("round {round}, process {n}: {run:?}");
            // What is not there yet, nothing to undo, or changed by another since: never busy.
            assert!([0, 1, 2, 5, 137].contains(&run.code), "{told}");
            assert!(!run.out.contains("\"busy\""), "{told}");
            if run.code == 0 {
                let document = run.document();
                let id = [&document["id"], &document["operations"][0]["id"]];
                answered.extend(id.iter().filter_map(|i| i.as_str().map(str::to_owned)));
            }
        }
    }
    assert!(answered.len() >= 15, "{}", answered.len());
    let next = run(&desk, &["call", "write_file", "path=next", "content=x"]);
    assert_eq!(next.code, 0, "{next:?}");
    let log = run(&desk, &["log", "--json"]).lines();
    for id in &answered {
        let entry = log.iter().find(|e| e["id"] == id.as_str());
        let entry = entry.unwrap_or_else(|| panic!("{id} was answered and is not there"));
        assert_eq!(entry["outcome"], "done", "{entry}");
    }
    assert_eq!(run(&desk, &["verify"]).code, 0);
    crate::faults::folder(&desk);
}
