//! Shows that each rule bites: a bad text for every rule, and the nearest good one beside it.

use std::collections::BTreeSet;

use super::in_step::{
    apart, error_numbers_in_code, error_numbers_in_table, foreign_marks, keys_in_example,
    missing_papers, names_in_registry, names_in_table, numbered_in_code, numbered_in_table,
};
use super::reading::{float_literals, paths, without_comments_and_literals};
use super::rules::{
    Source, crate_edges, crate_manners, dead_links, decision, header, homes, left_for_later,
    module_name, purity, stands_alone, switches, too_long, unknown_targets,
    verifier_without_prover,
};

#[test]
fn an_edge_that_nobody_decided_on_is_found() {
    let bad = "[dependencies]\nakashi-node.workspace = true\n";
    bites(
        &crate_edges(&Source::new("client/Cargo.toml", bad)),
        "client/Cargo.toml:2:",
    );
    let table = "[dependencies.akashi-proto]\nworkspace = true\n";
    bites(
        &crate_edges(&Source::new("proof/Cargo.toml", table)),
        "proof/Cargo.toml:1:",
    );
    let good = "[dependencies]\nakashi-proto.workspace = true\n";
    passes(&crate_edges(&Source::new("client/Cargo.toml", good)));
}

#[test]
fn a_pure_crate_with_a_runtime_is_found() {
    let bad = "[dependencies]\ntokio = \"1\"\n";
    bites(
        &crate_edges(&Source::new("node/domain/Cargo.toml", bad)),
        ":2: node/domain is pure",
    );
    let tests_may = "[dev-dependencies]\nrand = \"1\"\n";
    passes(&crate_edges(&Source::new(
        "node/domain/Cargo.toml",
        tests_may,
    )));
}

#[test]
fn a_crate_outside_the_lints_or_with_features_is_found() {
    bites(
        &crate_manners(&Source::new("proof/Cargo.toml", "[package]\n")),
        "[lints]",
    );
    let features = "[lints]\nworkspace = true\n[features]\nfast = []\n";
    bites(
        &crate_manners(&Source::new("proof/Cargo.toml", features)),
        "proof/Cargo.toml:3:",
    );
    passes(&crate_manners(&Source::new(
        "proof/Cargo.toml",
        "[lints]\nworkspace = true\n",
    )));
}

#[test]
fn a_library_away_from_home_is_found_however_it_is_spelled() {
    for bad in [
        "use raft::RawNode;",
        "use {std::fmt, raft::RawNode};",
        "fn f(r: &raft::RawNode) {}",
        "use raft as consensus_library;",
    ] {
        bites(
            &homes(&rust("node/src/api/call.rs", bad)),
            "`raft` does not belong here",
        );
    }
    for bad in [
        "use tonic::{\n  Request,\n  Status,\n};",
        "fn f() -> tonic::Status {}",
    ] {
        bites(
            &homes(&rust("node/src/wire/mod.rs", bad)),
            "`tonic::Status` does not belong",
        );
    }
    bites(
        &homes(&rust("node/src/raft.rs", "use rocksdb::DB;")),
        "node/src/raft.rs:1:",
    );
    bites(
        &homes(&rust("node/src/cosign.rs", "use akashi_proto::v1;")),
        "`akashi_proto`",
    );
    bites(
        &homes(&rust("audit/src/a.rs", "use ed25519_dalek::Verifier;")),
        "verify_strict",
    );
    passes(&homes(&rust(
        "node/replica/src/consensus/mod.rs",
        "use raft::RawNode;",
    )));
    passes(&homes(&rust(
        "node/src/driver.rs",
        "// raft::RawNode\nlet s = \"raft::RawNode\";",
    )));
    passes(&homes(&rust(
        "node/src/driver.rs",
        "use crate::raft::Thread; use draft::Page;",
    )));
}

