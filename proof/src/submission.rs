//! The digest that ties the parts of one submission together.
//!
//! A possession proof covers this digest, so nobody can take a possession proof out of one
//! submission and send it with other parts: without it, a bystander could attach a garbage PIN
//! proof to a seen possession proof and lock the customer out.

use alloc::vec::Vec;

use sha2::{Digest, Sha256};

use crate::Kind;

/// First bytes of every submission digest.
const LABEL: &[u8] = b"akashi/v1/submission";

/// One part of a submission other than the possession proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// What the part proves.
    pub kind: Kind,
    /// The place in the policy that the part fills, counted from 0.
    pub slot: u8,
    /// Serial number of the credential that the part speaks of; zeros where there is none.
    pub credential_serial: [u8; 16],
    /// Index of the attribute within that credential; zero where there is none.
    pub attribute_index: u16,
    /// The bytes of the proof, as sent.
    pub proof: &'a [u8],
    /// Digest of what travels with the part (`docs/specification.md` §5): a sealed payload, a sensor's
    /// message and signature, a new K; zeros where there is nothing.
    pub sealed_digest: [u8; 32],
}

impl<'a> Part<'a> {
    /// A part without credential and without payload, such as a knowledge proof.
    #[must_use]
    pub const fn plain(kind: Kind, slot: u8, proof: &'a [u8]) -> Self {
        Self {
            kind,
            slot,
            credential_serial: [0; 16],
            attribute_index: 0,
            proof,
            sealed_digest: [0; 32],
        }
    }
}

/// The digest over every part but possession, in the order in which they are sent.
///
/// SHA-256("akashi/v1/submission" ‖ count u16 ‖ per part: kind u8 ‖ slot u8 ‖ credential serial
/// \[16\] ‖ attribute index u16 ‖ SHA-256(proof) \[32\] ‖ `sealed_digest` \[32\]). A submission of
/// possession alone has count 0.
///
/// Both sides compute it from the parts as sent, also when a part is malformed. Parts beyond 65,535
/// leave the count at that number; the fixed size of a part's record keeps the encoding
/// unambiguous.
#[must_use]
pub fn submission_digest(parts: &[Part<'_>]) -> [u8; 32] {
    let mut bytes = Vec::with_capacity(LABEL.len() + 2 + parts.len() * RECORD_BYTES);
    bytes.extend_from_slice(LABEL);
    bytes.extend_from_slice(&u16::try_from(parts.len()).unwrap_or(u16::MAX).to_le_bytes());
    for part in parts {
        let Part {
            kind,
            slot,
            credential_serial,
            attribute_index,
            proof,
            sealed_digest,
        } = part;
        bytes.push(kind.code());
        bytes.push(*slot);
        bytes.extend_from_slice(credential_serial);
        bytes.extend_from_slice(&attribute_index.to_le_bytes());
        bytes.extend_from_slice(&Sha256::digest(proof));
        bytes.extend_from_slice(sealed_digest);
    }
    Sha256::digest(&bytes).into()
}

/// Bytes of one part's record.
const RECORD_BYTES: usize = 1 + 1 + 16 + 2 + 32 + 32;
