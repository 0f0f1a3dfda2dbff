//! Writes the first inputs of every target into `corpus/`, from the golden vectors of the crates.
//!
//! `cargo run -p akashi-fuzz --example seeds`. The same vectors give the same
//! files; it must never remove what fuzzing found.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "a tool for the developer, over files of this repository"
)]

use std::fs;
use std::path::Path;

use serde_json::Value as Json;

/// Cases taken of each vector file: the accepted ones come first.
const CASES_PER_KIND: usize = 6;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let repository = root.join("../..");
    for (target, seeds) in [
        ("parse", parse(&repository)),
        ("verify", verify()),
        ("batch", batch()),
        ("context", context(&repository)),
        ("credential", credential(&repository)),
        ("sensor", sensor()),
        ("gate", gate()),
        ("receipt", receipt(&repository)),
        ("request", request(&repository)),
    ] {
        let folder = root.join("corpus").join(target);
        fs::create_dir_all(&folder).expect("corpus/ can be written");
        for (number, seed) in seeds.iter().enumerate() {
            fs::write(folder.join(format!("seed-{number:02}")), seed).expect("a file is written");
        }
        println!("{target}: {} seeds", seeds.len());
    }
}

fn json(path: &Path) -> Json {
    let text = fs::read_to_string(path).expect("the vectors are there");
    serde_json::from_str(&text).expect("the vectors are JSON")
}

fn bytes(value: &Json) -> Vec<u8> {
    hex::decode(value.as_str().expect("text")).expect("hexadecimal")
}

/// Vector cases as `parse` reads them: the statement's choices, then the proof.
fn parse(repository: &Path) -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for name in [
        "possession",
        "knowledge",
        "equals",
        "same",
        "range",
        "in-set",
        "proximity",
        "consent",
    ] {
        let file = json(&repository.join(format!("proof/tests/vectors/{name}.json")));
        let cases = file["cases"].as_array().expect("cases");
        let (good, bad): (Vec<&Json>, Vec<&Json>) =
            cases.iter().partition(|case| case["code"] == 0);
        let chosen = good
            .iter()
            .take(CASES_PER_KIND - 2)
            .chain(bad.iter().take(2));
        for (at, case) in chosen.enumerate() {
            let (fields, proof) = (&case["statement"], bytes(&case["proof"]));
            seeds.push([statement(name, fields), proof.clone()].concat());
            if at == 0 {
                let kind = file["kind"].as_u64().expect("a kind") as u8;
                let instance = bytes(&case["instance"]);
                let length = (instance.len() as u16).to_le_bytes();
                seeds.push([&[8 | (kind - 1)], &length[..], &instance, &proof].concat());
            }
        }
    }
    seeds
}

fn statement(name: &str, fields: &Json) -> Vec<u8> {
    let number = |field: &str| fields[field].as_u64().expect("a number");
    let hex = |field: &str| bytes(&fields[field]);
    match name {
        "possession" => [vec![0, 1], hex("P"), hex("submission_digest")].concat(),
        "knowledge" => [vec![1, 1], hex("P"), hex("K")].concat(),
        "equals" => [vec![2, 3], hex("C"), number("value").to_le_bytes().into()].concat(),
        "same" => [vec![3, 3], hex("C1"), vec![3], hex("C2")].concat(),
        "range" => range(number("n"), &hex("terms")),
        "in-set" => {
            let set: Vec<u64> = fields["set"]
                .as_array()
                .expect("a set")
                .iter()
                .map(|value| value.as_u64().expect("a number"))
                .collect();
            let values: Vec<u8> = set.iter().flat_map(|value| value.to_le_bytes()).collect();
            [vec![5, 3], hex("C"), vec![set.len() as u8], values].concat()
        }
        "proximity" => [
            vec![
                6,
                [128, 256, 512]
                    .iter()
                    .position(|n| *n == number("n"))
                    .expect("a size") as u8,
            ],
            (number("tau") as u32).to_le_bytes().into(),
            [vec![2], hex("C_t"), vec![2], hex("C_p")].concat(),
        ]
        .concat(),
        _ => [
            vec![7, 1],
            hex("P"),
            hex("sealed_digest"),
            hex("recipient_digest"),
            hex("submission_digest"),
        ]
        .concat(),
    }
}

