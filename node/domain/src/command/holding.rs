//! What a subject holds besides a device: credentials and a template.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::ids::{EnrolmentId, Serial, SubjectHash};

/// See [`Command::RegisterCredential`](super::Command::RegisterCredential).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RegisterCredential {
    /// The tenant's name.
    pub tenant: String,
    /// The invitation.
    pub enrolment: EnrolmentId,
    /// The invitation's token.
    pub token: [u8; 32],
    /// The proof suite.
    pub suite: u8,
    /// The credential's body.
    pub body: Vec<u8>,
    /// The issuer's signature.
    pub signature: [u8; 64],
    /// Possession of the enrolled device, under purpose ENROL, with no other part.
    pub possession: Vec<u8>,
}

/// See [`Command::EnrolTemplate`](super::Command::EnrolTemplate).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct EnrolTemplate {
    /// The tenant's name.
    pub tenant: String,
    /// The invitation.
    pub enrolment: EnrolmentId,
    /// The invitation's token.
    pub token: [u8; 32],
    /// The proof suite.
    pub suite: u8,
    /// The signed fields of the capture.
    pub capture: Vec<u8>,
    /// The sensor's signature.
    pub signature: [u8; 64],
    /// Possession of the enrolled device, under purpose ENROL, with no other part.
    pub possession: Vec<u8>,
}

/// See [`Command::RevokeCredential`](super::Command::RevokeCredential).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RevokeCredential {
    /// The tenant's name.
    pub tenant: String,
    /// Whose.
    pub subject: SubjectHash,
    /// Which.
    pub serial: Serial,
    /// The tenant's own code.
    pub reason: u16,
}

/// See [`Command::RevokeTemplate`](super::Command::RevokeTemplate).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RevokeTemplate {
    /// The tenant's name.
    pub tenant: String,
    /// Whose.
    pub subject: SubjectHash,
    /// The tenant's own code.
    pub reason: u16,
}
