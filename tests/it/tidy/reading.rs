//! Reads just enough of Rust, manifests and markdown for the rules: no parser, no dependency, and
//! wrong only on code that nobody here writes.

use std::collections::BTreeSet;

/// Blanks comments, strings and characters; keeps every line where it was.
pub(super) fn without_comments_and_literals(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let at = |index: usize| bytes.get(index).copied().unwrap_or(0);
    let mut i = 0;
    while i < bytes.len() {
        let end = match at(i) {
            b'/' if at(i + 1) == b'/' => find_from(bytes, i, b"\n"),
            b'/' if at(i + 1) == b'*' => end_of_block_comment(bytes, i),
            b'"' => end_of_string(bytes, i),
            b'r' if !is_word(at(i.wrapping_sub(1))) || at(i.wrapping_sub(1)) == b'b' => {
                end_of_raw_string(bytes, i).unwrap_or(i)
            }
            b'\'' => end_of_character(bytes, i).unwrap_or(i),
            _ => i,
        };
        if end == i {
            out.push(if at(i).is_ascii() { at(i) } else { b' ' });
            i += 1;
        } else {
            out.extend(
                bytes[i..end]
                    .iter()
                    .map(|b| if *b == b'\n' { b'\n' } else { b' ' }),
            );
            i = end;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Index after the first `needle` at or after `from`, but on the newline itself for line ends.
pub(super) fn find_from(bytes: &[u8], from: usize, needle: &[u8]) -> usize {
    bytes[from..]
        .windows(needle.len())
        .position(|window| window == needle)
        .map_or(bytes.len(), |found| {
            if needle == b"\n" {
                from + found
            } else {
                from + found + needle.len()
            }
        })
}

pub(super) fn end_of_block_comment(bytes: &[u8], from: usize) -> usize {
    let mut depth = 0usize;
    let mut i = from;
    while i < bytes.len() {
        if bytes[i..].starts_with(b"/*") {
            depth += 1;
            i += 2;
        } else if bytes[i..].starts_with(b"*/") {
            depth -= 1;
            i += 2;
            if depth == 0 {
                return i;
            }
        } else {
            i += 1;
        }
    }
    i
}

pub(super) fn end_of_string(bytes: &[u8], from: usize) -> usize {
    let mut i = from + 1;
    while i < bytes.len() {
        match bytes[i] {
            b'\\' => i += 2,
            b'"' => return i + 1,
            _ => i += 1,
        }
    }
    bytes.len()
}

pub(super) fn end_of_raw_string(bytes: &[u8], from: usize) -> Option<usize> {
    let hashes = bytes[from + 1..].iter().take_while(|b| **b == b'#').count();
    if bytes.get(from + 1 + hashes) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.resize(hashes + 1, b'#');
    Some(find_from(bytes, from + 2 + hashes, &close))
}

/// A lifetime is no character: `'a` stays, `'a'` goes.
pub(super) fn end_of_character(bytes: &[u8], from: usize) -> Option<usize> {
    if bytes.get(from + 1) == Some(&b'\\') {
        let closing = bytes.get(from + 3..)?.iter().position(|b| *b == b'\'')?;
        return Some(from + 3 + closing + 1);
    }
    // One character of up to four bytes.
    (from + 2..from + 6)
        .find(|end| bytes.get(*end) == Some(&b'\''))
        .filter(|end| {
            std::str::from_utf8(&bytes[from + 1..*end])
                .is_ok_and(|inner| inner.chars().count() == 1)
        })
        .map(|end| end + 1)
}

/// Blanks `#[cfg(test)] mod … { … }`, given code without comments and literals.
pub(super) fn without_test_modules(code: &str) -> String {
    let mut out = code.as_bytes().to_vec();
    let mut from = 0;
    while let Some(found) = code[from..].find("#[cfg(test)]") {
        let start = from + found;
        let rest = &code[start..];
        let Some(open) = rest.find('{') else { break };
        let end = start + matching_brace(rest, open);
        for byte in &mut out[start..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        from = end;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Index after the brace that closes the one at `open`, or the end of the text.
pub(super) fn matching_brace(code: &str, open: usize) -> usize {
    let mut depth = 0usize;
    for (index, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            return index + 1;
        }
    }
    code.len()
}

/// Every path that the code names: `use` trees written out, and paths of two parts or more elsewhere.
pub(super) fn paths(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let tokens = tokens(code);
    let mut i = 0;
    while i < tokens.len() {
        let (line, token) = &tokens[i];
        if token == "use" {
            let end = i + tokens[i..]
                .iter()
                .position(|(_, t)| t == ";")
                .unwrap_or(tokens.len() - i);
            expand(&tokens[i + 1..end], "", &mut found);
            i = end;
        } else if is_name(token) {
            let mut path = token.clone();
            while i + 2 < tokens.len() && tokens[i + 1].1 == "::" && is_name(&tokens[i + 2].1) {
                path = format!("{path}::{}", tokens[i + 2].1);
                i += 2;
            }
            if path.contains("::") {
                found.push((*line, path));
            }
            i += 1;
        } else if token == "::" {
            // The rest of `<T as Trait>::name`, or a path from the root: `::name`.
            i += 1;
        } else {
            i += 1;
        }
    }
    found
}

/// Writes out one `use` tree: `a::{b, c::d as e}` gives `a::b` and `a::c::d`.
pub(super) fn expand(tokens: &[(usize, String)], prefix: &str, found: &mut Vec<(usize, String)>) {
    let mut path = prefix.to_owned();
    let mut line = tokens.first().map_or(0, |(line, _)| *line);
    let mut i = 0;
    while i < tokens.len() {
        match tokens[i].1.as_str() {
            "{" => {
                let close = matching_token(tokens, i);
                for part in split_at_commas(&tokens[i + 1..close]) {
                    expand(part, &path, found);
                }
                return;
            }
            "as" => break,
            "::" => {}
            name if is_name(name) || name == "*" => {
                line = tokens[i].0;
                path = if path.is_empty() {
                    name.to_owned()
                } else {
                    format!("{path}::{name}")
                };
            }
            _ => {}
        }
        i += 1;
    }
    if !tokens.is_empty() {
        found.push((line, path));
    }
}

pub(super) fn matching_token(tokens: &[(usize, String)], open: usize) -> usize {
    let mut depth = 0usize;
    for (index, (_, token)) in tokens.iter().enumerate().skip(open) {
        match token.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            return index;
        }
    }
    tokens.len()
}

pub(super) fn split_at_commas(tokens: &[(usize, String)]) -> Vec<&[(usize, String)]> {
    let mut parts = Vec::new();
    let mut depth = 0usize;
    let mut start = 0;
    for (index, (_, token)) in tokens.iter().enumerate() {
        match token.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            "," if depth == 0 => {
                parts.push(&tokens[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&tokens[start..]);
    parts
}

/// Names and numbers as one token, `::` as one, every other visible character alone.
pub(super) fn tokens(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            let length = match first {
                c if c.is_whitespace() => {
                    rest = &rest[c.len_utf8()..];
                    continue;
                }
                c if is_word_char(c) => rest.find(|c| !is_word_char(c)).unwrap_or(rest.len()),
                ':' if rest.starts_with("::") => 2,
                c => c.len_utf8(),
            };
            found.push((index + 1, rest[..length].to_owned()));
            rest = &rest[length..];
        }
    }
    found
}

pub(super) fn words(code: &str) -> Vec<(usize, String)> {
    tokens(code)
        .into_iter()
        .filter(|(_, token)| token.chars().all(is_word_char))
        .collect()
}

/// Lines with a number such as `1.5`; tuple fields (`a.0.1`) and ranges (`1..5`) are none.
pub(super) fn float_literals(code: &str) -> Vec<usize> {
    let mut found = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let bytes = line.as_bytes();
        for dot in (0..bytes.len()).filter(|at| bytes[*at] == b'.') {
            let before = bytes[..dot]
                .iter()
                .rposition(|b| !is_word(*b))
                .map_or(0, |at| at + 1);
            let number = &bytes[before..dot];
            let is_number = number.first().is_some_and(u8::is_ascii_digit)
                && number.iter().all(|b| b.is_ascii_digit() || *b == b'_');
            let is_field = before > 0 && bytes[before - 1] == b'.';
            if is_number && !is_field && bytes.get(dot + 1).is_some_and(u8::is_ascii_digit) {
                found.push(index + 1);
            }
        }
    }
    found
}

/// The dependencies of a manifest: line, section, name of the package.
pub(super) fn dependencies(manifest: &str) -> Vec<(usize, String, String)> {
    let mut found = Vec::new();
    let mut section = String::new();
    for (index, line) in manifest.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            // `[dependencies.name]` is a dependency too.
            let (kind, dependency) = name
                .split_once("dependencies.")
                .map_or((name, ""), |(k, d)| {
                    (&name[..k.len() + "dependencies".len()], d)
                });
            kind.clone_into(&mut section);
            if !dependency.is_empty() {
                found.push((index + 1, section.clone(), dependency.to_owned()));
            }
        } else if section.ends_with("dependencies") && !line.is_empty() && !line.starts_with('#') {
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            found.push((
                index + 1,
                section.clone(),
                name.trim_matches('"').to_owned(),
            ));
        }
    }
    found
}

pub(super) fn members(root_manifest: &str) -> Vec<String> {
    listed(root_manifest, "members = [")
}

/// The folders below the root with workspaces of their own.
pub(super) fn excluded(root_manifest: &str) -> Vec<String> {
    listed(root_manifest, "exclude = [")
}

fn listed(manifest: &str, begin: &str) -> Vec<String> {
    let Some(list) = manifest
        .split(begin)
        .nth(1)
        .and_then(|rest| rest.split(']').next())
    else {
        return Vec::new();
    };
    list.split(',')
        .map(|m| m.trim().trim_matches('"').to_owned())
        .filter(|m| !m.is_empty())
        .collect()
}

/// The lines of a markdown text outside fenced blocks, with inline code removed.
pub(super) fn prose(text: &str) -> Vec<(usize, String)> {
    let mut fenced = false;
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            let plain: Vec<&str> = line.split('`').step_by(2).collect();
            found.push((index + 1, plain.join("")));
        }
    }
    found
}

