//! Kind 2, knowledge: a proof of knowledge of w with K = w·B, where w comes from a PIN and the
//! device's salt.
//!
//! Instance: P ‖ K. A proof of its own rather than one conjunction with possession, so that a wrong
//! PIN on the right device can be told from a stranger without the device; only the former moves
//! the PIN counter.

use alloc::vec::Vec;

use curve25519_dalek::Scalar;

use super::{
    Kind, Statement,
    schnorr::{Base, Schnorr},
    sealed::Sealed,
};
use crate::{DeviceKey, PinKey, Reason, check::Equation, transcript::Transcript};

/// "Whoever sends this knows the PIN that `pin` was made from, on the device of `device`."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Knowledge {
    /// P, from the subject's enrolment.
    pub device: DeviceKey,
    /// K, from the subject's enrolment; never from the submission.
    pub pin: PinKey,
}

impl Statement for Knowledge {
    const KIND: Kind = Kind::Knowledge;
}

impl Sealed for Knowledge {
    type Elements = Schnorr;

    fn instance(&self) -> Vec<u8> {
        [
            *self.device.element().encoding(),
            *self.pin.element().encoding(),
        ]
        .concat()
    }

    fn parse(&self, proof: &[u8]) -> Result<Schnorr, Reason> {
        Schnorr::parse(proof)
    }

    fn equations(&self, elements: &Schnorr, transcript: &mut Transcript) -> Vec<Equation> {
        elements.equations_less(Base::B, self.pin.element(), Scalar::ZERO, transcript)
    }
}
