//! The rules themselves, each a function from a text to findings, so that a bad text can show it
//! biting. They must not touch the file system.

use std::collections::BTreeSet;

use super::reading::{
    dependencies, float_literals, has_word, is_absolute_path_to, is_dated, is_or_is_under, joined,
    link_targets, paths, prose, without_comments_and_literals, without_test_modules, words,
};
use super::{
    EDGES, EMPTY_NAMES, FILE_LINES_MAX, HOMES, PURE, PURE_NEVER_DEPENDS, PURE_NEVER_PATHS,
    PURE_NEVER_WORDS,
};

/// A text file of the repository; `path` is relative to its root, with forward slashes.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: String,
    pub(super) text: String,
    /// For Rust: the text with comments and literals blanked, line for line.
    pub(super) code: String,
    /// For Rust: `code` with the modules under `#[cfg(test)]` blanked as well.
    pub(super) production: String,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let is_rust = path.ends_with(".rs");
        let code = if is_rust {
            without_comments_and_literals(text)
        } else {
            String::new()
        };
        let production = without_test_modules(&code);
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code,
            production,
        }
    }

    pub(super) fn lines(&self) -> usize {
        self.text.lines().count()
    }

    pub(super) fn at(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }
}

pub(super) fn crate_edges(manifest: &Source) -> Vec<String> {
    let home = manifest.path.trim_end_matches("/Cargo.toml");
    let Some((_, allowed)) = EDGES.iter().find(|(name, _)| *name == home) else {
        return vec![manifest.at(1, "a crate without a row in EDGES of tests/it/tidy.rs")];
    };
    let mut findings = Vec::new();
    for (line, section, name) in dependencies(&manifest.text) {
        if name.starts_with("akashi-") && !allowed.contains(&name.as_str()) {
            findings.push(manifest.at(
                line,
                &format!("{home} may not depend on {name}; a new edge needs a page in docs/adr"),
            ));
        }
        if is_pure(&manifest.path)
            && section != "dev-dependencies"
            && PURE_NEVER_DEPENDS.contains(&name.as_str())
        {
            findings.push(manifest.at(line, &format!("{home} is pure and may not use {name}")));
        }
    }
    findings
}

pub(super) fn crate_manners(manifest: &Source) -> Vec<String> {
    let mut findings = Vec::new();
    let lines: Vec<&str> = manifest.text.lines().map(str::trim).collect();
    let inherits = lines
        .windows(2)
        .any(|pair| pair == ["[lints]", "workspace = true"]);
    if !inherits {
        findings.push(manifest.at(lines.len(), "add `[lints]` with `workspace = true`"));
    }
    for (index, line) in lines.iter().enumerate() {
        if *line == "[features]" {
            findings.push(manifest.at(
                index + 1,
                "no cargo features: what is tested must be what runs",
            ));
        }
    }
    findings
}

pub(super) fn homes(file: &Source) -> Vec<String> {
    let mut findings = Vec::new();
    for (line, path) in paths(&file.code) {
        for (name, places, why) in HOMES {
            let at_home = places.iter().any(|place| file.path.starts_with(place));
            if !at_home && is_or_is_under(&path, name) {
                findings.push(file.at(line, &format!("`{name}` does not belong here: {why}")));
            }
        }
    }
    findings.dedup();
    findings
}

