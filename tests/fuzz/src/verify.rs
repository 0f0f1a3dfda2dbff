//! A proof that holds, changed: the verdict of `check` is that of a batch of one, and only what is
//! still one of the known proofs holds.
//!
//! The second law is stronger than "no panic": any accepted change of proof, statement or context is
//! a forgery or a second form of the same proof.

use std::sync::LazyLock;

use akashi_proof::{Batch, Context, ContextFields, check, memo_key};

use crate::input::Input;
use crate::scene::{self, CASES, Case};
use crate::spoil::spoil;

const CHANGES_MAX: usize = 8;

/// Runs one input: a case, changes to its proof, its context and its statement.
pub fn verify(data: &[u8]) {
    let mut input = Input::new(data);
    let mut case = CASES[input.below(CASES.len())].clone();
    let mut nonce = scene::fields(case.purpose).nonce;
    let mut contact = Vec::from(scene::fields(case.purpose).contact_id);
    let mut expires_us = scene::END_US;
    for _ in 0..CHANGES_MAX {
        if input.is_empty() {
            break;
        }
        match input.below(16) {
            0 => case.statement = CASES[input.below(CASES.len())].statement.clone(),
            1 => case.purpose = scene::purpose(input.byte()),
            2 => nonce[input.below(32)] ^= input.byte(),
            3 => contact = Vec::from(input.take(16)),
            4 => expires_us = input.near(expires_us),
            5 => case = CASES[input.below(CASES.len())].clone(),
            _ => spoil(&mut case.proof, &mut input),
        }
    }
    let Ok(context) = Context::new(ContextFields {
        nonce,
        contact_id: &contact,
        expires_us,
        ..scene::fields(case.purpose)
    }) else {
        return;
    };
    judge(&context, &case);
}

/// The context and the memo's key of each case.
static KNOWN: LazyLock<Vec<(Context, [u8; 32])>> = LazyLock::new(|| {
    let known = |case: &Case| {
        let place = scene::context(case.purpose);
        let key = memo_key(&place, &case.statement, &case.proof);
        (place, key)
    };
    CASES.iter().map(known).collect()
});

fn judge(context: &Context, case: &Case) {
    let alone = check(context, &case.statement, &case.proof);
    let mut batch = Batch::new();
    let ticket = batch.push_any(context, &case.statement, &case.proof);
    let verdicts = batch.finish();
    assert_eq!(verdicts.of(ticket), alone, "a batch of one");
    assert_eq!(verdicts.as_slice(), [alone]);

    let key = memo_key(context, &case.statement, &case.proof);
    let mut known = false;
    for (good, (place, its_key)) in CASES.iter().zip(KNOWN.iter()) {
        let same = place == context && good.statement == case.statement && good.proof == case.proof;
        known |= same;
        assert_eq!(
            *its_key == key,
            same,
            "a memo's key stands for all of its inputs"
        );
    }
    assert_eq!(
        alone.is_ok(),
        known,
        "holds exactly when nothing was changed"
    );
}
