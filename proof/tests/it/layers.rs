//! The verifier's half never names the prover's half.

use std::{fs, path::Path};

#[test]
fn no_file_of_the_verifier_names_the_prover_or_a_secret() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = 0;
    for folder in [src.clone(), src.join("statement")] {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if !path.is_file() || ["lib.rs", "opening.rs", "secret.rs"].contains(&name) {
                continue;
            }
            for line in fs::read_to_string(&path)
                .unwrap()
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
            {
                for word in ["prove::", "secret::", "Secret", "rand_core", "argon2"] {
                    assert!(!line.contains(word), "{name} names {word}: {line}");
                }
            }
            seen += 1;
        }
    }
    assert!(seen > 15, "only {seen} files were looked at");
}
