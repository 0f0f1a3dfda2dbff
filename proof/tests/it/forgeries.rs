//! Forgeries that were thought of, each refused where it should be.
//!
//! Two need the prover's inside and stand beside it: a probe that nobody captured
//! (`src/prove/proximity.rs`) and a negative amount (`src/prove/range.rs`).

use akashi_proof::{
    Assurance, Batch, Commitment, Context, ContextFields, Dimensions, InSet, Kind, Opening, Part,
    Possession, Proof, Proximity, ProximityWitness, Range, RangeBits, RangeTest, RangeWitness,
    Reason, Statement, check, order_hash, prove, recipient_digest, seal_info, sealed_digest,
    submission_digest, verify,
};
use curve25519_dalek::{RistrettoPoint, Scalar, ristretto::CompressedRistretto};

use crate::{
    kinds::opening,
    scene::{SUBMISSION, SeededRng, context, device, fields},
    sensors::{Scene, face},
};

#[test]
fn garbage_factors_on_a_seen_possession_proof_fail_at_the_possession() {
    let garbage = [0x77; 64];
    for parts in [
        vec![Part::plain(Kind::Knowledge, 1, &garbage)],
        vec![Part::plain(Kind::Knowledge, 2, &SUBMISSION.knowledge_proof)],
        vec![
            Part::plain(Kind::Knowledge, 1, &SUBMISSION.knowledge_proof),
            Part::plain(Kind::Range, 2, &garbage),
        ],
        vec![],
    ] {
        let statement = Possession {
            key: device(7).public(),
            submission_digest: submission_digest(&parts),
        };
        assert_eq!(
            check(&context(), &statement.into(), &SUBMISSION.possession_proof),
            Err(Reason::EquationFailed)
        );
    }
}

#[test]
fn every_field_of_a_part_moves_the_digest() {
    let part = Part::plain(Kind::Range, 1, &[7; 64]);
    let changed = [
        Part {
            kind: Kind::InSet,
            ..part
        },
        Part { slot: 2, ..part },
        Part {
            credential_serial: [1; 16],
            ..part
        },
        Part {
            attribute_index: 1,
            ..part
        },
        Part {
            proof: &[8; 64],
            ..part
        },
        Part {
            sealed_digest: [1; 32],
            ..part
        },
    ];
    for other in changed {
        assert_ne!(submission_digest(&[other]), submission_digest(&[part]));
        assert_ne!(
            submission_digest(&[part, other]),
            submission_digest(&[other, part])
        );
    }
}

#[test]
fn a_probe_made_for_a_template_does_not_count_against_an_older_one() {
    let scene = Scene::new();
    let signature = scene.sign();
    let statement = scene.accept(&signature).unwrap();
    let (template, probe) = (face(41, false), face(42, true));
    let witness = ProximityWitness::new(&template, &probe).unwrap();
    let proof = prove(
        &scene.context,
        &statement,
        &witness,
        &mut SeededRng::new(50),
    )
    .unwrap();

    let mut rolled_back = Scene::new();
    rolled_back.enrolled.commitment = face(49, false).commitment();
    assert_eq!(
        rolled_back.accept(&signature),
        Err(Reason::SignatureInvalid)
    );
    let older = rolled_back.accept(&rolled_back.sign()).unwrap();
    assert_eq!(
        check(&scene.context, &older.into(), proof.as_bytes()),
        Err(Reason::EquationFailed)
    );
}

#[test]
fn a_nonce_relayed_by_a_clone_of_the_cluster_gives_a_proof_for_the_clone_only() {
    for clone in [
        ContextFields {
            origin: b"clone.example/e1/g0",
            ..fields()
        },
        ContextFields {
            epoch: 2,
            ..fields()
        },
        ContextFields {
            group: 1,
            ..fields()
        },
    ] {
        assert_eq!(clone.nonce, fields().nonce);
        let clone = Context::new(clone).unwrap();
        let statement = Possession {
            key: device(7).public(),
            submission_digest: submission_digest(&[]),
        };
        let proof = prove(&clone, &statement, &device(7), &mut SeededRng::new(51)).unwrap();
        let any = statement.into();
        assert_eq!(check(&clone, &any, proof.as_bytes()), Ok(()));
        assert_eq!(
            check(&context(), &any, proof.as_bytes()),
            Err(Reason::EquationFailed)
        );
    }
}

