//! The prover of kind 7; symbols as in `statement/proximity.rs`.
//!
//! Constant time in δ up to z, which is masked by ρ and could be sent as it is; folding z is variable
//! time.

use alloc::vec::Vec;

use curve25519_dalek::{RistrettoPoint, Scalar, traits::VartimeMultiscalarMul};
use zeroize::Zeroizing;

use super::{
    Provable,
    bulletproof::{self, fold_points, inner},
    nonces::Nonces,
    sealed::Prover,
};
use crate::{
    Proximity, ProximityWitness,
    generators::Generators,
    opening::{commit_scalar, commit_vector},
    statement::{DISTANCE_BITS, LAST},
    transcript::Transcript,
};

impl Provable for Proximity {}

impl Prover for Proximity {
    type Witness = ProximityWitness;

    fn matches(&self, witness: &ProximityWitness) -> bool {
        *witness.commitments() == (self.enrolled(), self.probe())
            && witness.distance() <= self.tau()
            && witness.delta().len() == self.dimensions().n()
    }

    fn witness_bytes(witness: &ProximityWitness) -> Zeroizing<Vec<u8>> {
        witness.bytes()
    }

    #[expect(non_snake_case, reason = "the protocol's symbols")]
    fn make(
        &self,
        witness: &ProximityWitness,
        transcript: &mut Transcript,
        nonces: &mut Nonces,
    ) -> Vec<u8> {
        let mut proof = Vec::new();
        let delta = witness.delta();
        let d = Zeroizing::new(Scalar::from(witness.distance()));
        let (s, a, t_0, t_1) = (nonces.next(), nonces.next(), nonces.next(), nonces.next());
        let rho: Zeroizing<Vec<Scalar>> =
            Zeroizing::new(delta.iter().map(|_| *nonces.next()).collect());
        let norm = Zeroizing::new(inner(&rho, &rho));
        let cross = Zeroizing::new(inner(&rho, &delta) * Scalar::from(2_u8));
        let C_d = commit_scalar(&d, &s);
        for point in [
            C_d,
            commit_vector(&rho, &a),
            commit_scalar(&norm, &t_0),
            commit_scalar(&cross, &t_1),
        ] {
            say(&mut proof, transcript, point.compress().as_bytes());
        }
        let c = transcript.challenge();

        let mut z: Vec<Scalar> = rho
            .iter()
            .zip(delta.iter())
            .map(|(r, d)| r + c * d)
            .collect();
        let z_r = *a + c * witness.r();
        let z_t = *t_0 + c * *t_1 + c * c * *s;
        for scalar in [z_r, z_t, inner(&z, &z)] {
            say(&mut proof, transcript, scalar.as_bytes());
        }

        let mut F = Generators::get().template(z.len()).to_vec();
        while z.len() > LAST {
            let half = z.len() / 2;
            let ((z_lo, z_hi), (F_lo, F_hi)) = (z.split_at(half), F.split_at(half));
            let L = RistrettoPoint::vartime_multiscalar_mul(z_lo, F_hi);
            let R = RistrettoPoint::vartime_multiscalar_mul(z_hi, F_lo);
            let q1 = inner(z_lo, z_hi) * Scalar::from(2_u8);
            say(&mut proof, transcript, L.compress().as_bytes());
            say(&mut proof, transcript, R.compress().as_bytes());
            say(&mut proof, transcript, inner(z_lo, z_lo).as_bytes());
            say(&mut proof, transcript, q1.as_bytes());
            let x = transcript.challenge();
            let next_F = fold_points(F_lo, F_hi, x, Scalar::ONE);
            let next_z = z_lo
                .iter()
                .zip(z_hi)
                .map(|(low, high)| low + x * high)
                .collect();
            (z, F) = (next_z, next_F);
        }
        for z_j in &z {
            say(&mut proof, transcript, z_j.as_bytes());
        }

        // `prove` asked `matches` before, so this is not negative.
        let left = u64::from(self.tau().saturating_sub(witness.distance()));
        let V = RistrettoPoint::mul_base(&Scalar::from(self.tau())) - C_d;
        let opened = Zeroizing::new([(left, -*s)]);
        let range = bulletproof::make(DISTANCE_BITS, opened.as_slice(), &[V], transcript, nonces);
        proof.extend(range);
        proof
    }
}

/// Absorbs 32 bytes and appends them to the proof.
fn say(proof: &mut Vec<u8>, transcript: &mut Transcript, bytes: &[u8; 32]) {
    transcript.absorb(bytes);
    proof.extend_from_slice(bytes);
}
