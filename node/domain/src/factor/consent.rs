//! Consent: the phone approves an order by its hash, and seals what the processor needs (proof kind 8).
//!
//! The sealed payload travels with the proof: u16 little-endian length of the encapsulated key, the key, the
//! ciphertext. The cluster cannot open it and never looks inside.

use akashi_proof::{AnyStatement, Consent, DeviceKey, recipient_digest, sealed_digest};

use crate::policy::ConsentRule;

/// A sealed payload in its two halves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payload<'a> {
    encapsulated_key: &'a [u8],
    ciphertext: &'a [u8],
}

impl<'a> Payload<'a> {
    /// Takes apart what travelled, if the rule has room for it and neither half is empty.
    pub(crate) fn parse(attachment: &'a [u8], rule: &ConsentRule) -> Option<Self> {
        let limit = usize::try_from(rule.max_payload_bytes).ok()?;
        Self::split(attachment).filter(|payload| {
            let bytes = payload
                .encapsulated_key
                .len()
                .checked_add(payload.ciphertext.len());
            bytes.is_some_and(|bytes| bytes <= limit)
                && !payload.encapsulated_key.is_empty()
                && !payload.ciphertext.is_empty()
        })
    }

    fn split(attachment: &'a [u8]) -> Option<Self> {
        let (length, rest) = attachment.split_first_chunk()?;
        let length = usize::from(u16::from_le_bytes(*length));
        let (encapsulated_key, ciphertext) = rest.split_at_checked(length)?;
        Some(Self {
            encapsulated_key,
            ciphertext,
        })
    }

    /// What the consent and the submission digest say of it.
    pub(crate) fn digest(&self) -> [u8; 32] {
        sealed_digest(self.encapsulated_key, self.ciphertext)
    }
}

/// Digest of a sealed payload as it travels; zeros for bytes that are none.
pub(super) fn sealed(attachment: &[u8]) -> [u8; 32] {
    Payload::split(attachment).map_or([0; 32], |payload| payload.digest())
}

/// The statement that the holder of `key` approves the order.
pub(super) fn statement(
    key: DeviceKey,
    (order_hash, recipient): ([u8; 32], &[u8; 32]),
    sealed_digest: [u8; 32],
    submission_digest: [u8; 32],
) -> AnyStatement {
    Consent {
        key,
        order_hash,
        sealed_digest,
        recipient_digest: recipient_digest(recipient),
        submission_digest,
    }
    .into()
}