#[test]
fn an_order_is_its_salt_its_amounts_and_its_text() {
    let (first, second): (Commitment, Commitment) =
        (opening(1, 52).commitment(), opening(1, 53).commitment());
    let mut hashes = vec![
        order_hash(&[1; 32], &[], b"pay"),
        order_hash(&[2; 32], &[], b"pay"),
        order_hash(&[1; 32], &[], b"play"),
        order_hash(&[1; 32], &[first], b"pay"),
        order_hash(&[1; 32], &[first, second], b"pay"),
        order_hash(&[1; 32], &[second, first], b"pay"),
        order_hash(&[1; 32], &[], &[&first.to_bytes()[..], b"pay"].concat()),
        sealed_digest(b"key", b"text"),
        sealed_digest(b"keyt", b"ext"),
        recipient_digest(b"key"),
    ];
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), 10);
    let other = Context::new(ContextFields {
        nonce: [0; 32],
        ..fields()
    })
    .unwrap();
    assert_ne!(seal_info(&context()), seal_info(&other));
    assert!(seal_info(&context()).starts_with(b"akashi/v1/consent"));
}

/// What both interfaces for parsed proofs say, which must be one thing.
fn held_against<S: Statement>(statement: &S, proof: &Proof<S>) -> Result<(), Reason> {
    let mut batch = Batch::new();
    let ticket = batch.push(&context(), statement, proof);
    let verdict = verify(&context(), statement, proof).map(drop);
    assert_eq!(batch.finish().of(ticket), verdict);
    verdict
}

#[test]
fn a_proof_that_was_parsed_for_a_larger_statement_is_malformed_for_a_smaller_one() {
    // Parsed for two branches, the challenge of the first is the prover's choice. Held against a set of
    // one, whose only challenge must be the transcript's, it would open C to anything.
    let point = |bytes: [u8; 32]| CompressedRistretto(bytes).decompress().unwrap();
    let c = opening(42, 61).commitment();
    let h = Opening::from_parts(0, Scalar::ONE.as_bytes())
        .unwrap()
        .commitment();
    let (z, chosen) = (Scalar::from(5_u8), Scalar::from(6_u8));
    let branch = point(c.to_bytes()) - RistrettoPoint::mul_base(&Scalar::from(7_u8));
    let commitment = z * point(h.to_bytes()) - chosen * branch;
    let forged = [
        commitment.compress().to_bytes(),
        h.to_bytes(),
        chosen.to_bytes(),
        z.to_bytes(),
        z.to_bytes(),
    ]
    .concat();
    let proof = Proof::parse(&InSet::new(c, &[7, 8]).unwrap(), &forged).unwrap();
    let smaller = InSet::new(c, &[7]).unwrap();
    assert_eq!(held_against(&smaller, &proof), Err(Reason::Malformed));
}

#[test]
fn no_parsed_proof_counts_for_a_statement_of_another_size() {
    let v = opening(42, 62);
    let test = RangeTest::AtLeast {
        value: v.commitment(),
        bound: 18,
    };
    let range = |bits| Range::new(bits, &[test]).unwrap();
    let (narrow, wide) = (range(RangeBits::ThirtyTwo), range(RangeBits::SixtyFour));
    let witness = RangeWitness::new(&[&v]);
    for (proved, other) in [(&narrow, &wide), (&wide, &narrow)] {
        let proof = prove(&context(), proved, &witness, &mut SeededRng::new(63)).unwrap();
        assert_eq!(held_against(proved, &proof), Ok(()));
        assert_eq!(held_against(other, &proof), Err(Reason::Malformed));
    }
    let (template, probe) = (face(41, false), face(42, true));
    let witness = ProximityWitness::new(&template, &probe).unwrap();
    let statement = |dimensions| {
        Proximity::new(dimensions, 100, template.commitment(), probe.commitment()).unwrap()
    };
    let proved = statement(Dimensions::D128);
    let proof = prove(&context(), &proved, &witness, &mut SeededRng::new(64)).unwrap();
    for dimensions in [Dimensions::D256, Dimensions::D512] {
        let other = statement(dimensions);
        assert_eq!(held_against(&other, &proof), Err(Reason::Malformed));
    }
}

#[test]
fn a_template_of_a_simulator_does_not_become_a_face_by_a_better_probe() {
    // Proximity is sound only if both commitments are a sensor's. The level of the pair is the lower.
    for (enrolled, counts) in [
        (Assurance::Software, false),
        (Assurance::Attested, true),
        (Assurance::Secure, true),
    ] {
        let mut scene = Scene::new();
        scene.enrolled.level = enrolled;
        let verdict = scene.accept(&scene.sign()).map(drop);
        let wanted = if counts {
            Ok(())
        } else {
            Err(Reason::AssuranceTooLow)
        };
        assert_eq!(verdict, wanted, "{enrolled:?}");
    }
}
