//! The one place where this crate asks the operating system for random bytes.
//!
//! Never seeds anything from the clock, and never goes on without randomness: the caller gets an
//! error.

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroize as _;

use crate::error::Error;

/// Fresh random bytes from the operating system.
///
/// # Errors
///
/// [`Error::Entropy`] if the operating system has none to give.
pub fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes).map_err(|source| Error::Entropy { source })?;
    Ok(bytes)
}

/// Randomness for one proof: 32 bytes drawn beforehand, so that nothing can fail in the middle, and
/// stretched by SHA-256 over seed and counter.
pub struct ProofRandom {
    seed: [u8; 32],
    counter: u64,
}

impl ProofRandom {
    /// Draws the seed.
    ///
    /// # Errors
    ///
    /// [`Error::Entropy`] if the operating system has none to give.
    pub fn draw() -> Result<Self, Error> {
        Ok(Self {
            seed: random()?,
            counter: 0,
        })
    }

    fn block(&mut self) -> [u8; 32] {
        let hash = Sha256::new()
            .chain_update(self.seed)
            .chain_update(self.counter.to_le_bytes());
        self.counter = self.counter.wrapping_add(1);
        hash.finalize().into()
    }
}

impl Drop for ProofRandom {
    fn drop(&mut self) {
        self.seed.zeroize();
    }
}

impl TryRng for ProofRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let [a, b, c, d, ..] = self.block();
        Ok(u32::from_le_bytes([a, b, c, d]))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let [a, b, c, d, e, f, g, h, ..] = self.block();
        Ok(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
    }

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), Infallible> {
        for chunk in destination.chunks_mut(32) {
            let block = self.block();
            for (to, from) in chunk.iter_mut().zip(block) {
                *to = from;
            }
        }
        Ok(())
    }
}

impl TryCryptoRng for ProofRandom {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_never_repeats_a_block() {
        let mut stream = ProofRandom::draw().unwrap();
        let mut bytes = [0_u8; 96];
        let Ok(()) = stream.try_fill_bytes(&mut bytes);
        assert_ne!(bytes[..32], bytes[32..64]);
        assert_ne!(bytes[32..64], bytes[64..]);
    }
}