/// Terms as tests: form, bound and commitment become form, choice, commitment and bound.
fn range(bits: u64, mut terms: &[u8]) -> Vec<u8> {
    let mut tests = Vec::new();
    let mut count = 0;
    while let Some((form, rest)) = terms.split_first() {
        let (bound, rest) = rest.split_at(8);
        let (commitment, rest) = rest.split_at(32);
        terms = rest;
        count += 1;
        if *form == 3 {
            let (other, rest) = rest.split_at(32);
            // The term behind it, "the other is not negative", is implied.
            terms = &rest[1 + 8 + 32..];
            tests.extend([&[3, 3], commitment, &[3], other].concat());
        } else {
            tests.extend([&[form - 1, 3], commitment, bound].concat());
        }
    }
    [vec![4, u8::from(bits == 64), count], tests].concat()
}

/// Every case untouched, and a few with one change of each sort.
fn verify() -> Vec<Vec<u8>> {
    let cases = 26;
    let untouched = (0..cases).map(|case| vec![case]);
    let changed = (0..12).map(|sort| vec![sort * 2, 6, sort, 1, 2, 3]);
    let moved = (0..6).map(|sort| vec![2, sort, 3, 7]);
    untouched.chain(changed).chain(moved).collect()
}

fn batch() -> Vec<Vec<u8>> {
    let all: Vec<u8> = (0..20).collect();
    let rest: Vec<u8> = (10..26).collect();
    // s + 1 in one copy and s - 1 in the other.
    let cancelling = vec![0x40, 3, 1, 0x40, 4, 1, 0];
    let spoilt = (0..12).flat_map(|sort| [0x42 + sort, sort, 1, 5]).collect();
    vec![all, rest, cancelling, spoilt, vec![0, 0, 0, 0]]
}

fn context(repository: &Path) -> Vec<Vec<u8>> {
    let file = json(&repository.join("proof/tests/vectors/consent.json"));
    let text = bytes(&file["cases"][0]["context_bytes"]);
    let named = |name: &[u8]| [&(name.len() as u16).to_le_bytes(), name].concat();
    let fields = |purpose: u8| {
        [
            1_795_000_000_000_000_u64.to_le_bytes().into(),
            vec![purpose],
            named(b"bank.example/e1/g0"),
            vec![0; 2],
            1_u32.to_le_bytes().into(),
            named(b"retail"),
            vec![0x11; 16],
            vec![0x22; 32],
            vec![0x33; 32],
            named(&[0x44; 16]),
            vec![9],
            vec![u8::from(purpose == 3)],
            vec![if purpose == 3 { 0x0f } else { 0x55 }; 32],
            vec![0x55; 32],
        ]
        .concat()
    };
    let mut seeds: Vec<Vec<u8>> = (0..6).map(fields).collect();
    for change in 0..14 {
        seeds.push([fields(0), vec![0, change, 2, 0, 65, 66]].concat());
    }
    seeds.push([fields(0), vec![1], fields(1)].concat());
    seeds.push(text);
    seeds
}

fn credential(repository: &Path) -> Vec<Vec<u8>> {
    let file = json(&repository.join("proof/tests/vectors/messages.json"));
    let credentials = file["credentials"].as_array().expect("credentials");
    let mut seeds: Vec<Vec<u8>> = credentials
        .iter()
        .map(|credential| [vec![1], bytes(&credential["body"])].concat())
        .collect();
    // Usual names, the issuer's key, no change of the subject, the first holder, three attributes.
    let usual = [
        vec![0; 8],
        vec![3, 0],
        vec![0; 2],
        vec![0x5e; 16],
        vec![0; 4],
    ]
    .concat();
    for tail in [
        &[0, 1, 0, 0][..],
        &[0, 2, 0],
        &[0, 1, 0, 1],
        &[0, 1, 0, 0, 1, 1],
        &[1],
    ] {
        seeds.push([&usual, tail, &[0; 24]].concat());
    }
    seeds.push(vec![0]);
    seeds.push(
        [
            vec![0, 255, 3, 0],
            b"abc".to_vec(),
            vec![255, 0, 1],
            vec![b'x'; 256],
        ]
        .concat(),
    );
    seeds
}

fn sensor() -> Vec<Vec<u8>> {
    let mut seeds = vec![vec![0], vec![1], vec![0, 1], vec![1, 1]];
    for place in 0..24 {
        let mut seed = vec![0; 40];
        seed[place] = 1;
        seeds.push(seed);
    }
    seeds
}

