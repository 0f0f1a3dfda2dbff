//! Random mixtures of good and spoilt proofs: every ticket's verdict is the one that the proof gets
//! alone, whatever else is in the batch and in whatever order.

use akashi_proof::{Batch, Reason, Ticket, check};

use crate::input::Input;
use crate::scene::{self, CASES, Case};
use crate::spoil::spoil;

const PROOFS_MAX: usize = 20;

/// Runs one input: a list of cases, each with at most three changes.
pub fn batch(data: &[u8]) {
    let mut input = Input::new(data);
    let mut cases: Vec<(Case, Result<(), Reason>)> = Vec::new();
    while !input.is_empty() && cases.len() < PROOFS_MAX {
        let choice = input.byte();
        let mut case = CASES[usize::from(choice & 0x3f) % CASES.len()].clone();
        for _ in 0..choice >> 6 {
            spoil(&mut case.proof, &mut input);
        }
        let alone = check(&scene::context(case.purpose), &case.statement, &case.proof);
        cases.push((case, alone));
    }
    judged(cases.iter());
    judged(cases.iter().rev());
}

fn judged<'a>(cases: impl Iterator<Item = &'a (Case, Result<(), Reason>)>) {
    let mut batch = Batch::new();
    let mut expected: Vec<(Ticket, Result<(), Reason>)> = Vec::new();
    for (case, alone) in cases {
        let ticket = batch.push_any(&scene::context(case.purpose), &case.statement, &case.proof);
        expected.push((ticket, *alone));
    }
    assert_eq!(batch.len(), expected.len());
    let verdicts = batch.finish();
    for (ticket, alone) in expected {
        assert_eq!(verdicts.of(ticket), alone, "the batch changed a verdict");
    }
}
