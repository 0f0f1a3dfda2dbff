//! Kind 1, possession: a proof of knowledge of x with P = x·B, bound to everything else in the
//! submission.
//!
//! Instance: P ‖ `submission_digest`. The digest keeps anyone who saw one valid possession proof
//! from attaching other factors to it (`docs/specification.md` §5). It is made last and checked
//! first.

use alloc::vec::Vec;

use curve25519_dalek::Scalar;

use super::{
    Kind, Statement,
    schnorr::{Base, Schnorr},
    sealed::Sealed,
};
use crate::{DeviceKey, Reason, check::Equation, transcript::Transcript};

/// "Whoever sends this holds the secret of `key`, and sent exactly these other parts with it."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Possession {
    /// P, from the subject's enrolment.
    pub key: DeviceKey,
    /// [`submission_digest`](crate::submission_digest) over every other part of the submission.
    pub submission_digest: [u8; 32],
}

impl Statement for Possession {
    const KIND: Kind = Kind::Possession;
}

impl Sealed for Possession {
    type Elements = Schnorr;

    fn instance(&self) -> Vec<u8> {
        [*self.key.element().encoding(), self.submission_digest].concat()
    }

    fn parse(&self, proof: &[u8]) -> Result<Schnorr, Reason> {
        Schnorr::parse(proof)
    }

    fn equations(&self, elements: &Schnorr, transcript: &mut Transcript) -> Vec<Equation> {
        elements.equations_less(Base::B, self.key.element(), Scalar::ZERO, transcript)
    }
}
