//! Kind 7, proximity: two committed templates differ by at most τ in squared Euclidean distance.
//!
//! **Sound only under two sensor signatures.** The proof shows that ⟨δ, δ⟩ ≤ τ modulo ℓ; that δ is
//! small enough for this to be an inequality of integers is known only because a registered sensor
//! signed both commitments. Whoever chooses C_p freely can satisfy the statement without any face
//! (`docs/specification.md` §4.7). Statements are therefore made by
//! [`accept_probe`](crate::accept_probe), which checks the signatures; [`Proximity::new`] is for
//! those who hold evidence that this was done.
//!
//! Sources: T. Attema, R. Cramer, "Compressed Σ-Protocol Theory", CRYPTO 2020 (folding);
//! C. Lund, L. Fortnow, H. Karloff, N. Nisan, "Algebraic methods for interactive proof systems",
//! JACM 1992 (the line of a sum check). Their combination is this project's and not peer reviewed.
//!
//! | symbol | meaning |
//! |---|---|
//! | n, τ | dimensions; largest accepted squared distance, below 2²⁵ |
//! | `C_t`, `C_p` | commitments to the enrolled template t and the probe p |
//! | δ, r | δ = t − p and the difference of the blindings: C_t − C_p = ⟨δ, F⟩ + r·H |
//! | d, `C_d` | d = ⟨δ, δ⟩, C_d = d·B + s·H |
//! | ρ, A0, T0, T1 | mask; ⟨ρ, F⟩ + a·H; ⟨ρ, ρ⟩·B + t₀·H; 2⟨ρ, δ⟩·B + t₁·H |
//! | c, z, `z_r`, `z_t`, q | challenge; ρ + c·δ; a + c·r; t₀ + c·t₁ + c²·s; ⟨z, z⟩ |
//! | L, R, q0, q1, x | per round: ⟨z_lo, F_hi⟩, ⟨z_hi, F_lo⟩, ⟨z_lo, z_lo⟩, 2⟨z_lo, z_hi⟩, challenge |
//!
//! Instance: n u16 ‖ τ u32 ‖ C_t ‖ C_p. Proof: C_d ‖ A0 ‖ T0 ‖ T1 ‖ z_r ‖ z_t ‖ q ‖ (L ‖ R ‖ q0 ‖ q1) per
//! round ‖ z_0 … z_7 ‖ a 32-bit range proof on τ·B − C_d.

#![expect(clippy::doc_markdown, reason = "formulas have subscripts")]

use alloc::{vec, vec::Vec};

use curve25519_dalek::{RistrettoPoint, Scalar};

use super::{Kind, Statement, sealed::Sealed};
use crate::{
    Reason, TemplateCommitment,
    bulletproof::{self, RangeProof, Value},
    check::{Equation, Run},
    generators::{Fixed, Row},
    key::PublicElement,
    reader::Reader,
    transcript::Transcript,
};

/// The entries at which folding stops and the vector is sent.
pub(crate) const LAST: usize = 8;

/// Bits of the range proof on τ − d: enough for every distance that a sensor's values allow.
pub(crate) const DISTANCE_BITS: usize = 32;

/// The first τ that is too large: 512 entries of at most 255² stay below 2²⁵.
pub const TAU_LIMIT: u32 = 1 << 25;

/// n: the number of entries of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimensions {
    /// 128 entries.
    D128,
    /// 256 entries.
    D256,
    /// 512 entries.
    D512,
}

impl Dimensions {
    /// n as a number.
    #[must_use]
    pub const fn count(self) -> u16 {
        match self {
            Self::D128 => 128,
            Self::D256 => 256,
            Self::D512 => 512,
        }
    }

    /// The size with this number of entries.
    #[must_use]
    pub const fn from_count(count: u16) -> Option<Self> {
        match count {
            128 => Some(Self::D128),
            256 => Some(Self::D256),
            512 => Some(Self::D512),
            _ => None,
        }
    }

    pub(crate) fn n(self) -> usize {
        usize::from(self.count())
    }

    /// log₂(n / 8).
    pub(crate) const fn rounds(self) -> usize {
        match self {
            Self::D128 => 4,
            Self::D256 => 5,
            Self::D512 => 6,
        }
    }
}

/// "The templates behind `enrolled` and `probe` are at most `tau` apart."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proximity {
    dimensions: Dimensions,
    tau: u32,
    enrolled: TemplateCommitment,
    probe: TemplateCommitment,
}

impl Proximity {
    /// A statement about two commitments **whose sensor signatures have been checked**.
    ///
    /// # Errors
    /// [`Reason::Malformed`] for τ of [`TAU_LIMIT`] or more.
    pub const fn new(
        dimensions: Dimensions,
        tau: u32,
        enrolled: TemplateCommitment,
        probe: TemplateCommitment,
    ) -> Result<Self, Reason> {
        if tau >= TAU_LIMIT {
            return Err(Reason::Malformed);
        }
        Ok(Self {
            dimensions,
            tau,
            enrolled,
            probe,
        })
    }

    /// n.
    #[must_use]
    pub const fn dimensions(&self) -> Dimensions {
        self.dimensions
    }

    /// τ.
    #[must_use]
    pub const fn tau(&self) -> u32 {
        self.tau
    }

    /// `C_t`.
    #[must_use]
    pub const fn enrolled(&self) -> TemplateCommitment {
        self.enrolled
    }

    /// `C_p`.
    #[must_use]
    pub const fn probe(&self) -> TemplateCommitment {
        self.probe
    }

