//! Bounds, sets and templates at their edges, and the witnesses that do not fit.

use akashi_proof::{
    Dimensions, Equals, InSet, Opening, OpeningError, Proof, ProveError, Proximity,
    ProximityWitness, Range, RangeBits, RangeTest, RangeWitness, Reason, SET_MAX, Same,
    SameWitness, TAU_LIMIT, TemplateOpening, prove, verify,
};

use crate::{
    kinds::{again, opening, template},
    scene::{SeededRng, context},
};

const BITS: [RangeBits; 2] = [RangeBits::ThirtyTwo, RangeBits::SixtyFour];

fn proved_range(
    bits: RangeBits,
    tests: &[RangeTest],
    openings: &[&Opening],
) -> Result<(), ProveError> {
    let range = Range::new(bits, tests).map_err(ProveError::SelfCheck)?;
    prove(
        &context(),
        &range,
        &RangeWitness::new(openings),
        &mut SeededRng::new(1),
    )
    .map(drop)
}

#[test]
fn bounds_are_included_and_one_beyond_is_not_provable() {
    for bits in BITS {
        let v = opening(1_000, 1);
        let value = v.commitment();
        for (low, high, holds) in [
            (1_000, 1_000, true),
            (0, 1_000, true),
            (1_000, 2_000, true),
            (1_001, 2_000, false),
            (0, 999, false),
        ] {
            let within = [RangeTest::Within { value, low, high }];
            let expected = if holds {
                Ok(())
            } else {
                Err(ProveError::WitnessMismatch)
            };
            assert_eq!(proved_range(bits, &within, &[&v]), expected);
        }
    }
}

#[test]
fn the_largest_differences_are_provable_and_one_more_is_not() {
    let edge = opening((1 << 32) - 1, 2);
    let beyond = opening(1 << 32, 3);
    let largest = opening((1 << 63) - 1, 4);
    let at_least = |opening: &Opening| {
        [RangeTest::AtLeast {
            value: opening.commitment(),
            bound: 0,
        }]
    };
    assert_eq!(proved_range(BITS[0], &at_least(&edge), &[&edge]), Ok(()));
    assert_eq!(
        proved_range(BITS[0], &at_least(&beyond), &[&beyond]),
        Err(ProveError::WitnessMismatch)
    );
    assert_eq!(
        proved_range(BITS[1], &at_least(&largest), &[&largest]),
        Ok(())
    );
}

#[test]
fn one_hidden_amount_is_compared_with_another() {
    let (limit, amount, negative) = (opening(500, 5), opening(500, 6), opening(501, 7));
    let test = |other: &Opening| {
        [RangeTest::AtLeastOther {
            value: limit.commitment(),
            other: other.commitment(),
        }]
    };
    assert_eq!(
        proved_range(BITS[0], &test(&amount), &[&limit, &amount]),
        Ok(())
    );
    assert_eq!(
        proved_range(BITS[0], &test(&negative), &[&limit, &negative]),
        Err(ProveError::WitnessMismatch)
    );
    assert_eq!(
        proved_range(BITS[0], &test(&amount), &[&limit]),
        Err(ProveError::WitnessMismatch),
        "an opening is missing"
    );
}

#[test]
fn a_range_has_one_two_or_four_terms_and_bounds_below_its_limit() {
    let value = opening(1, 8).commitment();
    let at_least = |bound| RangeTest::AtLeast { value, bound };
    for (bits, limit) in [(BITS[0], 1_u64 << 32), (BITS[1], 1 << 63)] {
        assert!(Range::new(bits, &[at_least(limit - 1)]).is_ok());
        assert_eq!(Range::new(bits, &[at_least(limit)]), Err(Reason::Malformed));
        let at_most = RangeTest::AtMost {
            value,
            bound: limit,
        };
        assert_eq!(Range::new(bits, &[at_most]), Err(Reason::Malformed));
    }
    for count in 0..6 {
        let tests = vec![at_least(1); count];
        assert_eq!(
            Range::new(BITS[0], &tests).is_ok(),
            [1, 2, 4].contains(&count)
        );
    }
    let empty = RangeTest::Within {
        value,
        low: 2,
        high: 1,
    };
    assert_eq!(Range::new(BITS[0], &[empty]), Err(Reason::Malformed));
}

#[test]
fn every_place_of_a_set_is_provable_and_no_value_outside() {
    let set: Vec<u64> = (0..16).map(|i| i * i).collect();
    for k in [1, 2, 3, 16] {
        for place in 0..k {
            let v = opening(set[place], 9);
            let statement = InSet::new(v.commitment(), &set[..k]).unwrap();
            let proof = prove(&context(), &statement, &v, &mut SeededRng::new(10)).unwrap();
            assert_eq!(proof.as_bytes().len(), 32 * (3 * k - 1));
            assert!(verify(&context(), &statement, &proof).is_ok());
        }
    }
    let v = opening(5, 11);
    let statement = InSet::new(v.commitment(), &set).unwrap();
    assert_eq!(
        prove(&context(), &statement, &v, &mut SeededRng::new(12)).map(drop),
        Err(ProveError::WitnessMismatch)
    );
}

