//! The prover of kind 2: the witness is the PIN scalar w.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::{Provable, nonces::Nonces, schnorr, sealed::Prover};
use crate::{Knowledge, PinSecret, statement::Base, transcript::Transcript};

impl Provable for Knowledge {}

impl Prover for Knowledge {
    type Witness = PinSecret;

    fn matches(&self, witness: &PinSecret) -> bool {
        witness.public() == self.pin
    }

    fn witness_bytes(witness: &PinSecret) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(witness.scalar().as_bytes().to_vec())
    }

    fn make(
        &self,
        witness: &PinSecret,
        transcript: &mut Transcript,
        nonces: &mut Nonces,
    ) -> Vec<u8> {
        schnorr::make(Base::B, witness.scalar(), transcript, nonces)
    }
}
