//! Kind 8, consent: a signature of knowledge of x over an order that nobody but its recipient can
//! read.
//!
//! Instance: P ‖ `order_hash` ‖ `sealed_digest` ‖ `recipient_digest` ‖ `submission_digest`. Only a
//! context for consent admits it, and only with the same order hash: kind 8, purpose 4 and an order
//! hash come together or not at all.

use alloc::vec::Vec;

use curve25519_dalek::Scalar;

use super::{
    Kind, Statement,
    schnorr::{Base, Schnorr},
    sealed::Sealed,
};
use crate::{Context, DeviceKey, Purpose, Reason, check::Equation, transcript::Transcript};

/// "Whoever holds the secret of `key` approves the order with this hash, sealed in these bytes to
/// this recipient."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// P, from the subject's enrolment.
    pub key: DeviceKey,
    /// The order's salted hash, as the context has it.
    pub order_hash: [u8; 32],
    /// SHA-256 of the sealed payload that travels with the proof.
    pub sealed_digest: [u8; 32],
    /// SHA-256 of the recipient's public key, from the policy; never from the
    /// submission.
    pub recipient_digest: [u8; 32],
    /// [`submission_digest`](crate::submission_digest) over every part but possession and consent.
    pub submission_digest: [u8; 32],
}

impl Statement for Consent {
    const KIND: Kind = Kind::Consent;
}

impl Sealed for Consent {
    type Elements = Schnorr;

    fn admits(&self, context: &Context) -> Result<(), Reason> {
        if context.purpose() != Purpose::Consent {
            return Err(Reason::PurposeMismatch);
        }
        if context.order_hash() != &self.order_hash {
            return Err(Reason::OrderMismatch);
        }
        Ok(())
    }

    fn instance(&self) -> Vec<u8> {
        [
            *self.key.element().encoding(),
            self.order_hash,
            self.sealed_digest,
            self.recipient_digest,
            self.submission_digest,
        ]
        .concat()
    }

    fn parse(&self, proof: &[u8]) -> Result<Schnorr, Reason> {
        Schnorr::parse(proof)
    }

    fn equations(&self, elements: &Schnorr, transcript: &mut Transcript) -> Vec<Equation> {
        elements.equations_less(Base::B, self.key.element(), Scalar::ZERO, transcript)
    }
}
