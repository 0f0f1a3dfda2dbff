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
    bulletproof::Value,
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

    fn make(
        &self,
        witness: &ProximityWitness,
        transcript: &mut Transcript,
        nonces: &mut Nonces,
    ) -> Vec<u8> {
        let (delta, distance) = (witness.delta(), witness.distance());
        make(
            self.tau(),
            &delta,
            witness.r(),
            distance,
            transcript,
            nonces,
        )
    }
}

/// A proof for δ and r, where `distance` is ⟨δ, δ⟩.
#[expect(non_snake_case, reason = "the protocol's symbols")]
fn make(
    tau: u32,
    delta: &[Scalar],
    r: &Scalar,
    distance: u32,
    transcript: &mut Transcript,
    nonces: &mut Nonces,
) -> Vec<u8> {
    let mut proof = Vec::new();
    let (s, a, t_0, t_1) = (nonces.next(), nonces.next(), nonces.next(), nonces.next());
    let rho: Zeroizing<Vec<Scalar>> =
        Zeroizing::new(delta.iter().map(|_| *nonces.next()).collect());
    let norm = Zeroizing::new(inner(&rho, &rho));
    let cross = Zeroizing::new(inner(&rho, delta) * Scalar::from(2_u8));
    let C_d = commit_scalar(&Scalar::from(distance), &s);
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
    let z_r = *a + c * r;
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
    let left = u64::from(tau.saturating_sub(distance));
    let V = Value {
        point: -C_d,
        number: Scalar::from(tau),
    };
    let opened = Zeroizing::new([(left, -*s)]);
    let range = bulletproof::make(DISTANCE_BITS, opened.as_slice(), &[V], transcript, nonces);
    proof.extend(range);
    proof
}

/// Absorbs 32 bytes and appends them to the proof.
fn say(proof: &mut Vec<u8>, transcript: &mut Transcript, bytes: &[u8; 32]) {
    transcript.absorb(bytes);
    proof.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::make;
    use crate::{
        Context, ContextFields, DeviceKey, Dimensions, Enrolled, Kind, Proximity, Purpose, Reason,
        RootSecret, SensorCertificate, SensorKey, SensorPolicy, SensorStanding, Suite,
        TemplateCommitment, TemplateOpening, accept_probe, check,
        key::PublicElement,
        opening::commit_vector,
        prove::nonces::Nonces,
        sensor::{Assurance, Capture, CaptureResult},
        statement::sealed::Sealed,
        transcript::Transcript,
    };
    use alloc::{vec, vec::Vec};
    use curve25519_dalek::Scalar;

    /// i with i² = −1 modulo ℓ: 2 has order divisible by four, so 2^((ℓ−1)/4) is one.
    fn root_of_minus_one() -> Scalar {
        // (l - 1) / 4, little endian.
        let exponent: [u8; 32] = *b"\xfb\x74\x3d\x97\xc6\x98\x04\x96\x35\xe7\xbd\xa8\x77\xbe\x37\x05\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x04";
        let mut power = Scalar::ONE;
        for bit in (0..256).rev() {
            power *= power;
            if exponent[bit / 8] >> (bit % 8) & 1 == 1 {
                power *= Scalar::from(2_u8);
            }
        }
        power
    }

    #[test]
    fn a_probe_of_the_provers_own_making_meets_the_equations_and_fails_at_the_sensor() {
        let i = root_of_minus_one();
        assert_eq!(i * i, -Scalar::ONE);
        let context = context();
        let key = key();
        let enrolled = enrolled(key);
        let r = Scalar::from(77_u8);
        let mut around = vec![Scalar::ZERO; 128];
        (around[0], around[1]) = (Scalar::from(5_u8), Scalar::from(5_u8) * i);
        for delta in [around, vec![Scalar::ZERO; 128]] {
            // C_p = C_t - <delta, F> - r H, chosen without knowing any template.
            let forged = enrolled.commitment.element().point() - commit_vector(&delta, &r);
            let forged = TemplateCommitment::from_element(PublicElement::of_point(forged).unwrap());
            let statement =
                Proximity::new(Dimensions::D128, 0, enrolled.commitment, forged).unwrap();
            let (sid, instance) = (context.session_id(Kind::Proximity), statement.instance());
            let mut transcript = Transcript::new(&sid, &instance);
            let mut nonces = Nonces::new(&[1; 32], b"", &sid, &instance);
            let proof: Vec<u8> = make(0, &delta, &r, 0, &mut transcript, &mut nonces);
            assert_eq!(
                check(&context, &statement.into(), &proof),
                Ok(()),
                "the known limit"
            );

            let certificate = certificate();
            let capture = Capture {
                commitment: forged,
                dimensions: Dimensions::D128,
                model_id: b"face-1",
                level: Assurance::Secure,
                result: CaptureResult::Genuine,
                captured_us: 20,
            };
            let sensor = SensorStanding {
                certificate: &certificate,
                revoked: false,
            };
            let policy = (SensorPolicy::default(), 30);
            for signature in [[0; 64], [1; 64]] {
                assert_eq!(
                    accept_probe(
                        &context,
                        0,
                        &enrolled,
                        &capture,
                        &signature,
                        Some(sensor),
                        policy
                    ),
                    Err(Reason::SignatureInvalid)
                );
            }
        }
    }

    fn context() -> Context {
        Context::new(ContextFields {
            suite: Suite::V1,
            origin: b"o",
            group: 0,
            epoch: 1,
            tenant: b"t",
            challenge_id: [1; 16],
            nonce: [2; 32],
            purpose: Purpose::AgentLogin,
            subject: [3; 32],
            contact_id: b"",
            not_before_us: 10,
            expires_us: 40,
            order_hash: [0; 32],
            policy_digest: [5; 32],
        })
        .unwrap()
    }

    fn key() -> DeviceKey {
        let root = RootSecret::from_bytes([9; 32]);
        root.device_secret(Suite::V1, b"o", b"t", 0)
            .unwrap()
            .public()
    }

    fn enrolled(key: DeviceKey) -> Enrolled {
        let template = TemplateOpening::from_parts(&[3; 128], &[4; 32]);
        Enrolled {
            key,
            commitment: template.map(|template| template.commitment()).unwrap(),
            dimensions: Dimensions::D128,
            model_id: b"face-1".into(),
            level: Assurance::Secure,
        }
    }

    fn certificate() -> SensorCertificate {
        // A public key of RFC 8032, test 1.
        let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        let key = hex::decode(key).unwrap().try_into().unwrap();
        SensorCertificate {
            key: SensorKey::from_bytes(&key).unwrap(),
            model_id: b"face-1".into(),
            level: Assurance::Secure,
            not_before_us: 0,
            expires_us: 1_000,
        }
    }
}
