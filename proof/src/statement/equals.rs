//! Kind 3, equals: the committed value is the disclosed one.
//!
//! Instance: C ‖ v u64. C − v·B is a multiple of H exactly if C commits to v, and a Schnorr proof to
//! the base H shows that the prover knows which.

use alloc::vec::Vec;

use curve25519_dalek::Scalar;

use super::{
    Kind, Statement,
    schnorr::{Base, Schnorr},
    sealed::Sealed,
};
use crate::{Commitment, Reason, check::Equation, transcript::Transcript};

/// "`commitment` commits to `value`."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equals {
    /// C.
    pub commitment: Commitment,
    /// v, disclosed to every reader of the proof.
    pub value: u64,
}

impl Statement for Equals {
    const KIND: Kind = Kind::Equals;
}

impl Sealed for Equals {
    type Elements = Schnorr;

    fn instance(&self) -> Vec<u8> {
        let mut bytes = Vec::from(self.commitment.to_bytes());
        bytes.extend_from_slice(&self.value.to_le_bytes());
        bytes
    }

    fn parse(&self, proof: &[u8]) -> Result<Schnorr, Reason> {
        Schnorr::parse(proof)
    }

    /// s·H − R − c·C + cv·B = 0: the Schnorr equation for C − v·B.
    fn equations(&self, elements: &Schnorr, transcript: &mut Transcript) -> Vec<Equation> {
        let taken = Scalar::from(self.value);
        elements.equations_less(Base::H, self.commitment.element(), taken, transcript)
    }
}