/// Logs with an election, appends from a leader, and frames that are no messages.
fn gate() -> Vec<Vec<u8>> {
    let begin = [7, 0, 3, 0, 1, 1, 2, 1, 0];
    let frame = |kind: u8, shape: u8, tail: &[u8]| [&[0, 0, kind, shape, 0, 0, 0], tail].concat();
    let drain = [8, 1];
    let appends: Vec<u8> = (1..4)
        .flat_map(|n| frame(3, 8, &[2, 0, n, 0, 2, 0]))
        .collect();
    let elected: Vec<u8> = [
        vec![12],
        drain.to_vec(),
        frame(18, 0, &[0]),
        drain.to_vec(),
        frame(6, 0, &[0]),
        drain.to_vec(),
        vec![13, 9, 14, 8, 1],
        frame(4, 0, &[0]),
        drain.to_vec(),
        vec![11],
    ]
    .concat();
    let every_kind: Vec<u8> = (0..20).flat_map(|kind| frame(kind, 0, &[0])).collect();
    let mut seeds: Vec<Vec<u8>> = [appends, elected, every_kind]
        .iter()
        .map(|steps| [&begin, &**steps].concat())
        .collect();
    seeds.push([&begin[..], &[6, 2, 4, 0, 0x08, 3, 0x10, 1]].concat());
    seeds.push([&begin[..], &[7, 15, 7, 15, 8, 1, 7, 15, 8, 1]].concat());
    seeds
}

fn receipt(repository: &Path) -> Vec<Vec<u8>> {
    let golden = repository.join("audit/tests/golden");
    let text = |name: &str| fs::read(golden.join(name)).expect("a golden file");
    let mut seeds: Vec<Vec<u8>> = ["checkpoint.txt", "keys.txt", "receipt.tlog-proof"]
        .iter()
        .map(|name| [vec![0], text(name)].concat())
        .collect();
    let checkpoint = String::from_utf8(text("checkpoint.txt")).expect("text");
    let head: String = checkpoint.split_inclusive('\n').take(3).collect();
    let origin = checkpoint.lines().next().expect("a line").to_owned();
    let signature = checkpoint.lines().last().expect("a line").to_owned();
    let keys = String::from_utf8(text("keys.txt")).expect("text");
    let vkey = keys
        .lines()
        .find(|line| line.starts_with("witness "))
        .expect("a key");
    let vkey = vkey.split(' ').nth(2).expect("a key").to_owned();
    seeds.extend([head, origin, signature, vkey].map(|text| [vec![0], text.into()].concat()));
    for name in ["leaf.txt", "frontier.txt"] {
        let lines = String::from_utf8(text(name)).expect("text");
        let found = lines
            .split_whitespace()
            .filter_map(|word| hex::decode(word).ok());
        seeds.extend(
            found
                .filter(|bytes| bytes.len() > 8)
                .map(|bytes| [vec![1], bytes].concat()),
        );
    }
    seeds.push(vec![2, 13, 6, 3, 9, 2, 1, 1]);
    seeds.push(vec![2, 8, 7, 0, 8, 1, 0]);
    seeds.push(
        [
            vec![3],
            vec![7; 64],
            vec![3, 0, 0, 0, 0, 0, 0, 0, 9],
            vec![0; 7],
            vec![2],
        ]
        .concat(),
    );
    seeds.push(vec![4, 0, 0, 0]);
    seeds.push(vec![4, 2, 1, 0, 65, 1, 0, 66, 1]);
    seeds.push(vec![5, 40, 0, 0, 66]);
    seeds
}

fn request(repository: &Path) -> Vec<Vec<u8>> {
    let golden = repository.join("tests/golden/domain");
    let mut seeds = Vec::new();
    for name in ["entries.txt", "answers.txt"] {
        let text = fs::read_to_string(golden.join(name)).expect("a golden file");
        let values = text.lines().filter_map(|line| line.split(' ').next_back());
        let decoded = values.filter_map(|value| hex::decode(value).ok());
        seeds.extend(decoded.take(12).map(|value| [vec![1], value].concat()));
    }
    // One command per entry, every command in turn; then two answers to one question.
    for command in 0..26 {
        seeds.push(vec![0, 8, command, 0]);
    }
    seeds.push(vec![0, 16, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 8, 5, 0]);
    seeds.push(vec![
        0, 8, 1, 0, 0, 0, 0, 8, 1, 0, 0, 0, 1, 8, 1, 0, 0, 0, 2, 0, 255, 255, 255, 0,
    ]);
    seeds
}
