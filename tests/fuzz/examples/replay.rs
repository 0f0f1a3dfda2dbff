//! Runs one target on files, to look at a single input without libFuzzer.
//!
//! `cargo run -p akashi-fuzz --example replay -- gate file…`

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a tool for the developer"
)]

use std::{env, fs};

fn main() {
    let mut words = env::args().skip(1);
    let name = words.next().expect("a target");
    let (_, target) = akashi_fuzz::TARGETS
        .into_iter()
        .find(|(known, _)| *known == name)
        .expect("a known target");
    for file in words {
        println!("{file}");
        target(&fs::read(&file).expect("a file"));
    }
}
