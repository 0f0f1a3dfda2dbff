//! The prover of kind 6; symbols as in `statement/in_set.rs`.
//!
//! Every branch does the same work whether it is the true one or a simulated one, and selections are
//! made without branching, so that time tells nothing of which value is committed.

use alloc::vec::Vec;

use curve25519_dalek::{RistrettoPoint, Scalar, traits::MultiscalarMul};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

use super::{Provable, nonces::Nonces, sealed::Prover};
use crate::{InSet, Opening, generators::Generators, transcript::Transcript};

impl Provable for InSet {}

impl Prover for InSet {
    type Witness = Opening;

    fn matches(&self, witness: &Opening) -> bool {
        let value = witness.value();
        let found = self
            .set()
            .iter()
            .fold(Choice::from(0), |found, s| found | s.ct_eq(&value));
        witness.commitment() == self.commitment() && bool::from(found)
    }

    fn witness_bytes(witness: &Opening) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(40));
        bytes.extend_from_slice(&witness.value().to_le_bytes());
        bytes.extend_from_slice(witness.r().as_bytes());
        bytes
    }

    fn make(&self, witness: &Opening, transcript: &mut Transcript, nonces: &mut Nonces) -> Vec<u8> {
        let blinding = Generators::get().blinding();
        let k = nonces.next();
        let mut proof = Vec::new();
        let mut branches = Vec::with_capacity(self.set().len());
        for (value, branch) in self.set().iter().zip(self.branches()) {
            let real = value.ct_eq(&witness.value());
            // Simulated: R = z H - c Y for random z and c. Real: R = k H.
            let (z, c) = (nonces.next(), nonces.next());
            let of_h = Scalar::conditional_select(&z, &k, real);
            let of_y = Scalar::conditional_select(&-*c, &Scalar::ZERO, real);
            let points = blinding.iter().copied().chain([branch]);
            let commitment = RistrettoPoint::multiscalar_mul([of_h, of_y], points);
            proof.extend_from_slice(commitment.compress().as_bytes());
            branches.push((real, z, c));
        }
        transcript.absorb(&proof);

        let simulated: Scalar = branches
            .iter()
            .map(|(real, _, c)| Scalar::conditional_select(c, &Scalar::ZERO, *real))
            .sum();
        let c_real = transcript.challenge() - simulated;
        let z_real = Zeroizing::new(*k + c_real * witness.r());
        let challenges = branches
            .iter()
            .map(|(real, _, c)| Scalar::conditional_select(c, &c_real, *real));
        for c in challenges.take(branches.len().saturating_sub(1)) {
            proof.extend_from_slice(c.as_bytes());
        }
        for (real, z, _) in &branches {
            let z = Scalar::conditional_select(z, &z_real, *real);
            proof.extend_from_slice(z.as_bytes());
        }
        proof
    }
}
