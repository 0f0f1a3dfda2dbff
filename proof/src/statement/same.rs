//! Kind 4, same: two commitments hide the same value.
//!
//! Instance: C1 ‖ C2. C1 − C2 is a multiple of H exactly if both commit to one value.

use alloc::vec::Vec;

use super::{
    Kind, Statement,
    schnorr::{Base, Schnorr},
    sealed::Sealed,
};
use crate::{Commitment, Reason, check::Equation, transcript::Transcript};

/// "`first` and `second` commit to the same value", which is not disclosed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Same {
    /// C1.
    pub first: Commitment,
    /// C2.
    pub second: Commitment,
}

impl Statement for Same {
    const KIND: Kind = Kind::Same;
}

impl Sealed for Same {
    type Elements = Schnorr;

    fn instance(&self) -> Vec<u8> {
        [self.first.to_bytes(), self.second.to_bytes()].concat()
    }

    fn parse(&self, proof: &[u8]) -> Result<Schnorr, Reason> {
        Schnorr::parse(proof)
    }

    fn equations(&self, elements: &Schnorr, transcript: &mut Transcript) -> Vec<Equation> {
        let difference = self.first.element().point() - self.second.element().point();
        elements.equations(Base::H, difference, transcript)
    }
}
