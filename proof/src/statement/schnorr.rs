//! The proof of knowledge of one discrete logarithm to the base B or H, shared by every kind that is
//! one.
//!
//! Source: C. P. Schnorr, "Efficient signature generation by smart cards", J. Cryptology 4 (1991),
//! in its commitment-and-response form (R, s), which can be batched, unlike (c, s).
//!
//! | symbol | meaning |
//! |---|---|
//! | Y | the public element, y times the base |
//! | k, R | the prover's nonce and commitment, R = k times the base |
//! | c | challenge over sid, instance and R |
//! | s | response, s = k + c·y |

use alloc::{vec, vec::Vec};

use curve25519_dalek::{RistrettoPoint, Scalar};

use crate::{
    Reason, check::Equation, generators::Fixed, key::PublicElement, reader::Reader,
    transcript::Transcript,
};

/// R and s.
pub(crate) const SIZE: usize = 2;

/// The element whose multiple is proved.
#[derive(Clone, Copy)]
pub(crate) enum Base {
    /// B: keys.
    B,
    /// H: commitments whose value was taken away.
    H,
}

/// A decoded pair (R, s).
#[derive(Clone)]
#[expect(non_snake_case, reason = "R is the paper's symbol")]
pub struct Schnorr {
    R: PublicElement,
    s: Scalar,
}

#[expect(non_snake_case, reason = "Y is the paper's symbol")]
impl Schnorr {
    /// Decodes R ‖ s.
    ///
    /// # Errors
    /// 14 unless there are exactly 64 bytes; 15 or 16 for R; 26 for s; in that order.
    pub(crate) fn parse(proof: &[u8]) -> Result<Self, Reason> {
        let mut reader = Reader::open(proof, SIZE)?;
        Ok(Self {
            R: reader.point()?,
            s: reader.scalar()?,
        })
    }

    /// R + c·Y − s·base = 0. Y may be the identity: a statement about nothing, which is true.
    pub(crate) fn equations(
        &self,
        base: Base,
        Y: RistrettoPoint,
        transcript: &mut Transcript,
    ) -> Vec<Equation> {
        let c = self.challenge(transcript);
        vec![Equation {
            terms: vec![(Scalar::ONE, self.R.point()), (c, Y)],
            ..self.response(base)
        }]
    }

    /// The equation for Y − `taken`·B, without a multiplication of B: c·(Y − v·B) = c·Y − cv·B.
    pub(crate) fn equations_less(
        &self,
        base: Base,
        Y: &PublicElement,
        taken: Scalar,
        transcript: &mut Transcript,
    ) -> Vec<Equation> {
        let c = self.challenge(transcript);
        let response = self.response(base);
        vec![Equation {
            base: response.base - c * taken,
            terms: vec![(Scalar::ONE, self.R.point())],
            shared: vec![(c, *Y)],
            ..response
        }]
    }

    fn challenge(&self, transcript: &mut Transcript) -> Scalar {
        transcript.absorb(self.R.encoding());
        transcript.challenge()
    }

    /// −s·base. R stands without a sign beside it: its coefficient in a batch is the weight, of half a
    /// scalar's length, and so is what it costs.
    fn response(&self, base: Base) -> Equation {
        match base {
            Base::B => Equation {
                base: -self.s,
                ..Equation::default()
            },
            Base::H => Equation {
                fixed: vec![(Fixed::H, -self.s)],
                ..Equation::default()
            },
        }
    }
}
