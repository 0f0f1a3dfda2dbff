//! Sums of commitments: what opens them, and what does not.

use akashi_proof::{Commitment, CommitmentSum, Opening, OpeningError, Reason, SumOpening};
use curve25519_dalek::Scalar;

use crate::kinds::opening;

/// The sum of commitments with what opens it.
pub(crate) fn summed(openings: &[Opening]) -> (CommitmentSum, SumOpening) {
    let mut sum = CommitmentSum::empty();
    let mut opened = SumOpening::default();
    for opening in openings {
        sum = sum.plus(&opening.commitment());
        opened.add(opening).unwrap();
    }
    (sum, opened)
}

#[test]
fn a_sum_opens_to_the_sum_of_its_amounts_and_to_no_other() {
    let openings: Vec<Opening> = (0..40).map(|i| opening(1_000 + i, i)).collect();
    let (sum, opened) = summed(&openings);
    assert_eq!(opened.total(), 40_780);
    let blinding = opened.blinding();
    assert!(sum.opens_to(40_780, &blinding));
    for wrong in [0, 40_779, 40_781, u64::MAX] {
        assert!(!sum.opens_to(wrong, &blinding), "{wrong}");
    }
    let (other, other_opened) = summed(&openings[1..]);
    assert!(!sum.opens_to(40_780, &other_opened.blinding()));
    assert!(!other.opens_to(40_780, &blinding));
}

#[test]
fn the_order_in_which_amounts_are_added_does_not_matter() {
    let forth: Vec<Opening> = (0..9).map(|i| opening(i * i, i)).collect();
    let back: Vec<Opening> = (0..9).rev().map(|i| opening(i * i, i)).collect();
    assert_eq!(summed(&forth).0, summed(&back).0);
}

#[test]
fn a_period_is_the_difference_of_two_running_sums() {
    let openings: Vec<Opening> = (0..10).map(|i| opening(500 * i, i)).collect();
    let (before, _) = summed(&openings[..4]);
    let (after, _) = summed(&openings);
    let (alone, opened) = summed(&openings[4..]);
    let period = after.since(&before);
    assert_eq!(period, alone);
    assert!(period.opens_to(opened.total(), &opened.blinding()));
    assert_eq!(after.since(&after), CommitmentSum::empty());
}

#[test]
fn the_sum_of_nothing_is_zero_and_its_encoding_is_zeros() {
    let empty = CommitmentSum::empty();
    assert_eq!(empty.to_bytes(), [0; 32]);
    assert_eq!(CommitmentSum::from_bytes(&[0; 32]), Ok(empty));
    assert!(empty.opens_to(0, &[0; 32]));
    assert!(!empty.opens_to(1, &[0; 32]));
    let one = opening(7, 1);
    let back = empty.plus(&one.commitment()).since(&empty);
    assert_eq!(back.to_bytes(), one.commitment().to_bytes());
}

#[test]
fn a_sum_and_what_opens_it_have_one_encoding() {
    let (sum, opened) = summed(&[opening(3, 1), opening(4, 2)]);
    assert_eq!(CommitmentSum::from_bytes(&sum.to_bytes()), Ok(sum));
    let refused = CommitmentSum::from_bytes(&[0xff; 32]);
    assert_eq!(refused, Err(Reason::NonCanonicalPoint));
    // R + ℓ is the same scalar in other bytes.
    let order = *b"\xed\xd3\xf5\x5c\x1a\x63\x12\x58\xd6\x9c\xf7\xa2\xde\xf9\xde\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10";
    let mut carry = 0;
    let mut larger = [0; 32];
    for (to, (a, b)) in larger.iter_mut().zip(opened.blinding().iter().zip(order)) {
        let total = u16::from(*a) + u16::from(b) + carry;
        *to = u8::try_from(total & 0xff).unwrap();
        carry = total >> 8;
    }
    assert!(sum.opens_to(7, &opened.blinding()));
    assert!(!sum.opens_to(7, &larger));
}

#[test]
fn a_total_that_does_not_fit_is_refused_and_changes_nothing() {
    let mut opened = SumOpening::default();
    opened.add(&opening(u64::MAX, 1)).unwrap();
    let before = opened.blinding();
    assert_eq!(opened.add(&opening(1, 2)), Err(OpeningError::Total));
    assert_eq!(opened.total(), u64::MAX);
    assert_eq!(opened.blinding(), before);
}

/// Why a processor opens every commitment before it carries an order out.
#[test]
fn a_commitment_to_a_negative_amount_would_take_from_a_total() {
    let honest = opening(5_000, 1);
    let (r, v) = (Scalar::from(9_u64), Scalar::from(2_000_u64));
    let h = Opening::from_parts(0, &Scalar::ONE.to_bytes()).unwrap();
    let h = curve25519_dalek::ristretto::CompressedRistretto(h.commitment().to_bytes());
    let point =
        h.decompress().unwrap() * r - curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT * v;
    let negative = Commitment::from_bytes(&point.compress().to_bytes()).unwrap();
    let sum = CommitmentSum::empty()
        .plus(&honest.commitment())
        .plus(&negative);
    let own = Scalar::from_canonical_bytes(*honest.blinding()).unwrap();
    assert!(sum.opens_to(3_000, &(own + r).to_bytes()));
}
