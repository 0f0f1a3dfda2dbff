//! The planted bugs of `tests/mutants` still have their place in the code. Whether they are noticed is
//! `make mutants`; it compiles each, so it is no part of `make test`.

use std::fs;
use std::path::PathBuf;

/// How many bugs are planted.
const PATCHES: usize = 13;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The places a patch changes: file, and the lines that it expects there.
fn places(patch: &str) -> Vec<(String, Vec<String>)> {
    let mut places: Vec<(String, Vec<String>)> = Vec::new();
    let mut file = String::new();
    for line in patch.lines() {
        if let Some(name) = line.strip_prefix("--- a/") {
            name.clone_into(&mut file);
        } else if line.starts_with("+++ ") {
        } else if line.starts_with("@@ ") {
            places.push((file.clone(), Vec::new()));
        } else if let Some((_, expected)) = places.last_mut()
            && let Some(kept) = line.strip_prefix([' ', '-'])
        {
            expected.push(kept.to_owned());
        }
    }
    places
}

/// Where in `text` these lines stand, one behind the other.
fn found(text: &[&str], expected: &[String]) -> usize {
    text.windows(expected.len())
        .filter(|lines| {
            lines
                .iter()
                .zip(expected)
                .all(|(line, other)| line == other)
        })
        .count()
}

#[test]
fn every_planted_bug_still_has_its_place() {
    let folder = root().join("tests/mutants");
    let mut names: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "patch"))
        .collect();
    names.sort();
    assert_eq!(names.len(), PATCHES);
    for name in names {
        let patch = fs::read_to_string(&name).unwrap();
        let places = places(&patch);
        assert!(!places.is_empty(), "{} changes nothing", name.display());
        for (file, expected) in places {
            let text = fs::read_to_string(root().join(&file)).unwrap();
            let lines: Vec<&str> = text.lines().collect();
            assert_eq!(
                found(&lines, &expected),
                1,
                "{}: its place in {file} is gone or not the only one",
                name.display()
            );
        }
    }
}
