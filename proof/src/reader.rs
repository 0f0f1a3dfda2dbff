//! Reads a proof's elements from left to right and stops at the first bad one.
//!
//! The length is compared first, with the one that the statement asks for; nothing is ever read from
//! a proof that says how long the rest of it is.

use curve25519_dalek::Scalar;

use crate::{
    Reason,
    group::{self, ELEMENT_BYTES},
    key::PublicElement,
};

/// What is left of a proof.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Opens a proof that must have exactly `elements` elements of 32 bytes.
    ///
    /// # Errors
    /// 14 for any other length.
    pub(crate) const fn open(proof: &'a [u8], elements: usize) -> Result<Self, Reason> {
        if proof.len() == elements * ELEMENT_BYTES {
            Ok(Self { rest: proof })
        } else {
            Err(Reason::Malformed)
        }
    }

    /// The next 32 bytes as a group element.
    ///
    /// # Errors
    /// 15, then 16; 14 at the end of the proof.
    pub(crate) fn point(&mut self) -> Result<PublicElement, Reason> {
        PublicElement::from_bytes(self.take()?)
    }

    /// The next 32 bytes as a scalar.
    ///
    /// # Errors
    /// 26; 14 at the end of the proof.
    pub(crate) fn scalar(&mut self) -> Result<Scalar, Reason> {
        group::decode_scalar(self.take()?)
    }

    fn take(&mut self) -> Result<&'a [u8; ELEMENT_BYTES], Reason> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Reason::Malformed)?;
        self.rest = rest;
        Ok(taken)
    }
}
