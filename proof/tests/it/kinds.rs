//! What holds for every kind alike: one sample of each, flipped, cut, moved to another context, and
//! mixed in batches.

use akashi_proof::{
    AnyStatement, Batch, Consent, Context, ContextFields, Dimensions, Equals, InSet, Kind, Opening,
    Provable, Proximity, ProximityWitness, Purpose, Range, RangeBits, RangeTest, RangeWitness,
    Reason, Same, SameWitness, TemplateOpening, check, memo_key, prove, submission_digest,
};
use std::sync::LazyLock;

use crate::scene::{SUBMISSION, SeededRng, context, device, fields};

/// A statement with a proof of it, under the ordinary context or, for a consent, its own.
#[derive(Clone)]
pub(crate) struct Sample {
    pub(crate) context: Context,
    pub(crate) statement: AnyStatement,
    pub(crate) proof: Vec<u8>,
}

impl Sample {
    pub(crate) fn check(&self) -> Result<(), Reason> {
        check(&self.context, &self.statement, &self.proof)
    }
}

/// One proof of every kind, several of range.
pub(crate) static SAMPLES: LazyLock<Vec<Sample>> = LazyLock::new(samples);

pub(crate) const ORDER: [u8; 32] = [0x0f; 32];

pub(crate) fn consent_fields() -> ContextFields<'static> {
    ContextFields {
        purpose: Purpose::Consent,
        order_hash: ORDER,
        ..fields()
    }
}

pub(crate) fn opening(value: u64, seed: u64) -> Opening {
    Opening::commit(value, &mut SeededRng::new(seed)).unwrap()
}

/// A template of small entries that depend on the seed.
pub(crate) fn template(dimensions: Dimensions, seed: u64) -> Vec<i8> {
    let mut rng = SeededRng::new(seed);
    (0..dimensions.count())
        .map(|_| i8::from_le_bytes(rng.bytes()))
        .collect()
}

/// The template with every third entry one off, as a second picture of the same face.
pub(crate) fn again(template: &[i8]) -> Vec<i8> {
    let mut other = template.to_vec();
    for entry in other.iter_mut().step_by(3) {
        *entry ^= 1;
    }
    other
}

fn sample<S: Provable + Into<AnyStatement>>(
    context: Context,
    statement: S,
    witness: &S::Witness,
) -> Sample {
    let proof = prove(&context, &statement, witness, &mut SeededRng::new(77)).unwrap();
    Sample {
        context,
        proof: proof.to_bytes(),
        statement: statement.into(),
    }
}

fn samples() -> Vec<Sample> {
    let mut samples: Vec<Sample> = SUBMISSION
        .both()
        .map(|(statement, proof)| Sample {
            context: context(),
            statement: statement.clone(),
            proof: proof.into(),
        })
        .into();

    let (age, limit, again_limit) = (opening(42, 1), opening(5_000, 2), opening(5_000, 3));
    let equals = Equals {
        commitment: age.commitment(),
        value: 42,
    };
    samples.push(sample(context(), equals, &age));
    let same = Same {
        first: limit.commitment(),
        second: again_limit.commitment(),
    };
    samples.push(sample(
        context(),
        same,
        &SameWitness::new(&limit, &again_limit),
    ));

    let at_least = RangeTest::AtLeast {
        value: age.commitment(),
        bound: 18,
    };
    let within = RangeTest::Within {
        value: limit.commitment(),
        low: 1_000,
        high: 10_000,
    };
    let other = RangeTest::AtLeastOther {
        value: limit.commitment(),
        other: age.commitment(),
    };
    let witness = RangeWitness::new(&[&age, &limit]);
    for (bits, tests) in [
        (RangeBits::ThirtyTwo, vec![at_least]),
        (RangeBits::SixtyFour, vec![at_least]),
        (RangeBits::ThirtyTwo, vec![within]),
        (RangeBits::SixtyFour, vec![other]),
        (RangeBits::ThirtyTwo, vec![within, other]),
    ] {
        samples.push(sample(
            context(),
            Range::new(bits, &tests).unwrap(),
            &witness,
        ));
    }

    let in_set = InSet::new(age.commitment(), &[7, 41, 42, 43, 1_000]).unwrap();
    samples.push(sample(context(), in_set, &age));

    let t = template(Dimensions::D128, 5);
    let enrolled = TemplateOpening::commit(&t, &mut SeededRng::new(6)).unwrap();
    let probe = TemplateOpening::commit(&again(&t), &mut SeededRng::new(7)).unwrap();
    let proximity = Proximity::new(
        Dimensions::D128,
        100,
        enrolled.commitment(),
        probe.commitment(),
    )
    .unwrap();
    samples.push(sample(
        context(),
        proximity,
        &ProximityWitness::new(&enrolled, &probe).unwrap(),
    ));

    let consent = Consent {
        key: device(7).public(),
        order_hash: ORDER,
        sealed_digest: [0x0e; 32],
        recipient_digest: [0x0d; 32],
        submission_digest: submission_digest(&[]),
    };
    samples.push(sample(
        Context::new(consent_fields()).unwrap(),
        consent,
        &device(7),
    ));
    samples
}

#[test]
fn a_proof_of_every_kind_holds_and_every_kind_has_a_sample() {
    let mut kinds: Vec<Kind> = SAMPLES
        .iter()
        .map(|sample| sample.statement.kind())
        .collect();
    kinds.dedup();
    assert_eq!(kinds, Kind::ALL);
    for (place, kind) in (1_u8..).zip(Kind::ALL) {
        assert_eq!((kind.code(), Kind::from_code(place)), (place, Some(kind)));
    }
    for sample in SAMPLES.iter() {
        assert_eq!(sample.check(), Ok(()), "{:?}", sample.statement.kind());
    }
}

