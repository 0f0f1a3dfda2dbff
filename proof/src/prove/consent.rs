//! The prover of kind 8: the witness is the device secret x.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::{Provable, nonces::Nonces, schnorr, sealed::Prover};
use crate::{Consent, DeviceSecret, statement::Base, transcript::Transcript};

impl Provable for Consent {}

impl Prover for Consent {
    type Witness = DeviceSecret;

    fn matches(&self, witness: &DeviceSecret) -> bool {
        witness.public() == self.key
    }

    fn witness_bytes(witness: &DeviceSecret) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(witness.scalar().as_bytes().to_vec())
    }

    fn make(
        &self,
        witness: &DeviceSecret,
        transcript: &mut Transcript,
        nonces: &mut Nonces,
    ) -> Vec<u8> {
        schnorr::make(Base::B, witness.scalar(), transcript, nonces)
    }
}
