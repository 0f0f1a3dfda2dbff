//! The proof of knowledge of one discrete logarithm to the base B, shared by every kind that is
//! one.
//!
//! Source: C. P. Schnorr, "Efficient signature generation by smart cards", J. Cryptology 4 (1991),
//! in its commitment-and-response form (R, s), which can be batched, unlike (c, s).
//!
//! | symbol | meaning |
//! |---|---|
//! | Y | the public element, Y = y·B |
//! | k, R | the prover's nonce and commitment, R = k·B |
//! | c | challenge over sid, instance and R |
//! | s | response, s = k + c·y |

use alloc::{vec, vec::Vec};

use curve25519_dalek::{RistrettoPoint, Scalar};

use crate::{
    Reason,
    check::Equation,
    group::{self, ELEMENT_BYTES},
    transcript::Transcript,
};

/// A decoded pair (R, s), with R's bytes as they stood in the proof.
#[derive(Clone)]
#[expect(non_snake_case, reason = "R is the paper's symbol")]
pub struct Schnorr {
    R: RistrettoPoint,
    R_bytes: [u8; ELEMENT_BYTES],
    s: Scalar,
}

#[expect(non_snake_case, reason = "R and Y are the paper's symbols")]
impl Schnorr {
    /// Decodes R ‖ s.
    ///
    /// # Errors
    /// 14 unless there are exactly 64 bytes; 15 or 16 for R; 26 for s; in that order.
    pub(crate) fn parse(proof: &[u8]) -> Result<Self, Reason> {
        let (R_bytes, s_bytes) = proof.split_first_chunk().ok_or(Reason::Malformed)?;
        let s_bytes = <&[u8; ELEMENT_BYTES]>::try_from(s_bytes)
            .ok()
            .ok_or(Reason::Malformed)?;
        Ok(Self {
            R: group::decode_point(R_bytes)?,
            R_bytes: *R_bytes,
            s: group::decode_scalar(s_bytes)?,
        })
    }

    /// s·B − R − c·Y = 0.
    pub(crate) fn equations(
        &self,
        Y: RistrettoPoint,
        transcript: &mut Transcript,
    ) -> Vec<Equation> {
        transcript.absorb(&self.R_bytes);
        let c = transcript.challenge();
        vec![Equation {
            base: self.s,
            terms: vec![(-Scalar::ONE, self.R), (-c, Y)],
        }]
    }
}
