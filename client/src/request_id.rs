//! Request ids: what makes repeating a request harmless.
//!
//! One id belongs to one act of the caller. Every attempt of that act carries the same id, and no
//! other act may.

use crate::{clock, entropy, error::Error};

/// A UUID of version 7: the time of the first attempt in milliseconds and 74 random bits.
///
/// # Sources
///
/// RFC 9562 §5.7.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct RequestId([u8; 16]);

impl RequestId {
    /// A new id with this machine's time.
    ///
    /// # Errors
    ///
    /// [`Error::Entropy`] if the operating system has no randomness to give.
    pub fn fresh() -> Result<Self, Error> {
        Ok(Self::from_parts(
            clock::unix_us() / 1_000,
            entropy::random()?,
        ))
    }

    /// The id made of `unix_ms` and `random`; the bits that RFC 9562 fixes are overwritten.
    #[must_use]
    pub fn from_parts(unix_ms: u64, random: [u8; 10]) -> Self {
        let [_, _, t0, t1, t2, t3, t4, t5] = unix_ms.to_be_bytes();
        let [a, b, c, d, e, f, g, h, i, j] = random;
        let version = 0x70 | (a & 0x0f);
        let variant = 0x80 | (c & 0x3f);
        Self([
            t0, t1, t2, t3, t4, t5, version, b, variant, d, e, f, g, h, i, j,
        ])
    }

    /// The sixteen bytes as they travel in `request_id`.
    #[must_use]
    pub fn to_vec(self) -> Vec<u8> {
        self.0.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_9562_is_reproduced() {
        // RFC 9562 appendix A.6: 017F22E2-79B0-7CC3-98C4-DC0C0C07398F
        let id = RequestId::from_parts(
            0x017F_22E2_79B0,
            [0x0C, 0xC3, 0x18, 0xC4, 0xDC, 0x0C, 0x0C, 0x07, 0x39, 0x8F],
        );
        assert_eq!(hex::encode(id.to_vec()), "017f22e279b07cc398c4dc0c0c07398f");
    }

    #[test]
    fn two_fresh_ids_differ() {
        assert_ne!(RequestId::fresh().unwrap(), RequestId::fresh().unwrap());
    }
}