pub(super) fn purity(file: &Source) -> Vec<String> {
    // Tests and build scripts of a pure crate may read files.
    if !file.path.contains("/src/") {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (line, path) in paths(&file.production) {
        for (name, why) in PURE_NEVER_PATHS {
            if is_or_is_under(&path, name) {
                findings.push(file.at(line, &format!("`{name}` in a pure crate: {why}")));
            }
        }
    }
    for (line, word) in words(&file.production) {
        for (name, why) in PURE_NEVER_WORDS {
            let suffixed = word.starts_with(|c: char| c.is_ascii_digit()) && word.ends_with(name);
            if word == *name || suffixed {
                findings.push(file.at(line, &format!("`{name}` in a pure crate: {why}")));
            }
        }
    }
    for line in float_literals(&file.production) {
        findings.push(file.at(line, "a float in a pure crate: floats round differently"));
    }
    findings
}

pub(super) fn verifier_without_prover(file: &Source) -> Vec<String> {
    if !file.path.starts_with("proof/src/verify") {
        return Vec::new();
    }
    paths(&file.production)
        .into_iter()
        .filter(|(_, path)| path.split("::").any(|segment| segment == "prove"))
        .map(|(line, _)| file.at(line, "the verifier may not reach into the prover"))
        .collect()
}

pub(super) fn header(file: &Source) -> Vec<String> {
    if file.text.starts_with("//! ") {
        return Vec::new();
    }
    vec![file.at(
        1,
        "open with `//! ` and say what the file is for and what it must never do",
    )]
}

pub(super) fn module_name(file: &Source) -> Vec<String> {
    file.path
        .trim_end_matches(".rs")
        .split('/')
        .filter(|part| EMPTY_NAMES.contains(part))
        .map(|part| {
            file.at(
                1,
                &format!("`{part}` is no name: say which noun lives here"),
            )
        })
        .collect()
}

pub(super) fn switches(file: &Source) -> Vec<String> {
    let mut findings = Vec::new();
    let compact: Vec<String> = file
        .code
        .lines()
        .map(|line| line.chars().filter(|c| !c.is_whitespace()).collect())
        .collect();
    for (index, line) in compact.iter().enumerate() {
        let number = index + 1;
        for switch in [
            "cfg!(test",
            "cfg(not(test",
            "cfg_attr(test",
            "cfg_attr(not(test",
        ] {
            if line.contains(switch) {
                findings.push(file.at(
                    number,
                    "production code may not know that it is tested; substitute a part instead",
                ));
            }
        }
        for switch in ["cfg(feature", "cfg!(feature", "cfg_attr(feature"] {
            if line.contains(switch) {
                findings.push(file.at(number, "no cargo features"));
            }
        }
        if line.contains("#[cfg(test)]") {
            let next = compact
                .iter()
                .skip(index + 1)
                .find(|line| !line.is_empty() && !line.starts_with("#["));
            let after = line.split("#[cfg(test)]").nth(1).unwrap_or_default();
            let target = if after.is_empty() {
                next.map_or("", String::as_str)
            } else {
                after
            };
            if !target.starts_with("mod") {
                findings.push(file.at(number, "#[cfg(test)] belongs on `mod tests` only"));
            }
        }
    }
    findings
}

pub(super) fn left_for_later(file: &Source) -> Vec<String> {
    // In parts, so that a search for them does not find this list.
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("X", "XX:"),
    ];
    let calls = [
        concat!("todo", "!"),
        concat!("unimplemented", "!"),
        concat!("#[ig", "nore"),
    ];
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        if marks.iter().any(|mark| has_word(line, mark)) {
            findings.push(file.at(index + 1, "say it in an issue, not in the code"));
        }
    }
    for (index, line) in file.code.lines().enumerate() {
        if calls.iter().any(|call| line.contains(call)) {
            findings.push(file.at(index + 1, "finish it, or leave it out"));
        }
    }
    findings
}

pub(super) fn too_long(file: &Source) -> Vec<String> {
    let lines = file.lines();
    if lines <= FILE_LINES_MAX {
        return Vec::new();
    }
    vec![file.at(
        lines,
        &format!("past {FILE_LINES_MAX} lines; split it by what changes together"),
    )]
}

pub(super) fn stands_alone(file: &Source) -> Vec<String> {
    let places = [
        concat!("/wo", "rk"),
        concat!("/fa", "rm"),
        concat!("/ro", "ot"),
    ];
    let papers = [
        concat!("HOUSE", ".md"),
        concat!("DESIGN", ".md"),
        concat!("PROOFS", ".md"),
        concat!("CONSENSUS", ".md"),
        concat!("EVIDENCE", ".md"),
        concat!("OPERATIONS", ".md"),
        concat!("EXPERIENCE", ".md"),
        concat!("DOMAIN", ".md"),
        concat!("DEPENDENCIES", ".md"),
        concat!("CONTRACT", ".md"),
        concat!("../sha", "red"),
    ];
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        for place in places {
            if is_absolute_path_to(line, place) {
                findings.push(file.at(
                    index + 1,
                    &format!("`{place}` is a place on somebody's machine"),
                ));
            }
        }
        for paper in papers {
            if line.contains(paper) {
                findings.push(file.at(index + 1, &format!("`{paper}` is outside this repository")));
            }
        }
    }
    findings
}

pub(super) fn dead_links(file: &Source, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut findings = Vec::new();
    for (number, line) in prose(&file.text) {
        for target in link_targets(&line) {
            let path = target.split('#').next().unwrap_or_default();
            let outside = path.contains("://") || path.starts_with("mailto:");
            if path.is_empty() || outside || exists(&joined(folder, path)) {
                continue;
            }
            findings.push(file.at(number, &format!("the link to `{target}` leads nowhere")));
        }
    }
    findings
}

pub(super) fn unknown_targets(file: &Source, targets: &BTreeSet<String>) -> Vec<String> {
    let mut findings = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        for span in line.split('`').skip(1).step_by(2) {
            let Some(rest) = span.strip_prefix("make ") else {
                continue;
            };
            let target = rest.split_whitespace().next().unwrap_or_default();
            if !targets.contains(target) {
                findings.push(file.at(number + 1, &format!("no target `{target}` in Makefile")));
            }
        }
    }
    findings
}

pub(super) fn decision(file: &Source) -> Vec<String> {
    let name = file
        .path
        .trim_start_matches("docs/adr/")
        .trim_end_matches(".md");
    if name == "README" {
        return Vec::new();
    }
    let mut findings = Vec::new();
    if !is_dated(name) {
        findings.push(file.at(1, "name it YYYY-MM-DD-title.md, in lower case"));
    }
    for part in [
        "Context",
        "Decision",
        "Consequences",
        "Alternatives",
        "What would change our mind",
    ] {
        if !file.text.lines().any(|line| line == format!("## {part}")) {
            findings.push(file.at(1, &format!("the part `## {part}` is missing")));
        }
    }
    findings
}

pub(super) fn is_pure(path: &str) -> bool {
    PURE.iter().any(|place| path.starts_with(place))
}
