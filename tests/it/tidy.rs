//! Rules about the code and its papers that neither the compiler nor clippy holds: layers, crate
//! edges, names, sizes, headers, documents in step. A finding is a line `file:line: what and why`.
//! It must need nothing but the standard library, so that `make tidy` can compile it alone.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

// Paths are spelled out because this file is a module of main.rs and, alone, a crate.
#[path = "tidy/bites.rs"]
mod bites;
#[path = "tidy/in_step.rs"]
mod in_step;
#[path = "tidy/locked.rs"]
mod locked;
#[path = "tidy/reading.rs"]
mod reading;
#[path = "tidy/rules.rs"]
mod rules;

use in_step::{
    apart, error_numbers_in_code, error_numbers_in_table, foreign_marks, keys_in_example,
    missing_papers, names_in_registry, names_in_table, numbered_in_code, numbered_in_table,
};
use locked::not_once;
use reading::{excluded, make_targets, members};
use rules::{
    Source, crate_edges, crate_manners, dead_links, decision, header, homes, is_pure,
    left_for_later, module_name, purity, stands_alone, switches, too_long, unknown_targets,
    verifier_without_prover,
};

/// Who of ours may depend on whom; every crate of the workspace has a row.
const EDGES: &[(&str, &[&str])] = &[
    ("proto", &[]),
    ("proof", &[]),
    ("audit", &[]),
    ("node/domain", &["akashi-proof", "akashi-merkle"]),
    ("node/presence", &["akashi-merkle"]),
    (
        "node/replica",
        &["akashi-domain", "akashi-proof", "akashi-merkle"],
    ),
    (
        "node",
        &[
            "akashi-proto",
            "akashi-proof",
            "akashi-merkle",
            "akashi-domain",
            "akashi-presence",
            "akashi-replica",
        ],
    ),
    ("client", &["akashi-proto", "akashi-proof", "akashi-merkle"]),
    (
        "tests/fuzz",
        &[
            "akashi-proof",
            "akashi-merkle",
            "akashi-domain",
            "akashi-replica",
        ],
    ),
    (
        "tests/sim",
        &[
            "akashi-proof",
            "akashi-merkle",
            "akashi-domain",
            "akashi-replica",
        ],
    ),
    ("tests", ANYTHING),
    ("benches", ANYTHING),
];

const ANYTHING: &[&str] = &[
    "akashi-proto",
    "akashi-proof",
    "akashi-merkle",
    "akashi-domain",
    "akashi-presence",
    "akashi-replica",
    "akashi-node",
    "akashi-client",
    "akashi-tests",
    "akashi-fuzz",
    "akashi-sim",
];

/// Crates that decide what every replica must decide alike: same input, same output.
const PURE: &[&str] = &[
    "proof/",
    "audit/",
    "node/domain/",
    "node/presence/",
    "node/replica/",
];

/// What a pure crate never depends on outside its tests.
const PURE_NEVER_DEPENDS: &[&str] = &[
    "tokio",
    "tonic",
    "hyper",
    "axum",
    "rocksdb",
    "rand",
    "getrandom",
    "reqwest",
];

/// Paths that pure code never names, with the reason.
const PURE_NEVER_PATHS: &[(&str, &str)] = &[
    ("std::fs", "files are the shell's; take bytes or a trait"),
    ("std::net", "the network is the shell's"),
    ("std::env", "the environment is the shell's"),
    ("std::process", "processes are the shell's"),
    ("std::thread", "threads are the shell's"),
    ("std::time::Instant", "time arrives in the entry"),
    ("std::time::SystemTime", "time arrives in the entry"),
    ("tokio", "pure code does not wait"),
    ("tonic", "pure code knows no transport"),
    ("rocksdb", "only node/src/storage stores"),
    ("rand", "chance arrives as an argument"),
    ("getrandom", "chance arrives as an argument"),
];

/// Words that pure code never uses, with the reason.
const PURE_NEVER_WORDS: &[(&str, &str)] = &[
    (
        "HashMap",
        "its order differs between replicas; use BTreeMap",
    ),
    (
        "HashSet",
        "its order differs between replicas; use BTreeSet",
    ),
    ("f32", "floats round differently; use integers"),
    ("f64", "floats round differently; use integers"),
    ("async", "pure code does not wait"),
];

