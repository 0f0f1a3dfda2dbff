//! Kind 6, in-set: the committed value is one of up to 16 public ones, and nobody learns which.
//!
//! Source: R. Cramer, I. Damgård, B. Schoenmakers, "Proofs of partial knowledge and simplified design
//! of witness hiding protocols", CRYPTO 1994: one Schnorr proof to the base H per element of the set,
//! whose challenges add up to the transcript's.
//!
//! | symbol | meaning |
//! |---|---|
//! | sᵢ | the set's elements, strictly ascending, i = 1 … k |
//! | Yᵢ | C − sᵢ·B |
//! | Rᵢ, cᵢ, zᵢ | commitment, challenge and response of branch i; c = Σ cᵢ |
//!
//! Instance: k u8 ‖ sᵢ u64 … ‖ C. Proof: R₁ … R_k ‖ c₁ … c_(k−1) ‖ z₁ … z_k, 32(3k − 1) bytes.

#![expect(clippy::doc_markdown, reason = "formulas have subscripts")]

use alloc::{vec, vec::Vec};

use curve25519_dalek::{RistrettoPoint, Scalar};

use super::{Kind, Statement, sealed::Sealed};
use crate::{
    Commitment, Reason, check::Equation, generators::Fixed, key::PublicElement, reader::Reader,
    transcript::Transcript,
};

/// Most elements of a set: a larger one is the issuer's to certify as a category.
pub const SET_MAX: usize = 16;

/// "`commitment` commits to one of the set's values."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InSet {
    commitment: Commitment,
    set: Vec<u64>,
}

impl InSet {
    /// A statement over a set in strictly ascending order.
    ///
    /// # Errors
    /// [`Reason::Malformed`] unless there are 1 to [`SET_MAX`] values, strictly ascending.
    pub fn new(commitment: Commitment, set: &[u64]) -> Result<Self, Reason> {
        let ascending = set
            .iter()
            .zip(set.iter().skip(1))
            .all(|(low, high)| low < high);
        if set.is_empty() || set.len() > SET_MAX || !ascending {
            return Err(Reason::Malformed);
        }
        Ok(Self {
            commitment,
            set: set.into(),
        })
    }

    /// C.
    #[must_use]
    pub const fn commitment(&self) -> Commitment {
        self.commitment
    }

    /// The set, strictly ascending.
    #[must_use]
    pub fn set(&self) -> &[u64] {
        &self.set
    }

    /// Yᵢ, in the order of the set.
    pub(crate) fn branches(&self) -> impl Iterator<Item = RistrettoPoint> {
        self.set.iter().map(|value| {
            self.commitment.element().point() - RistrettoPoint::mul_base(&Scalar::from(*value))
        })
    }
}

/// The decoded proof of a set.
#[derive(Clone)]
#[expect(non_snake_case, reason = "R is the paper's symbol")]
pub struct Branches {
    R: Vec<PublicElement>,
    c: Vec<Scalar>,
    z: Vec<Scalar>,
}

impl Statement for InSet {
    const KIND: Kind = Kind::InSet;
}

impl Sealed for InSet {
    type Elements = Branches;

    fn instance(&self) -> Vec<u8> {
        // A set has at most 16 values.
        let mut bytes = vec![u8::try_from(self.set.len()).unwrap_or(u8::MAX)];
        for value in &self.set {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        bytes.extend_from_slice(&self.commitment.to_bytes());
        bytes
    }

    fn size(&self) -> usize {
        3 * self.set.len() - 1
    }

    fn parse(&self, proof: &[u8]) -> Result<Branches, Reason> {
        let k = self.set.len();
        let mut reader = Reader::open(proof, self.size())?;
        Ok(Branches {
            R: (0..k).map(|_| reader.point()).collect::<Result<_, _>>()?,
            c: (1..k).map(|_| reader.scalar()).collect::<Result<_, _>>()?,
            z: (0..k).map(|_| reader.scalar()).collect::<Result<_, _>>()?,
        })
    }

    /// Rᵢ + cᵢ·Yᵢ − zᵢ·H = 0 for every i, with c_k = c − c₁ − … − c_(k−1).
    ///
    /// cᵢ·Yᵢ is written as cᵢ·C − cᵢsᵢ·B, so that B and C are multiplied once for all branches.
    fn equations(&self, elements: &Branches, transcript: &mut Transcript) -> Vec<Equation> {
        for commitment in &elements.R {
            transcript.absorb(commitment.encoding());
        }
        let last = transcript.challenge() - elements.c.iter().sum::<Scalar>();
        let challenges = elements.c.iter().copied().chain([last]);
        self.set
            .iter()
            .zip(&elements.R)
            .zip(challenges)
            .zip(&elements.z)
            .map(|(((value, commitment), c), z)| Equation {
                base: -c * Scalar::from(*value),
                fixed: vec![(Fixed::H, -z)],
                terms: vec![(Scalar::ONE, commitment.point())],
                shared: vec![(c, *self.commitment.element())],
                ..Equation::default()
            })
            .collect()
    }
}
