//! Small changes to a proof, as an attacker who knows the algebra would make them.
//!
//! Proofs are words of 32 bytes, each an element or a scalar. Changes keep words canonical often
//! enough that the equations are reached, not only the parser.

use curve25519_dalek::{
    RistrettoPoint, Scalar, constants::RISTRETTO_BASEPOINT_POINT, ristretto::CompressedRistretto,
};

use crate::input::Input;
use crate::scene::CASES;

const WORD: usize = 32;

/// Applies one change that the input chooses.
pub(crate) fn spoil(proof: &mut Vec<u8>, input: &mut Input<'_>) {
    let words = (proof.len() / WORD).max(1);
    let choice = input.byte();
    let at = input.below(words) * WORD;
    match choice % 12 {
        0 => {
            let place = usize::from(input.u16()) % proof.len().max(1);
            let change = input.byte();
            if let Some(byte) = proof.get_mut(place) {
                *byte ^= change;
            }
        }
        1 => {
            let other = input.below(words) * WORD;
            if proof.len() >= at.max(other) + WORD {
                for i in 0..WORD {
                    proof.swap(at + i, other + i);
                }
            }
        }
        2 => {
            let other = &CASES[input.below(CASES.len())].proof;
            let from = input.below(other.len() / WORD) * WORD;
            put(
                proof,
                at,
                other[from..from + WORD].try_into().expect("one word"),
            );
        }
        3 => on_scalar(proof, at, |s| s + Scalar::from(u64::from(choice / 12) + 1)),
        4 => on_scalar(proof, at, |s| s - Scalar::from(u64::from(choice / 12) + 1)),
        5 => on_scalar(proof, at, |s| -s),
        6 => on_point(proof, at, |p| p + RISTRETTO_BASEPOINT_POINT),
        7 => on_point(proof, at, |p| -p),
        8 => proof.truncate(usize::from(input.u16()) % (proof.len() + 1)),
        9 => proof.extend_from_slice(input.piece()),
        10 => put(proof, at, [input.one_of(&[0, 0xff, 1]); WORD]),
        _ => put(proof, at, input.array()),
    }
}

fn put(proof: &mut [u8], at: usize, word: [u8; WORD]) {
    if let Some(place) = proof.get_mut(at..at + WORD) {
        place.copy_from_slice(&word);
    }
}

fn get(proof: &[u8], at: usize) -> Option<[u8; WORD]> {
    proof.get(at..at + WORD)?.try_into().ok()
}

fn on_scalar(proof: &mut [u8], at: usize, change: impl Fn(Scalar) -> Scalar) {
    let scalar = get(proof, at).map(Scalar::from_canonical_bytes);
    if let Some(scalar) = scalar.and_then(Option::from) {
        put(proof, at, change(scalar).to_bytes());
    }
}

fn on_point(proof: &mut [u8], at: usize, change: impl Fn(RistrettoPoint) -> RistrettoPoint) {
    let point = get(proof, at).and_then(|word| CompressedRistretto(word).decompress());
    if let Some(point) = point {
        put(proof, at, change(point).compress().to_bytes());
    }
}