/// Paths that only some places name: (path, places, reason). A place is a prefix of a file's path.
const HOMES: &[(&str, &[&str], &str)] = &[
    (
        "raft",
        &["node/replica/src/consensus/"],
        "only consensus speaks Raft",
    ),
    (
        "raft_prost",
        &["node/replica/src/consensus/"],
        "only consensus speaks Raft",
    ),
    (
        "rocksdb",
        &["node/src/storage/"],
        "only storage knows the database",
    ),
    (
        "tonic::Status",
        &[
            "node/src/api/",
            "node/src/peers/",
            "node/tests/",
            "client/",
            "tests/",
            "benches/",
        ],
        "refusals become a status at the two doors, api and peers, nowhere below them",
    ),
    (
        "akashi_proto",
        &[
            "node/src/wire",
            "node/src/api/",
            "node/src/peers/",
            "node/tests/",
            "client/",
            "tests/",
            "benches/",
        ],
        "generated types stop at wire; the code below has its own",
    ),
    (
        "ed25519_dalek::Verifier",
        &["benches/peers/"],
        "two libraries may disagree on a lax signature; call verify_strict",
    ),
    (
        "ed25519_dalek::verify_batch",
        &["benches/peers/", "tests/oracles/src/ed25519.rs"],
        "a batch accepts signatures that a single check refuses; call verify_strict",
    ),
];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &[
    "utils", "util", "helpers", "helper", "common", "manager", "misc",
];

/// A file is asked to be split at the first length and refused past the second.
const FILE_LINES_SMELL: usize = 500;
const FILE_LINES_MAX: usize = 700;

/// Larger files are data, not text that somebody wrote.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// ARCHITECTURE.md is to be read in one sitting.
const ARCHITECTURE_LINES_MAX: usize = 300;

#[test]
fn crates_depend_only_on_the_crates_they_may_know() {
    report(manifests().iter().flat_map(|file| crate_edges(file)));
}

#[test]
fn every_crate_inherits_the_lints_and_has_no_features() {
    report(manifests().iter().flat_map(|file| crate_manners(file)));
}

#[test]
fn every_member_of_the_workspace_has_a_row_of_edges() {
    let root = read("Cargo.toml");
    let findings = members(&root)
        .into_iter()
        .filter(|member| !EDGES.iter().any(|(name, _)| name == member))
        .map(|member| {
            format!("Cargo.toml: the member `{member}` has no row in EDGES of tests/it/tidy.rs")
        });
    report(findings);
}

#[test]
fn the_curve_and_the_hashes_are_in_the_product_once() {
    report(not_once(&read("Cargo.lock")));
}

#[test]
fn libraries_are_named_only_in_their_homes() {
    report(rust().flat_map(homes));
}

#[test]
fn pure_crates_have_no_clock_no_chance_no_files_and_no_floats() {
    report(rust().filter(|file| is_pure(&file.path)).flat_map(purity));
}

#[test]
fn the_verifier_never_imports_the_prover() {
    report(rust().flat_map(verifier_without_prover));
}

#[test]
fn every_rust_file_opens_with_what_it_is_for() {
    report(rust().flat_map(header));
}

#[test]
fn modules_have_names_that_say_something() {
    report(rust().flat_map(module_name));
}

#[test]
fn production_code_does_not_know_that_it_is_tested() {
    report(rust().flat_map(switches));
}

#[test]
fn nothing_is_left_for_later() {
    report(ours().flat_map(left_for_later));
}

#[test]
fn files_stay_short_enough_to_read() {
    let long: Vec<String> = rust()
        .filter(|file| file.lines() > FILE_LINES_SMELL && file.lines() <= FILE_LINES_MAX)
        .map(|file| format!("{} ({})", file.path, file.lines()))
        .collect();
    if !long.is_empty() {
        // Straight to the terminal: the test runner swallows what a passing test prints.
        writeln!(
            std::io::stderr(),
            "tidy: past {FILE_LINES_SMELL} lines, think of a split: {}",
            long.join(", ")
        )
        .expect("stderr is open");
    }
    report(rust().flat_map(too_long));
}

#[test]
fn the_repository_stands_on_its_own() {
    report(ours().flat_map(stands_alone));
}

#[test]
fn links_between_documents_lead_somewhere() {
    let exists = |path: &str| root().join(path).exists();
    report(markdown().flat_map(|file| dead_links(file, exists)));
}

#[test]
fn documents_name_only_make_targets_that_exist() {
    let targets = make_targets(&read("Makefile"));
    report(markdown().flat_map(|file| unknown_targets(file, &targets)));
}

#[test]
fn papers_that_are_named_are_there() {
    let exists = |path: &str| root().join(path).exists();
    report(ours().flat_map(|file| missing_papers(file, exists)));
}

#[test]
fn nothing_points_into_papers_that_are_elsewhere() {
    report(
        ours()
            .filter(|file| is_prose_or_code(file))
            .flat_map(foreign_marks),
    );
}

#[test]
fn the_catalogue_of_events_is_in_step() {
    let code = numbered_in_code(source("node/domain/src/event.rs"), "events! {");
    let page = numbered_in_table(&source("docs/events.md").text);
    report(apart(
        ("node/domain/src/event.rs", &code),
        ("docs/events.md", &page),
    ));
}

