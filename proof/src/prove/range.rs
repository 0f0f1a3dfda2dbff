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

#[cfg(test)]
mod tests {
    use super::bulletproof;
    use crate::{
        Commitment, Context, ContextFields, Kind, Opening, Purpose, Range, RangeBits, RangeTest,
        Reason, Suite, check,
        key::PublicElement,
        opening::commit_scalar,
        prove::nonces::Nonces,
        statement::{Term, sealed::Sealed},
        transcript::Transcript,
    };
    use curve25519_dalek::Scalar;

    #[test]
    fn a_negative_amount_passes_a_lone_difference_and_not_the_statement() {
        // v2 = -5: v1 - v2 = 505 is a small number although v2 is none.
        let limit = Opening::from_parts(500, &[1; 32]).unwrap();
        let r = Scalar::from(9_u8);
        let negative = commit_scalar(&-Scalar::from(5_u8), &r);
        let amount = Commitment::from_element(PublicElement::of_point(negative).unwrap());
        let value = limit.commitment();

        let lone = Range {
            bits: RangeBits::SixtyFour,
            terms: [Term::Difference(value, amount)].into(),
        };
        let opened = [(505, limit.r() - r)];
        assert_eq!(
            proved_and_checked(&lone, &opened),
            Ok(()),
            "why form 3 never stands alone"
        );

        let test = RangeTest::AtLeastOther {
            value,
            other: amount,
        };
        let statement = Range::new(RangeBits::SixtyFour, &[test]).unwrap();
        for claimed in [0, 5, 5_u64.wrapping_neg()] {
            let opened = [(505, limit.r() - r), (claimed, r)];
            assert_eq!(
                proved_and_checked(&statement, &opened),
                Err(Reason::EquationFailed)
            );
        }
    }

    fn proved_and_checked(statement: &Range, opened: &[(u64, Scalar)]) -> Result<(), Reason> {
        let context = context();
        let (sid, instance) = (context.session_id(Kind::Range), statement.instance());
        let mut transcript = Transcript::new(&sid, &instance);
        let mut nonces = Nonces::new(&[1; 32], b"", &sid, &instance);
        let values = statement.derived();
        let proof = bulletproof::make(statement.n(), opened, &values, &mut transcript, &mut nonces);
        check(&context, &statement.clone().into(), &proof)
    }

    fn context() -> Context {
        Context::new(ContextFields {
            suite: Suite::V1,
            origin: b"o",
            group: 0,
            epoch: 1,
            tenant: b"t",
            challenge_id: [1; 16],
            nonce: [2; 32],
            purpose: Purpose::CustomerCall,
            subject: [3; 32],
            contact_id: b"c",
            not_before_us: 10,
            expires_us: 40,
            order_hash: [0; 32],
            policy_digest: [5; 32],
        })
        .unwrap()
    }
}
