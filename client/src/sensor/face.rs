//! Synthetic faces: a name becomes a vector of small numbers, and a capture of it a vector nearby.
//!
//! No picture, no model, no person. Two names are far apart, two captures of one name are close.

use std::fmt;

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// Largest difference that noise makes in one entry; the squared distance of two captures of one face
/// is at most this squared, times the number of entries.
const NOISE_MAX: i8 = 2;

/// A face that a software sensor can see.
#[derive(Clone)]
pub struct Face(Zeroizing<[u8; 32]>);

impl fmt::Debug for Face {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Face([redacted])")
    }
}

impl Face {
    /// The face with this name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"akashi/synthetic-face\0");
        hash.update(name.as_bytes());
        Self(Zeroizing::new(hash.finalize().into()))
    }

    /// Its template: `dimensions` numbers from −120 to 120.
    pub(super) fn template(&self, dimensions: u16) -> Zeroizing<Vec<i8>> {
        let entries = Stream::of(&self.0).take(usize::from(dimensions));
        // Clamped so that noise never runs over.
        Zeroizing::new(
            entries
                .map(|byte| byte.cast_signed().clamp(-120, 120))
                .collect(),
        )
    }

    /// A capture of it: the template with noise of at most [`NOISE_MAX`] in each entry.
    pub(super) fn probe(&self, dimensions: u16, noise: &[u8; 32]) -> Zeroizing<Vec<i8>> {
        let width = NOISE_MAX.unsigned_abs() * 2 + 1;
        let mut probe = self.template(dimensions);
        for (entry, byte) in probe.iter_mut().zip(Stream::of(noise)) {
            *entry = entry.saturating_add((byte % width).cast_signed() - NOISE_MAX);
        }
        probe
    }
}

/// SHA-256 over seed and counter, byte by byte.
struct Stream<'a> {
    seed: &'a [u8; 32],
    counter: u64,
    block: [u8; 32],
    used: usize,
}

impl<'a> Stream<'a> {
    const fn of(seed: &'a [u8; 32]) -> Self {
        Self {
            seed,
            counter: 0,
            block: [0; 32],
            used: 32,
        }
    }
}

impl Drop for Stream<'_> {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.block);
    }
}

impl Iterator for Stream<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        if self.used == self.block.len() {
            let hash = Sha256::new()
                .chain_update(self.seed)
                .chain_update(self.counter.to_le_bytes());
            self.block = hash.finalize().into();
            self.counter = self.counter.wrapping_add(1);
            self.used = 0;
        }
        let byte = self.block.get(self.used).copied();
        self.used += 1;
        byte
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(one: &[i8], two: &[i8]) -> i32 {
        let pairs = one.iter().zip(two);
        pairs
            .map(|(a, b)| (i32::from(*a) - i32::from(*b)).pow(2))
            .sum()
    }

    #[test]
    fn captures_of_one_face_are_close_and_faces_are_far_apart() {
        for dimensions in [128, 256, 512] {
            let template = Face::named("taro").template(dimensions);
            assert_eq!(template.len(), usize::from(dimensions));
            let bound = i32::from(dimensions) * i32::from(NOISE_MAX).pow(2);
            for noise in 0..20 {
                let probe = Face::named("taro").probe(dimensions, &[noise; 32]);
                assert!(distance(&template, &probe) <= bound);
            }
            let other = Face::named("hanako").template(dimensions);
            assert!(distance(&template, &other) > 100 * bound);
        }
    }

    #[test]
    fn a_face_does_not_print_itself() {
        assert_eq!(format!("{:?}", Face::named("taro")), "Face([redacted])");
    }
}