#[test]
fn the_list_of_reasons_is_in_step() {
    let mut code = numbered_in_code(source("proof/src/reason.rs"), "reasons! {");
    code.extend(numbered_in_code(
        source("node/domain/src/outcome.rs"),
        "mod reason",
    ));
    let page = numbered_in_table(&source("docs/reasons.md").text);
    report(apart(
        ("proof/src/reason.rs and node/domain", &code),
        ("docs/reasons.md", &page),
    ));
}

#[test]
fn the_list_of_metrics_is_in_step() {
    let registry = names_in_registry(&source("ops/telemetry/metrics.toml").text);
    let page = names_in_table(&source("docs/metrics.md").text);
    report(apart(
        ("ops/telemetry/metrics.toml", &registry),
        ("docs/metrics.md", &page),
    ));
}

#[test]
fn the_lists_of_errors_are_in_step() {
    let page = &source("docs/errors.md").text;
    let code = numbered_in_code(source("node/domain/src/answer.rs"), "enum Rejection");
    let listed = numbered_in_table(page);
    report(apart(
        ("node/domain/src/answer.rs", &code),
        ("docs/errors.md", &listed),
    ));
    let code = error_numbers_in_code(source("client/src/code.rs"));
    let listed = error_numbers_in_table(page);
    report(apart(
        ("client/src/code.rs", &code),
        ("docs/errors.md", &listed),
    ));
}

#[test]
fn the_list_of_settings_is_in_step() {
    let example = keys_in_example(&source("node/src/config/example.toml").text);
    let page = names_in_table(&source("docs/configuration.md").text);
    report(apart(
        ("node/src/config/example.toml", &example),
        ("docs/configuration.md", &page),
    ));
}

#[test]
fn decisions_are_dated_and_have_all_their_parts() {
    let findings = markdown()
        .filter(|file| file.path.starts_with("docs/adr/"))
        .flat_map(decision);
    report(findings);
}

#[test]
fn the_architecture_can_be_read_in_one_sitting() {
    let lines = read("ARCHITECTURE.md").lines().count();
    assert!(
        lines <= ARCHITECTURE_LINES_MAX,
        "ARCHITECTURE.md:{lines}: longer than {ARCHITECTURE_LINES_MAX} lines; move detail to docs/"
    );
}

fn report(findings: impl IntoIterator<Item = String>) {
    let findings: Vec<String> = findings.into_iter().collect();
    assert!(findings.is_empty(), "\n\n{}\n", findings.join("\n"));
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the repository")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn files() -> &'static [Source] {
    static FILES: OnceLock<Vec<Source>> = OnceLock::new();
    FILES.get_or_init(|| {
        let mut found = Vec::new();
        walk(root(), &mut found);
        found.sort();
        found
            .iter()
            .filter_map(|path| {
                let name = path
                    .strip_prefix(root())
                    .ok()?
                    .to_string_lossy()
                    .replace('\\', "/");
                // Not ours to word: the licence, and the lock file that cargo writes.
                let foreign = name == "LICENSE" || name.ends_with("Cargo.lock");
                let text = if foreign {
                    return None;
                } else {
                    fs::read_to_string(path).ok()?
                };
                Some(Source::new(&name, &text))
            })
            .collect()
    })
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if name != ".git" && name != "target" {
                walk(&path, found);
            }
        } else if entry
            .metadata()
            .is_ok_and(|file| file.len() <= FILE_BYTES_MAX)
        {
            found.push(path);
        }
    }
}

fn rust() -> impl Iterator<Item = &'static Source> {
    files().iter().filter(|file| file.path.ends_with(".rs"))
}

fn markdown() -> impl Iterator<Item = &'static Source> {
    files().iter().filter(|file| file.path.ends_with(".md"))
}

/// Everything but the files of these rules, which hold the bad examples that show them biting.
fn ours() -> impl Iterator<Item = &'static Source> {
    files()
        .iter()
        .filter(|file| !file.path.starts_with("tests/it/tidy"))
}

fn source(path: &str) -> &'static Source {
    files()
        .iter()
        .find(|file| file.path == path)
        .unwrap_or_else(|| panic!("{path} is missing"))
}

fn is_prose_or_code(file: &Source) -> bool {
    [".rs", ".proto", ".md", ".toml"]
        .iter()
        .any(|end| file.path.ends_with(end))
}

fn manifests() -> Vec<&'static Source> {
    let is_manifest = |file: &&Source| file.path.ends_with("/Cargo.toml");
    // Fuzzing, the oracles and the peers of the benches have workspaces of their own, so that what
    // they need never enters the product's graph.
    let outside = excluded(&read("Cargo.toml"));
    let is_ours = |file: &&Source| !outside.iter().any(|folder| is_in(&file.path, folder));
    files().iter().filter(is_manifest).filter(is_ours).collect()
}

fn is_in(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.starts_with('/'))
}
