//! The prover of kind 5: the witness is the openings of the commitments in the tests.

use alloc::vec::Vec;

use curve25519_dalek::Scalar;
use zeroize::Zeroizing;

use super::{Provable, bulletproof, nonces::Nonces, sealed::Prover};
use crate::{Range, RangeBits, RangeWitness, statement::Term, transcript::Transcript};

impl Provable for Range {}

impl Prover for Range {
    type Witness = RangeWitness;

    fn matches(&self, witness: &RangeWitness) -> bool {
        opened(self, witness).is_some()
    }

    fn witness_bytes(witness: &RangeWitness) -> Zeroizing<Vec<u8>> {
        witness.bytes()
    }

    fn make(
        &self,
        witness: &RangeWitness,
        transcript: &mut Transcript,
        nonces: &mut Nonces,
    ) -> Vec<u8> {
        // `prove` asked `matches` before.
        let opened = opened(self, witness).unwrap_or_default();
        bulletproof::make(self.n(), &opened, &self.derived(), transcript, nonces)
    }
}

/// The openings of all derived commitments, or `None` if one is missing or out of range.
fn opened(statement: &Range, witness: &RangeWitness) -> Option<Zeroizing<Vec<(u64, Scalar)>>> {
    let mut opened = Zeroizing::new(Vec::with_capacity(statement.values()));
    for term in statement.terms() {
        let (value, blinding) = match term {
            Term::AtLeast(value, bound) => {
                let (v, r) = witness.of(value)?;
                (v.checked_sub(*bound)?, *r)
            }
            Term::AtMost(value, bound) => {
                let (v, r) = witness.of(value)?;
                (bound.checked_sub(*v)?, -r)
            }
            Term::Difference(value, other) => {
                let ((v, r), (other_v, other_r)) = (witness.of(value)?, witness.of(other)?);
                (v.checked_sub(*other_v)?, r - other_r)
            }
        };
        if statement.bits() == RangeBits::ThirtyTwo && value >= 1 << 32 {
            return None;
        }
        opened.push((value, blinding));
    }
    Some(opened)
}