#[test]
fn clocks_files_order_and_floats_in_pure_code_are_found() {
    for (bad, what) in [
        ("use std::{collections::BTreeMap, fs};", "std::fs"),
        ("fn f() { std::env::var(\"A\"); }", "std::env"),
        ("use std::time::SystemTime;", "SystemTime"),
        ("use std::thread;", "std::thread"),
        ("use std::collections::HashMap;", "HashMap"),
        ("fn f(x: f64) {}", "f64"),
        ("const A: u8 = 1f32 as u8;", "f32"),
        ("const A: u8 = 1.5 as u8;", "a float"),
        ("async fn f() {}", "async"),
        ("fn f() { tokio::spawn(g()); }", "tokio"),
    ] {
        bites(&purity(&rust("node/domain/src/decide.rs", bad)), what);
    }
    let good = "use std::time::Duration;\n/// HashMap, f64, std::fs\nfn f() { a.0.1; 1..5; }\n\
                #[cfg(test)]\nmod tests { use std::fs; const A: f64 = 1.5; }\n";
    passes(&purity(&rust("node/domain/src/decide.rs", good)));
    passes(&purity(&rust(
        "node/domain/tests/golden.rs",
        "use std::fs;",
    )));
}

#[test]
fn a_verifier_that_reaches_into_the_prover_is_found() {
    for bad in [
        "use crate::prove::Opening;",
        "use crate::{group, prove};",
        "fn f(p: super::prove::P) {}",
    ] {
        bites(
            &verifier_without_prover(&rust("proof/src/verify.rs", bad)),
            "prover",
        );
    }
    passes(&verifier_without_prover(&rust(
        "proof/src/verify.rs",
        "use crate::group::Point;",
    )));
    passes(&verifier_without_prover(&rust(
        "proof/src/lib.rs",
        "pub use prove::Prover;",
    )));
}

#[test]
fn a_file_that_does_not_say_what_it_is_for_is_found() {
    bites(
        &header(&Source::new("a/src/a.rs", "use std::fmt;\n")),
        "a/src/a.rs:1:",
    );
    passes(&header(&Source::new(
        "a/src/a.rs",
        "//! Keeps the heads.\n",
    )));
}

#[test]
fn empty_names_are_found() {
    bites(
        &module_name(&rust("node/src/utils.rs", "")),
        "`utils` is no name",
    );
    bites(
        &module_name(&rust("node/src/helpers/mod.rs", "")),
        "`helpers` is no name",
    );
    passes(&module_name(&rust("node/src/clock.rs", "")));
}

#[test]
fn switches_for_tests_and_features_are_found() {
    for bad in [
        "if cfg!(test) {}",
        "#[cfg(not(test))]\nfn f() {}",
        "#[cfg(feature = \"fast\")]\nfn f() {}",
        "#[cfg_attr(test, derive(Debug))]\nstruct A;",
        "#[cfg(test)]\npub fn only_for_tests() {}",
        "#[cfg(test)]\nuse std::fmt;",
    ] {
        bites(&switches(&rust("node/src/a.rs", bad)), "node/src/a.rs:1:");
    }
    passes(&switches(&rust(
        "node/src/a.rs",
        "#[cfg(test)]\n#[expect(x)]\nmod tests {}",
    )));
    passes(&switches(&rust("node/src/a.rs", "#[cfg(unix)]\nfn f() {}")));
}

#[test]
fn what_is_left_for_later_is_found() {
    for bad in [
        concat!("// TO", "DO: finish"),
        concat!("// FIX", "ME"),
        concat!("fn f() { to", "do!() }"),
        concat!("fn f() { unimple", "mented!() }"),
        concat!("#[ig", "nore]\nfn t() {}"),
    ] {
        bites(
            &left_for_later(&rust("node/src/a.rs", bad)),
            "node/src/a.rs:1:",
        );
    }
    passes(&left_for_later(&rust(
        "node/src/a.rs",
        "// a method to do it\nfn mastodon() {}",
    )));
}

