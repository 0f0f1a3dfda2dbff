//! Policies from files, their way over the wire, and their digest.

use super::file::parse;
use super::*;
use crate::issuer::Attribute;

const EVERYTHING: &str = r#"
name = "everything"
purpose = "consent"
challenge_ttl_s = 60
[[predicate]]
issuers = ["bureau-2", "bureau-1"]
schema = "credit"
schema_version = 1
attribute = 0
bits = 32
at_least = 650
[[predicate]]
issuers = ["bureau-1"]
schema = "credit"
schema_version = 1
attribute = 1
covers_amount = 0
[[predicate]]
issuers = ["city-1"]
schema = "resident"
schema_version = 3
attribute = 2
one_of = [1, 5, 9]
[[predicate]]
issuers = ["city-1"]
schema = "resident"
schema_version = 3
attribute = 0
within = [19060101, 20081122]
[[predicate]]
issuers = ["city-1"]
schema = "resident"
schema_version = 3
attribute = 1
equals = 13
[[predicate]]
issuers = ["city-1"]
schema = "resident"
schema_version = 3
attribute = 3
same_as = { issuers = ["bureau-1"], schema = "credit", schema_version = 1, attribute = 2 }
[[predicate]]
issuers = ["bureau-1"]
schema = "credit"
schema_version = 1
attribute = 3
at_most = 4
[face]
model_id = "synthetic-1"
dimensions = 128
tau = 2000
[consent]
recipient = "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a"
"#;

#[test]
fn a_policy_file_goes_over_the_wire_and_comes_back() {
    let (name, rules) = parse(EVERYTHING).unwrap();
    assert_eq!(rules.predicates.len(), 7);
    assert_eq!(rules.predicates[0].source.issuers, ["bureau-1", "bureau-2"]);
    assert_eq!(Rules::from_wire(&rules.to_wire(&name)).unwrap(), rules);
}

#[test]
fn a_face_rule_that_names_no_level_refuses_simulators() {
    let (name, rules) = parse(EVERYTHING).unwrap();
    assert_eq!(rules.face.as_ref().unwrap().min_level, 1);
    let mut wire = rules.to_wire(&name);
    wire.face.as_mut().unwrap().min_level = None;
    assert_eq!(Rules::from_wire(&wire).unwrap(), rules);
}

#[test]
fn any_change_of_a_rule_changes_the_digest() {
    let (_, rules) = parse(EVERYTHING).unwrap();
    let digest = rules.digest("demo", "everything", 1);
    assert_ne!(rules.digest("demo", "everything", 2), digest);
    assert_ne!(rules.digest("other", "everything", 1), digest);
    for (from, to) in [
        ("at_least = 650", "at_least = 651"),
        ("at_most = 4", "at_least = 4"),
        ("bits = 32", "bits = 64"),
        ("tau = 2000", "tau = 2001"),
        ("4310ee", "4311ee"),
        ("[1, 5, 9]", "[1, 5, 8]"),
        ("\"bureau-2\"", "\"bureau-3\""),
        (
            "purpose = \"consent\"",
            "purpose = \"consent\"\npin = false",
        ),
        ("equals = 13", "equals = 14"),
    ] {
        let changed = EVERYTHING.replacen(from, to, 1);
        assert_ne!(changed, EVERYTHING);
        let (_, changed) = parse(&changed).unwrap();
        assert_ne!(changed.digest("demo", "everything", 1), digest, "{from}");
    }
}

#[test]
fn a_bad_policy_names_its_field() {
    for (from, to, named) in [
        ("name = \"everything\"", "name = \"Every thing\"", "name"),
        (
            "challenge_ttl_s = 60",
            "challenge_ttl_s = 5",
            "challenge_ttl_s",
        ),
        (
            "at_least = 650",
            "at_least = 4294967296",
            "predicate 0: at_least",
        ),
        (
            "at_least = 650",
            "at_least = 650\nat_most = 7",
            "predicate 0: exactly one",
        ),
        ("at_least = 650", "", "predicate 0: exactly one"),
        (
            "covers_amount = 0",
            "covers_amount = 4",
            "predicate 1: covers_amount",
        ),
        ("[1, 5, 9]", "[1, 9, 5]", "predicate 2: one_of"),
        ("[19060101, 20081122]", "[2, 1]", "predicate 3: within"),
        (
            "schema = \"credit\", ",
            "schema = \"\", ",
            "predicate 5: same_as.schema",
        ),
        ("dimensions = 128", "dimensions = 100", "face.dimensions"),
        ("tau = 2000", "tau = 33554432", "face.tau"),
        ("tau = 2000", "tau = 2000\nmin_level = 3", "face.min_level"),
        ("recipient = \"43", "recipient = \"4", "consent.recipient"),
        (
            "purpose = \"consent\"",
            "purpose = \"agent-login\"",
            "consent",
        ),
        ("purpose = \"consent\"", "purpose = \"loan\"", "loan"),
        ("tau = 2000", "tau = 2000\nthreshold = 1", "threshold"),
    ] {
        let changed = EVERYTHING.replacen(from, to, 1);
        assert_ne!(changed, EVERYTHING, "{from}");
        let error = parse(&changed).unwrap_err();
        assert!(error.contains(named), "{named}: {error}");
    }
}

#[test]
fn the_phone_says_what_is_proved_and_what_is_not() {
    let (_, rules) = parse(EVERYTHING).unwrap();
    let score = Attribute {
        name: "score".into(),
        meaning: "credit score".into(),
        unit: "points".into(),
    };
    assert_eq!(
        wanted(&rules.predicates[0], &score),
        "that your credit score is at least 650 points; not the credit score"
    );
    assert!(wanted(&rules.predicates[4], &score).contains("DISCLOSED"));
    let lines = asked(&rules);
    assert_eq!(lines.len(), 1 + 1 + 7 + 1 + 1);
    assert!(!lines.join(" ").contains("SIMULATOR"));
}
