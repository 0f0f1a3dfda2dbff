//! The prover of one discrete logarithm; symbols as in `statement/schnorr.rs`.

use alloc::vec::Vec;

use curve25519_dalek::{RistrettoPoint, Scalar};

use super::nonces::Nonces;
use crate::transcript::Transcript;

/// R ‖ s with R = k·B and s = k + c·y.
#[expect(non_snake_case, reason = "R is the paper's symbol")]
pub(super) fn make(y: &Scalar, transcript: &mut Transcript, nonces: &mut Nonces) -> Vec<u8> {
    let k = nonces.next();
    let R = RistrettoPoint::mul_base(&k).compress().to_bytes();
    transcript.absorb(&R);
    let c = transcript.challenge();
    let s = *k + c * y;
    [R, s.to_bytes()].concat()
}
