//! Replays the corpus of `tests/fuzz`: what fuzzing once found stays found, on the stable toolchain.
//! It must never write to the corpus.

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

/// Files in one target's folder: enough for what fuzzing found, few enough to replay in every test run.
const FILES_MAX: usize = 150;
/// Bytes in one target's folder.
const BYTES_MAX: usize = 300 * 1024;

#[test]
fn every_input_of_the_corpus_still_keeps_the_laws() {
    let mut broken = Vec::new();
    for (name, target) in akashi_fuzz::TARGETS {
        let inputs = inputs(name);
        let bytes: usize = inputs.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(!inputs.is_empty(), "{name} has no corpus");
        assert!(inputs.len() <= FILES_MAX, "{name}: {} files", inputs.len());
        assert!(bytes <= BYTES_MAX, "{name}: {bytes} bytes");
        for (file, input) in inputs {
            if catch_unwind(|| target(&input)).is_err() {
                broken.push(format!("{name}/{file}"));
            }
        }
    }
    assert!(broken.is_empty(), "inputs that break a law: {broken:?}");
}

#[test]
fn every_folder_of_the_corpus_and_every_entry_for_the_fuzzer_is_a_target() {
    let names: Vec<&str> = akashi_fuzz::TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(listed("corpus", ""), names);
    assert_eq!(listed("targets/targets", ".rs"), names);
}

fn inputs(target: &str) -> Vec<(String, Vec<u8>)> {
    listed(&format!("corpus/{target}"), "")
        .into_iter()
        .map(|file| {
            let path = Path::new(FUZZ).join("corpus").join(target).join(&file);
            (file, fs::read(path).unwrap())
        })
        .collect()
}

const FUZZ: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz");

/// The names in a folder of `tests/fuzz`, sorted, without `end`.
fn listed(folder: &str, end: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(Path::new(FUZZ).join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| name.strip_suffix(end).unwrap_or(&name).to_owned())
        .collect();
    names.sort();
    names
}
