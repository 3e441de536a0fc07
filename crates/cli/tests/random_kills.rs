//! SIGKILL at random moments of a loop of calls: what was answered is there, the log is whole.
use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use crate::desk::{PROGRAM, Run};
use crate::faults::{folder, orphans, quick_desk, run};

#[test]
fn killed_at_random_moments_nothing_answered_is_lost() {
    let desk = quick_desk();
    desk.fill();
    let first = run(&desk, &["call", "write_file", "path=seed", "content=s"]);
    assert_eq!(first.code, 0, "{first:?}");
    // Any moments will do; the same ones each time would not.
    let mut random = u64::from(std::process::id()) | 1;
    println!("seed {random}");
    let mut next = move |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    let (mut kills, mut answered) = (0, BTreeSet::new());
    for turn in 0..80 {
        let path = format!("path=f-{}", next(12));
        let content = format!("content={turn}");
        let args: Vec<&str> = match next(5) {
            0 => vec!["undo", "--json"],
            1 => vec!["redo", "--json"],
            2 => vec!["call", "delete_file", &path, "--json"],
            _ => vec!["call", "write_file", &path, &content, "--json"],
        };
        let mut child = desk
            .program(PROGRAM)
            .args(&args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        if turn % 4 != 3 {
            std::thread::sleep(Duration::from_micros(1_000 + next(40_000)));
            let _ = child.kill();
        }
        let run = Run::of(&child.wait_with_output().unwrap());
        if run.code == 137 {
            kills += 1;
        } else {
            // Nothing to undo, no such file, or done: never busy or damaged. A redo may meet what
            // was written to its path since, and leaves that.
            let redo = args.contains(&"redo");
            let fine = [0, 1, 2].contains(&run.code) || redo && run.code == 5;
            assert!(fine, "{args:?}: {run:?}");
        }
        if run.out.ends_with('\n') && run.code == 0 {
            let document = run.document();
            let ids = [&document["id"], &document["operations"][0]["id"]];
            answered.extend(ids.iter().filter_map(|i| i.as_str().map(str::to_owned)));
        }
    }
    println!("{kills} kills, {} answers", answered.len());
    assert!(
        answered.len() >= 4 && kills >= 4,
        "{kills} kills, {} answers",
        answered.len()
    );
    // One more mends what the last left.
    assert_eq!(
        run(&desk, &["call", "write_file", "path=last", "content=x"]).code,
        0
    );
    let verified = run(&desk, &["verify"]);
    assert_eq!(verified.code, 0, "{verified:?}");
    let log = run(&desk, &["log", "--json"]).lines();
    for id in &answered {
        let entry = log.iter().find(|e| e["id"] == id.as_str());
        let outcome = entry.map(|e| e["outcome"].as_str().unwrap().to_owned());
        assert!(
            matches!(
                outcome.as_deref(),
                Some("done" | "unchanged" | "recovered_done")
            ),
            "{id} was answered: {outcome:?}"
        );
    }
    assert!(
        log.iter()
            .all(|e| e["outcome"] != "damaged" && e["outcome"] != "recovered_with_conflict")
    );
    std::thread::sleep(Duration::from_millis(2100));
    assert_eq!(
        run(&desk, &["call", "write_file", "path=late", "content=x"]).code,
        0
    );
    assert_eq!(orphans(&desk), Vec::<String>::new());
    // Everything that is in force can be taken back, down to the files that were there at first.
    loop {
        let undone = run(&desk, &["undo"]);
        if undone.code == 2 {
            break;
        }
        assert_eq!(undone.code, 0, "{undone:?}");
    }
    let names: BTreeSet<String> = std::fs::read_dir(desk.project())
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    let want = ["README.md", "build", "notes", "src"].map(str::to_owned);
    assert_eq!(names, BTreeSet::from(want));
    assert!(folder(&desk).exists());
}
