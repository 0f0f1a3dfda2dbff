//! The second verifier, in Python and from the documents alone, beside ours: the frozen vectors,
//! then proofs that were changed in every way we could think of. Both must give the same answer,
//! each time, down to the memo key. Nothing is skipped: without `python3` these tests fail.

#![allow(clippy::print_stdout, reason = "what was compared is worth reading")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use akashi_proof::{Batch, check, memo_key};
use akashi_tests::effort;

mod case;
mod change;
mod dice;
mod fresh;
mod make;
mod terms;

use case::{Case, NothingToVerify};
use dice::Dice;
use make::Makers;

/// Where the run starts; a failure prints its case, so that one seed is enough.
const SEED: u64 = 0x0061_6b61_7368_6932;
/// Cases that one Python process answers: what fits into memory without a thought.
const ROUND: u64 = 5_000;

/// One round of single faults, four seconds of Python, for so many changed proofs.
const MUTATIONS_PER_ROUND_OF_FAULTS: u64 = 10_000;
/// Honest and broken proofs of one round.
const SINGLE_FAULTS: usize = 13;

/// Answers that every run must have seen: otherwise it proves little.
const MUST_OCCUR: &[&str] = &[
    "0",
    "8",
    "14",
    "15",
    "16",
    "17",
    "26",
    "30",
    "context",
    "statement 14",
    "statement 15",
    "statement 16",
];
/// Answers that it must have seen for each kind.
const MUST_OCCUR_PER_KIND: &[&str] = &["0", "14", "15", "17", "26"];

#[test]
fn the_second_verifier_gives_the_documented_answer_to_every_vector() {
    let output = python(&["vectors"])
        .arg(vectors())
        .output()
        .expect("python3 is installed (Debian package python3)");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    print!("{told}");
    assert!(
        output.status.success(),
        "{told}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let folders = [vectors(), vectors().join("decisions")];
    let entries = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap());
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            let name = path.file_stem().unwrap().to_str().unwrap();
            assert!(
                told.contains(&format!("{name}: ")),
                "{name}.json was looked at"
            );
        }
    }
}

#[test]
fn both_verifiers_answer_every_changed_proof_alike() {
    let mut dice = Dice::new(SEED);
    let mut makers = Makers::new(&vectors(), &mut dice);
    let mut seen = BTreeMap::new();
    let mut left = effort::mutations();
    let mut judged = 0;
    while left > 0 {
        let cases: Vec<Case> = (0..left.min(ROUND))
            .map(|_| makers.changed_proof(&mut dice))
            .collect();
        left -= left.min(ROUND);
        let ours = our_answers(&cases);
        let theirs = their_answers(&cases);
        assert_eq!(ours.len(), theirs.len(), "one answer per case");
        for (case, (our, their)) in cases.iter().zip(ours.iter().zip(&theirs)) {
            assert_eq!(
                our,
                their,
                "ours and theirs differ on\n{}\n{}",
                case.change,
                case.line()
            );
            let code = our.rsplit_once(' ').filter(|(_, memo)| memo.len() == 64);
            let code = code.map_or(our.as_str(), |(code, _)| code);
            *seen.entry((case.kind, code.to_owned())).or_insert(0_u64) += 1;
            judged += 1;
        }
    }
    println!("{judged} proofs, the same answer from both: {seen:?}");
    for wanted in MUST_OCCUR {
        assert!(
            seen.keys().any(|(_, code)| code == wanted),
            "{wanted} occurred"
        );
    }
    for kind in 1..=8 {
        for wanted in MUST_OCCUR_PER_KIND {
            let key = (kind, (*wanted).to_owned());
            assert!(seen.contains_key(&key), "{wanted} occurred for kind {kind}");
        }
    }
}

#[test]
fn a_proof_with_one_broken_equation_is_refused_and_an_honest_one_of_theirs_accepted() {
    // Made in Python: a finished proof that is changed breaks all its equations at once.
    let rounds = 1 + effort::mutations() / MUTATIONS_PER_ROUND_OF_FAULTS;
    let output = python(&["single-faults", "--rounds", &rounds.to_string()])
        .output()
        .expect("python3 is installed (Debian package python3)");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let told = String::from_utf8(output.stdout).unwrap();
    let questions: Vec<serde_json::Value> = told
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let cases: Vec<Case> = questions.iter().map(Case::from_json).collect();
    assert!(cases.len() >= SINGLE_FAULTS, "every fault is there");
    for ((question, ours), theirs) in questions
        .iter()
        .zip(our_answers(&cases))
        .zip(their_answers(&cases))
    {
        let place = format!("kind {}, broken: {}", question["kind"], question["fault"]);
        assert_eq!(ours, theirs, "{place}");
        assert_eq!(
            ours.split_once(' ').unwrap().0,
            question["code"].to_string(),
            "{place}"
        );
    }
    println!(
        "{} proofs of theirs, the same answer from both",
        cases.len()
    );
}

/// Alone and in batches of all sorts together: one answer, in the words of the second verifier.
fn our_answers(cases: &[Case]) -> Vec<String> {
    let read: Vec<_> = cases.iter().map(Case::read).collect();
    let mut batch = Batch::new();
    for (case, read) in cases.iter().zip(&read) {
        if let Ok((context, statement)) = read {
            batch.push_any(context, statement, &case.proof);
        }
    }
    let verdicts = batch.finish();
    let mut together = verdicts.as_slice().iter();
    let mut answers = Vec::new();
    for (case, read) in cases.iter().zip(&read) {
        answers.push(match read {
            Ok((context, statement)) => {
                let alone = check(context, statement, &case.proof);
                let batched = together.next().expect("one verdict per proof in the batch");
                assert_eq!(&alone, batched, "alone and in a batch: {}", case.line());
                let code = alone.map_or_else(|reason| reason.code(), |()| 0);
                format!(
                    "{code} {}",
                    hex::encode(memo_key(context, statement, &case.proof))
                )
            }
            Err(NothingToVerify::Context) => "context".to_owned(),
            Err(NothingToVerify::Statement(reason)) => format!("statement {}", reason.code()),
        });
    }
    answers
}

fn their_answers(cases: &[Case]) -> Vec<String> {
    let mut judge = python(&["judge", "--memo"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is installed (Debian package python3)");
    let mut questions = judge.stdin.take().expect("a pipe");
    let lines: String = cases.iter().map(|case| case.line() + "\n").collect();
    // Written beside the reading: answers come while questions are still on their way.
    let writer = std::thread::spawn(move || questions.write_all(lines.as_bytes()));
    let output = judge.wait_with_output().expect("the second verifier ends");
    writer
        .join()
        .expect("the questions were written")
        .expect("all of them");
    assert!(
        output.status.success(),
        "the second verifier answered everything"
    );
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

fn python(arguments: &[&str]) -> Command {
    let mut command = Command::new("python3");
    // -B: no compiled files in the source tree.
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["-B", "-m", "second_verifier"]);
    command.args(arguments);
    command
}

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../proof/tests/vectors")
}
