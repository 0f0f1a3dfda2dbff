//! Schnorr proofs against crate `sigma-proofs`, over that crate's instance bytes: every kind whose
//! equation is one discrete logarithm, in both directions.
//!
//! Sponge, session id, challenge and equation are ours; only their instance encoding and their byte
//! order of scalars (big endian) are taken over.

use curve25519_dalek::{RistrettoPoint, Scalar};
use sigma_proofs::{
    Instance, LinearRelation, NargCodec, PrivateRng, SessionId, prove_batchable_with,
    verify_batchable_with,
};
use spongefish::instantiations::Shake128;

use crate::{
    check::{Claim, verdict},
    generators::Generators,
    group::B,
    key::PublicElement,
    opening::commit_scalar,
    prove::{nonces::Nonces, schnorr as prover},
    statement::{Base, schnorr::Schnorr},
    transcript::{Transcript, session_id},
};

const TAG: &[u8] = b"akashi oracle DSFS sigma-proofs_Shake128_ristretto255";

/// One linear relation "I know y with Y = y times the base", and how a kind of ours states it.
#[derive(Clone)]
struct Relation {
    kind: &'static str,
    base: Base,
    y: Scalar,
    /// Y.
    public: RistrettoPoint,
    /// For a commitment with a disclosed value: Y = C − v·B is never computed by our verifier.
    opened: Option<(PublicElement, Scalar)>,
}

/// Possession and knowledge to the base B; equals and same to the base H.
fn relations(seed: u8) -> Vec<Relation> {
    let h = Generators::get().blinding()[0];
    let y = Scalar::from(0x1234_5678_9abc_u64 + u64::from(seed)).invert();
    let r = y + Scalar::from(77_u8);
    let v = Scalar::from(u64::from(seed) << 50);
    let commitment = commit_scalar(&v, &y);
    let other = commit_scalar(&v, &r);
    let to_b = |kind, y: Scalar| Relation {
        kind,
        base: Base::B,
        y,
        public: y * B,
        opened: None,
    };
    vec![
        to_b("possession", y),
        to_b("knowledge", r),
        Relation {
            kind: "equals",
            base: Base::H,
            y,
            public: y * h,
            opened: PublicElement::of_point(commitment).map(|c| (c, v)),
        },
        Relation {
            kind: "same",
            base: Base::H,
            y: y - r,
            public: commitment - other,
            opened: None,
        },
    ]
}

impl Relation {
    /// Their relation, and the bytes by which they name it.
    fn theirs(&self) -> (Instance<RistrettoPoint>, Vec<u8>) {
        let mut relation = LinearRelation::<RistrettoPoint>::new();
        let y = relation.allocate_scalar();
        let base = match self.base {
            Base::B => relation.generator(),
            Base::H => relation.allocate_element_with(Generators::get().blinding()[0]),
        };
        relation.allocate_eq_with(self.public, y * base);
        let instance = relation.compile().unwrap();
        let bytes = instance.encode_instance().as_ref().to_vec();
        (instance, bytes)
    }

    fn ours_accepts(&self, sid: [u8; 32], instance: &[u8], proof: &[u8]) -> bool {
        let mut transcript = Transcript::new(&sid, instance);
        let proof = Schnorr::parse(proof).unwrap();
        let equations = match &self.opened {
            Some((c, v)) => proof.equations_less(self.base, c, *v, &mut transcript),
            None => proof.equations(self.base, self.public, &mut transcript),
        };
        let claim = Claim {
            sid,
            instance: instance.into(),
            proof: vec![],
            equations,
        };
        verdict(&claim).is_ok()
    }
}

/// The proof with its scalar in the other byte order.
fn turned(proof: &[u8]) -> Vec<u8> {
    let (point, scalar) = proof.split_at(32);
    point.iter().chain(scalar.iter().rev()).copied().collect()
}

#[test]
fn session_ids_are_the_same() {
    let theirs = sigma_proofs::derive_session_id::<Shake128>(TAG);
    assert_eq!(theirs.as_bytes(), &session_id(&[TAG]));
}

#[test]
fn our_verifier_accepts_their_proofs_of_every_linear_relation() {
    let sid = session_id(&[TAG]);
    for seed in 1..20_u8 {
        for relation in relations(seed) {
            let (instance, bytes) = relation.theirs();
            let mut rng = PrivateRng::<Shake128>::from_seed([seed; 32]);
            let their_sid = SessionId::from_bytes(sid);
            let witness = vec![relation.y];
            let theirs =
                prove_batchable_with::<Shake128, _>(&their_sid, &instance, &witness, &mut rng);
            let mut proof = turned(&theirs.unwrap());
            assert!(
                relation.ours_accepts(sid, &bytes, &proof),
                "{}",
                relation.kind
            );
            let another = Relation {
                public: relation.public + relation.public,
                opened: relation.opened.map(|(c, v)| (c, v + Scalar::ONE)),
                ..relation.clone()
            };
            assert!(
                !another.ours_accepts(sid, &bytes, &proof),
                "{}",
                relation.kind
            );
            proof[40] ^= 1;
            assert!(
                !relation.ours_accepts(sid, &bytes, &proof),
                "{}",
                relation.kind
            );
        }
    }
}

#[test]
fn their_verifier_accepts_our_proofs_of_every_linear_relation() {
    let sid = session_id(&[TAG]);
    let their_sid = SessionId::from_bytes(sid);
    for seed in 1..20_u8 {
        for relation in relations(seed) {
            let (instance, bytes) = relation.theirs();
            let mut transcript = Transcript::new(&sid, &bytes);
            let mut nonces = Nonces::new(&[seed; 32], relation.y.as_bytes(), &sid, &bytes);
            let mut ours = prover::make(relation.base, &relation.y, &mut transcript, &mut nonces);
            let verdict = |proof: &[u8]| {
                verify_batchable_with::<Shake128, _>(&their_sid, &instance, &turned(proof)).is_ok()
            };
            assert!(verdict(&ours), "{}", relation.kind);
            ours[40] ^= 1;
            assert!(!verdict(&ours), "{}", relation.kind);
        }
    }
}
