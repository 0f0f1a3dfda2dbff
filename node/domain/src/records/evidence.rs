//! Evidence: everything a verifier looked at, as `docs/evidence.md` lays it out.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::ids::Serial;

/// What an outsider needs to check one submission again, years later.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Evidence {
    /// The full context that the proofs are bound to.
    pub context: Vec<u8>,
    /// One record per part, in the order sent.
    pub factors: Vec<EvidenceFactor>,
}

/// One part of an evidence record.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct EvidenceFactor {
    /// The proof kind.
    pub kind: u8,
    /// As sent.
    pub slot: u8,
    /// As sent.
    pub serial: Serial,
    /// As sent.
    pub second_serial: Serial,
    /// As sent.
    pub attribute: u16,
    /// The statement's instance bytes; empty if state checks left no statement, and for K′.
    pub instance: Vec<u8>,
    /// The proof; empty for K′, since proof and K′ test PINs.
    pub proof: Vec<u8>,
    /// What the statement rests on. Predicates: the credentials' digests. Kind 2, slot 1: SHA-256 of the
    /// proof, SHA-256 of K′. Kind 7: the attachment as sent, then the message that the sensor signed, if
    /// state could make one. Kind 8: the sealed digest. Empty otherwise.
    pub attachment: Vec<u8>,
    /// Whether it was evaluated, and held.
    pub held: Option<bool>,
    /// The salt of this part's commitment.
    pub salt: [u8; 32],
}