#[test]
fn a_set_is_strictly_ascending_and_not_larger_than_sixteen() {
    let c = opening(1, 13).commitment();
    let long: Vec<u64> = (0..17).collect();
    for set in [&[][..], &[2, 1], &[1, 1], &long] {
        assert_eq!(InSet::new(c, set), Err(Reason::Malformed));
    }
    assert_eq!(SET_MAX, 16);
    assert!(InSet::new(c, &long[..16]).is_ok());
}

#[test]
fn equal_and_unequal_values_are_told_apart() {
    let rng = &mut SeededRng::new(14);
    let (v, w, other) = (opening(7, 15), opening(7, 16), opening(8, 17));
    let equals = |value| Equals {
        commitment: v.commitment(),
        value,
    };
    assert!(prove(&context(), &equals(7), &v, rng).is_ok());
    assert_eq!(
        prove(&context(), &equals(8), &v, rng).map(drop),
        Err(ProveError::WitnessMismatch)
    );
    let same = |second: &Opening| Same {
        first: v.commitment(),
        second: second.commitment(),
    };
    assert!(prove(&context(), &same(&w), &SameWitness::new(&v, &w), rng).is_ok());
    assert_eq!(
        prove(
            &context(),
            &same(&other),
            &SameWitness::new(&v, &other),
            rng
        )
        .map(drop),
        Err(ProveError::WitnessMismatch)
    );
    assert!(
        prove(&context(), &same(&v), &SameWitness::new(&v, &v), rng).is_ok(),
        "a commitment hides the same value as itself"
    );
}

#[test]
fn distances_up_to_tau_are_provable_in_every_dimension() {
    for (dimensions, bytes) in [
        (Dimensions::D128, 1600),
        (Dimensions::D256, 1728),
        (Dimensions::D512, 1856),
    ] {
        let t = template(dimensions, 18);
        let enrolled = TemplateOpening::commit(&t, &mut SeededRng::new(19)).unwrap();
        let probe = TemplateOpening::commit(&again(&t), &mut SeededRng::new(20)).unwrap();
        let distance = u32::from(dimensions.count()).div_ceil(3);
        let witness = ProximityWitness::new(&enrolled, &probe).unwrap();
        let statement = |tau| {
            Proximity::new(dimensions, tau, enrolled.commitment(), probe.commitment()).unwrap()
        };
        let rng = &mut SeededRng::new(21);
        let proof = prove(&context(), &statement(distance), &witness, rng).unwrap();
        assert_eq!(proof.as_bytes().len(), bytes);
        assert_eq!(
            prove(&context(), &statement(distance - 1), &witness, rng).map(drop),
            Err(ProveError::WitnessMismatch)
        );
        let closer = Proof::parse(&statement(distance - 1), proof.as_bytes()).unwrap();
        assert!(verify(&context(), &statement(distance - 1), &closer).is_err());
    }
}

#[test]
fn the_same_commitment_twice_and_opposite_extremes_are_provable() {
    let rng = &mut SeededRng::new(22);
    let low = TemplateOpening::commit(&[i8::MIN; 128], rng).unwrap();
    let high = TemplateOpening::commit(&[i8::MAX; 128], rng).unwrap();
    for (a, b, tau) in [
        (&low, &low, 0),
        (&low, &high, 128 * 255 * 255),
        (&high, &low, TAU_LIMIT - 1),
    ] {
        let statement =
            Proximity::new(Dimensions::D128, tau, a.commitment(), b.commitment()).unwrap();
        let witness = ProximityWitness::new(a, b).unwrap();
        assert!(prove(&context(), &statement, &witness, rng).is_ok());
    }
    assert_eq!(
        Proximity::new(
            Dimensions::D128,
            TAU_LIMIT,
            low.commitment(),
            high.commitment()
        ),
        Err(Reason::Malformed)
    );
}

#[test]
fn openings_survive_their_store_and_bad_ones_are_refused() {
    let v = opening(7, 23);
    let again = Opening::from_parts(v.value(), &v.blinding()).unwrap();
    assert_eq!(again.commitment(), v.commitment());
    assert_eq!(
        Opening::from_parts(7, &[0xff; 32]).map(drop),
        Err(OpeningError::Blinding)
    );
    assert_eq!(
        Opening::from_parts(0, &[0; 32]).map(drop),
        Err(OpeningError::Identity)
    );

    let t = TemplateOpening::commit(&[1; 256], &mut SeededRng::new(24)).unwrap();
    let again = TemplateOpening::from_parts(t.template(), &t.blinding()).unwrap();
    assert_eq!(again.commitment(), t.commitment());
    let rng = &mut SeededRng::new(25);
    assert_eq!(
        TemplateOpening::commit(&[1; 127], rng).map(drop),
        Err(OpeningError::Dimensions)
    );
    let other = TemplateOpening::commit(&[1; 128], rng).unwrap();
    assert_eq!(
        ProximityWitness::new(&t, &other).map(drop),
        Err(OpeningError::OtherDimensions)
    );
}