#[test]
fn lengths_follow_from_the_statement() {
    let lengths: Vec<usize> = SAMPLES.iter().map(|sample| sample.proof.len()).collect();
    assert_eq!(
        lengths,
        [64, 64, 64, 64, 608, 672, 672, 736, 736, 14 * 32, 1600, 64]
    );
    for sample in SAMPLES.iter() {
        for length in [0, 31, 32, sample.proof.len() - 1, sample.proof.len() + 1] {
            let mut proof = sample.proof.clone();
            proof.resize(length, 0);
            assert_eq!(
                check(&sample.context, &sample.statement, &proof),
                Err(Reason::Malformed)
            );
        }
    }
}

#[test]
fn every_thirty_first_byte_counts() {
    for sample in SAMPLES.iter() {
        for place in (0..sample.proof.len()).step_by(31) {
            let mut spoilt = sample.clone();
            spoilt.proof[place] ^= 4;
            assert!(
                spoilt.check().is_err(),
                "{:?} byte {place}",
                sample.statement.kind()
            );
        }
    }
}

#[test]
fn every_element_of_every_proof_counts() {
    // Zero is a canonical scalar and no admissible element: each place gives its own reason.
    for sample in SAMPLES.iter() {
        for place in (0..sample.proof.len()).step_by(32) {
            let mut spoilt = sample.clone();
            spoilt.proof[place..place + 32].fill(0);
            let reason = spoilt.check().expect_err("a zeroed element");
            assert!(
                [Reason::IdentityPoint, Reason::EquationFailed].contains(&reason),
                "{:?} element {}",
                sample.statement.kind(),
                place / 32
            );
            spoilt.proof[place..place + 32].fill(0xff);
            let reason = spoilt.check().expect_err("an element beyond its field");
            assert!([Reason::NonCanonicalPoint, Reason::NonCanonicalScalar].contains(&reason));
        }
    }
}

#[test]
fn no_proof_holds_under_another_context_or_for_another_statement() {
    for sample in SAMPLES.iter() {
        let fields = if sample.statement.kind() == Kind::Consent {
            consent_fields()
        } else {
            fields()
        };
        let other = Context::new(ContextFields {
            nonce: [0x20; 32],
            ..fields
        })
        .unwrap();
        assert_eq!(
            check(&other, &sample.statement, &sample.proof),
            Err(Reason::EquationFailed)
        );
        for foreign in SAMPLES
            .iter()
            .filter(|other| other.statement != sample.statement)
        {
            assert!(check(&sample.context, &foreign.statement, &sample.proof).is_err());
        }
    }
}

#[test]
fn instances_and_memo_keys_are_all_different() {
    let mut keys: Vec<[u8; 32]> = SAMPLES
        .iter()
        .map(|sample| memo_key(&sample.context, &sample.statement, &sample.proof))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), SAMPLES.len());
}

#[test]
fn a_consent_goes_with_its_purpose_and_its_order_only() {
    let sample = SAMPLES.last().unwrap();
    assert_eq!(
        check(&context(), &sample.statement, &[]),
        Err(Reason::PurposeMismatch),
        "before the length is looked at"
    );
    let other_order = Context::new(ContextFields {
        order_hash: [1; 32],
        ..consent_fields()
    })
    .unwrap();
    assert_eq!(
        check(&other_order, &sample.statement, &sample.proof),
        Err(Reason::OrderMismatch)
    );
    let mut batch = Batch::new();
    batch.push_any(&context(), &sample.statement, &sample.proof);
    assert_eq!(batch.finish().as_slice(), [Err(Reason::PurposeMismatch)]);
}

#[test]
fn no_verdict_of_any_kind_depends_on_the_batch_or_its_order() {
    let rng = &mut SeededRng::new(8);
    let mut cases: Vec<Sample> = Vec::new();
    for sample in SAMPLES.iter() {
        cases.push(sample.clone());
        let last = sample.proof.len() - 32;
        for (place, change) in [(0, 0xff_u8), (last, 1), (rng.below(last + 1), 2)] {
            let mut spoilt = sample.clone();
            spoilt.proof[place] ^= change;
            cases.push(spoilt);
        }
        let mut cut = sample.clone();
        cut.proof.pop();
        cases.push(cut);
    }
    let alone: Vec<Result<(), Reason>> = cases.iter().map(Sample::check).collect();
    assert_eq!(
        alone.iter().filter(|verdict| verdict.is_ok()).count(),
        SAMPLES.len()
    );
    let mut order: Vec<usize> = (0..cases.len()).collect();
    for size in [2, 3, 7, 20, cases.len()] {
        for i in (1..order.len()).rev() {
            order.swap(i, rng.below(i + 1));
        }
        for chunk in order.chunks(size) {
            let mut batch = Batch::new();
            for &i in chunk {
                batch.push_any(&cases[i].context, &cases[i].statement, &cases[i].proof);
            }
            for (&i, verdict) in chunk.iter().zip(batch.finish().as_slice()) {
                assert_eq!(*verdict, alone[i], "{:?}", cases[i].statement.kind());
            }
        }
    }
}

#[test]
fn all_good_proofs_of_all_kinds_hold_in_one_batch() {
    let mut batch = Batch::new();
    for sample in SAMPLES.iter() {
        batch.push_any(&sample.context, &sample.statement, &sample.proof);
    }
    assert!(batch.finish().as_slice().iter().all(Result::is_ok));
}
