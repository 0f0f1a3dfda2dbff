//! Every reason that this crate can give has a vector: otherwise a second verifier never meets it.

use akashi_proof::Reason;
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::vectors::{DECISIONS, KINDS};

#[test]
fn every_code_that_the_crate_returns_has_a_vector() {
    let returned = returned();
    // The list that the specification gives in section 7.
    let told = [
        1, 7, 8, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 26, 27, 28, 29, 30,
    ];
    assert_eq!(returned, BTreeSet::from(told));

    let mut seen = BTreeSet::new();
    for (folder, names) in [("", &KINDS[..]), ("decisions", &DECISIONS)] {
        for name in names {
            let path = vectors().join(folder).join(format!("{name}.json"));
            codes_in(
                &serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap(),
                &mut seen,
            );
        }
    }
    let missing: Vec<_> = returned.difference(&seen).collect();
    assert!(missing.is_empty(), "no vector comes to {missing:?}");
    assert!(seen.contains(&0));
}

/// The codes that the sources name outside comments and tests.
fn returned() -> BTreeSet<u16> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut text = String::new();
    for folder in [src.clone(), src.join("statement")] {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() && !path.ends_with("reason.rs") {
                let file = fs::read_to_string(path).unwrap();
                let code = file.split("#[cfg(test)]").next().unwrap();
                text.extend(
                    code.lines()
                        .filter(|line| !line.trim_start().starts_with("//")),
                );
            }
        }
    }
    Reason::ALL
        .iter()
        .filter(|reason| text.contains(&format!("Reason::{reason:?}")))
        .map(|reason| reason.code())
        .collect()
}

/// Every number beside a name that ends in "code".
fn codes_in(value: &Value, seen: &mut BTreeSet<u16>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                if let Some(code) = field.as_u64().filter(|_| name.ends_with("code")) {
                    seen.insert(code.try_into().unwrap());
                }
                codes_in(field, seen);
            }
        }
        Value::Array(list) => list.iter().for_each(|one| codes_in(one, seen)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}
