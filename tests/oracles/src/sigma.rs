//! Schnorr proofs against crate `sigma-proofs`, over that crate's instance bytes.
//!
//! Sponge, session id, challenge and equation are ours; only their instance encoding and their byte
//! order of scalars (big endian) are taken over.

use curve25519_dalek::{RistrettoPoint, Scalar};
use group::Group;
use sigma_proofs::{
    Instance, LinearRelation, NargCodec, PrivateRng, SessionId, prove_batchable_with,
    verify_batchable_with,
};
use spongefish::instantiations::Shake128;

use crate::{
    check::{Claim, verdict},
    prove::{nonces::Nonces, schnorr as prover},
    statement::{Base, schnorr::Schnorr},
    transcript::{Transcript, session_id},
};

const TAG: &[u8] = b"akashi oracle DSFS sigma-proofs_Shake128_ristretto255";

/// Their relation "I know y with Y = y B", and the bytes by which they name it.
fn relation(public: RistrettoPoint) -> (Instance<RistrettoPoint>, Vec<u8>) {
    let mut relation = LinearRelation::<RistrettoPoint>::new();
    let y = relation.allocate_scalar();
    relation.allocate_eq_with(public, y * relation.generator());
    let instance = relation.compile().unwrap();
    let bytes = instance.encode_instance().as_ref().to_vec();
    (instance, bytes)
}

/// The proof with its scalar in the other byte order.
fn turned(proof: &[u8]) -> Vec<u8> {
    let (point, scalar) = proof.split_at(32);
    point.iter().chain(scalar.iter().rev()).copied().collect()
}

fn ours_accepts(sid: [u8; 32], instance: Vec<u8>, public: RistrettoPoint, proof: &[u8]) -> bool {
    let mut transcript = Transcript::new(&sid, &instance);
    let equations = Schnorr::parse(proof)
        .unwrap()
        .equations(Base::B, public, &mut transcript);
    let claim = Claim {
        sid,
        instance,
        proof: proof.into(),
        equations,
    };
    verdict(&claim).is_ok()
}

#[test]
fn session_ids_are_the_same() {
    let theirs = sigma_proofs::derive_session_id::<Shake128>(TAG);
    assert_eq!(theirs.as_bytes(), &session_id(&[TAG]));
}

#[test]
fn each_accepts_the_proofs_of_the_other() {
    let sid = session_id(&[TAG]);
    for seed in 1..20_u8 {
        let y = Scalar::from(0x1234_5678_9abc_u64 + u64::from(seed)).invert();
        let public = RistrettoPoint::generator() * y;
        let (instance, bytes) = relation(public);
        let their_sid = SessionId::from_bytes(sid);

        let mut rng = PrivateRng::<Shake128>::from_seed([seed; 32]);
        let theirs =
            prove_batchable_with::<Shake128, _>(&their_sid, &instance, &vec![y], &mut rng).unwrap();
        assert!(ours_accepts(sid, bytes.clone(), public, &turned(&theirs)));
        assert!(!ours_accepts(
            sid,
            bytes.clone(),
            public + public,
            &turned(&theirs)
        ));

        let mut transcript = Transcript::new(&sid, &bytes);
        let mut nonces = Nonces::new(&[seed; 32], y.as_bytes(), &sid, &bytes);
        let mut ours = prover::make(Base::B, &y, &mut transcript, &mut nonces);
        let verdict = |proof: &[u8]| {
            verify_batchable_with::<Shake128, _>(&their_sid, &instance, &turned(proof)).is_ok()
        };
        assert!(verdict(&ours));
        ours[40] ^= 1;
        assert!(!verdict(&ours));
    }
}