    /// C_t − C_p; the identity if both are the same.
    pub(crate) fn difference(&self) -> RistrettoPoint {
        self.enrolled.element().point() - self.probe.element().point()
    }
}

/// The decoded proof of a proximity statement.
#[derive(Clone)]
#[expect(non_snake_case, reason = "the protocol's symbols")]
pub struct ProximityElements {
    C_d: PublicElement,
    A0: PublicElement,
    T0: PublicElement,
    T1: PublicElement,
    z_r: Scalar,
    z_t: Scalar,
    q: Scalar,
    rounds: Vec<Round>,
    z: Vec<Scalar>,
    range: RangeProof,
}

/// One folding.
#[derive(Clone)]
#[expect(non_snake_case, reason = "the protocol's symbols")]
struct Round {
    L: PublicElement,
    R: PublicElement,
    q0: Scalar,
    q1: Scalar,
}

impl Statement for Proximity {
    const KIND: Kind = Kind::Proximity;
}

impl Sealed for Proximity {
    type Elements = ProximityElements;

    fn instance(&self) -> Vec<u8> {
        let mut bytes = Vec::from(self.dimensions.count().to_le_bytes());
        bytes.extend_from_slice(&self.tau.to_le_bytes());
        bytes.extend_from_slice(&self.enrolled.to_bytes());
        bytes.extend_from_slice(&self.probe.to_bytes());
        bytes
    }

    fn size(&self) -> usize {
        7 + 4 * self.dimensions.rounds() + LAST + bulletproof::elements(DISTANCE_BITS, 1)
    }

    fn parse(&self, proof: &[u8]) -> Result<ProximityElements, Reason> {
        let rounds = self.dimensions.rounds();
        let mut reader = Reader::open(proof, self.size())?;
        Ok(ProximityElements {
            C_d: reader.point()?,
            A0: reader.point()?,
            T0: reader.point()?,
            T1: reader.point()?,
            z_r: reader.scalar()?,
            z_t: reader.scalar()?,
            q: reader.scalar()?,
            rounds: (0..rounds)
                .map(|_| {
                    Ok(Round {
                        L: reader.point()?,
                        R: reader.point()?,
                        q0: reader.scalar()?,
                        q1: reader.scalar()?,
                    })
                })
                .collect::<Result<_, Reason>>()?,
            z: (0..LAST)
                .map(|_| reader.scalar())
                .collect::<Result<_, _>>()?,
            range: RangeProof::read(&mut reader, DISTANCE_BITS, 1)?,
        })
    }

    /// Four statements in equations:
    ///
    /// 1. T0 + c·T1 + c²·C_d − q·B − z_t·H = 0;
    /// 2. Σ zⱼ² = q after folding, as a multiple of B;
    /// 3. Q after folding = Σ (z\[i mod 8\]·Π x over the rounds where i lies in the low half)·F\[i\], with
    ///    Q = A0 + c·(C_t − C_p) − z_r·H before it;
    /// 4. the range proof's two, on τ·B − C_d.
    fn equations(
        &self,
        elements: &ProximityElements,
        transcript: &mut Transcript,
    ) -> Vec<Equation> {
        let ProximityElements {
            C_d,
            A0,
            T0,
            T1,
            z_r,
            z_t,
            q,
            rounds,
            z,
            range,
        } = elements;
        for point in [C_d, A0, T0, T1] {
            transcript.absorb(point.encoding());
        }
        let c = transcript.challenge();
        for scalar in [z_r, z_t, q] {
            transcript.absorb(scalar.as_bytes());
        }

        let mut folded_q = *q;
        let mut product = Scalar::ONE;
        let mut x = Vec::with_capacity(rounds.len());
        for Round { L, R, q0, q1 } in rounds {
            transcript.absorb(L.encoding());
            transcript.absorb(R.encoding());
            transcript.absorb(q0.as_bytes());
            transcript.absorb(q1.as_bytes());
            let x_k = transcript.challenge();
            folded_q = q0 + x_k * q1 + x_k * x_k * (folded_q - q0);
            product *= x_k;
            x.push(x_k);
        }
        for z_j in z {
            transcript.absorb(z_j.as_bytes());
        }

        let distance = Equation {
            base: -q,
            fixed: vec![(Fixed::H, -z_t)],
            terms: vec![
                (Scalar::ONE, T0.point()),
                (c, T1.point()),
                (c * c, C_d.point()),
            ],
            ..Equation::default()
        };
        let norm = Equation {
            base: z.iter().map(|z_j| z_j * z_j).sum::<Scalar>() - folded_q,
            ..Equation::default()
        };

        let mut terms = vec![(-product, A0.point()), (-product * c, self.difference())];
        // L and R of a round are folded by the rounds after it.
        let mut later = Scalar::ONE;
        for (Round { L, R, .. }, x_k) in rounds.iter().zip(&x).rev() {
            terms.push((-later, L.point()));
            terms.push((-later * x_k * x_k, R.point()));
            later *= x_k;
        }
        // Undone from the last round to the first: the low half has x, the high half 1.
        let coefficients = Run {
            row: Row::F,
            start: z.clone(),
            factors: x.iter().rev().map(|x_k| (*x_k, Scalar::ONE)).collect(),
        };
        let folding = Equation {
            fixed: vec![(Fixed::H, product * z_r)],
            runs: vec![coefficients],
            terms,
            ..Equation::default()
        };

        let left = Value {
            point: -C_d.point(),
            number: Scalar::from(self.tau),
        };
        let mut equations = vec![distance, norm, folding];
        equations.extend(range.equations(DISTANCE_BITS, &[left], transcript));
        equations
    }
}
