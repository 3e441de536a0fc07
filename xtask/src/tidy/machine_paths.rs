//! Rule `machine-paths`: no file names a place that exists on one developer's machine only.

use crate::tree::{Problem, Tree};

/// Beginnings of such places; split, so that this file does not name them itself.
const PLACES: &[&str] = &[
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("/wo", "rk/"),
    concat!("C:\\Us", "ers\\"),
];
/// People who live in examples.
const EXAMPLES: &[&str] = &[
    "agent", "alice", "ann", "bob", "me", "name", "person", "someone", "user", "you",
];

pub(super) fn find(tree: &Tree) -> Vec<Problem> {
    let own = tree.root().to_string_lossy().into_owned();
    // A short root such as `/src` may well stand in a text for another reason.
    let own = Some(own).filter(|own| own.len() > 9 && own.matches('/').count() > 1);
    let mut problems = Vec::new();
    let all = tree
        .sources()
        .map(|(path, source)| (path, source.text.as_str()))
        .chain(tree.texts());
    for (path, text) in all.filter(|(path, _)| *path != "Cargo.lock") {
        for (at, line) in text.lines().enumerate() {
            let place = PLACES.iter().find(|place| {
                line.match_indices(**place)
                    .any(|(from, _)| is_one(line, from, place))
            });
            if place.is_some() || own.as_ref().is_some_and(|own| line.contains(own.as_str())) {
                problems.push(Problem::new(path, at + 1, "names a place of one machine"));
            }
        }
    }
    problems
}

fn is_one(line: &str, from: usize, place: &str) -> bool {
    // `docs/home/x` or `x/work/y` is a relative path.
    let inner = line[..from]
        .chars()
        .next_back()
        .is_some_and(|c| c.is_alphanumeric() || "._-~".contains(c));
    let rest = &line[from + place.len()..];
    let name: String = rest
        .chars()
        .take_while(|c| c.is_alphanumeric() || "_-".contains(*c))
        .collect();
    !inner && !name.is_empty() && !EXAMPLES.contains(&name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::planted::tree;

    #[test]
    fn a_place_of_one_machine_is_found() {
        for place in PLACES {
            let text = format!("see {place}kim42/project\n");
            assert_eq!(find(&tree(&[("docs/x.md", &text)])).len(), 1, "{place}");
            assert_eq!(
                find(&tree(&[(
                    "crates/a/src/lib.rs",
                    &format!("//! A crate.\n// {text}")
                )]))
                .len(),
                1,
                "{place}"
            );
        }
    }

    #[test]
    fn example_people_and_relative_paths_are_let_be() {
        let text = format!("{0}user/x {0}me src{0}kim\n", PLACES[0]);
        assert_eq!(find(&tree(&[("docs/x.md", &text)])), []);
    }
}
