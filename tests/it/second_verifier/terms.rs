//! The terms of a range statement, written from tests as the specification has them. Reading them is
//! what both verifiers are asked for.

use akashi_proof::{Commitment, RangeTest};

const AT_LEAST: u8 = 1;
const AT_MOST: u8 = 2;
const DIFFERENCE: u8 = 3;

/// The bytes of the terms of some tests.
pub(super) fn write(tests: &[RangeTest]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for test in tests {
        match *test {
            RangeTest::AtLeast { value, bound } => term(&mut bytes, AT_LEAST, bound, &[value]),
            RangeTest::AtMost { value, bound } => term(&mut bytes, AT_MOST, bound, &[value]),
            RangeTest::Within { value, low, high } => {
                term(&mut bytes, AT_LEAST, low, &[value]);
                term(&mut bytes, AT_MOST, high, &[value]);
            }
            RangeTest::AtLeastOther { value, other } => {
                term(&mut bytes, DIFFERENCE, 0, &[value, other]);
                term(&mut bytes, AT_LEAST, 0, &[other]);
            }
        }
    }
    bytes
}

fn term(bytes: &mut Vec<u8>, form: u8, bound: u64, commitments: &[Commitment]) {
    bytes.push(form);
    bytes.extend_from_slice(&bound.to_le_bytes());
    for commitment in commitments {
        bytes.extend_from_slice(&commitment.to_bytes());
    }
}
