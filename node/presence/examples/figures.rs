//! Prints the tables of `docs/presence.md`: `cargo run -p akashi-presence --example figures`.

#![allow(
    clippy::print_stdout,
    clippy::as_conversions,
    clippy::indexing_slicing,
    dead_code,
    reason = "a program that prints a table of its own numbers"
)]

#[path = "../tests/it/model.rs"]
mod model;

use akashi_presence::Rule;
use model::{BILLION, Errors, Judge, KofN, MONTH_S, Sequential, agents, impostors, quantile};

const PERCENT: u64 = BILLION / 100;
const MONTHS: u64 = 50;
const IMPOSTORS: u64 = 20_000;

fn main() {
    let errors = [
        Errors::independent(PERCENT),
        Errors::in_stretches("10 s at 50 %", PERCENT, 50 * PERCENT, 10),
        Errors::in_stretches("4 s at 90 %", PERCENT, 90 * PERCENT, 4),
        Errors::in_stretches("60 s at 20 %", PERCENT, 20 * PERCENT, 60),
        Errors::in_stretches("20 s at 90 %", PERCENT, 90 * PERCENT, 20),
    ];
    println!(
        "| rule | errors at FNMR 1 % | false blackouts per agent-month | masked, share of time |"
    );
    println!("|---|---|---|---|");
    for errors in errors {
        right("one sample", &KofN::new(1, 1, 5), errors);
        right("3 in a row, every 5 s", &KofN::new(3, 3, 5), errors);
        right("3 in a row, every 1 s", &KofN::new(3, 3, 1), errors);
        right("6 of 8, every 5 s", &KofN::new(6, 8, 5), errors);
        right("6 of 8, every 1 s", &KofN::new(6, 8, 1), errors);
        right("sequential", &Sequential::new(Rule::STANDARD), errors);
    }
    println!(
        "\n| rule | matches of an impostor | hidden p50 / p99 / max | black p50 / p90 / p99 / max | not hidden by the first sample |"
    );
    println!("|---|---|---|---|---|");
    for (fmr, name) in [
        (BILLION / 10_000, "1/10,000"),
        (BILLION / 50_000, "1/50,000"),
    ] {
        for luck in [
            Errors::independent(fmr),
            Errors::in_stretches("4 s at 50 %", fmr, BILLION / 2, 4),
        ] {
            wrong("3 in a row, every 5 s", &KofN::new(3, 3, 5), luck, name);
            wrong("6 of 8, every 1 s", &KofN::new(6, 8, 1), luck, name);
            wrong("sequential", &Sequential::new(Rule::STANDARD), luck, name);
        }
    }
    println!("\n{MONTHS} agent-months of {MONTH_S} s, {IMPOSTORS} impostors each.");
}

fn right<J: Judge>(rule: &str, judge: &J, errors: Errors) {
    let (blackouts, masked_s) = agents(judge, errors, MONTHS, 1);
    let per_million = masked_s * 1_000_000 / (MONTHS * MONTH_S);
    println!(
        "| {rule} | {} | {}.{:03} | {}.{:02} % |",
        errors.name,
        blackouts / MONTHS,
        blackouts * 1_000 / MONTHS % 1_000,
        per_million / 10_000,
        per_million % 10_000 / 100,
    );
}

fn wrong<J: Judge>(rule: &str, judge: &J, luck: Errors, fmr: &str) {
    let times = impostors(judge, luck, IMPOSTORS, 2);
    let mut hidden: Vec<u64> = times.iter().map(|(hidden, _)| *hidden).collect();
    let mut black: Vec<u64> = times.iter().map(|(_, black)| *black).collect();
    hidden.sort_unstable();
    black.sort_unstable();
    let late = hidden.iter().filter(|hidden| **hidden > 5).count();
    let of = |sorted: &[u64], at: usize| quantile(sorted, at);
    println!(
        "| {rule} | {fmr}, {} | {} / {} / {} s | {} / {} / {} / {} s | {late} in {IMPOSTORS} |",
        luck.name,
        of(&hidden, 500),
        of(&hidden, 990),
        of(&hidden, 1_000),
        of(&black, 500),
        of(&black, 900),
        of(&black, 990),
        of(&black, 1_000),
    );
}
