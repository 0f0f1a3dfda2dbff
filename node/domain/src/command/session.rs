//! Agents' sessions, and what is needed for one: locks, certificates, posture, rules.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::ids::{AgentHash, Digest, LoginId, SessionId, Stamp};

/// Who acts at a desktop: never what a message says, always what TLS saw.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Desk {
    /// The tenant's name.
    pub tenant: String,
    /// The agent of the certificate.
    pub agent: AgentHash,
    /// SHA-256 of the certificate.
    pub certificate: Digest,
}

/// See [`Command::OpenSession`](super::Command::OpenSession).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OpenSession {
    /// Who, and with what certificate.
    pub desk: Desk,
    /// The desktop's id for the session.
    pub session: SessionId,
    /// A verified, unused login of the same agent.
    pub login: LoginId,
    /// The version of the tenant's rules that the agent acknowledges; zero: none.
    pub rules_version: u32,
}

/// See [`Command::EndSession`](super::Command::EndSession).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct EndSession {
    /// Who, and with what certificate.
    pub desk: Desk,
    /// Which.
    pub session: SessionId,
}

/// See [`Command::RestoreSession`](super::Command::RestoreSession).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RestoreSession {
    /// Who, and with what certificate.
    pub desk: Desk,
    /// Which: active or suspended.
    pub session: SessionId,
    /// A verified, unused login of the same agent.
    pub login: LoginId,
}

/// See [`Command::LockAgent`](super::Command::LockAgent).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct LockAgent {
    /// The tenant's name.
    pub tenant: String,
    /// Who.
    pub agent: AgentHash,
    /// The tenant's own code.
    pub reason: u16,
}

/// See [`Command::UnlockAgent`](super::Command::UnlockAgent).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct UnlockAgent {
    /// The tenant's name.
    pub tenant: String,
    /// Who.
    pub agent: AgentHash,
    /// SHA-256 of the certificate that serves from now on; zeros: as before.
    pub certificate: Digest,
}

/// See [`Command::RevokeAgentCertificate`](super::Command::RevokeAgentCertificate).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RevokeAgentCertificate {
    /// The tenant's name.
    pub tenant: String,
    /// Whose.
    pub agent: AgentHash,
    /// SHA-256 of the certificate; not zeros.
    pub certificate: Digest,
    /// The tenant's own code.
    pub reason: u16,
}

/// See [`Command::AttestPosture`](super::Command::AttestPosture).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AttestPosture {
    /// The tenant's name.
    pub tenant: String,
    /// Whose machine.
    pub agent: AgentHash,
    /// What holds, one bit each.
    pub bits: u32,
    /// When it was looked at.
    pub attested: Stamp,
    /// Last moment at which it counts.
    pub until: Stamp,
    /// SHA-256 of the issuer's key.
    pub key_id: Digest,
    /// The issuer's signature (`akashi_proof::Posture`).
    pub signature: [u8; 64],
}

/// See [`Command::PublishRules`](super::Command::PublishRules).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PublishRules {
    /// The tenant's name.
    pub tenant: String,
    /// Its version: above the one in force.
    pub version: u32,
    /// SHA-256 of the text; not zeros.
    pub text: Digest,
}
