//! Keeps numbered lists in the code and their pages in docs/ the same, in both directions, and
//! papers and code from naming papers that are not here. Works on text, like the other rules.

use std::collections::BTreeSet;

use super::reading::{is_word_char, matching_brace, tokens};
use super::rules::Source;

/// A number and a name, as code and documents both have them.
pub(super) type Numbered = BTreeSet<(u64, String)>;

/// `Name = 7`, `Name { … } = 7` and `const NAME: u16 = 7` inside the braces after `marker`; zero is
/// left out, since it means "none" wherever it appears.
pub(super) fn numbered_in_code(file: &Source, marker: &str) -> Numbered {
    let Some(start) = file.production.find(marker) else {
        return Numbered::new();
    };
    let rest = &file.production[start..];
    let Some(open) = rest.find('{') else {
        return Numbered::new();
    };
    let tokens: Vec<String> = tokens(&rest[open..matching_brace(rest, open)])
        .into_iter()
        .map(|(_, token)| token)
        .collect();
    let mut found = Numbered::new();
    for equals in (1..tokens.len()).filter(|at| tokens[*at] == "=") {
        let Some(number) = tokens.get(equals + 1).and_then(|token| token.parse().ok()) else {
            continue;
        };
        if let (Some(name), 1..) = (name_before(&tokens, equals), number) {
            found.insert((number, name));
        }
    }
    found
}

/// Error numbers of the command: the first argument of each `entry(…)`.
pub(super) fn error_numbers_in_code(file: &Source) -> BTreeSet<String> {
    let tokens: Vec<String> = tokens(&file.production)
        .into_iter()
        .map(|(_, t)| t)
        .collect();
    tokens
        .windows(3)
        .filter(|three| three[0] == "entry" && three[1] == "(" && three[2].parse::<u16>().is_ok())
        .map(|three| format!("AK{}", three[2]))
        .collect()
}

/// Rows such as `| AK6001 | …`.
pub(super) fn error_numbers_in_table(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix('|')?.split('|').next())
        .map(|cell| cell.trim().to_owned())
        .filter(|cell| cell.starts_with("AK"))
        .collect()
}

fn name_before(tokens: &[String], equals: usize) -> Option<String> {
    let last = equals.checked_sub(1)?;
    let name = match tokens[last].as_str() {
        "}" => {
            let mut depth = 0usize;
            let open = (0..=last).rev().find(|at| {
                match tokens[*at].as_str() {
                    "}" => depth += 1,
                    "{" => depth -= 1,
                    _ => {}
                }
                depth == 0
            })?;
            open.checked_sub(1)?
        }
        ")" => (0..=last)
            .rev()
            .find(|at| tokens[*at] == "(")?
            .checked_sub(1)?,
        "u8" | "u16" | "u32" | "u64" => last.checked_sub(2)?,
        _ => last,
    };
    Some(tokens[name].clone())
}

/// Rows such as ``| 7 | `Name` | …``.
pub(super) fn numbered_in_table(text: &str) -> Numbered {
    text.lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
            let number = cells.next()?.parse().ok()?;
            let name = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
            Some((number, name.to_owned()))
        })
        .collect()
}

/// Names in rows such as ``| `akashi_x_total` | …``.
pub(super) fn names_in_table(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| {
            line.strip_prefix('|')?
                .split('|')
                .next()?
                .trim()
                .strip_prefix('`')
        })
        .filter_map(|cell| cell.strip_suffix('`'))
        .map(str::to_owned)
        .collect()
}

/// The values of `name = "…"` in a registry.
pub(super) fn names_in_registry(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("name")?.trim().strip_prefix('='))
        .map(|value| value.trim().trim_matches('"').to_owned())
        .collect()
}

/// The keys of a TOML example with their sections: `node.id`, `cluster.replicas.name`.
pub(super) fn keys_in_example(text: &str) -> BTreeSet<String> {
    let mut section = String::new();
    let mut found = BTreeSet::new();
    for line in text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
    {
        if let Some(name) = line.strip_prefix('[') {
            name.trim_matches(['[', ']']).clone_into(&mut section);
        } else if let Some((key, _)) = line.split_once('=') {
            found.insert(format!("{section}.{}", key.trim()));
        }
    }
    found
}

/// What only one of the two has.
pub(super) fn apart<T: Ord + std::fmt::Debug>(
    (here, ours): (&str, &BTreeSet<T>),
    (there, theirs): (&str, &BTreeSet<T>),
) -> Vec<String> {
    let mut findings: Vec<String> = Vec::new();
    if ours.is_empty() {
        findings.push(format!("{here}:1: nothing found to compare with {there}"));
    }
    findings.extend(
        theirs
            .difference(ours)
            .map(|x| format!("{here}:1: lacks {x:?} of {there}")),
    );
    findings.extend(
        ours.difference(theirs)
            .map(|x| format!("{there}:1: lacks {x:?} of {here}")),
    );
    findings
}

/// Papers named in passing, in code or prose, such as `docs/events.md`. The path may be meant from the
/// root or from any folder above the file.
pub(super) fn missing_papers(file: &Source, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let is_path = |c: char| is_word_char(c) || matches!(c, '.' | '/' | '-');
        for word in line.split(|c| !is_path(c)) {
            let word = word.trim_end_matches('.');
            let named = word.ends_with(".md") && word.contains('/') && !word.starts_with('/');
            if named && !above(&file.path).any(|folder| exists(&format!("{folder}{word}"))) {
                findings.push(file.at(index + 1, &format!("there is no {word}")));
            }
        }
    }
    findings
}

/// The folders above a path, each with a slash at its end, and the root as nothing.
fn above(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/')
        .map(|(at, _)| &path[..=at])
        .chain(std::iter::once(""))
}

/// Marks such as a letter and a number in brackets, which only mean something beside another paper.
pub(super) fn foreign_marks(file: &Source) -> Vec<String> {
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        for group in line
            .split('(')
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            if !group.is_empty() && group.split(',').map(str::trim).all(is_mark) {
                findings.push(file.at(
                    index + 1,
                    &format!("`({group})` points outside this repository; say what it means"),
                ));
            }
        }
    }
    findings
}

fn is_mark(word: &str) -> bool {
    let mut chars = word.chars();
    let letter = chars.next().is_some_and(|c| "DKSU".contains(c));
    let digits = chars.as_str();
    letter && matches!(digits.len(), 1 | 2) && digits.chars().all(|c| c.is_ascii_digit())
}
