//! The prover of kind 4: the witness is the difference of two blindings.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::{Provable, nonces::Nonces, schnorr, sealed::Prover};
use crate::{Same, SameWitness, statement::Base, transcript::Transcript};

impl Provable for Same {}

impl Prover for Same {
    type Witness = SameWitness;

    fn matches(&self, witness: &SameWitness) -> bool {
        witness.opens(&self.first, &self.second)
    }

    fn witness_bytes(witness: &SameWitness) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(witness.difference().as_bytes().to_vec())
    }

    fn make(
        &self,
        witness: &SameWitness,
        transcript: &mut Transcript,
        nonces: &mut Nonces,
    ) -> Vec<u8> {
        schnorr::make(Base::H, witness.difference(), transcript, nonces)
    }
}
