//! The terms of a range statement: from the bytes of the instance to the tests of our types, and
//! from tests to bytes. What our types cannot say is malformed, and nothing else may be refused.

use akashi_proof::{Commitment, Range, RangeBits, RangeTest, Reason};

const AT_LEAST: u8 = 1;
const AT_MOST: u8 = 2;
const DIFFERENCE: u8 = 3;

/// One term as it stands in the bytes.
struct Term {
    form: u8,
    bound: u64,
    encodings: Vec<[u8; 32]>,
}

/// The statement of `n` bits over `m` terms.
pub(super) fn read(bytes: &[u8], n: u8, m: usize) -> Result<Range, Reason> {
    let terms = split(bytes)?;
    for encoding in terms.iter().flat_map(|term| &term.encodings) {
        Commitment::from_bytes(encoding)?;
    }
    let mut tests = Vec::new();
    let mut rest = terms.as_slice();
    while let Some((term, after)) = rest.split_first() {
        let value = Commitment::from_bytes(&term.encodings[0])?;
        let (test, used) = match term.form {
            AT_LEAST => match after.first() {
                // The same bytes as two tests; an interval can also be said at once.
                Some(next)
                    if next.form == AT_MOST
                        && next.encodings == term.encodings
                        && term.bound <= next.bound =>
                {
                    (
                        RangeTest::Within {
                            value,
                            low: term.bound,
                            high: next.bound,
                        },
                        2,
                    )
                }
                _ => (
                    RangeTest::AtLeast {
                        value,
                        bound: term.bound,
                    },
                    1,
                ),
            },
            AT_MOST => (
                RangeTest::AtMost {
                    value,
                    bound: term.bound,
                },
                1,
            ),
            _ => {
                let next = after.first().ok_or(Reason::Malformed)?;
                let of_other = next.form == AT_LEAST
                    && next.bound == 0
                    && next.encodings == term.encodings[1..];
                if term.bound != 0 || !of_other {
                    return Err(Reason::Malformed);
                }
                let other = Commitment::from_bytes(&term.encodings[1])?;
                (RangeTest::AtLeastOther { value, other }, 2)
            }
        };
        tests.push(test);
        rest = &rest[used..];
    }
    let bits = RangeBits::from_bits(n).ok_or(Reason::Malformed)?;
    if terms.len() != m {
        return Err(Reason::Malformed);
    }
    Range::new(bits, &tests)
}

fn split(mut bytes: &[u8]) -> Result<Vec<Term>, Reason> {
    let mut terms = Vec::new();
    while let Some(form) = bytes.first() {
        let count = match *form {
            AT_LEAST | AT_MOST => 1,
            DIFFERENCE => 2,
            _ => return Err(Reason::Malformed),
        };
        let (term, rest) = bytes
            .split_at_checked(9 + 32 * count)
            .ok_or(Reason::Malformed)?;
        terms.push(Term {
            form: *form,
            bound: term[1..9]
                .iter()
                .rev()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
            encodings: term[9..]
                .chunks_exact(32)
                .map(|e| e.try_into().unwrap())
                .collect(),
        });
        bytes = rest;
    }
    Ok(terms)
}

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
