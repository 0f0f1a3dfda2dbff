//! What the lock file may hold once only. Two versions of the curve or of a hash in one product would
//! make two crates disagree on bytes that they exchange, and double what has to be reviewed. It must
//! read the lock file alone: no network, no cargo.

use std::collections::BTreeMap;

/// Packages that occur exactly once, and the beginning of the version: what proofs, tree and TLS rest
/// on. The second number moves by a decision, not by an update.
const ONCE: &[(&str, &str)] = &[
    ("curve25519-dalek", "5."),
    ("ed25519-dalek", "3."),
    ("ed25519", "3."),
    ("sha2", "0.11."),
    ("shake", "0.1."),
    ("keccak", "0.2."),
    ("digest", "0.11."),
    ("blake3", "1."),
    ("argon2", "0.6."),
    ("subtle", "2."),
    ("zeroize", "1."),
    ("ring", "0.17."),
    ("rustls", "0.23."),
];

/// What a pure crate draws chance through: other versions are other people's.
const CHANCE: (&str, &str) = ("rand_core", "0.10.");

/// Our crates that take chance as an argument.
const TAKES_CHANCE: &[&str] = &["akashi-proof", "akashi-client"];

/// The finding for each package that is missing, doubled or of another version.
pub(super) fn not_once(lock: &str) -> Vec<String> {
    let packages = packages(lock);
    let mut findings = Vec::new();
    for (name, begin) in ONCE {
        let versions = packages.get(*name).cloned().unwrap_or_default();
        let is_good = matches!(&*versions, [one] if one.version.starts_with(begin));
        if !is_good {
            let seen: Vec<&str> = versions.iter().map(|one| &*one.version).collect();
            findings.push(format!(
                "Cargo.lock: {name} must be there once, as {begin}x; it holds {seen:?}"
            ));
        }
    }
    let (name, begin) = CHANCE;
    for crate_name in TAKES_CHANCE {
        for one in packages.get(*crate_name).into_iter().flatten() {
            // The version stands behind the name where the lock file holds several.
            let is_other = one.needs.iter().any(|need| {
                need.split_once(' ')
                    .is_some_and(|(needed, version)| needed == name && !version.starts_with(begin))
            });
            if is_other {
                findings.push(format!("Cargo.lock: {crate_name} must use {name} {begin}x"));
            }
        }
    }
    findings
}

#[derive(Clone, Debug, Default)]
struct Package {
    version: String,
    needs: Vec<String>,
}

fn packages(lock: &str) -> BTreeMap<String, Vec<Package>> {
    let mut found: BTreeMap<String, Vec<Package>> = BTreeMap::new();
    for block in lock.split("[[package]]").skip(1) {
        let field = |name: &str| {
            let line = block.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_default().trim_matches('"').to_owned()
        };
        let needs = block
            .lines()
            .filter_map(|line| line.strip_prefix(" \""))
            .map(|need| need.trim_end_matches(['"', ',']).to_owned())
            .collect();
        found.entry(field("name = ")).or_default().push(Package {
            version: field("version = "),
            needs,
        });
    }
    found
}

#[test]
fn a_second_curve_a_missing_hash_and_an_old_chance_are_found() {
    let good: String = ONCE
        .iter()
        .map(|(name, begin)| entry(name, &format!("{begin}9")))
        .collect();
    let proof = "[[package]]\nname = \"akashi-proof\"\nversion = \"0.1.0\"\ndependencies = [\n";
    let with = |chance: &str| format!("{good}{proof} \"{chance}\",\n \"sha2\",\n]\n\n");
    assert!(not_once(&with("rand_core 0.10.1")).is_empty());
    assert!(not_once(&with("rand_core")).is_empty());
    let old = not_once(&with("rand_core 0.6.4"));
    assert_eq!(old.len(), 1, "{old:?}");
    let doubled = not_once(&format!("{good}{}", entry("curve25519-dalek", "4.1.3")));
    assert!(
        doubled.len() == 1 && doubled[0].contains("curve25519-dalek"),
        "{doubled:?}"
    );
    let missing = not_once(&good.replace("\"sha2\"", "\"sha3\""));
    assert!(
        missing.len() == 1 && missing[0].contains("sha2"),
        "{missing:?}"
    );
    let other = not_once(&good.replace("version = \"5.9\"", "version = \"4.1.3\""));
    assert_eq!(other.len(), 1, "{other:?}");
}

fn entry(name: &str, version: &str) -> String {
    format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n\n")
}
