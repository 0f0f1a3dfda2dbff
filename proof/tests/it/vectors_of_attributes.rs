//! Golden vectors of kinds 3 to 8; kinds 1 and 2 and the reading back of all are in `vectors.rs`.

use akashi_proof::{
    AnyStatement, Context, ContextFields, Dimensions, Equals, InSet, Kind, Opening, Part, Provable,
    Proximity, ProximityWitness, Range, RangeBits, RangeTest, RangeWitness, Same, SameWitness,
    TemplateOpening, prove, submission_digest,
};
use expect_test::expect_file;
use serde_json::Value;

use crate::{
    kinds::{ORDER, again, consent_fields, opening, template},
    scene::{SeededRng, device, fields},
    vectors::{case, file, other_contexts},
};

/// Whether an element of a proof is a group element or a scalar.
#[derive(Clone, Copy, PartialEq)]
enum Element {
    Point,
    Scalar,
}
use Element::{Point, Scalar};

/// Proves and spoils one statement in every way, under the given fields.
fn accepted_and_refused<S: Provable + Into<AnyStatement>>(
    fields: ContextFields<'static>,
    statement: &S,
    witness: &S::Witness,
    layout: &[Element],
) -> Vec<Value> {
    let context = Context::new(fields).unwrap();
    let proof = prove(&context, statement, witness, &mut SeededRng::new(30))
        .unwrap()
        .to_bytes();
    assert_eq!(proof.len(), 32 * layout.len());
    let any: AnyStatement = statement.clone().into();
    let mut cases = vec![case("accepted", fields, any.clone(), &proof)];
    let mut spoil = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = proof.clone();
        change(&mut bytes);
        cases.push(case(name, fields, any.clone(), &bytes));
    };
    spoil("empty", &Vec::clear);
    spoil("one byte less", &|bytes| bytes.truncate(bytes.len() - 1));
    spoil("one byte more", &|bytes| bytes.push(0));
    let places = |kind| {
        layout
            .iter()
            .enumerate()
            .filter(move |(_, k)| **k == kind)
            .map(|(i, _)| i)
    };
    for point in [
        places(Point).next().unwrap(),
        places(Point).next_back().unwrap(),
    ] {
        let fill = |value| move |bytes: &mut Vec<u8>| bytes[32 * point..][..32].fill(value);
        spoil(&format!("element {point} is not canonical"), &fill(0xff));
        spoil(&format!("element {point} is the identity"), &fill(0));
        spoil(&format!("element {point} is B"), &move |bytes| {
            let b = curve25519_dalek::constants::RISTRETTO_BASEPOINT_COMPRESSED;
            bytes[32 * point..][..32].copy_from_slice(b.as_bytes());
        });
    }
    for scalar in [
        places(Scalar).next().unwrap(),
        places(Scalar).next_back().unwrap(),
    ] {
        let fill = |value| move |bytes: &mut Vec<u8>| bytes[32 * scalar..][..32].fill(value);
        spoil(&format!("scalar {scalar} is not canonical"), &fill(0xff));
        spoil(&format!("scalar {scalar} is zero"), &fill(0));
    }
    spoil("the first bad element counts", &|bytes| {
        bytes[..32].fill(0);
        let last = bytes.len() - 32;
        bytes[last..].fill(0xff);
    });
    for (name, fields) in other_contexts(fields) {
        if Context::new(fields).is_ok() {
            cases.push(case(name, fields, any.clone(), &proof));
        }
    }
    cases
}

/// The proof of one statement held against another.
fn moved<S: Provable + Into<AnyStatement>>(
    name: &str,
    proved: &S,
    witness: &S::Witness,
    other: impl Into<AnyStatement>,
) -> Value {
    let context = Context::new(fields()).unwrap();
    let proof = prove(&context, proved, witness, &mut SeededRng::new(31)).unwrap();
    case(name, fields(), other, proof.as_bytes())
}

#[test]
fn equals_vectors() {
    let v = opening(42, 1);
    let statement = |value| Equals {
        commitment: v.commitment(),
        value,
    };
    let mut cases = accepted_and_refused(fields(), &statement(42), &v, &[Point, Scalar]);
    cases.push(moved("another value", &statement(42), &v, statement(43)));
    expect_file!["../vectors/equals.json"].assert_eq(&file(Kind::Equals, &cases));
}

#[test]
fn same_vectors() {
    let (v, w, other) = (opening(42, 1), opening(42, 2), opening(43, 3));
    let statement = |second: &Opening| Same {
        first: v.commitment(),
        second: second.commitment(),
    };
    let witness = SameWitness::new(&v, &w);
    let mut cases = accepted_and_refused(fields(), &statement(&w), &witness, &[Point, Scalar]);
    cases.push(moved(
        "another commitment",
        &statement(&w),
        &witness,
        statement(&other),
    ));
    let itself = SameWitness::new(&v, &v);
    cases.push(moved(
        "a commitment and itself",
        &statement(&v),
        &itself,
        statement(&v),
    ));
    expect_file!["../vectors/same.json"].assert_eq(&file(Kind::Same, &cases));
}

