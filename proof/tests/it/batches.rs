//! A batch changes what verification costs and nothing else.

use akashi_proof::{AnyStatement, Batch, Context, ContextFields, Reason, check};
use curve25519_dalek::Scalar;

use crate::scene::{SUBMISSION, SeededRng, Submission, context, device, fields, pin};

/// One proof to be verified, and what it must come to.
struct Case {
    context: Context,
    statement: AnyStatement,
    proof: Vec<u8>,
    verdict: Result<(), Reason>,
}

/// Many proofs of both kinds under many contexts and keys, about half of them spoilt in every way.
fn mixed(count: usize, rng: &mut SeededRng) -> Vec<Case> {
    let mut cases = Vec::new();
    for i in 0..u8::try_from(count.div_ceil(2)).unwrap() {
        let context = Context::new(ContextFields {
            challenge_id: [i; 16],
            ..fields()
        })
        .unwrap();
        let submission = Submission::new(&context, &device(i), &pin(&[b'0' + i % 10; 4], i), rng);
        for (statement, proof) in submission.both() {
            let mut proof = proof.to_vec();
            match rng.below(9) {
                0 => proof.truncate(63),
                1 => proof[..32].fill(0xff),
                2 => proof[..32].fill(0),
                3 => proof[32..].fill(0xff),
                4 => proof[32] ^= 1,
                _ => {}
            }
            let verdict = check(&context, statement, &proof);
            cases.push(Case {
                context: context.clone(),
                statement: statement.clone(),
                proof,
                verdict,
            });
        }
    }
    cases
}

fn shuffle(cases: &mut [Case], rng: &mut SeededRng) {
    for i in (1..cases.len()).rev() {
        cases.swap(i, rng.below(i + 1));
    }
}

#[test]
fn no_verdict_depends_on_the_batch_or_its_order() {
    let rng = &mut SeededRng::new(6);
    let mut cases = mixed(96, rng);
    let good = cases.iter().filter(|case| case.verdict.is_ok()).count();
    assert!(
        (30..80).contains(&good),
        "{good} of {} are good",
        cases.len()
    );
    for size in (1..=40).chain([96]) {
        shuffle(&mut cases, rng);
        for cases in cases.chunks(size) {
            let mut batch = Batch::new();
            let tickets: Vec<_> = cases
                .iter()
                .map(|case| batch.push_any(&case.context, &case.statement, &case.proof))
                .collect();
            assert_eq!(batch.len(), cases.len());
            let verdicts = batch.finish();
            for (case, ticket) in cases.iter().zip(tickets) {
                assert_eq!(verdicts.of(ticket), case.verdict);
            }
        }
    }
}

#[test]
fn a_search_by_halves_comes_to_the_same_verdicts() {
    let rng = &mut SeededRng::new(7);
    let mut cases = mixed(64, rng);
    for size in [1, 2, 3, 7, 16, 64] {
        shuffle(&mut cases, rng);
        for cases in cases.chunks(size) {
            let mut batch = Batch::new();
            for case in cases {
                batch.push_any(&case.context, &case.statement, &case.proof);
            }
            let expected: Vec<_> = cases.iter().map(|case| case.verdict).collect();
            assert_eq!(search(batch), expected);
        }
    }
}

#[test]
fn a_batch_is_given_back_only_if_one_of_several_proofs_does_not_hold() {
    let (statement, good) = (&SUBMISSION.possession, &SUBMISSION.possession_proof);
    let mut wrong = good.clone();
    wrong[40] ^= 1;
    let together = |proofs: &[&[u8]]| {
        let mut batch = Batch::new();
        for proof in proofs {
            batch.push_any(&context(), statement, proof);
        }
        batch.finish_together().map(|v| v.as_slice().to_vec()).ok()
    };
    let (holds, fails) = (Ok(()), Err(Reason::EquationFailed));
    let malformed = Err(Reason::Malformed);
    assert_eq!(together(&[]), Some(vec![]));
    assert_eq!(together(&[&wrong]), Some(vec![fails]));
    assert_eq!(together(&[&[], &wrong]), Some(vec![malformed, fails]));
    assert_eq!(
        together(&[good, &[], good]),
        Some(vec![holds, malformed, holds])
    );
    assert_eq!(together(&[good, &wrong]), None);
}

/// Verdicts found by halving what does not hold together.
fn search(batch: Batch) -> Vec<Result<(), Reason>> {
    match batch.finish_together() {
        Ok(verdicts) => verdicts.as_slice().to_vec(),
        Err(batch) if batch.len() < 4 => batch.finish_singly().as_slice().to_vec(),
        Err(mut front) => {
            let back = front.split_off(front.len() / 2);
            [search(front), search(back)].concat()
        }
    }
}

#[test]
fn one_bad_proof_among_many_chunks_is_found_wherever_it_stands() {
    let (good, proof) = (&SUBMISSION.possession, &SUBMISSION.possession_proof);
    let mut bad = proof.clone();
    bad[40] ^= 1;
    for place in [0, 255, 256, 299] {
        let mut batch = Batch::new();
        for i in 0..300 {
            batch.push_any(&context(), good, if i == place { &bad } else { proof });
        }
        for (i, verdict) in batch.finish().as_slice().iter().enumerate() {
            assert_eq!(
                *verdict,
                if i == place {
                    Err(Reason::EquationFailed)
                } else {
                    Ok(())
                },
                "{i}"
            );
        }
    }
}

#[test]
fn errors_that_cancel_each_other_are_refused() {
    // s + 1 in one copy and s - 1 in the other: the plain sum of both equations is right, each one
    // is wrong.
    let (statement, proof) = (&SUBMISSION.possession, &SUBMISSION.possession_proof);
    let shifted = |by: Scalar| {
        let s = Scalar::from_canonical_bytes(proof[32..].try_into().unwrap()).unwrap() + by;
        [&proof[..32], s.as_bytes()].concat()
    };
    let mut batch = Batch::new();
    batch.push_any(&context(), statement, &shifted(Scalar::ONE));
    batch.push_any(&context(), statement, &shifted(-Scalar::ONE));
    assert_eq!(batch.finish().as_slice(), [Err(Reason::EquationFailed); 2]);
}

#[test]
fn the_same_proof_twice_holds_twice() {
    let mut batch = Batch::new();
    for _ in 0..2 {
        batch.push_any(
            &context(),
            &SUBMISSION.knowledge,
            &SUBMISSION.knowledge_proof,
        );
    }
    assert_eq!(batch.finish().as_slice(), [Ok(()); 2]);
}

#[test]
fn an_empty_batch_accepts_nothing_and_a_foreign_ticket_is_refused() {
    let empty = Batch::new();
    assert!(empty.is_empty());
    let mut other = Batch::default();
    let ticket = other.push_any(
        &context(),
        &SUBMISSION.knowledge,
        &SUBMISSION.knowledge_proof,
    );
    let verdicts = empty.finish();
    assert!(verdicts.as_slice().is_empty());
    assert_eq!(verdicts.of(ticket), Err(Reason::EquationFailed));
    assert_eq!(other.finish().of(ticket), Ok(()));
}
