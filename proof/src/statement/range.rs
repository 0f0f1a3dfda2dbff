//! Kind 5, range: committed values lie above, below or between public bounds, or above one another.
//!
//! A test becomes one or two *terms*, and each term a derived commitment V that must hide a number in
//! \[0, 2ⁿ). All terms share one aggregated proof (`bulletproof.rs`).
//!
//! | form | term | V |
//! |---|---|---|
//! | 1 | v ≥ bound | C − bound·B |
//! | 2 | v ≤ bound | bound·B − C |
//! | 3 | v₁ ≥ v₂, bound 0 | C₁ − C₂ |
//!
//! *Within* is forms 1 and 2 of the same C. *At least another commitment* is form 3 and then form 1
//! with bound 0 on C₂: without the second, an unbounded negative v₂ would satisfy the first.
//!
//! Instance: n u8 ‖ m u8 ‖ per term: form u8 ‖ bound u64 ‖ C \[‖ C₂ for form 3\].

use alloc::{vec, vec::Vec};

use curve25519_dalek::Scalar;

use super::{Kind, Statement, sealed::Sealed};
use crate::{
    Commitment, Reason,
    bulletproof::{self, RangeProof, Value},
    check::Equation,
    generators,
    reader::Reader,
    transcript::Transcript,
};

/// n: how many bits a difference may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RangeBits {
    /// 32: where every bound and every admissible value is below 2³².
    ThirtyTwo,
    /// 64: everywhere else; bounds below 2⁶³, as issuers promise for values.
    SixtyFour,
}

impl RangeBits {
    /// n as a number.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::ThirtyTwo => 32,
            Self::SixtyFour => 64,
        }
    }

    /// The size with this number of bits.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            32 => Some(Self::ThirtyTwo),
            64 => Some(Self::SixtyFour),
            _ => None,
        }
    }

    /// The first number that is too large for a bound.
    pub(crate) const fn bound_limit(self) -> u64 {
        match self {
            Self::ThirtyTwo => 1 << 32,
            Self::SixtyFour => 1 << 63,
        }
    }
}

/// One comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeTest {
    /// value ≥ bound; one term.
    AtLeast {
        /// C.
        value: Commitment,
        /// The lower bound, included.
        bound: u64,
    },
    /// value ≤ bound; one term.
    AtMost {
        /// C.
        value: Commitment,
        /// The upper bound, included.
        bound: u64,
    },
    /// low ≤ value ≤ high; two terms.
    Within {
        /// C.
        value: Commitment,
        /// The lower bound, included.
        low: u64,
        /// The upper bound, included; not below `low`.
        high: u64,
    },
    /// value ≥ other ≥ 0, both hidden; two terms.
    AtLeastOther {
        /// C₁.
        value: Commitment,
        /// C₂.
        other: Commitment,
    },
}

/// One derived commitment of a range statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Term {
    /// Form 1.
    AtLeast(Commitment, u64),
    /// Form 2.
    AtMost(Commitment, u64),
    /// Form 3.
    Difference(Commitment, Commitment),
}

/// "All these comparisons hold", proved by one aggregated proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    pub(crate) bits: RangeBits,
    pub(crate) terms: Vec<Term>,
}

impl Range {
    /// A statement of the given tests, in this order.
    ///
    /// # Errors
    /// [`Reason::Malformed`] unless the tests have 1, 2 or 4 terms together and every bound is below
    /// 2³² for 32 bits and below 2⁶³ for 64, and no interval is empty.
    pub fn new(bits: RangeBits, tests: &[RangeTest]) -> Result<Self, Reason> {
        let mut terms = Vec::new();
        for test in tests {
            match *test {
                RangeTest::AtLeast { value, bound } => terms.push(Term::AtLeast(value, bound)),
                RangeTest::AtMost { value, bound } => terms.push(Term::AtMost(value, bound)),
                RangeTest::Within { value, low, high } => {
                    if low > high {
                        return Err(Reason::Malformed);
                    }
                    terms.push(Term::AtLeast(value, low));
                    terms.push(Term::AtMost(value, high));
                }
                RangeTest::AtLeastOther { value, other } => {
                    terms.push(Term::Difference(value, other));
                    terms.push(Term::AtLeast(other, 0));
                }
            }
        }
        let bounded = terms.iter().all(|term| term.bound() < bits.bound_limit());
        if bounded && matches!(terms.len(), 1 | 2 | generators::PARTIES) {
            Ok(Self { bits, terms })
        } else {
            Err(Reason::Malformed)
        }
    }

    /// n.
    #[must_use]
    pub const fn bits(&self) -> RangeBits {
        self.bits
    }

    /// m, the number of derived commitments: 1, 2 or 4.
    #[must_use]
    pub const fn values(&self) -> usize {
        self.terms.len()
    }

    pub(crate) fn terms(&self) -> &[Term] {
        &self.terms
    }

    pub(crate) fn n(&self) -> usize {
        usize::from(self.bits.bits())
    }

    /// Every V. They may be the identity: then the value is the bound and the blinding zero.
    pub(crate) fn derived(&self) -> Vec<Value> {
        self.terms.iter().map(Term::derived).collect()
    }
}

impl Term {
    const fn bound(&self) -> u64 {
        match self {
            Self::AtLeast(_, bound) | Self::AtMost(_, bound) => *bound,
            Self::Difference(..) => 0,
        }
    }

    fn derived(&self) -> Value {
        let (point, number) = match self {
            Self::AtLeast(value, low) => (value.element().point(), -Scalar::from(*low)),
            Self::AtMost(value, high) => (-value.element().point(), Scalar::from(*high)),
            Self::Difference(value, other) => (
                value.element().point() - other.element().point(),
                Scalar::ZERO,
            ),
        };
        Value { point, number }
    }

    fn put(&self, bytes: &mut Vec<u8>) {
        let (form, value, other) = match self {
            Self::AtLeast(value, _) => (1, value, None),
            Self::AtMost(value, _) => (2, value, None),
            Self::Difference(value, other) => (3, value, Some(other)),
        };
        bytes.push(form);
        bytes.extend_from_slice(&self.bound().to_le_bytes());
        bytes.extend_from_slice(&value.to_bytes());
        if let Some(other) = other {
            bytes.extend_from_slice(&other.to_bytes());
        }
    }
}

/// The decoded proof of a range statement.
#[derive(Clone)]
pub struct RangeElements(RangeProof);

impl Statement for Range {
    const KIND: Kind = Kind::Range;
}

impl Sealed for Range {
    type Elements = RangeElements;

    fn instance(&self) -> Vec<u8> {
        // There are at most four terms.
        let mut bytes = vec![
            self.bits.bits(),
            u8::try_from(self.terms.len()).unwrap_or(u8::MAX),
        ];
        for term in &self.terms {
            term.put(&mut bytes);
        }
        bytes
    }

    fn size(&self) -> usize {
        bulletproof::elements(self.n(), self.values())
    }

    fn parse(&self, proof: &[u8]) -> Result<RangeElements, Reason> {
        let (n, m) = (self.n(), self.values());
        let mut reader = Reader::open(proof, self.size())?;
        RangeProof::read(&mut reader, n, m).map(RangeElements)
    }

    fn equations(&self, elements: &RangeElements, transcript: &mut Transcript) -> Vec<Equation> {
        elements.0.equations(self.n(), &self.derived(), transcript)
    }
}