#[test]
fn range_vectors() {
    let (v, w) = (opening(42, 1), opening(5_000, 2));
    let (value, second) = (v.commitment(), w.commitment());
    let at_least = |bound| RangeTest::AtLeast { value, bound };
    let at_most = RangeTest::AtMost { value, bound: 42 };
    let within = RangeTest::Within {
        value: second,
        low: 5_000,
        high: 10_000,
    };
    let other = RangeTest::AtLeastOther {
        value: second,
        other: value,
    };
    let witness = RangeWitness::new(&[&v, &w]);
    let range = |bits, tests: &[RangeTest]| Range::new(bits, tests).unwrap();
    let (narrow, wide) = (RangeBits::ThirtyTwo, RangeBits::SixtyFour);

    let first = range(narrow, &[at_least(18)]);
    let mut cases = accepted_and_refused(fields(), &first, &witness, &range_layout(5));
    for (name, bits, tests) in [
        ("accepted: at most", narrow, vec![at_most]),
        ("accepted: within", narrow, vec![within]),
        ("accepted: at least another", wide, vec![other]),
        (
            "accepted: two tests of two terms",
            narrow,
            vec![within, other],
        ),
        (
            "accepted: four terms of 64 bits",
            wide,
            vec![at_least(0), at_most, within],
        ),
        ("accepted: no difference at all", wide, vec![at_least(42)]),
    ] {
        let statement = range(bits, &tests);
        cases.push(moved(name, &statement, &witness, statement.clone()));
    }
    cases.push(moved(
        "another bound",
        &first,
        &witness,
        range(narrow, &[at_least(17)]),
    ));
    cases.push(moved(
        "another form",
        &first,
        &witness,
        range(narrow, &[at_most]),
    ));
    cases.push(moved(
        "another size",
        &first,
        &witness,
        range(wide, &[at_least(18)]),
    ));
    let two = range(narrow, &[at_least(1), at_most]);
    let swapped = range(narrow, &[at_most, at_least(1)]);
    cases.push(moved("terms in another order", &two, &witness, swapped));
    expect_file!["../vectors/range.json"].assert_eq(&file(Kind::Range, &cases));
}

#[test]
fn in_set_vectors() {
    let v = opening(42, 1);
    let set = [7, 41, 42, 43];
    let statement = |set: &[u64]| InSet::new(v.commitment(), set).unwrap();
    let layout: Vec<Element> = [vec![Point; 4], vec![Scalar; 7]].concat();
    let mut cases = accepted_and_refused(fields(), &statement(&set), &v, &layout);
    let sixteen: Vec<u64> = (0..16).map(|i| 3 * i).collect();
    for (name, set) in [
        ("accepted: one", &[42][..]),
        ("accepted: sixteen", &sixteen),
    ] {
        cases.push(moved(name, &statement(set), &v, statement(set)));
    }
    cases.push(moved(
        "another set",
        &statement(&set),
        &v,
        statement(&[7, 41, 42, 44]),
    ));
    expect_file!["../vectors/in-set.json"].assert_eq(&file(Kind::InSet, &cases));
}

#[test]
fn proximity_vectors() {
    let mut cases = Vec::new();
    for (dimensions, rounds) in [
        (Dimensions::D128, 4),
        (Dimensions::D256, 5),
        (Dimensions::D512, 6),
    ] {
        let t = template(dimensions, 5);
        let enrolled = TemplateOpening::commit(&t, &mut SeededRng::new(6)).unwrap();
        let probe = TemplateOpening::commit(&again(&t), &mut SeededRng::new(7)).unwrap();
        let statement = |tau| {
            Proximity::new(dimensions, tau, enrolled.commitment(), probe.commitment()).unwrap()
        };
        let witness = ProximityWitness::new(&enrolled, &probe).unwrap();
        if dimensions == Dimensions::D128 {
            let mut layout = vec![Point, Point, Point, Point, Scalar, Scalar, Scalar];
            for _ in 0..rounds {
                layout.extend([Point, Point, Scalar, Scalar]);
            }
            layout.extend([Scalar; 8]);
            layout.extend(range_layout(5));
            cases = accepted_and_refused(fields(), &statement(43), &witness, &layout);
            cases.push(moved(
                "a smaller tau",
                &statement(43),
                &witness,
                statement(42),
            ));
            cases.push(moved(
                "a larger tau",
                &statement(43),
                &witness,
                statement(44),
            ));
        } else {
            cases.push(moved("accepted", &statement(200), &witness, statement(200)));
        }
    }
    expect_file!["../vectors/proximity.json"].assert_eq(&file(Kind::Proximity, &cases));
}

#[test]
fn consent_vectors() {
    let x = device(7);
    let parts = [Part::plain(Kind::Knowledge, 1, &[0x77; 64])];
    let statement = akashi_proof::Consent {
        key: x.public(),
        order_hash: ORDER,
        sealed_digest: [0x0e; 32],
        recipient_digest: [0x0d; 32],
        submission_digest: submission_digest(&parts),
    };
    let mut cases = accepted_and_refused(consent_fields(), &statement, &x, &[Point, Scalar]);
    let context = Context::new(consent_fields()).unwrap();
    let proof = prove(&context, &statement, &x, &mut SeededRng::new(32)).unwrap();
    let mut other = |name, change: &dyn Fn(&mut akashi_proof::Consent)| {
        let mut changed = statement.clone();
        change(&mut changed);
        cases.push(case(name, consent_fields(), changed, proof.as_bytes()));
    };
    other("another key", &|s| s.key = device(8).public());
    other("another order", &|s| s.order_hash = [1; 32]);
    other("another sealed payload", &|s| s.sealed_digest = [1; 32]);
    other("another recipient", &|s| s.recipient_digest = [1; 32]);
    other("other parts", &|s| {
        s.submission_digest = submission_digest(&[]);
    });
    cases.push(case(
        "no consent asked for",
        fields(),
        statement,
        proof.as_bytes(),
    ));
    expect_file!["../vectors/consent.json"].assert_eq(&file(Kind::Consent, &cases));
}

fn range_layout(rounds: usize) -> Vec<Element> {
    let mut layout = vec![Point, Point, Point, Point, Scalar, Scalar, Scalar];
    layout.extend([Point].repeat(2 * rounds));
    layout.extend([Scalar, Scalar]);
    layout
}
