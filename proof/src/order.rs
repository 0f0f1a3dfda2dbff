//! Orders: the salted hash that a consent approves, and what binds the sealed payload to it.
//!
//! The cluster sees hashes and ciphertext only. The phone computes [`order_hash`] from the order that
//! it displays, never from a hash that it was sent; the processor opens the payload and computes it
//! once more. Sealing itself (RFC 9180 base mode) belongs to the client and to the processor.

use alloc::vec::Vec;

use sha2::{Digest, Sha256};

use crate::{Commitment, Context, Kind, encode};

/// SHA-256("akashi/v1/order" ‖ salt \[32\] ‖ count u16 ‖ commitments \[32\] each ‖ order).
///
/// The salt is random and travels inside the sealed payload, so that nobody can guess an order from
/// its hash. The commitments are those of amounts that the submission speaks of, in the order of its
/// parts: an amount that a range proof compares is the amount that the processor will find.
///
/// More than 65,535 commitments leave the count at that number; no order has so many.
#[must_use]
pub fn order_hash(salt: &[u8; 32], amounts: &[Commitment], order: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"akashi/v1/order");
    hash.update(salt);
    hash.update(
        u16::try_from(amounts.len())
            .unwrap_or(u16::MAX)
            .to_le_bytes(),
    );
    for amount in amounts {
        hash.update(amount.to_bytes());
    }
    hash.update(order);
    hash.finalize().into()
}

/// SHA-256("akashi/v1/sealed" ‖ lv(encapsulated key) ‖ ciphertext): in the consent's instance and in
/// its part of the submission digest, so that the ciphertext cannot be exchanged.
#[must_use]
pub fn sealed_digest(encapsulated_key: &[u8], ciphertext: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"akashi/v1/sealed");
    hash.update(encode::lv_prefix(encapsulated_key));
    hash.update(encapsulated_key);
    hash.update(ciphertext);
    hash.finalize().into()
}

/// SHA-256 of the processor's public key, as the policy names it.
#[must_use]
pub fn recipient_digest(public_key: &[u8]) -> [u8; 32] {
    Sha256::digest(public_key).into()
}

/// The `info` of the sealing: "akashi/v1/consent" ‖ sid of kind 8. The `aad` is the order hash.
#[must_use]
pub fn seal_info(context: &Context) -> Vec<u8> {
    let mut info = Vec::from(b"akashi/v1/consent".as_slice());
    info.extend_from_slice(&context.session_id(Kind::Consent));
    info
}
