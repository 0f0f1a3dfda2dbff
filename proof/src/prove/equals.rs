//! The prover of kind 3: the witness is the opening, of which r is proved.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::{Provable, nonces::Nonces, schnorr, sealed::Prover};
use crate::{Equals, Opening, statement::Base, transcript::Transcript};

impl Provable for Equals {}

impl Prover for Equals {
    type Witness = Opening;

    fn matches(&self, witness: &Opening) -> bool {
        witness.commitment() == self.commitment && witness.value() == self.value
    }

    fn witness_bytes(witness: &Opening) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(witness.r().as_bytes().to_vec())
    }

    fn make(&self, witness: &Opening, transcript: &mut Transcript, nonces: &mut Nonces) -> Vec<u8> {
        schnorr::make(Base::H, witness.r(), transcript, nonces)
    }
}
