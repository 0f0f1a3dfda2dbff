//! Sums of commitments to amounts: what many orders cost together, without any one of them.
//!
//! | symbol | meaning |
//! |---|---|
//! | `C_i = v_i·B + r_i·H` | the commitment to the amount of order i |
//! | S = Σ `C_i` | their sum; of none of them, the identity |
//! | T = Σ `v_i`, R = Σ `r_i` mod ℓ | what opens S |
//!
//! Addition needs no secret, so everybody who has the commitments has S. Whoever has every opening can
//! open S, and nobody can open it to two totals (`docs/specification.md` §12.1).

use core::fmt;

use curve25519_dalek::{
    RistrettoPoint, Scalar,
    traits::{Identity, IsIdentity, VartimeMultiscalarMul},
};

use crate::{
    Commitment, Reason,
    generators::Generators,
    group::{self, B, ELEMENT_BYTES},
};

/// S: the sum of commitments. Unlike a [`Commitment`] it may be the identity: the sum of none.
#[derive(Clone, Copy)]
pub struct CommitmentSum {
    encoding: [u8; ELEMENT_BYTES],
    point: RistrettoPoint,
}

impl CommitmentSum {
    /// The sum of no commitments; 32 zero bytes.
    #[must_use]
    pub fn empty() -> Self {
        Self::of_point(RistrettoPoint::identity())
    }

    /// Reads a sum from its 32 bytes (RFC 9496 §4.3.1); zeros are the empty sum.
    ///
    /// # Errors
    /// [`Reason::NonCanonicalPoint`].
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, Reason> {
        let point = group::decode_sum(bytes)?;
        Ok(Self {
            encoding: *bytes,
            point,
        })
    }

    /// The canonical encoding.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 32] {
        self.encoding
    }

    /// S + C.
    #[must_use]
    pub fn plus(&self, commitment: &Commitment) -> Self {
        Self::of_point(self.point + commitment.element().point())
    }

    /// S − E: what came after `earlier`, where that is an earlier value of the same running sum.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self::of_point(self.point - earlier.point)
    }

    /// Whether S = total·B + blinding·H. Variable time: all of it is public.
    ///
    /// A blinding that is not below ℓ opens nothing, so that an opening has one encoding.
    #[must_use]
    pub fn opens_to(&self, total: u64, blinding: &[u8; 32]) -> bool {
        let Ok(blinding) = group::decode_scalar(blinding) else {
            return false;
        };
        let points = [B, self.point];
        let points = points.iter().chain(Generators::get().blinding());
        let scalars = [Scalar::from(total), -Scalar::ONE, blinding];
        RistrettoPoint::vartime_multiscalar_mul(scalars, points).is_identity()
    }

    fn of_point(point: RistrettoPoint) -> Self {
        Self {
            encoding: point.compress().to_bytes(),
            point,
        }
    }
}

impl Default for CommitmentSum {
    fn default() -> Self {
        Self::empty()
    }
}

impl PartialEq for CommitmentSum {
    fn eq(&self, other: &Self) -> bool {
        self.encoding == other.encoding
    }
}

impl Eq for CommitmentSum {}

impl fmt::Debug for CommitmentSum {
    /// Prints the first four bytes, as for a commitment.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CommitmentSum(")?;
        for byte in self.encoding.iter().take(4) {
            write!(f, "{byte:02x}")?;
        }
        f.write_str("..)")
    }
}
