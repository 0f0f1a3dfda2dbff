//! That no row is forgotten: each of u01 to u40 is one test that runs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Rows of the table of unhappy paths.
const ROWS: u32 = 40;

#[test]
fn every_unhappy_path_is_one_test_that_runs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/unhappy");
    let listed = fs::read_to_string(folder.join("mod.rs")).unwrap();
    let mut found: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if name == "mod" {
            continue;
        }
        assert!(
            listed.contains(&format!("mod {name};")),
            "{name}.rs is not in mod.rs, so nothing in it runs"
        );
        for (row, function) in rows(&fs::read_to_string(&path).unwrap()) {
            found
                .entry(row)
                .or_default()
                .push(format!("{name}::{function}"));
        }
    }
    let missing: Vec<u32> = (1..=ROWS).filter(|row| !found.contains_key(row)).collect();
    assert!(missing.is_empty(), "rows without a test: {missing:?}");
    let strange: Vec<_> = found
        .keys()
        .filter(|row| !(1..=ROWS).contains(*row))
        .collect();
    assert!(strange.is_empty(), "no such rows: {strange:?}");
}

/// The rows of a file's tests: number and name of each function `uNN_…` that is a test and not ignored.
fn rows(text: &str) -> Vec<(u32, String)> {
    let mut rows = Vec::new();
    let mut attributes = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[") {
            attributes.push(line);
            continue;
        }
        let function = line
            .strip_prefix("async fn ")
            .or_else(|| line.strip_prefix("fn "))
            .and_then(|rest| rest.split_once('('))
            .map(|(name, _)| name);
        if let Some(name) = function
            && let Some((number, _)) = name.strip_prefix('u').and_then(|rest| rest.split_once('_'))
            && let (2, Ok(row)) = (number.len(), number.parse())
        {
            let test = |attribute: &&&str| {
                attribute.starts_with("#[test]") || attribute.starts_with("#[tokio::test")
            };
            assert!(attributes.iter().any(|a| test(&a)), "{name} is no test");
            assert!(
                !attributes.iter().any(|a| a.contains("ignore")),
                "{name} does not run"
            );
            rows.push((row, name.to_owned()));
        }
        if !line.starts_with("//") {
            attributes.clear();
        }
    }
    rows
}

#[test]
fn a_row_is_found_only_where_its_test_runs() {
    let text = "#[test]\nfn u07_new_phone() {\n}\nfn helper_u08() {}\n    #[tokio::test(flavor = \"x\")]\n\
                // why\n    async fn u12_report() {}\nfn under_way() {}";
    let names: Vec<_> = rows(text).into_iter().map(|(row, _)| row).collect();
    assert_eq!(names, [7, 12]);
    for wrong in [
        "fn u07_x() {}",
        "#[test]\n#[ignore = \"slow\"]\nfn u07_x() {}",
    ] {
        assert!(std::panic::catch_unwind(|| rows(wrong)).is_err(), "{wrong}");
    }
}