#[test]
fn a_file_too_long_to_read_is_found() {
    bites(
        &too_long(&Source::new("a.rs", &"x\n".repeat(701))),
        "a.rs:701:",
    );
    passes(&too_long(&Source::new("a.rs", &"x\n".repeat(700))));
}

#[test]
fn words_from_outside_the_repository_are_found() {
    for bad in [
        concat!("see /wo", "rk/main"),
        concat!("cd \"/fa", "rm\""),
        concat!("read HOUSE", ".md first"),
        concat!("in ../sha", "red/x"),
    ] {
        bites(
            &stands_alone(&Source::new("docs/a.md", bad)),
            "docs/a.md:1:",
        );
    }
    passes(&stands_alone(&Source::new(
        "docs/a.md",
        "the work/ folder, and/workers, n1/work",
    )));
}

#[test]
fn links_to_nowhere_are_found() {
    let exists = |path: &str| path == "docs/glossary.md" || path == "README.md";
    let bad = "see [a](adr/none.md)\n";
    bites(
        &dead_links(&Source::new("docs/x.md", bad), exists),
        "docs/x.md:1:",
    );
    let good = "[a](glossary.md#x) [b](../README.md) [c](https://a.example/b) [d](#here)\n\
                ```\n[e](none.md)\n```\n`[f](none.md)`\n";
    passes(&dead_links(&Source::new("docs/x.md", good), exists));
}

#[test]
fn commands_that_do_not_exist_are_found() {
    let targets = BTreeSet::from(["test".to_owned()]);
    let file = |text| Source::new("README.md", text);
    bites(
        &unknown_targets(&file("run `make tset`"), &targets),
        "no target `tset`",
    );
    passes(&unknown_targets(
        &file("run `make test`, and make sense"),
        &targets,
    ));
}

#[test]
fn decisions_without_a_date_or_a_part_are_found() {
    let whole = "# T\n## Context\n## Decision\n## Consequences\n## Alternatives\n\
                 ## What would change our mind\n";
    bites(
        &decision(&Source::new("docs/adr/0001-x.md", whole)),
        "YYYY-MM-DD",
    );
    let lacking = whole.replace("## Alternatives\n", "");
    bites(
        &decision(&Source::new("docs/adr/2026-11-22-x.md", &lacking)),
        "Alternatives",
    );
    passes(&decision(&Source::new("docs/adr/2026-11-22-x.md", whole)));
}

#[test]
fn a_list_that_is_out_of_step_is_found() {
    let code = "pub enum Event {\n /// A.\n Opened { at: u64 } = 1,\n Closed = 2,\n}\n\
                enum Other { Far = 9 }";
    let code = numbered_in_code(&rust("a/src/event.rs", code), "enum Event");
    let same =
        numbered_in_table("| number | event |\n|---|---|\n| 1 | `Opened` | x |\n| 2 | `Closed` |");
    passes(&apart(("code", &code), ("page", &same)));
    let renumbered = numbered_in_table("| 1 | `Opened` |\n| 3 | `Closed` |");
    bites(
        &apart(("code", &code), ("page", &renumbered)),
        "page:1: lacks (2, \"Closed\")",
    );
    bites(
        &apart(("code", &code), ("page", &renumbered)),
        "code:1: lacks (3, \"Closed\")",
    );
    let constants = "pub mod reason { pub const NONE: u16 = 0; pub const LATE: u16 = 103; }";
    let found = numbered_in_code(&rust("a/src/outcome.rs", constants), "mod reason");
    assert_eq!(
        found.into_iter().collect::<Vec<_>>(),
        [(103, "LATE".to_owned())]
    );
}

#[test]
fn a_metric_without_a_row_is_found() {
    let registry = names_in_registry("[[metric]]\nname = \"akashi_a\"\nhelp = \"x\"\n");
    passes(&apart(
        ("r", &registry),
        ("p", &names_in_table("| `akashi_a` | x |")),
    ));
    bites(
        &apart(("r", &registry), ("p", &names_in_table("| `akashi_b` |"))),
        "akashi_a",
    );
}

