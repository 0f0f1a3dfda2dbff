//! The prover of one discrete logarithm; symbols as in `statement/schnorr.rs`.

use alloc::vec::Vec;

use curve25519_dalek::{RistrettoPoint, Scalar, traits::MultiscalarMul};

use super::nonces::Nonces;
use crate::{generators::Generators, statement::Base, transcript::Transcript};

/// R ‖ s with R = k·base and s = k + c·y. Constant time.
#[expect(non_snake_case, reason = "R is the paper's symbol")]
pub(crate) fn make(
    base: Base,
    y: &Scalar,
    transcript: &mut Transcript,
    nonces: &mut Nonces,
) -> Vec<u8> {
    let k = nonces.next();
    let R = match base {
        Base::B => RistrettoPoint::mul_base(&k),
        Base::H => RistrettoPoint::multiscalar_mul([*k], Generators::get().blinding()),
    };
    let R = R.compress().to_bytes();
    transcript.absorb(&R);
    let c = transcript.challenge();
    let s = *k + c * y;
    [R, s.to_bytes()].concat()
}