pub(super) fn link_targets(line: &str) -> Vec<String> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .map(|target| {
            target
                .split_whitespace()
                .next()
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
}

/// `path` as seen from `folder`, without `.` and `..`.
pub(super) fn joined(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = if path.starts_with('/') {
        Vec::new()
    } else {
        folder.split('/').collect()
    };
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts.join("/")
}

pub(super) fn make_targets(makefile: &str) -> BTreeSet<String> {
    makefile
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name)
        .filter(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '-'))
        .map(str::to_owned)
        .collect()
}

pub(super) fn is_dated(name: &str) -> bool {
    let bytes = name.as_bytes();
    let shape = "dddd-dd-dd-";
    bytes.len() > shape.len()
        && shape.bytes().zip(bytes).all(|(want, have)| match want {
            b'd' => have.is_ascii_digit(),
            dash => dash == *have,
        })
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

pub(super) fn is_or_is_under(path: &str, name: &str) -> bool {
    path.strip_prefix(name)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Whether `line` holds the path `place` from the root of a file system, as itself or as a folder.
pub(super) fn is_absolute_path_to(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + place.len()..].chars().next();
        let starts = before
            .is_none_or(|c| !is_word_char(c) && !matches!(c, '.' | '}' | '>' | '*' | '-' | '/'));
        let ends = after.is_none_or(|c| !is_word_char(c) && c != '-');
        starts && ends
    })
}

pub(super) fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        before.is_none_or(|c| !is_word_char(c)) && after.is_none_or(|c| !is_word_char(c))
    })
}

pub(super) fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

pub(super) fn is_word_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