#[test]
fn an_error_without_a_row_is_found() {
    let code = rust(
        "client/src/code.rs",
        "A => entry(\n 1001, Failed, \"x\"), B => entry(6001, C)",
    );
    let code = error_numbers_in_code(&code);
    passes(&apart(
        ("c", &code),
        (
            "p",
            &error_numbers_in_table("| AK1001 | 1 |\n| AK6001 | 6 |"),
        ),
    ));
    bites(
        &apart(
            ("c", &code),
            ("p", &error_numbers_in_table("| AK1001 | 1 |")),
        ),
        "AK6001",
    );
    let rejections = "enum Rejection { Plain = 1, Invalid(Field) = 3 }";
    let found = numbered_in_code(&rust("a/src/answer.rs", rejections), "enum Rejection");
    assert_eq!(
        found.into_iter().collect::<Vec<_>>(),
        [(1, "Plain".into()), (3, "Invalid".into())]
    );
}

#[test]
fn keys_of_an_example_have_their_sections() {
    let keys = keys_in_example("# a = 1\n[node]\nid = 1\n[[cluster.replicas]]\nname = \"x=y\"\n");
    assert_eq!(
        keys.into_iter().collect::<Vec<_>>(),
        ["cluster.replicas.name", "node.id"]
    );
}

#[test]
fn a_paper_that_is_not_here_is_found() {
    let exists = |path: &str| path == "proof/docs/specification.md" || path == "docs/events.md";
    let missing = |path, text| missing_papers(&Source::new(path, text), exists);
    bites(
        &missing("proof/src/a.rs", "// see `docs/none.md`."),
        "there is no docs/none.md",
    );
    passes(&missing(
        "proof/src/a.rs",
        "// `docs/specification.md` §3, docs/events.md.",
    ));
    passes(&missing(
        "a.md",
        "https://c2sp.org/tlog-proof.md and README.md",
    ));
}

#[test]
fn marks_of_other_papers_are_found() {
    let marks = |text| foreign_marks(&Source::new("a/src/a.rs", text));
    for bad in [
        concat!("// bound by time (S", "5)."),
        concat!("// see (K", "6, K", "7)"),
    ] {
        bites(&marks(bad), "points outside");
    }
    passes(&marks(
        "fn f(K: u8) {} // (R, S), (D), (S256), f(x1, y2), (RFC 9162)",
    ));
}

#[test]
fn comments_strings_and_characters_are_not_code() {
    let text = "a /* b /* c */ d */ e // f\n\"g \\\" h\" r#\"i \" j\"# 'k' '\\'' b'l' &'m n é";
    let code = without_comments_and_literals(text);
    let seen: Vec<&str> = code.split_whitespace().collect();
    assert_eq!(seen, ["a", "e", "b", "&'m", "n"]);
    assert_eq!(code.lines().count(), 2);
}

#[test]
fn use_trees_are_written_out() {
    let found: Vec<String> = paths("use a::{b, c::{d as e, self}, f::*};\nx::<y::Z>(w)")
        .into_iter()
        .map(|p| p.1)
        .collect();
    assert_eq!(found, ["a::b", "a::c::d", "a::c::self", "a::f::*", "y::Z"]);
}

#[test]
fn floats_are_told_from_fields_and_ranges() {
    assert_eq!(
        float_literals("1.5\na.0.1\n1..5\n1_000.25\nx1.5\n1.max(2)"),
        [1, 4]
    );
}

fn rust(path: &str, text: &str) -> Source {
    Source::new(path, text)
}

fn bites(findings: &[String], part: &str) {
    assert!(
        findings.iter().any(|finding| finding.contains(part)),
        "expected a finding with `{part}`, found {findings:?}"
    );
}

fn passes(findings: &[String]) {
    assert!(
        findings.is_empty(),
        "expected no finding, found {findings:?}"
    );
}
