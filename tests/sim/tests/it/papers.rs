//! The tests that docs/raft.md names exist.

use std::fs;
use std::path::{Path, PathBuf};

/// Where the tests are that the page names.
const PLACES: &[&str] = &["node/replica/src", "tests/it", "tests/sim/tests"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read_all(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, into);
        } else if path.extension().is_some_and(|end| end == "rs") {
            into.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn the_tests_that_the_page_on_raft_names_exist() {
    let page = fs::read_to_string(root().join("docs/raft.md")).unwrap();
    let mut code = String::new();
    for place in PLACES {
        read_all(&root().join(place), &mut code);
    }
    let mut named = 0;
    for row in page.lines().filter(|line| line.starts_with("| ")) {
        let Some(tests) = row.split('|').nth(3) else {
            continue;
        };
        for name in tests.split('`').skip(1).step_by(2) {
            named += 1;
            assert!(code.contains(&format!("fn {name}()")), "no test {name}");
        }
    }
    assert!(named > 15, "{named}");
}
