//! The list of modules here is the one of akashi-proof.

use std::{fs, path::Path};

#[test]
fn every_module_of_the_crate_is_compiled_here() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let modules = |path: &str, own: &[&str]| -> Vec<String> {
        fs::read_to_string(root.join(path))
            .unwrap()
            .lines()
            .filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'))
            .filter(|name| !own.contains(name))
            .map(String::from)
            .collect()
    };
    let own = ["ed25519", "merlin_range", "same_modules", "sigma", "sponge"];
    let ours = modules("src/lib.rs", &own);
    assert_eq!(ours, modules("../../proof/src/lib.rs", &[]));
}
